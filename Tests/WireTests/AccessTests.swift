import Foundation
import HTTPServer
import JSON
import Service
import Synchronization
import Testing

/// Who may do what, over real sockets.
@Suite struct AccessTests {
  /// A server with tokens, and a clock that stands still until it is told to go.
  private final class Running {
    let server: HTTPServer
    let port: UInt16
    let folder: URL
    let file: TokenFile
    private let now: Moment

    final class Moment: Sendable {
      let seconds = Mutex(1000.0)
    }

    init(hasTokens: Bool = true, limiter: RateLimiter? = nil, crossOrigin: CrossOrigin? = nil) throws {
      folder = FileManager.default.temporaryDirectory.appending(path: "anneal-\(UUID())")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      file = TokenFile(path: folder.appending(path: "tokens").path)
      if hasTokens { try file.add(try Token.make(scopes: [.admin], created: 0).token) }
      let now = Moment()
      let access = AccessControl(
        tokens: try TokenBook(file: file, now: 1000) { _ in }, limiter: limiter, crossOrigin: crossOrigin,
        clock: AccessControl.Clock(now: { now.seconds.withLock { $0 } }, time: { 5000 }))
      server = HTTPServer(host: "127.0.0.1", port: 0, handler: Service(access: access))
      port = try #require(try server.start().first?.port)
      self.now = now
    }

    deinit {
      server.stop(within: 0)
      server.wait()
      try? FileManager.default.removeItem(at: folder)
    }

    func wait(_ seconds: Double) { now.seconds.withLock { $0 += seconds } }

    /// - Returns: the text of a new token, which the server knows of already.
    func token(_ scopes: Scope..., expires: Int? = nil) throws -> String {
      let (token, text) = try Token.make(scopes: scopes, created: 0, expires: expires)
      try file.add(token)
      wait(1)
      return text
    }

    func ask(
      _ method: String, _ path: String, token: String? = nil, _ content: String? = nil, fields: String = ""
    ) throws -> (status: Int, head: String, body: JSONValue) {
      let client = try Client(port: port)
      var request = "\(method) \(path) HTTP/1.1\r\nHost: a\r\n\(fields)"
      if let token { request += "Authorization: Bearer \(token)\r\n" }
      if let content { request += "Content-Type: application/json\r\nContent-Length: \(content.utf8.count)\r\n" }
      client.send(request + "\r\n" + (content ?? ""))
      let (status, head, body) = try client.response()
      return (status, head, (try? JSONReader.read(body)) ?? .null)
    }
  }

  private static let schedule = #"{"schedule":{"type":"constant","base_lr":0.5},"steps":2}"#
  private static let specification = #"{"schedule":{"type":"constant","base_lr":0.5}}"#
  private static let secretive = #"{"schedule":{"type":"constant","base_lr":0.5},"token":true}"#
  private static let report = #"{"step":0,"loss":1}"#

  @Test func withoutATokenOnlyHealthTheContractAndThePageAreAnswered() throws {
    let running = try Running()
    for path in ["/", "/page/main.js", "/healthz", "/livez", "/readyz", "/openapi.yaml"] {
      #expect(try running.ask("GET", path).status == 200, "\(path)")
    }
    #expect(try running.ask("OPTIONS", "/schedule").status == 204)
    #expect(try running.ask("GET", "/nothing").status == 404)
    for path in ["/schedules", "/schedules/cosine", "/schedules/cosine.svg", "/policies", "/sessions", "/sessions/a"] {
      let answer = try running.ask("GET", path)
      #expect(answer.status == 401, "\(path)")
      #expect(answer.head.contains("WWW-Authenticate: Bearer realm=\"anneal\"\r\n"))
      #expect(answer.body["type"] == "urn:anneal:problem:unauthorized")
    }
    #expect(try running.ask("POST", "/schedule", Self.schedule).status == 401)
    #expect(try running.ask("PUT", "/sessions/a", Self.specification).status == 401)
  }

  @Test func aTokenIsGoodForItsScopeAndThoseBelow() throws {
    let running = try Running()
    let tokens = try Scope.allCases.map { try running.token($0) }
    // The lowest scope that may do it, and what it is answered.
    let requests: [(method: String, path: String, content: String?, scope: Int, status: Int)] = [
      ("POST", "/schedule", Self.schedule, 0, 200), ("GET", "/sessions", nil, 0, 200),
      ("PUT", "/sessions/a", Self.specification, 1, 200), ("POST", "/sessions/a/next", Self.report, 1, 200),
      ("GET", "/sessions/a/next", nil, 0, 200), ("PATCH", "/sessions/a", #"{"notes":"x"}"#, 2, 200),
      ("POST", "/sessions/a/replay", "{}", 2, 200), ("DELETE", "/sessions/a", nil, 3, 204),
    ]
    #expect(try running.ask("PUT", "/sessions/a", token: tokens[1], Self.specification).status == 201)
    for request in requests {
      for (scope, token) in tokens.enumerated() {
        let answer = try running.ask(request.method, request.path, token: token, request.content)
        let place = "\(request.method) \(request.path) with \(Scope.allCases[scope])"
        if scope >= request.scope {
          #expect(answer.status == request.status, "\(place)")
        } else {
          #expect(answer.status == 403, "\(place)")
          let name = Scope.allCases[request.scope].rawValue
          #expect(answer.head.contains("error=\"insufficient_scope\", scope=\"\(name)\""), "\(place)")
        }
      }
    }
  }

  @Test func aTokenThatIsWrongExpiredOrRevokedIsInvalid() throws {
    let running = try Running()
    let token = try running.token(.read)
    let expired = try running.token(.read, expires: 5000)
    #expect(try running.ask("GET", "/sessions", token: token).status == 200)
    let stranger = try Token.make(scopes: [.admin], created: 0).text
    for bad in [stranger, String(token.dropLast()), token + "0", expired, "anneal", "", token + ", Bearer " + token] {
      let answer = try running.ask("GET", "/sessions", token: bad)
      #expect(answer.status == 401)
      #expect(answer.head.contains("error=\"invalid_token\""))
      #expect(!answer.head.contains(bad) || bad.isEmpty || bad == "anneal")
    }
    #expect(try running.ask("GET", "/sessions?access_token=\(token)").status == 401)
    let id = try #require(token.split(separator: "_").dropFirst().first)
    try running.file.remove(id: String(id))
    running.wait(1)
    #expect(try running.ask("GET", "/sessions", token: token).status == 401)
  }

  @Test func aRefusedContentIsNotRead() throws {
    let running = try Running()
    let client = try Client(port: running.port)
    client.send("POST /schedule HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
    let answer = try client.response()
    #expect(answer.status == 401 && answer.head.contains("Connection: close"))
  }

  @Test func aServerWithoutTokensAsksForThemFromTheFirstOneOn() throws {
    let running = try Running(hasTokens: false)
    #expect(try running.ask("GET", "/sessions").status == 200)
    #expect(try running.ask("GET", "/sessions", token: "anneal_a_b").status == 200)
    let token = try running.token(.read)
    #expect(try running.ask("GET", "/sessions").status == 401)
    #expect(try running.ask("GET", "/sessions", token: token).status == 200)
  }

  // MARK: A session's own token

  @Test(arguments: [false, true])
  func aSessionsTokenIsToldOnceAndIsGoodForItAlone(_ hasTokens: Bool) throws {
    let running = try Running(hasTokens: hasTokens)
    let maker = hasTokens ? try running.token(.report) : nil
    let made = try running.ask("PUT", "/sessions/a", token: maker, Self.secretive)
    let own = try #require(made.body["token"]?.string)
    #expect(made.status == 201 && made.body["specification"]?["token"] == true)
    #expect(made.head.contains("Cache-Control: no-store\r\n"))
    let again = try running.ask("PUT", "/sessions/a", token: maker, Self.secretive)
    #expect(again.status == 200 && again.body["token"] == nil)
    #expect(try running.ask("GET", "/sessions/a", token: maker).body["token"] == nil)
    let posted = try running.ask("POST", "/sessions", token: maker, Self.secretive)
    let others = try #require(posted.body["token"]?.string)

    let path = "/sessions/a/next"
    #expect(try running.ask("POST", path, token: own, Self.report).status == 200)
    // Those who may report in general may not report here.
    #expect(try running.ask("POST", path, token: maker, Self.report).status == (hasTokens ? 403 : 401))
    #expect(try running.ask("POST", "/sessions/a/attempts", token: maker, #"{"resume_step":0}"#).status != 201)
    let wrong = try running.ask("POST", path, token: others, Self.report)
    #expect(wrong.status == 401 && wrong.head.contains("invalid_token"))
    #expect(try running.ask("GET", path, token: own).status == 200)
    #expect(try running.ask("GET", path, token: maker).status == 200)

    guard hasTokens else { return }
    let operate = try running.token(.operate)
    #expect(try running.ask("POST", path, token: operate, Self.report).status == 200)
    #expect(try running.ask("GET", "/sessions/a", token: own).status == 200)
    #expect(try running.ask("GET", "/sessions/a", token: others).status == 401)
    #expect(try running.ask("PUT", "/sessions/a", token: own, Self.secretive).status == 200)
    #expect(try running.ask("PATCH", "/sessions/a", token: own, "{}").status == 403)
    #expect(try running.ask("DELETE", "/sessions/a", token: own).status == 403)
    // Made up, it does not tell which sessions there are.
    for name in ["a", "nobody"] {
      #expect(try running.ask("GET", "/sessions/\(name)", token: "anneal_session_b").status == 401)
    }
    for path in ["/sessions", "/schedules"] { #expect(try running.ask("GET", path, token: own).status == 401) }
    let admin = try running.token(.admin)
    #expect(try running.ask("DELETE", "/sessions/a", token: admin).status == 204)
    #expect(try running.ask("POST", path, token: own, Self.report).status == 410)
  }

  @Test func aForkOrACopyOfASessionHasATokenOfItsOwn() throws {
    let running = try Running()
    let operate = try running.token(.operate)
    let made = try running.ask("PUT", "/sessions/a", token: operate, Self.secretive)
    let own = try #require(made.body["token"]?.string)
    #expect(try running.ask("POST", "/sessions/a/next", token: own, Self.report).status == 200)
    let fork = try running.ask("POST", "/sessions/a/fork", token: operate, #"{"id":"b"}"#)
    let forks = try #require(fork.body["token"]?.string)
    #expect(forks != own)
    #expect(try running.ask("POST", "/sessions/b/next", token: own, "{}").status == 401)
    #expect(try running.ask("POST", "/sessions/b/next", token: forks, "{}").status == 200)
    let state = JSONWriter.text(try running.ask("GET", "/sessions/a/state", token: own).body)
    let copy = try running.ask("PUT", "/sessions/c/state", token: operate, state)
    #expect(copy.status == 200)
    let copies = try #require(copy.body["token"]?.string)
    #expect(try running.ask("POST", "/sessions/c/next", token: copies, "{}").status == 200)
    let again = try running.ask("PUT", "/sessions/c/state", token: copies, state)
    #expect(again.status == 200 && again.body["token"] == nil)
  }

  @Test func aSessionWithoutATokenIsAsItWas() throws {
    let running = try Running(hasTokens: false)
    let made = try running.ask("PUT", "/sessions/a", #"{"schedule":{"type":"constant","base_lr":1},"token":false}"#)
    #expect(made.status == 201 && made.body["token"] == nil)
    #expect(try running.ask("POST", "/sessions/a/next", Self.report).status == 200)
    let bad = try running.ask("PUT", "/sessions/b", #"{"schedule":{"type":"constant","base_lr":1},"token":"x"}"#)
    #expect(bad.status == 422 && bad.body["pointer"] == "/token")
  }

  // MARK: The rate limit

  @Test func aClientThatAsksTooOftenIsToldWhenToComeBack() throws {
    let running = try Running(hasTokens: false, limiter: RateLimiter(rate: 0.5, burst: 3))
    for _ in 0..<3 { #expect(try running.ask("GET", "/policies").status == 200) }
    let refused = try running.ask("GET", "/policies")
    #expect(refused.status == 429 && refused.body["type"] == "urn:anneal:problem:too-many-requests")
    #expect(refused.head.contains("Retry-After: 2\r\n"))
    #expect(try running.ask("GET", "/nothing").status == 429)
    // Whether the process is alive is nobody's burden.
    for _ in 0..<20 { #expect(try running.ask("GET", "/healthz").status == 200) }
    running.wait(2)
    #expect(try running.ask("GET", "/policies").status == 200)
    #expect(try running.ask("GET", "/policies").status == 429)
  }

  @Test func aTokenHasABucketOfItsOwnAndAWrongOneHasNot() throws {
    let running = try Running(limiter: RateLimiter(rate: 0.001, burst: 2))
    let (one, two) = (try running.token(.read), try running.token(.read))
    for _ in 0..<2 { #expect(try running.ask("GET", "/policies", token: one).status == 200) }
    #expect(try running.ask("GET", "/policies", token: one).status == 429)
    #expect(try running.ask("GET", "/policies", token: two).status == 200)
    for index in 0..<2 { #expect(try running.ask("GET", "/policies", token: "anneal_x_\(index)").status == 401) }
    #expect(try running.ask("GET", "/policies", token: "anneal_x_3").status == 429)
    #expect(try running.ask("GET", "/openapi.yaml").status == 429)
  }

  // MARK: Other origins

  @Test func everyAnswerToANamedOriginMayBeRead() throws {
    let origins = try CrossOrigin(origins: ["https://lab.example"])
    let running = try Running(crossOrigin: origins)
    let token = try running.token(.read)
    let origin = "Origin: https://lab.example\r\n"
    let allowed = "Access-Control-Allow-Origin: https://lab.example\r\n"
    let big = "Content-Length: 99999999\r\n"
    let answers = [
      try running.ask("GET", "/policies", token: token, fields: origin),
      try running.ask("GET", "/policies", fields: origin),
      try running.ask("GET", "/nothing", fields: origin), try running.ask("GET", "/healthz", fields: origin),
      try running.ask("PATCH", "/schedule", token: token, "{}", fields: origin),
      try running.ask("POST", "/schedule", token: token, fields: origin + big),
    ]
    #expect(answers.map(\.status) == [200, 401, 404, 200, 405, 413])
    for answer in answers { #expect(answer.head.contains(allowed) && answer.head.contains("Vary: Origin\r\n")) }
    let other = try running.ask("GET", "/policies", token: token, fields: "Origin: https://evil.example\r\n")
    #expect(other.status == 200 && !other.head.contains("Access-Control"))
    let preflight = try running.ask(
      "OPTIONS", "/sessions/a/next",
      fields: origin + "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n")
    #expect(preflight.status == 204 && preflight.head.contains(allowed))
    #expect(preflight.head.contains("Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n"))
    #expect(!preflight.head.contains("Credentials"))
  }

  @Test func withoutNamedOriginsNoAnswerSpeaksOfThem() throws {
    let running = try Running(hasTokens: false)
    let answer = try running.ask("GET", "/policies", fields: "Origin: https://lab.example\r\n")
    #expect(answer.status == 200 && !answer.head.contains("Access-Control") && !answer.head.contains("Vary: Origin"))
  }
}
