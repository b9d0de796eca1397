import ArgumentParser
import HTTPServer
import JSON
import Logging
import Settings
import Testing

@testable import anneal

/// The program as `anneal serve` puts it together, behind real sockets.
@Suite struct OperationsTests {
  private struct Running: ~Copyable {
    let service: RunningService
    let port: UInt16

    /// - Parameter arguments: of `anneal serve`.
    init(_ arguments: [String] = [], _ environment: [String: String] = [:]) throws {
      let service = try OperationsTests.service(arguments, environment)
      port = try #require(service.server.start().first?.port)
      self.service = service
    }

    deinit {
      service.server.stop(within: 0)
      service.server.wait()
    }
  }

  private static func service(_ arguments: [String], _ environment: [String: String]) throws -> RunningService {
    let command = try Anneal.parseAsRoot(["serve", "--port", "0", "--data", ":memory:"] + arguments) as? Serve
    let configuration = try #require(command).settings(environment).root
    return try RunningService(configuration, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  private func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n" }

  private func post(_ content: String) -> String {
    "POST /schedule HTTP/1.1\r\nHost: a\r\nContent-Length: \(content.utf8.count)\r\n\r\n\(content)"
  }

  private static let constant = #"{"schedule":{"type":"constant","base_lr":0.5},"steps":3}"#

  @Test func whileTheServerDrainsItAnswersAndSaysThatItIsNotReady() throws {
    let running = try Running(["--drain-delay", "3600"])
    let client = try Client(port: running.port)
    client.send(get("/readyz"))
    #expect(try client.response().status == 200)
    running.service.shutdown.begin("SIGTERM")
    for client in [client, try Client(port: running.port)] {
      client.send(get("/readyz"))
      let (status, head, _) = try client.response()
      #expect(status == 503)
      #expect(head.contains("\r\nRetry-After: 10") && head.contains("application/problem+json"))
      client.send(get("/healthz") + post(Self.constant))
      #expect(try client.response().status == 200)
      #expect(try client.response().status == 200)
    }
    running.service.shutdown.begin("SIGTERM")
    running.service.server.wait()
    #expect(throws: Client.Failure.self) { try Client(port: running.port) }
  }

  @Test func withoutADelayTheFirstSignalEndsTheServer() throws {
    let running = try Running()
    let client = try Client(port: running.port)
    client.send(get("/healthz"))
    #expect(try client.response().status == 200)
    running.service.shutdown.begin("SIGINT")
    #expect(try client.rest().isEmpty)
    running.service.server.wait()
  }

  @Test func aSignalThatComesBeforeTheStartEndsTheServerAllTheSame() throws {
    let service = try Self.service([], [:])
    service.shutdown.begin("SIGTERM")
    _ = try service.server.start()
    service.shutdown.serverHasStarted()
    service.server.wait()
  }

  @Test func theMetricsTellOfTheServersOwnConnections() throws {
    let running = try Running()
    let other = try Client(port: running.port)
    other.send(post(Self.constant))
    #expect(try other.response().status == 200)
    let client = try Client(port: running.port)
    client.send(get("/metrics"))
    let (status, head, body) = try client.response()
    #expect(status == 200)
    #expect(head.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8"))
    let lines = String(decoding: body, as: UTF8.self).split(separator: "\n")
    #expect(lines.contains("anneal_http_connections 2"))
    #expect(lines.contains("anneal_http_connections_accepted_total 2"))
    #expect(lines.contains("anneal_http_requests_in_flight 1"))
    #expect(lines.contains("anneal_build_info{version=\"\(Anneal.version)\"} 1"))
    let count = "anneal_http_request_duration_seconds_count{route=\"/schedule\",method=\"POST\",status=\"200\"} 1"
    #expect(lines.contains { $0 == count })
  }

  @Test func whatIsSetByFlagAndByVariableHoldsOnTheWire() throws {
    for (arguments, environment) in [
      (["--max-content", "20", "--max-request-line", "64", "--max-field-count", "4", "--max-fields", "256"], [:]),
      (
        [],
        [
          "ANNEAL_MAX_CONTENT": "20", "ANNEAL_MAX_REQUEST_LINE": "64", "ANNEAL_MAX_FIELD_COUNT": "4",
          "ANNEAL_MAX_FIELDS": "256",
        ]
      ),
    ] as [([String], [String: String])] {
      let running = try Running(arguments, environment)
      let fields = (1...4).map { "X-\($0): a\r\n" }.joined()
      for (request, status) in [
        (post(Self.constant), 413), (get("/" + String(repeating: "a", count: 64)), 414),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\n\(fields)\r\n", 431),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 256))\r\n\r\n", 431),
        (get("/healthz"), 200),
      ] {
        let client = try Client(port: running.port)
        client.send(request)
        #expect(try client.response().status == status)
      }
    }
  }

  @Test func aMaximumOfRatesHoldsForOneAnswer() throws {
    let running = try Running([], ["ANNEAL_MAX_RATES": "2"])
    let client = try Client(port: running.port)
    client.send(post(Self.constant))
    #expect(try client.response().status == 422)
  }
}
