import Foundation
import HTTPServer
import JSON
import Sessions

/// The routes under /sessions: what was asked for, handed to the hub, and its answer as HTTP.
struct SessionAPI: Sendable {
  let hub: SessionHub
  let seal: StateSeal

  /// - Parameter reply: takes the answer, when it is on disk.
  func respond(_ route: SessionRoute, _ request: HTTPRequest, _ reply: HTTPReply) throws(Problem) {
    let caller = AccessControl.Caller(request.head)
    guard let id = route.session, caller.needsSession(route, request.head.method) else {
      return try answer(route, request, reply)
    }
    hub.tokenHash(id) { hash in
      do throws(Problem) {
        try caller.check(hash, request.head)
        try answer(route, request, reply)
      } catch {
        reply.send(error.response)
      }
    }
  }

  private func answer(_ route: SessionRoute, _ request: HTTPRequest, _ reply: HTTPReply) throws(Problem) {
    let isRead = request.head.method == "GET" || request.head.method == "HEAD"
    switch route {
    case .collection where isRead: try list(request, reply)
    case .collection: try create(request, reply)
    case .session(let id): try session(id, request, reply)
    case .part(let id, .next) where isRead: try next(id, request, reply)
    case .part(let id, .next): try report(id, request, reply)
    case .part(let id, .attempts):
      try noQuery(request)
      hub.restart(id, try content(request)) { result in send(result, 201, reply) }
    case .part(let id, .overrides):
      let query = try Query(request.head, names: ["dry_run"])
      let isDryRun = try query.flag("dry_run")
      hub.override(
        id, try content(request), ifMatch: try ifMatch(request), isDryRun: isDryRun,
        idempotencyKey: try idempotencyKey(request)
      ) { result in
        send(result, isDryRun ? 200 : 201, reply)
      }
    case .override(let id, let name):
      try noQuery(request)
      hub.withdraw(id, override: name, ifMatch: try ifMatch(request)) { result in
        reply.send(Self.response(result) { _ in HTTPResponse(status: 204) })
      }
    case .part(let id, .fork):
      try noQuery(request)
      hub.fork(id, try content(request), idempotencyKey: try idempotencyKey(request), token: Token.forSession()) {
        result in
        reply.send(
          Self.response(result) { document in
            var response = HTTPResponse.document(document, status: 201)
            if case .string(let name)? = document["id"] { response.fields.append("Location", "/sessions/\(name)") }
            return response
          })
      }
    case .part(let id, .history): try history(id, request, reply)
    case .part(let id, .events): try events(id, request, reply)
    case .part(let id, .state): try state(id, request, reply)
    case .part(let id, .replay):
      try noQuery(request)
      hub.replay(id, try content(request, orEmpty: true)) { result in send(result, 200, reply) }
    case .part(let id, .suggestions):
      try noQuery(request)
      hub.suggestions(id) { result in send(result, 200, reply) }
    case .part(let id, .chart): try chart(id, request, reply)
    }
  }

  // MARK: The parts of a request

  /// - Parameter orEmpty: whether no content at all is an empty object.
  private func content(_ request: HTTPRequest, orEmpty: Bool = false) throws(Problem) -> JSONValue {
    if orEmpty && request.body.isEmpty { return .object(JSONObject()) }
    let value: JSONValue
    do {
      value = try JSONReader.read(request.body)
    } catch {
      throw .malformed(error)
    }
    guard case .object = value else { throw .invalid("", "an object was expected here, not \(value.typeName)") }
    return value
  }

  private func noQuery(_ request: HTTPRequest) throws(Problem) { _ = try Query(request.head, names: []) }

  /// The revision that `If-Match` names; nil without one, or for any.
  private func ifMatch(_ request: HTTPRequest) throws(Problem) -> Int? {
    guard let field = request.head.fields["If-Match"], field != "*" else { return nil }
    let text = field.hasPrefix("\"") && field.hasSuffix("\"") && field.count > 2 ? field.dropFirst().dropLast() : ""
    // A tag that is none of ours matches nothing.
    return text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? Int(text) ?? -1 : -1
  }

  private func idempotencyKey(_ request: HTTPRequest) throws(Problem) -> String? {
    guard let key = request.head.fields["Idempotency-Key"] else { return nil }
    if key.isEmpty || key.utf8.count > 255 {
      throw Problem(
        kind: "invalid-field", status: 422, title: "A field is not valid",
        detail: "an Idempotency-Key has 1 to 255 octets")
    }
    return key
  }

  private func seconds(_ query: Query, _ name: String) throws(Problem) -> Double {
    guard let text = query[name] else { return 0 }
    guard let number = Double(text), number >= 0, number <= SessionHub.longestWait else {
      throw .invalidQuery(name, "'\(name)' is a number of seconds from 0 to \(Int(SessionHub.longestWait))")
    }
    return number
  }

  private func whole(_ query: Query, _ name: String, _ range: ClosedRange<Int>) throws(Problem) -> Int? {
    query[name] == nil ? nil : try query.integer(name, range, 0)
  }

  // MARK: Answers

  static func response<Value>(
    _ result: Result<Value, SessionError>, _ make: (Value) -> HTTPResponse
  ) -> HTTPResponse {
    switch result {
    case .success(let value): make(value)
    case .failure(let error): Problem(error).response
    }
  }

  private func send(_ result: Result<JSONValue, SessionError>, _ status: Int, _ reply: HTTPReply) {
    reply.send(Self.response(result) { .json($0, status: status) })
  }

  private func send(
    _ result: Result<(JSONValue, revision: Int), SessionError>, _ status: Int, _ reply: HTTPReply
  ) {
    reply.send(
      Self.response(result) { document, revision in
        var response = HTTPResponse.json(document, status: status)
        response.fields.append("ETag", "\"\(revision)\"")
        return response
      })
  }

  // MARK: Sessions

  private func list(_ request: HTTPRequest, _ reply: HTTPReply) throws(Problem) {
    let query = try Query(request.head, names: ["cursor", "limit", "state", "label"])
    let states = ["waiting", "running", "stalled", "stopped"]
    if let state = query["state"], !states.contains(state) {
      throw .invalidQuery("state", "'state' is one of \(states.joined(separator: ", "))")
    }
    var label: (name: String, value: String)?
    if let text = query["label"] {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count != 2 { throw .invalidQuery("label", "'label' is written name=value") }
      label = (String(parts[0]), String(parts[1]))
    }
    hub.list(
      after: query["cursor"] ?? "", limit: try query.integer("limit", 1...1000, 100), state: query["state"],
      label: label
    ) { result in send(result, 200, reply) }
  }

  private func create(_ request: HTTPRequest, _ reply: HTTPReply) throws(Problem) {
    try noQuery(request)
    let content = try content(request)
    hub.post(content, idempotencyKey: try idempotencyKey(request), token: token(content)) { result in
      reply.send(
        Self.response(result) { document in
          var response = HTTPResponse.document(document, status: 201)
          if case .string(let name)? = document["id"] { response.fields.append("Location", "/sessions/\(name)") }
          if case .number(let revision)? = document["revision"] {
            response.fields.append("ETag", "\"\(Int(revision))\"")
          }
          return response
        })
    }
  }

  /// A token for a session that asks for one.
  private func token(_ specification: JSONValue) -> SessionToken? {
    specification["token"] == true ? Token.forSession() : nil
  }

  private func session(_ id: String, _ request: HTTPRequest, _ reply: HTTPReply) throws(Problem) {
    try noQuery(request)
    switch request.head.method {
    case "PUT":
      let content = try content(request)
      hub.put(id, content, token: token(content)) { result in
        reply.send(Self.response(result) { .document($0.0, status: $0.isNew ? 201 : 200) })
      }
    case "PATCH":
      hub.patch(id, try content(request), ifMatch: try ifMatch(request)) { result in send(result, 200, reply) }
    case "DELETE":
      hub.delete(id, ifMatch: try ifMatch(request)) { result in
        reply.send(Self.response(result) { HTTPResponse(status: 204) })
      }
    default:
      let known = request.head.fields["If-None-Match"]
      hub.document(id) { result in
        if case .success(let (_, revision)) = result, known == "\"\(revision)\"" {
          return reply.send(HTTPResponse(status: 304, fields: ["ETag": "\"\(revision)\""]))
        }
        send(result, 200, reply)
      }
    }
  }

  // MARK: The hot path

  private func report(_ id: String, _ request: HTTPRequest, _ reply: HTTPReply) throws(Problem) {
    let query = try Query(request.head, names: ["wait", "explain"])
    let wait = try seconds(query, "wait")
    let isExplained = try query.flag("explain")
    let report: ReportRequest
    do {
      report = try ReportRequest(try content(request, orEmpty: true))
    } catch let error as SessionError {
      throw Problem(error)
    } catch let problem as Problem {
      throw problem
    } catch {
      throw .invalid("", "the content cannot be read")
    }
    hub.report(id, report, wait: wait, isExplained: isExplained) { result in
      reply.send(
        Self.response(result) { document in
          // A rank of a quorum that is ahead of the others has reported, and has no rate yet.
          .json(document, status: document["learning_rate"] == .null ? 202 : 200)
        })
    }
  }

  private func next(_ id: String, _ request: HTTPRequest, _ reply: HTTPReply) throws(Problem) {
    let query = try Query(request.head, names: ["step", "count", "wait", "attempt", "explain"])
    hub.next(
      id, step: try whole(query, "step", 0...SessionSpecification.largestStep),
      count: try whole(query, "count", 1...ReportRequest.largestCount),
      attempt: try whole(query, "attempt", 1...(1 << 31)), wait: try seconds(query, "wait"),
      isExplained: try query.flag("explain")
    ) { result in send(result, 200, reply) }
  }

  // MARK: The record

  private func history(_ id: String, _ request: HTTPRequest, _ reply: HTTPReply) throws(Problem) {
    let query = try Query(request.head, names: ["cursor", "limit", "format"])
    let form = try Form.chosen(
      name: query["format"], accept: request.head.fields["Accept"], of: [.json, .ndjson, .csv, .npy])
    let cursor = try query.integer("cursor", 0...(1 << 53), 0)
    let limit = try whole(query, "limit", 1...10_000)
    History(hub: hub, id: id, after: cursor, limit: limit).send(form, reply)
  }

  private func events(_ id: String, _ request: HTTPRequest, _ reply: HTTPReply) throws(Problem) {
    let query = try Query(request.head, names: ["last_event_id"])
    var last = try query.integer("last_event_id", 0...(1 << 53), 0)
    if let field = request.head.fields["Last-Event-ID"] {
      guard let number = Int(field), number >= 0 else {
        throw Problem(
          kind: "invalid-field", status: 422, title: "A field is not valid",
          detail: "Last-Event-ID is the number of the last event that was received")
      }
      last = number
    }
    let start = last
    hub.document(id) { result in
      reply.send(
        Self.response(result) { _ in
          HTTPResponse(
            status: 200, fields: ["Content-Type": "text/event-stream", "Cache-Control": "no-store"],
            body: .stream(EventStream(hub, id, after: start)))
        })
    }
  }

  private func chart(_ id: String, _ request: HTTPRequest, _ reply: HTTPReply) throws(Problem) {
    let query = try Query(request.head, names: ["width", "height"])
    let (width, height) = (try query.integer("width", 240...4096, 800), try query.integer("height", 320...4096, 640))
    SessionChart(hub: hub, id: id, width: width, height: height).send(reply)
  }

  // MARK: The state

  private func state(_ id: String, _ request: HTTPRequest, _ reply: HTTPReply) throws(Problem) {
    try noQuery(request)
    if request.head.method != "PUT" {
      hub.state(id) { result in
        reply.send(Self.response(result) { .json(seal.sealed($0)) })
      }
      return
    }
    hub.restore(id, try seal.opened(try content(request)), token: Token.forSession()) { result in
      reply.send(Self.response(result) { .document($0) })
    }
  }
}

extension HTTPResponse {
  /// What opens a session is answered with: it may hold the session's token, which nobody is to keep or to guess from the
  /// size of what is compressed.
  fileprivate static func document(_ value: JSONValue, status: Int = 200) -> HTTPResponse {
    var response = HTTPResponse.json(value, status: status)
    if value["token"] != nil {
      response.mayBeCoded = false
      response.fields.append("Cache-Control", "no-store")
    }
    return response
  }
}
