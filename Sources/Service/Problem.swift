import HTTPServer
import JSON
import Schedules

/// An error as RFC 9457 says it, ready to be sent.
struct Problem: Error, Equatable {
  /// The last part of the `type` URN: names the kind of error for programs.
  var kind: String
  var status: Int
  var title: String
  /// What is wrong with this request and what to do.
  var detail: String
  /// Names the bad field of the request's content, a JSON Pointer.
  var pointer: String?
  /// Names the bad parameter of the query.
  var parameter: String?
  /// The nearest valid name.
  var suggestion: String?
  /// The methods that the path has, for the `Allow` field.
  var allow: String?
  /// Seconds after which it may go better.
  var retryAfter: Int?
  /// What the token must be like, for the `WWW-Authenticate` field.
  var challenge: String?

  static func malformed(_ error: JSONSyntaxError) -> Problem {
    Problem(
      kind: "malformed-json", status: 400, title: "The content is not JSON",
      detail: "line \(error.line), column \(error.column): \(error.message)")
  }

  /// A field whose value is JSON but makes no sense.
  static func invalid(_ pointer: String, _ detail: String, suggestion: String? = nil) -> Problem {
    Problem(
      kind: "invalid-field", status: 422, title: "A field is not valid", detail: detail, pointer: pointer,
      suggestion: suggestion)
  }

  static func tooManyRates(_ pointer: String, limit: Int) -> Problem {
    Problem(
      kind: "too-many-rates", status: 422, title: "The answer would be too large",
      detail:
        "one answer holds at most \(limit) rates; ask in parts, with start and count, with a larger stride, or in "
        + "the form ndjson, csv or npy, which have no limit",
      pointer: pointer)
  }

  static func specification(_ error: SpecificationError, under pointer: String) -> Problem {
    invalid(pointer + error.pointer.description, error.detail, suggestion: error.suggestion)
  }

  static func notFound(_ detail: String, suggestion: String? = nil) -> Problem {
    Problem(kind: "not-found", status: 404, title: "There is nothing here", detail: detail, suggestion: suggestion)
  }

  static func methodNotAllowed(_ allow: String) -> Problem {
    Problem(
      kind: "method-not-allowed", status: 405, title: "The path does not have this method", detail: "use \(allow)",
      allow: allow)
  }

  /// A parameter of the query that makes no sense.
  static func invalidQuery(_ parameter: String, _ detail: String, suggestion: String? = nil) -> Problem {
    Problem(
      kind: "invalid-query", status: 422, title: "The query is not valid", detail: detail, parameter: parameter,
      suggestion: suggestion)
  }

  static func notAcceptable(_ detail: String) -> Problem {
    Problem(kind: "not-acceptable", status: 406, title: "There is no such form", detail: detail)
  }

  static func unsupportedType(_ detail: String) -> Problem {
    Problem(kind: "unsupported-media-type", status: 415, title: "The content is not JSON by its type", detail: detail)
  }

  static func notReady(_ detail: String, retryAfter: Int) -> Problem {
    Problem(
      kind: "not-ready", status: 503, title: "The server is not ready", detail: detail, retryAfter: retryAfter)
  }

  static func server(_ failure: HTTPFailure) -> Problem {
    Problem(kind: "http", status: failure.status, title: "The request cannot be served", detail: failure.detail)
  }

  /// The problem as JSON.
  var document: [(String, JSONValue)] {
    var members: [(String, JSONValue)] = [
      ("type", .string("urn:anneal:problem:\(kind)")), ("title", .string(title)), ("status", .number(Double(status))),
      ("detail", .string(detail)),
    ]
    if let pointer { members.append(("pointer", .string(pointer))) }
    if let parameter { members.append(("parameter", .string(parameter))) }
    if let suggestion { members.append(("suggestion", .string(suggestion))) }
    return members
  }

  var response: HTTPResponse {
    var response = HTTPResponse.json(
      .object(JSONObject(document)), status: status, contentType: "application/problem+json")
    if let allow { response.fields.append("Allow", allow) }
    if let challenge { response.fields.append("WWW-Authenticate", challenge) }
    if let retryAfter { response.fields.append("Retry-After", "\(retryAfter)") }
    return response
  }
}

extension HTTPResponse {
  /// A JSON document and a line break, for those who read it in a terminal.
  static func json(_ value: JSONValue, status: Int = 200, contentType: String = "application/json") -> HTTPResponse {
    var body: [UInt8] = []
    JSONWriter.append(value, to: &body)
    body.append(UInt8(ascii: "\n"))
    return HTTPResponse(status: status, fields: ["Content-Type": contentType], body: .bytes(body))
  }
}
