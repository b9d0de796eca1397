import Dispatch
import JSON
import Logging
import Sessions
import Synchronization
import Testing

@testable import HTTPServer
@testable import Service

/// What an operator sees, without a socket.
@Suite struct OperationsTests {
  // MARK: Metrics

  @Test func aRequestIsCountedByItsRouteMethodAndStatusAndNeverByItsPath() throws {
    let operations = Operations(version: "1.2.3", loops: 2)
    let service = Service(operations: operations)
    for (index, path) in ["/sessions/a/next", "/sessions/b/next", "/sessions/%41/next"].enumerated() {
      finish(service, "POST", path, 200, seconds: 0.003, loop: index)
    }
    finish(service, "POST", "/sessions/a/next", 409, seconds: 0.0002)
    finish(service, "GET", "/schedules/cosine.svg", 200, seconds: 70)
    finish(service, "GET", "/wp-login.php", 404, seconds: 0)
    finish(service, "BREW", "/schedule", 599, seconds: 0)
    service.finished(exchange(nil, 400, 0))
    let scrape = try Scrape(text(operations.metrics(SessionHub(store: MemoryStore()))))
    let name = "anneal_http_request_duration_seconds"
    let next = ["route": "/sessions/{id}/next", "method": "POST", "status": "200"]
    #expect(scrape.value("\(name)_count", next) == 3)
    #expect(scrape.value("\(name)_sum", next).map { abs($0 - 0.009) < 1e-9 } == true)
    #expect(scrape.value("\(name)_bucket", next.merging(["le": "0.0025"]) { $1 }) == 0)
    #expect(scrape.value("\(name)_bucket", next.merging(["le": "0.005"]) { $1 }) == 3)
    #expect(scrape.value("\(name)_count", next.merging(["status": "409"]) { $1 }) == 1)
    let picture = ["route": "/schedules/{type}.svg", "method": "GET", "status": "200"]
    #expect(scrape.value("\(name)_bucket", picture.merging(["le": "60"]) { $1 }) == 0)
    #expect(scrape.value("\(name)_bucket", picture.merging(["le": "+Inf"]) { $1 }) == 1)
    #expect(scrape.value("\(name)_count", ["route": "none", "method": "GET", "status": "404"]) == 1)
    #expect(scrape.value("\(name)_count", ["route": "/schedule", "method": "none", "status": "other"]) == 1)
    #expect(scrape.value("\(name)_count", ["route": "none", "method": "none", "status": "400"]) == 1)
    #expect(scrape.value("anneal_http_request_bytes_total") == 80)
    #expect(scrape.value("anneal_http_response_bytes_total") == 800)
    #expect(scrape.value("anneal_http_responses_cut_off_total") == 0)
    #expect(scrape.value("anneal_build_info", ["version": "1.2.3"]) == 1)
    #expect(!scrape.samples.contains { $0.labels.values.contains { $0.contains("wp-login") || $0.contains("/a/") } })
  }

  @Test func everyRouteOfTheContractHasANameAndNoOther() throws {
    let templates = Set(RouteName.allCases.map(\.template)).subtracting(["none"])
    #expect(templates.count == RouteName.allCases.count - 1)
    let service = Service()
    for template in templates {
      var head = head(
        "OPTIONS",
        template.replacing("{type}", with: "cosine").replacing("{id}", with: "a").replacing("{file}", with: "a"))
      #expect(service.screen(&head)?.status == 204)
      #expect(RouteName(mark: head.mark).template == template)
    }
  }

  @Test func theRouteLeavesTheRestOfTheMarkAlone() {
    var head = head("GET", "/metrics")
    head.mark = 0x1234FF
    #expect(Service().screen(&head) == nil)
    #expect(head.mark == 0x123400 | RouteName.metrics.rawValue)
    #expect(RouteName(mark: 0xFE) == .none)
  }

  @Test func reportsAndCommitsAreCounted() throws {
    let store = BreakableStore()
    let hub = SessionHub(store: store)
    let operations = Operations()
    wait { done in hub.put("a", ["schedule": ["type": "constant", "base_lr": 0.1]]) { _ in done() } }
    let reports = #"{"reports":[{"step":0,"loss":1},{"step":1,"loss":1}]}"#
    for _ in 0..<2 {
      let request = try ReportRequest(try JSONReader.read(Array(reports.utf8)))
      wait { done in hub.report("a", request) { _ in done() } }
    }
    store.isBroken.store(true, ordering: .sequentiallyConsistent)
    let request = try ReportRequest(try JSONReader.read(Array(#"{"step":2,"loss":1}"#.utf8)))
    wait { done in hub.report("a", request) { _ in done() } }
    hub.drain()
    let scrape = try Scrape(text(operations.metrics(hub)))
    #expect(scrape.value("anneal_reports_total") == 2)
    #expect(scrape.value("anneal_store_commit_duration_seconds_count") == 3)
    #expect(scrape.value("anneal_store_commit_failures_total") == 1)
  }

  // MARK: Readiness

  @Test func aServiceIsReadyUntilItDrainsOrItsStoreIsLost() throws {
    let operations = Operations()
    let service = Service(operations: operations)
    #expect(try answer(service, "/readyz").status == 200)
    operations.beginDraining()
    let draining = try answer(service, "/readyz")
    #expect(draining.status == 503)
    #expect(draining.fields["Retry-After"] == "10")
    #expect(draining.fields["Content-Type"] == "application/problem+json")
    #expect(try answer(service, "/healthz").status == 200)
    let store = BreakableStore()
    store.isBroken.store(true, ordering: .sequentiallyConsistent)
    let lost = try answer(Service(sessions: SessionHub(store: store)), "/readyz")
    #expect(lost.status == 503)
    #expect(lost.fields["Retry-After"] == "1")
  }

  // MARK: Logs

  @Test func aRequestIsLoggedWithItsNameAndItsTrace() throws {
    let log = Recorder()
    let service = Service(operations: Operations(accessLog: log.logger(.info)))
    finish(
      service, "POST", "/sessions/a/next", 200, seconds: 0.0012345678,
      fields: ["traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"])
    finish(service, "GET", "/healthz", 200, seconds: 0, fields: ["traceparent": "00-zz-b7ad6b7169203331-01"])
    service.finished(exchange(nil, 400, 0))
    let records = log.records
    #expect(records.count == 3)
    #expect(records.allSatisfy { $0.level == .info })
    #expect(records[0].fields["route"] == "/sessions/{id}/next")
    #expect(records[0].fields["path"] == "/sessions/a/next")
    #expect(records[0].fields["method"] == "POST")
    #expect(records[0].fields["status"] == "200")
    #expect(records[0].fields["seconds"] == "0.001235")
    #expect(records[0].fields["octets_in"] == "10")
    #expect(records[0].fields["octets_out"] == "100")
    #expect(records[0].fields["request_id"] == "00000000-00000000")
    #expect(records[0].fields["trace_id"] == "0af7651916cd43dd8448eb211c80319c")
    #expect(records[0].fields["span_id"] == "b7ad6b7169203331")
    #expect(records[1].fields["trace_id"] == nil)
    #expect(records[2].fields["path"] == nil)
  }

  @Test func belowTheLevelInfoOnlyFailuresOfTheServiceAreLogged() {
    let log = Recorder()
    let service = Service(operations: Operations(accessLog: log.logger(.notice)))
    for status in [200, 404, 501, 503, 500] { finish(service, "GET", "/healthz", status, seconds: 0) }
    #expect(log.records.map { $0.fields["status"] } == ["500"])
    #expect(log.records.map(\.level) == [.error])
  }

  @Test func aLongPathDoesNotFillTheLog() {
    let log = Recorder()
    let service = Service(operations: Operations(accessLog: log.logger(.info)))
    finish(service, "GET", "/" + String(repeating: "a", count: 16_000), 404, seconds: 0)
    #expect(log.records[0].fields["path"]?.utf8.count == 1027)
  }

  @Test(
    arguments: [
      ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
      ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true),
      ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff", true), ("", false),
      ("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
      ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
      ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
      ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
      ("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
      ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g", false),
      ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", false),
      ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1", false),
      ("00 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
      (" 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
      (
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01, 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        false
      ),
    ])
  func aTraceparentIsReadToTheLetter(_ field: String, _ isSound: Bool) {
    let context = TraceContext(field)
    #expect((context != nil) == isSound)
    if isSound {
      #expect(context?.trace == "0af7651916cd43dd8448eb211c80319c")
      #expect(context?.span == "b7ad6b7169203331")
      #expect(context?.isSampled == !field.hasSuffix("00"))
    }
  }

  // MARK: Without a socket

  private func head(_ method: String, _ path: String, _ fields: HTTPFields = [:]) -> HTTPRequestHead {
    HTTPRequestHead(method: method, path: path, query: nil, minorVersion: 1, fields: fields)
  }

  private func exchange(_ head: HTTPRequestHead?, _ status: Int, _ seconds: Double, loop: Int = 0) -> HTTPExchange {
    HTTPExchange(
      head: head, status: status, requestOctets: 10, responseOctets: 100, seconds: seconds, isComplete: true, loop: loop
    )
  }

  private func finish(
    _ service: Service, _ method: String, _ path: String, _ status: Int, seconds: Double, loop: Int = 0,
    fields: HTTPFields = [:]
  ) {
    var head = head(method, path, fields)
    _ = service.screen(&head)
    service.finished(exchange(head, status, seconds, loop: loop))
  }

  private func answer(_ service: Service, _ path: String) throws -> HTTPResponse {
    let late = Mutex<HTTPResponse?>(nil)
    let reply = HTTPReply()
    var early: HTTPResponse?
    wait { done in
      service.respond(to: HTTPRequest(head: head("GET", path), body: []), reply: reply)
      early = reply.take { response in
        late.withLock { $0 = response }
        done()
      }
      if early != nil { done() }
    }
    return try #require(early ?? late.withLock { $0 })
  }

  private func wait(_ body: (@escaping @Sendable () -> Void) -> Void) {
    let done = DispatchSemaphore(value: 0)
    body { done.signal() }
    done.wait()
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

/// A store that can be lost: then nothing can be written, and it says so when asked.
private final class BreakableStore: SessionStore {
  let isBroken = Atomic(false)
  private let store = MemoryStore()

  func check() throws {
    if isBroken.load(ordering: .sequentiallyConsistent) { throw StoreError("it is lost") }
  }

  func write(_ entries: [StoreEntry]) throws {
    try check()
    try store.write(entries)
  }

  func heads(_ keys: [Int64]) throws -> [Int64: Int] { try store.heads(keys) }
  func find(_ id: String) throws -> StoredSession? { try store.find(id) }
  func snapshot(_ key: Int64) throws -> StoredText? { try store.snapshot(key) }
  func events(_ key: Int64, after revision: Int, limit: Int) throws -> [StoredText] {
    try store.events(key, after: revision, limit: limit)
  }
  func names(after name: String, limit: Int) throws -> [String] { try store.names(after: name, limit: limit) }
  func sessions(after name: String, limit: Int) throws -> [ListedSession] {
    try store.sessions(after: name, limit: limit)
  }
  func values(after name: String, limit: Int) throws -> [NamedValue] { try store.values(after: name, limit: limit) }
  func expired(before time: Int, limit: Int) throws -> [String] { try store.expired(before: time, limit: limit) }
  func value(_ name: String) throws -> [UInt8]? { try store.value(name) }
}

/// Keeps what is logged.
private final class Recorder: Sendable {
  struct Record: Sendable {
    let level: Logger.Level
    let fields: [String: String]
  }

  private let kept = Mutex<[Record]>([])

  var records: [Record] { kept.withLock { $0 } }

  func logger(_ level: Logger.Level) -> Logger {
    Logger(label: "test") { _ in Handler(recorder: self, logLevel: level) }
  }

  private struct Handler: LogHandler {
    let recorder: Recorder
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(recorder: Recorder, logLevel: Logger.Level) {
      self.recorder = recorder
      self.logLevel = logLevel
    }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let fields = (event.metadata ?? [:]).mapValues { "\($0)" }
      recorder.kept.withLock { $0.append(Record(level: event.level, fields: fields)) }
    }
  }
}
