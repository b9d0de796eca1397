import ArgumentParser
import Glibc

/// Asks a running server whether it is well: the health check of an image that has neither curl nor a shell.
struct HealthcheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "healthcheck",
    abstract: "Asks a running server whether it is well: exits with 0 if so, else with 1 and the reason.")

  @Option(
    help: ArgumentHelp(
      "What to ask: http://host[:port][/path], or unix:/path/of/a/socket. "
        + "Default: /healthz of ANNEAL_HOST and ANNEAL_PORT, which are 127.0.0.1 and 8080 where not set.",
      valueName: "url"))
  var url: String?

  @Option(help: ArgumentHelp("How long the answer may take.", valueName: "seconds"))
  var timeout = 3.0

  func validate() throws {
    // poll counts milliseconds in 32 bits.
    guard timeout > 0, timeout <= 3600 else { throw ValidationError("--timeout must be above 0 and at most 3600") }
  }

  func run() throws {
    do {
      let target = try url.map(HealthTarget.init(url:)) ?? HealthTarget(environment: Self.variable)
      let status = try HealthProbe(deadline: .now + .seconds(timeout)).status(of: target)
      if status != 200 { throw HealthFailure("\(target) answered \(status)") }
    } catch {
      try? StandardStream.write("anneal healthcheck: \(error)\n".utf8, to: StandardStream.error)
      throw ExitCode(1)
    }
  }

  /// The value of an environment variable; nil where it is not set or empty.
  private static func variable(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }
}

/// Why a server does not count as well, in words for an operator.
private struct HealthFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  /// A system call that failed, with what the system says about it.
  init(_ call: String, code: Int32) { description = "\(call): \(String(cString: strerror(code)))" }
}

/// Where a server listens, and what to ask it for.
private struct HealthTarget: CustomStringConvertible {
  enum Place {
    /// A name or an address (IPv6 without brackets), and a port.
    case network(host: String, port: UInt16)
    /// The path of a Unix socket.
    case file(String)
  }

  let place: Place
  let path: String

  private init(host: String, port: UInt16, path: String = "/healthz") {
    // A server that listens everywhere is asked where nobody else can be.
    let everywhere = ["0.0.0.0": "127.0.0.1", "::": "::1"]
    place = .network(host: everywhere[host] ?? host, port: port)
    self.path = path
  }

  private init(file: String) throws(HealthFailure) {
    // One octet of the 108 stays 0 for the end.
    guard (1...107).contains(file.utf8.count), !file.utf8.contains(0) else {
      throw HealthFailure("the path of a Unix socket has 1 to 107 octets")
    }
    place = .file(file)
    path = "/healthz"
  }

  init(url: String) throws(HealthFailure) {
    if let file = url.after(prefix: "unix:") {
      try self.init(file: String(file))
      return
    }
    // What stands in a request's head must not end its line.
    guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw HealthFailure("the URL holds a space or another character that no URL has")
    }
    if url.hasPrefix("https://") {
      throw HealthFailure("https is not spoken here: serve on a Unix socket too, which stays plain, and ask unix:/path")
    }
    guard let rest = url.after(prefix: "http://") else {
      throw HealthFailure("'\(url)' is neither http://host[:port][/path] nor unix:/path/of/a/socket")
    }
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let path = rest[authority.endIndex...].prefix { $0 != "#" }
    var host = authority
    var port: Substring?
    // The colons of an IPv6 address stand in brackets.
    if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
      host = authority[..<end].dropFirst()
      let tail = authority[end...].dropFirst()
      if !tail.isEmpty { port = tail.after(prefix: ":") ?? "?" }
    } else if let colon = authority.firstIndex(of: ":") {
      host = authority[..<colon]
      port = authority[colon...].dropFirst()
    }
    if host.isEmpty || host.contains("@") { throw HealthFailure("'\(url)' names no host") }
    self.init(
      host: String(host),
      port: try port.map { text throws(HealthFailure) in try Self.port(text, of: "'\(url)'") } ?? 80,
      path: path.isEmpty ? "/healthz" : path.hasPrefix("?") ? "/\(path)" : String(path))
  }

  /// - Parameter environment: the value of a variable, nil where it is not set.
  init(environment: (String) -> String?) throws(HealthFailure) {
    let host = environment("ANNEAL_HOST") ?? "127.0.0.1"
    if host.hasPrefix("unix:") {
      try self.init(url: host)
      return
    }
    let port = try environment("ANNEAL_PORT").map { text throws(HealthFailure) in
      try Self.port(text[...], of: "ANNEAL_PORT")
    }
    self.init(host: host, port: port ?? 8080)
  }

  private static func port(_ text: Substring, of name: String) throws(HealthFailure) -> UInt16 {
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(text), port > 0 else {
      throw HealthFailure("the port of \(name) is no number from 1 to 65535")
    }
    return port
  }

  /// The value of the Host field.
  var authority: String {
    switch place {
    case .network(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .file: "localhost"
    }
  }

  var description: String {
    switch place {
    case .network: "http://\(authority)\(path)"
    case .file(let file): "unix:\(file)"
    }
  }
}

extension StringProtocol {
  /// What follows the prefix; nil where the text begins otherwise.
  fileprivate func after(prefix: String) -> SubSequence? { hasPrefix(prefix) ? dropFirst(prefix.count) : nil }
}

/// One GET over a socket of its own. Foundation's URLSession would make the program several times as large.
private struct HealthProbe {
  let deadline: ContinuousClock.Instant

  /// - Returns: the status code of the answer.
  func status(of target: HealthTarget) throws(HealthFailure) -> Int {
    let descriptor = try connect(to: target)
    defer { close(descriptor) }
    let request = """
      GET \(target.path) HTTP/1.1\r
      Host: \(target.authority)\r
      User-Agent: anneal-healthcheck\r
      Connection: close\r
      \r

      """
    try send(Array(request.utf8), over: descriptor, to: target)
    // "HTTP/1.1 200"; what follows it does not matter.
    var answer: [UInt8] = []
    while answer.count < 12 {
      var buffer = [UInt8](repeating: 0, count: 1024)
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0 {
        try wait(descriptor, for: POLLIN, after: "recv", from: target)
        continue
      }
      if count == 0 { throw HealthFailure("\(target) closed the connection without an answer") }
      answer += buffer[..<count]
    }
    let line = String(decoding: answer.prefix(12), as: UTF8.self)
    guard line.hasPrefix("HTTP/1."), let status = line.split(separator: " ").last.flatMap({ Int($0) }),
      (100...999).contains(status)
    else { throw HealthFailure("\(target) does not speak HTTP") }
    return status
  }

  private func connect(to target: HealthTarget) throws(HealthFailure) -> Int32 {
    switch target.place {
    case .file(let file):
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: file.utf8) }
      return try withUnsafeBytes(of: &address) { bytes throws(HealthFailure) in
        try connect(
          AF_UNIX, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count), to: target)
      }
    case .network(let host, let port):
      var hints = addrinfo()
      hints.ai_flags = AI_NUMERICSERV
      hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
      var list: UnsafeMutablePointer<addrinfo>?
      let status = getaddrinfo(host, String(port), &hints, &list)
      guard status == 0, list != nil else {
        throw HealthFailure("\(target): \(String(cString: gai_strerror(status)))")
      }
      defer { freeaddrinfo(list) }
      // A name may stand for ::1 and 127.0.0.1, and the server listen at one of them.
      var failure = HealthFailure("\(target): no address")
      var next = list
      while let address = next {
        do {
          let (family, length) = (address.pointee.ai_family, address.pointee.ai_addrlen)
          return try connect(family, address.pointee.ai_addr, length, to: target)
        } catch {
          failure = error
        }
        next = address.pointee.ai_next
      }
      throw failure
    }
  }

  /// - Returns: a connected socket that never blocks.
  private func connect(
    _ family: Int32, _ address: UnsafePointer<sockaddr>?, _ length: socklen_t, to target: HealthTarget
  ) throws(HealthFailure) -> Int32 {
    let flags = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(family, flags, 0)
    if descriptor < 0 { throw HealthFailure("socket", code: errno) }
    do throws(HealthFailure) {
      if Glibc.connect(descriptor, address, length) != 0 {
        if errno != EINPROGRESS { throw HealthFailure("\(target)", code: errno) }
        errno = EAGAIN
        try wait(descriptor, for: POLLOUT, after: "connect", from: target)
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        if getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) != 0 { code = errno }
        if code != 0 { throw HealthFailure("\(target)", code: code) }
      }
      return descriptor
    } catch {
      close(descriptor)
      throw error
    }
  }

  private func send(_ bytes: [UInt8], over descriptor: Int32, to target: HealthTarget) throws(HealthFailure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else {
        try wait(descriptor, for: POLLOUT, after: "send", from: target)
      }
    }
  }

  /// Waits until a call that has just failed with EAGAIN can be tried again.
  private func wait(
    _ descriptor: Int32, for events: Int32, after call: String, from target: HealthTarget
  ) throws(HealthFailure) {
    if errno == EINTR { return }
    if errno != EAGAIN { throw HealthFailure("\(target): \(call)", code: errno) }
    let left = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
    // Rounded up, so that the last wait does not become a busy one.
    var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    if left <= 0 || poll(&request, 1, Int32(min(left.rounded(.up), 3_600_000))) == 0 {
      throw HealthFailure("\(target) did not answer in time")
    }
  }
}
