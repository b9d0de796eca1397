@testable import HTTPServer
import JSON
import Service
import Synchronization
import Testing

/// Each bad input gets a 4xx with a problem that says what to do.
@Suite struct BadInputTests {
  private static let cosine = #"{"type":"cosine","base_lr":0.1,"total_steps":10}"#

  @Test(
    arguments: [
      (
        "unknown type", #"{"schedule":{"type":"cosin","base_lr":0.1,"total_steps":10},"steps":1}"#, 422,
        "/schedule/type", "cosine"
      ),
      (
        "misspelt parameter", #"{"schedule":{"type":"step","base_lr":0.1,"step_size":3,"gama":0.1},"steps":1}"#, 422,
        "/schedule/gama", "gamma"
      ),
      (
        "missing parameter", #"{"schedule":{"type":"cosine","base_lr":0.1},"steps":1}"#, 422, "/schedule/total_steps",
        nil
      ),
      (
        "missing base rate", #"{"schedule":{"type":"cosine","total_steps":1},"steps":1}"#, 422, "/schedule/base_lr", nil
      ),
      ("missing type", #"{"schedule":{"base_lr":0.1},"steps":1}"#, 422, "/schedule/type", nil),
      ("missing schedule", #"{"steps":1}"#, 422, "/schedule", nil),
      ("missing steps", #"{"schedule":{"type":"constant","base_lr":1}}"#, 422, "/steps", nil),
      ("both steps and at", #"{"schedule":{"type":"constant","base_lr":1},"steps":1,"at":[1]}"#, 422, "/at", nil),
      ("misspelt field", #"{"schedule":{"type":"constant","base_lr":1},"step":1}"#, 422, "/step", "steps"),
      (
        "wrong JSON type", #"{"schedule":{"type":"cosine","base_lr":"0.1","total_steps":10},"steps":1}"#, 422,
        "/schedule/base_lr", nil
      ),
      ("wrong JSON type of the whole", "[1]", 422, "", nil),
      ("wrong type of steps", #"{"schedule":{"type":"constant","base_lr":1},"steps":"10"}"#, 422, "/steps", nil),
      ("fraction of a step as count", #"{"schedule":{"type":"constant","base_lr":1},"steps":1.5}"#, 422, "/steps", nil),
      ("negative count", #"{"schedule":{"type":"constant","base_lr":1},"steps":-1}"#, 422, "/steps", nil),
      ("negative step", #"{"schedule":{"type":"constant","base_lr":1},"at":[0,-1]}"#, 422, "/at/1", nil),
      ("a step too far", #"{"schedule":{"type":"constant","base_lr":1},"at":[9007199254740994]}"#, 422, "/at/0", nil),
      (
        "no stride", #"{"schedule":{"type":"constant","base_lr":1},"steps":{"count":2,"stride":0}}"#, 422,
        "/steps/stride", nil
      ),
      (
        "a misspelt range", #"{"schedule":{"type":"constant","base_lr":1},"steps":{"count":2,"strid":1}}"#, 422,
        "/steps/strid", "stride"
      ),
      (
        "a range too far",
        #"{"schedule":{"type":"constant","base_lr":1},"steps":{"count":9,"stride":9007199254740992}}"#, 422,
        "/steps/count", nil
      ),
      (
        "zero total_steps", #"{"schedule":{"type":"cosine","base_lr":0.1,"total_steps":0},"steps":1}"#, 422,
        "/schedule/total_steps", nil
      ),
      ("too many rates", #"{"schedule":{"type":"constant","base_lr":1},"steps":10000001}"#, 422, "/steps", nil),
      (
        "an absurd count", #"{"schedule":{"type":"constant","base_lr":1},"steps":9007199254740992}"#, 422, "/steps", nil
      ),
      (
        "a rate beyond doubles", #"{"schedule":{"type":"exponential","base_lr":1,"gamma":2},"at":[5000]}"#, 422,
        "/schedule", nil
      ),
      (
        "an infinite rate", #"{"schedule":{"type":"inverse_sqrt","base_lr":1,"timescale":4},"steps":2}"#, 422,
        "/schedule", nil
      ),
      (
        "past the last step", #"{"schedule":{"type":"torch.OneCycleLR","max_lr":1,"total_steps":9},"at":[9,10]}"#, 422,
        "/at/1", nil
      ),
      (
        "nested error", #"{"schedule":{"type":"warmup","warmup_steps":1,"then":{"type":"stp"}},"steps":1}"#, 422,
        "/schedule/then/type", "step"
      ),
      (
        "error in a list", #"{"schedule":{"type":"product","schedules":[{"type":"constant","base":1}]},"steps":1}"#,
        422, "/schedule/schedules/0/base", nil
      ),
      (
        "wrong choice", #"{"schedule":{"type":"cosine","base_lr":1,"total_steps":1,"after":"hodl"},"steps":1}"#, 422,
        "/schedule/after", "hold"
      ),
      ("NaN", #"{"schedule":{"type":"constant","base_lr":NaN},"steps":1}"#, 400, nil, nil),
      ("1e400", #"{"schedule":{"type":"constant","base_lr":1e400},"steps":1}"#, 400, nil, nil),
      ("empty content", "", 400, nil, nil),
      ("truncated JSON", #"{"schedule":{"type":"const"#, 400, nil, nil),
      ("a name twice", #"{"steps":1,"steps":2}"#, 400, nil, nil),
      ("deep nesting", String(repeating: "[", count: 10_000), 400, nil, nil),
      ("deep objects", String(repeating: #"{"a":"#, count: 3_000), 400, nil, nil),
    ] as [(String, String, Int, String?, String?)])
  func isRefusedWithTheFieldAndTheNearestName(
    _ what: String, _ content: String, _ status: Int, _ pointer: String?, _ suggestion: String?
  ) throws {
    let (answer, problem) = try answer(content)
    #expect(answer.status == status)
    #expect(answer.fields["Content-Type"] == "application/problem+json")
    #expect(problem["status"] == .number(Double(status)))
    #expect(problem["pointer"] == pointer.map { .string($0) })
    #expect(problem["suggestion"] == suggestion.map { .string($0) })
    for name in ["type", "title", "detail"] {
      guard case .string(let text) = problem[name] else { throw NoAnswer() }
      #expect(!text.isEmpty)
    }
  }

  @Test(arguments: [
    ("GET", "/page", 404), ("GET", "/page/x.js", 404), ("POST", "/", 405), ("GET", "/shedule", 404),
    ("GET", "/schedules/cosin", 404), ("GET", "/schedules/a/b", 404),
    ("GET", "/schedule", 405), ("POST", "/healthz", 405), ("DELETE", "/schedules", 405), ("TRACE", "/schedules", 405),
    ("GET", "/%ff", 404),
  ])
  func wrongPathsAndMethodsAreProblems(_ method: String, _ path: String, _ status: Int) throws {
    let response = try send(method, path, [:], "")
    #expect(response.status == status)
    #expect((response.fields["Allow"] != nil) == (status == 405))
    #expect(response.fields["Content-Type"] == "application/problem+json")
  }

  @Test(
    arguments: [
      ([:], 200), (["Content-Type": "application/json"], 200),
      (["Content-Type": "Application/JSON; charset=UTF-8"], 200),
      (["Content-Type": "application/x-www-form-urlencoded"], 200),
      (["Content-Type": "application/json", "Origin": "http://a"], 200),
      (["Content-Type": "application/x-www-form-urlencoded", "Origin": "http://a"], 415), (["Origin": "null"], 415),
      (["Content-Type": "text/plain"], 415), (["Content-Type": "application/json; charset=latin1"], 415),
      (["Content-Type": "application/jsonp"], 415),
    ] as [(HTTPFields, Int)])
  func jsonIsReadUnlessTheTypeOrABrowserSaysOtherwise(_ fields: HTTPFields, _ status: Int) throws {
    let response = try send("POST", "/schedule", fields, "{\"schedule\":\(Self.cosine),\"steps\":1}")
    #expect(response.status == status)
  }

  @Test func optionsNamesTheMethods() throws {
    let response = try send("OPTIONS", "/schedule", [:], "")
    #expect(response.status == 204)
    #expect(response.fields["Allow"] == "POST, OPTIONS")
  }

  // MARK: Without a socket

  private struct NoAnswer: Error {}

  private func answer(_ content: String) throws -> (HTTPResponse, JSONObject) {
    let response = try send("POST", "/schedule", [:], content)
    guard case .bytes(let bytes) = response.body, case .object(let problem) = try JSONReader.read(bytes) else {
      throw NoAnswer()
    }
    return (response, problem)
  }

  private func send(_ method: String, _ path: String, _ fields: HTTPFields, _ content: String) throws -> HTTPResponse {
    let service = Service()
    var head = HTTPRequestHead(method: method, path: path, query: nil, minorVersion: 1, fields: fields)
    if let refusal = service.screen(&head) { return refusal }
    let reply = HTTPReply()
    service.respond(to: HTTPRequest(head: head, body: Array(content.utf8)), reply: reply)
    let response = reply.take { _ in }
    return try #require(response, "the answer did not come at once")
  }
}
