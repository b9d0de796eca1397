import Foundation
import Synchronization
import Testing

@testable import HTTPServer
@testable import Service

/// Tokens, their file and the book of a running server.
@Suite struct TokenTests {
  /// A folder of its own, gone at the end.
  private struct Folder: ~Copyable {
    let path: String

    init() throws {
      path = FileManager.default.temporaryDirectory.appending(path: "anneal-\(UUID())").path
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    var file: TokenFile { TokenFile(path: "\(path)/tokens") }

    func write(_ text: String) throws { try Data(text.utf8).write(to: URL(filePath: "\(path)/tokens")) }

    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private final class Complaints: Sendable {
    private let texts = Mutex<[String]>([])
    var all: [String] { texts.withLock { $0 } }
    func add(_ text: String) { texts.withLock { $0.append(text) } }
  }

  private func made(_ scopes: [Scope], expires: Int? = nil) throws -> (token: Token, text: String) {
    try Token.make(scopes: scopes, name: "", created: 100, expires: expires)
  }

  @Test func aHashIsSHA256() {
    // FIPS 180-2, B.1.
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(Secret.hexadecimal(Secret.hash("abc")) == expected)
    #expect(Secret.hash(hexadecimal: expected) == Secret.hash("abc"))
    #expect(Secret.hash(hexadecimal: expected.uppercased()) == nil)
    #expect(Secret.hash(hexadecimal: String(expected.dropLast(2))) == nil)
  }

  @Test func hashesThatCouldNotBeMadeEqualNothing() {
    #expect(Secret.equal(Secret.hash("a"), Secret.hash("a")))
    #expect(!Secret.equal(Secret.hash("a"), Secret.hash("b")))
    #expect(!Secret.equal([], []))
  }

  @Test func theFileHoldsNoSecretAndReadsBackWhatWasWritten() throws {
    let folder = try Folder()
    let (one, text) = try Token.make(scopes: [.read, .report], name: "node \"7\"", created: 100, expires: 200)
    let two = try made([.admin]).token
    try folder.file.add(one)
    try folder.file.add(two)
    #expect(try folder.file.tokens() == [one, two])
    let content = try String(contentsOfFile: folder.file.path, encoding: .utf8)
    let secret = try #require(Token.parts(text)?.secret)
    #expect(secret.count == 64 && !content.contains(secret))
    let mode = try FileManager.default.attributesOfItem(atPath: folder.file.path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    try folder.file.remove(id: one.id)
    #expect(try folder.file.tokens() == [two])
    #expect(throws: AccessError.self) { try folder.file.remove(id: one.id) }
  }

  @Test func tokensMadeAtTheSameTimeAreAllInTheFile() throws {
    let folder = try Folder()
    let file = folder.file
    let tokens = try (0..<40).map { _ in try made([.report]).token }
    let failures = Complaints()
    DispatchQueue.concurrentPerform(iterations: tokens.count) { index in
      do { try file.add(tokens[index]) } catch { failures.add("\(error)") }
    }
    #expect(failures.all.isEmpty)
    #expect(try Set(file.tokens()?.map(\.id) ?? []) == Set(tokens.map(\.id)))
  }

  @Test func aChangeGoesThroughALinkToTheFile() throws {
    let folder = try Folder()
    try folder.file.add(try made([.read]).token)
    let link = "\(folder.path)/link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder.file.path)
    try TokenFile(path: link).add(try made([.read]).token)
    #expect(try folder.file.tokens()?.count == 2)
  }

  @Test(arguments: [
    "", "[]", "{", #"{"id":"a"}"#, #"{"id":"a_b","scopes":["read"],"sha256":"HASH"}"#,
    #"{"id":"session","scopes":["read"],"sha256":"HASH"}"#, #"{"id":"a","scopes":[],"sha256":"HASH"}"#,
    #"{"id":"a","scopes":["write"],"sha256":"HASH"}"#, #"{"id":"a","scopes":["read"],"sha256":"abc"}"#,
    #"{"id":"a","scopes":["read"],"sha256":"HASH","expire":1}"#,
    #"{"id":"a","scopes":["read"],"sha256":"HASH","expires":1e300}"#,
    #"{"id":"a","scopes":["read"],"sha256":"HASH","expires":-1}"#,
  ])
  func aLineThatIsNoTokenIsRefused(_ line: String) {
    let line = line.replacing("HASH", with: Secret.hexadecimal(Secret.hash("x")))
    #expect(throws: AccessError.self) { try Token(line: Array(line.utf8)) }
  }

  @Test func aTokensTextIsTakenApartOrRefused() throws {
    let (token, text) = try made([.read])
    #expect(try #require(Token.parts(text)).id == token.id)
    for bad in ["", "anneal", "anneal_", "anneal_a", "anneal_a_", "anneal__b", "other_a_b", "Anneal_a_b"] {
      #expect(Token.parts(bad) == nil, "\(bad)")
    }
    #expect(Token.parts("anneal_a_" + String(repeating: "b", count: 257)) == nil)
  }

  @Test func aTokenIsGoodWithItsSecretAndUntilItEnds() throws {
    let folder = try Folder()
    let (token, text) = try made([.report], expires: 1000)
    let (_, stranger) = try made([.admin])
    try folder.file.add(token)
    let book = try TokenBook(file: folder.file, now: 0) { _ in }
    #expect(book.find(text, now: 0, time: 999) == .valid(token))
    #expect(book.find(text, now: 0, time: 1000) == .expired)
    #expect(book.find(nil, now: 0, time: 0) == .missing)
    #expect(book.find(stranger, now: 0, time: 0) == .unknown)
    #expect(book.find("nonsense", now: 0, time: 0) == .unknown)
    let wrong = String(text.dropLast()) + (text.hasSuffix("0") ? "1" : "0")
    #expect(book.find(wrong, now: 0, time: 0) == .unknown)
    #expect(book.find(wrong, now: 0, time: 2000) == .unknown)
  }

  @Test func aRunningServerSeesNewAndRevokedTokensWithinASecond() throws {
    let folder = try Folder()
    let book = try TokenBook(file: folder.file, now: 0) { _ in }
    let (token, text) = try made([.read])
    #expect(book.find(nil, now: 0, time: 0) == .notAsked)
    try folder.file.add(token)
    #expect(book.find(nil, now: 0.9, time: 0) == .notAsked)
    #expect(book.find(nil, now: 1, time: 0) == .missing)
    #expect(book.find(text, now: 1, time: 0) == .valid(token))
    try folder.file.remove(id: token.id)
    #expect(book.find(text, now: 1.5, time: 0) == .valid(token))
    #expect(book.find(text, now: 2, time: 0) == .unknown)
    // Nobody is left who may do anything; that opens nothing.
    #expect(book.find(nil, now: 2, time: 0) == .missing)
  }

  @Test func aFileThatIsBrokenOrLostChangesNothingAndIsToldOnce() throws {
    let folder = try Folder()
    let (token, text) = try made([.read])
    try folder.file.add(token)
    let good = try String(contentsOfFile: folder.file.path, encoding: .utf8)
    let complaints = Complaints()
    let book = try TokenBook(file: folder.file, now: 0) { complaints.add($0) }
    try folder.write(good + "{\n")
    for second in 1...5 { #expect(book.find(text, now: Double(second), time: 0) == .valid(token)) }
    #expect(complaints.all.count == 1 && complaints.all[0].contains("line 2"))
    try FileManager.default.removeItem(atPath: folder.file.path)
    for second in 6...9 { #expect(book.find(text, now: Double(second), time: 0) == .valid(token)) }
    #expect(complaints.all.count == 2 && complaints.all[1].contains("gone"))
    let (other, otherText) = try made([.read])
    try folder.file.add(other)
    #expect(book.find(otherText, now: 10, time: 0) == .valid(other))
    #expect(book.find(text, now: 10, time: 0) == .unknown)
    #expect(complaints.all.count == 2)
  }

  @Test func aServerDoesNotStartWithAFileThatItCannotRead() throws {
    let folder = try Folder()
    try folder.write("{\n")
    #expect(throws: AccessError.self) { try TokenBook(file: folder.file, now: 0) { _ in } }
  }

  @Test func aTokenIsTakenFromTheAuthorizationFieldAlone() {
    #expect(AccessControl.bearer(["Authorization": "Bearer abc"]) == "abc")
    #expect(AccessControl.bearer(["authorization": "bearer  abc"]) == "abc")
    #expect(AccessControl.bearer(["Authorization": "Basic abc"]) == nil)
    #expect(AccessControl.bearer([:]) == nil)
    var twice = HTTPFields()
    twice.append("Authorization", "Bearer abc")
    twice.append("Authorization", "Bearer abc")
    #expect(AccessControl.bearer(twice).flatMap { Token.parts($0) } == nil)
  }
}

/// How many requests a client may send.
@Suite struct RateLimiterTests {
  @Test func aBurstPassesAndThenTheRate() {
    let limiter = RateLimiter(rate: 10, burst: 5)
    let client = RateLimiter.Client.address("a")
    for _ in 0..<5 { #expect(limiter.take(client, now: 100) == 0) }
    let wait = limiter.take(client, now: 100)
    #expect(abs(wait - 0.1) < 1e-9)
    #expect(limiter.take(client, now: 100 + wait) == 0)
    #expect(limiter.take(client, now: 100 + wait) > 0)
    // A minute later the bucket is full, and not fuller.
    for _ in 0..<5 { #expect(limiter.take(client, now: 160) == 0) }
    #expect(limiter.take(client, now: 160) > 0)
  }

  @Test func overAMinuteTheRateIsWhatItIs() {
    let limiter = RateLimiter(rate: 7, burst: 3)
    let client = RateLimiter.Client.address("a")
    let passed = (0..<6000).filter { limiter.take(client, now: Double($0) / 100) == 0 }.count
    #expect((7 * 60...7 * 60 + 3).contains(passed))
  }

  @Test func clientsDoNotTakeFromEachOther() {
    let limiter = RateLimiter(rate: 1, burst: 1)
    #expect(limiter.take(.address("a"), now: 0) == 0)
    #expect(limiter.take(.address("a"), now: 0) > 0)
    #expect(limiter.take(.address("b"), now: 0) == 0)
    #expect(limiter.take(.token("a"), now: 0) == 0)
  }

  @Test func theTableStaysBoundedAndForgetsTheOldestFirst() {
    let limiter = RateLimiter(rate: 1, burst: 1, clients: 160)
    for index in 0..<10_000 { _ = limiter.take(.address("\(index)"), now: 0) }
    #expect(limiter.count <= 160)
    // The last of them is remembered, the first is not.
    #expect(limiter.take(.address("9999"), now: 0) > 0)
    #expect(limiter.take(.address("0"), now: 0) == 0)
  }

  @Test func aClientThatStaysIsNotForgottenForOthersThatCome() {
    let limiter = RateLimiter(rate: 0.001, burst: 1, clients: 320)
    #expect(limiter.take(.address("me"), now: 0) == 0)
    for index in 0..<5000 {
      _ = limiter.take(.address("\(index)"), now: 0)
      #expect(limiter.take(.address("me"), now: 0) > 0)
    }
  }

  @Test func addressesOfOneNetworkAreOneClient() {
    func client(_ address: String) -> RateLimiter.Client { RateLimiter.Client(HTTPPeer(address: address)) }
    #expect(client("2001:db8:1:2:3::4") == client("2001:db8:1:2:ffff::1"))
    #expect(client("2001:db8:1:2::1") != client("2001:db8:1:3::1"))
    #expect(client("::ffff:192.0.2.1") == client("192.0.2.1"))
    #expect(client("192.0.2.1") != client("192.0.2.2"))
    #expect(client("fe80::1%eth0") != client("fe80::2%eth0"))
    #expect(client("unix") == .address("unix"))
  }

  @Test(arguments: [(0.1, 1), (1, 1), (1.1, 2), (59.2, 60)])
  func retryAfterIsWholeSecondsThatAreLongEnough(_ wait: Double, _ seconds: Int) {
    #expect(Problem.tooManyRequests(after: wait).retryAfter == seconds)
  }
}

/// Answers to pages of other origins.
@Suite struct CrossOriginTests {
  private func head(_ method: String, _ fields: HTTPFields) -> HTTPRequestHead {
    HTTPRequestHead(method: method, path: "/", query: nil, minorVersion: 1, fields: fields)
  }

  private func decorated(_ response: HTTPResponse, _ head: HTTPRequestHead?) throws -> HTTPFields {
    var response = response
    try CrossOrigin(origins: ["https://lab.example", "http://localhost:3000"]).decorate(&response, for: head)
    return response.fields
  }

  @Test func aNamedOriginMayReadAndOthersMayNot() throws {
    let answer = HTTPResponse(status: 429)
    let fields = try decorated(answer, head("GET", ["Origin": "https://lab.example"]))
    #expect(fields["Access-Control-Allow-Origin"] == "https://lab.example")
    #expect(fields["Access-Control-Expose-Headers"]?.contains("Retry-After") == true)
    #expect(fields["Access-Control-Allow-Credentials"] == nil)
    for origin in ["https://lab.example.evil", "https://lab.example:444", "http://lab.example", "null", "*"] {
      let fields = try decorated(answer, head("GET", ["Origin": origin]))
      #expect(fields["Access-Control-Allow-Origin"] == nil, "\(origin)")
      #expect(fields["Vary"] == "Origin")
    }
    #expect(try decorated(answer, nil)["Access-Control-Allow-Origin"] == nil)
    #expect(try decorated(answer, head("GET", [:]))["Vary"] == "Origin")
  }

  @Test func aPreflightIsToldThePathsOwnMethods() throws {
    let answer = HTTPResponse(status: 204, fields: ["Allow": "GET, PUT"])
    let asked: HTTPFields = ["Origin": "http://localhost:3000", "Access-Control-Request-Method": "PUT"]
    let fields = try decorated(answer, head("OPTIONS", asked))
    #expect(fields["Access-Control-Allow-Methods"] == "GET, PUT")
    #expect(fields["Access-Control-Allow-Headers"]?.contains("Authorization") == true)
    #expect(fields["Access-Control-Max-Age"] == "3600")
    let plain = try decorated(answer, head("OPTIONS", ["Origin": "http://localhost:3000"]))
    #expect(plain["Access-Control-Allow-Methods"] == nil)
  }

  @Test(arguments: [
    "*", "null", "", "lab.example", "https://", "https://lab.example/", "https://lab.example/a", "HTTPS://lab.example",
    "https://Lab.example", "https://lab.example:443", "http://lab.example:80", "https://lab.example:0",
    "https://lab.example:+5", "https://lab.example:99999", "https://lab.example:", "https://:80", "https://a b",
    "https://lab.example\r\nX: y",
  ])
  func whatNoBrowserSendsIsRefused(_ origin: String) {
    #expect(throws: AccessError.self) { try CrossOrigin(origins: [origin]) }
  }

  @Test(arguments: ["https://lab.example", "http://localhost:3000", "http://[::1]:3000", "http://[::1]", "app://x"])
  func whatABrowserSendsIsTaken(_ origin: String) throws { _ = try CrossOrigin(origins: [origin]) }
}

/// Which addresses others can reach.
@Suite struct ListenAddressTests {
  @Test(arguments: [
    "127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST", "::ffff:127.0.0.1",
  ])
  func onlyThisMachine(_ host: String) { #expect(ListenAddress.isLocal(host)) }

  @Test(arguments: [
    "0.0.0.0", "::", "192.0.2.1", "128.0.0.1", "a.example", "localhost.example", "", "::ffff:192.0.2.1",
  ])
  func others(_ host: String) { #expect(!ListenAddress.isLocal(host)) }
}

/// Every route says what it needs.
@Suite struct NeedTests {
  private static let session = [
    ("GET", "", Scope.read), ("HEAD", "", .read), ("PUT", "", .report), ("PATCH", "", .operate), ("DELETE", "", .admin),
    ("GET", "/next", .read), ("POST", "/next", .report), ("POST", "/attempts", .report), ("GET", "/state", .read),
    ("PUT", "/state", .report), ("POST", "/overrides", .operate), ("DELETE", "/overrides/o1", .operate),
    ("POST", "/fork", .operate), ("POST", "/replay", .operate), ("GET", "/history", .read), ("GET", "/events", .read),
    ("GET", "/suggestions", .read), ("GET", "/chart.svg", .read),
  ]

  @Test(arguments: session)
  func aSessionsRoutesNeed(_ method: String, _ path: String, _ scope: Scope) throws {
    let segments = ["sessions", "a"] + path.split(separator: "/").map(String.init)
    #expect(try #require(SessionRoute(segments)).need(method) == .scope(scope, session: "a"))
  }

  @Test func aWiderScopeIncludesTheNarrower() {
    #expect(Scope.allCases == Scope.allCases.sorted())
    #expect(Scope.allCases.map(\.rawValue) == ["read", "report", "operate", "admin"])
  }
}
