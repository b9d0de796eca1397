import Foundation
import HTTPServer
import Service
import Testing

/// `anneal healthcheck`, the program itself, as a container's engine runs it.
@Suite struct HealthcheckTests {
  /// A socket that listens and answers what the test says.
  private struct Listener: ~Copyable {
    let descriptor: Int32
    let port: UInt16

    init() throws {
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      // A program that never comes fails the test instead of holding it up.
      var patience = timeval(tv_sec: 20, tv_usec: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      let status = withUnsafeMutableBytes(of: &address) { [descriptor] bytes in
        let pointer = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
        var length = socklen_t(bytes.count)
        return bind(descriptor, pointer, length) | listen(descriptor, 4) | getsockname(descriptor, pointer, &length)
      }
      port = UInt16(bigEndian: address.sin_port)
      if status != 0 { throw Client.Failure() }
    }

    /// Takes one connection, reads the request's head, sends the answer and closes.
    /// - Returns: the head.
    func serveOne(_ answer: String) -> String {
      let connection = accept(descriptor, nil, nil)
      if connection < 0 { return "" }
      defer { close(connection) }
      var head = ""
      while !head.hasSuffix("\r\n\r\n") {
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = recv(connection, &buffer, buffer.count, 0)
        if count <= 0 { break }
        head += String(decoding: buffer[..<count], as: UTF8.self)
      }
      _ = Array(answer.utf8).withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      return head
    }

    deinit { close(descriptor) }
  }

  /// The program while it runs; it stands beside the tests in the folder of the build.
  private struct Check {
    private let process = Process()
    private let errors = Pipe()

    init(_ arguments: String..., environment: [String: String] = [:]) throws {
      let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      process.executableURL = URL(filePath: tests).deletingLastPathComponent().appending(path: "anneal")
      process.arguments = ["healthcheck"] + arguments
      process.environment = environment
      process.standardError = errors
      process.standardInput = FileHandle.nullDevice
      try process.run()
    }

    /// Waits for its end.
    func result() -> (status: Int32, errors: String) {
      let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      return (process.terminationStatus, text)
    }
  }

  /// That the check ends with 1 and one line on standard error, which holds `reason`.
  private func expectFailure(_ check: Check, _ reason: String? = nil) {
    let (status, errors) = check.result()
    #expect(status == 1)
    if let reason { #expect(errors.contains(reason), "\(errors)") }
    #expect(errors.hasPrefix("anneal healthcheck: ") && errors.hasSuffix("\n"))
    #expect(errors.count { $0 == "\n" } == 1)
  }

  @Test func aRunningServerIsWellByURLAndByEnvironment() throws {
    let server = HTTPServer(host: "127.0.0.1", port: 0, handler: Service())
    let port = try #require(server.start().first?.port)
    defer {
      server.stop(within: 0)
      server.wait()
    }
    let checks = [
      try Check("--url", "http://127.0.0.1:\(port)/healthz"), try Check("--url", "http://localhost:\(port)"),
      try Check(environment: ["ANNEAL_PORT": "\(port)"]),
      try Check(environment: ["ANNEAL_PORT": "\(port)", "ANNEAL_HOST": "0.0.0.0"]),
    ]
    for check in checks {
      let (status, errors) = check.result()
      #expect(status == 0 && errors.isEmpty, "\(errors)")
    }
    expectFailure(try Check("--url", "http://127.0.0.1:\(port)/nowhere"), "answered 404")
  }

  @Test func aServerThatHasEndedIsNotWell() throws {
    let server = HTTPServer(host: "127.0.0.1", port: 0, handler: Service())
    let port = try #require(server.start().first?.port)
    server.stop(within: 0)
    server.wait()
    expectFailure(try Check(environment: ["ANNEAL_PORT": "\(port)"]), "Connection refused")
  }

  @Test func theRequestIsPlainAndAnyOtherStatusIsAFailure() throws {
    let listener = try Listener()
    let well = try Check("--url", "http://127.0.0.1:\(listener.port)/livez?verbose#part")
    let head = listener.serveOne("HTTP/1.0 200 OK\r\n\r\n")
    #expect(well.result().status == 0)
    #expect(head.hasPrefix("GET /livez?verbose HTTP/1.1\r\nHost: 127.0.0.1:\(listener.port)\r\n"))
    for (answer, reason) in [
      ("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "answered 503"),
      ("HTTP/1.1 204 No Content\r\n\r\n", "answered 204"), ("SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP"),
      ("HTTP/1.1 +20 OK\r\n\r\n", "does not speak HTTP"), ("HTTP/1.1 2", "without an answer"),
      ("", "without an answer"),
    ] {
      let check = try Check("--url", "http://127.0.0.1:\(listener.port)")
      _ = listener.serveOne(answer)
      expectFailure(check, reason)
    }
  }

  @Test func aUnixSocketIsAskedToo() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "anneal-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "socket").path
    expectFailure(try Check("--url", "unix:\(path)"), "No such file or directory")
    let server = try HTTPServer(addresses: [.unix(path: path)], handler: Service())
    _ = try server.start()
    let checks = [try Check("--url", "unix:\(path)"), try Check(environment: ["ANNEAL_HOST": "unix:\(path)"])]
    for check in checks {
      let (status, errors) = check.result()
      #expect(status == 0 && errors.isEmpty, "\(errors)")
    }
    server.stop(within: 0)
    server.wait()
    expectFailure(try Check("--url", "unix:/\(String(repeating: "a", count: 107))"), "1 to 107 octets")
  }

  @Test func aServerThatDoesNotAnswerIsGivenUp() throws {
    // The kernel takes the connection, and nobody ever serves it.
    let listener = try Listener()
    expectFailure(
      try Check("--url", "http://127.0.0.1:\(listener.port)", "--timeout", "0.05"), "did not answer in time")
  }

  @Test(arguments: [
    "https://localhost/", "localhost:8080", "http://", "http://:8080", "http://a@b/", "http://localhost:0/",
    "http://localhost:65536/", "http://localhost:+80/", "http://[::1]8080/", "http://localhost/a b",
    "http://localhost/\r\nX: y", "unix:",
  ])
  func aURLThatIsNoneIsRefused(url: String) throws { expectFailure(try Check("--url", url)) }

  @Test func aPortOfTheEnvironmentThatIsNoneIsRefused() throws {
    for port in ["0", "65536", "http", "-1"] {
      expectFailure(try Check(environment: ["ANNEAL_PORT": port]), "ANNEAL_PORT")
    }
  }
}
