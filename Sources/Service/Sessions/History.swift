import HTTPServer
import JSON
import Sessions

/// The record of a session in the form that a tool reads: one row a report, one an event.
struct History {
  let hub: SessionHub
  let id: String
  /// Rows of events after this revision.
  let after: Int
  /// At most so many events; nil for all, where the form can be of any length.
  let limit: Int?

  /// The most events that one JSON answer holds.
  private static let largestPage = 1000
  /// The most reports that one array holds: it is made in memory.
  private static let largestArray = 1_000_000

  func send(_ form: Form, _ reply: HTTPReply) {
    hub.document(id) { result in
      guard case .success(let (_, revision)) = result else {
        return reply.send(SessionAPI.response(result) { _ in HTTPResponse(status: 200) })
      }
      switch form {
      case .ndjson, .csv:
        let source = RowStream(hub: hub, id: id, last: after, end: revision, left: limit, isCSV: form == .csv)
        reply.send(HTTPResponse(status: 200, fields: ["Content-Type": form.contentType], body: .stream(source)))
      case .npy: array(revision, reply)
      case .json, .svg, .events: page(revision, reply)
      }
    }
  }

  private func page(_ revision: Int, _ reply: HTTPReply) {
    let limit = min(limit ?? Self.largestPage, Self.largestPage)
    hub.page(id, after: after, limit: limit) { result in
      reply.send(
        SessionAPI.response(result) { page in
          let texts = page.events.filter { $0.revision <= revision }
          let rows = texts.flatMap { Self.rows($0) }
          var members: [(String, JSONValue)] = [("history", .array(rows))]
          if let last = texts.last, last.revision < revision {
            members.append(("cursor", .number(Double(last.revision))))
          }
          return .json(.object(JSONObject(members)))
        })
    }
  }

  /// Reports as an array of doubles: attempt, rank, step, learning_rate, loss.
  private func array(_ revision: Int, _ reply: HTTPReply) {
    let box = Rows()
    hub.pages(
      id, after: after,
      { result in
        reply.send(
          SessionAPI.response(result) { _ in
            let (bytes, count, isTooLong) = box.taken
            if isTooLong {
              return Problem.invalidQuery(
                "cursor", "there are more than \(Self.largestArray) reports; take the form ndjson or csv"
              ).response
            }
            return HTTPResponse(
              status: 200, fields: ["Content-Type": Form.npy.contentType], body: .bytes(Self.npy(bytes, count)))
          })
      }
    ) { value, number in
      number <= revision && box.append(value, largest: Self.largestArray)
    }
  }

  private static func npy(_ bytes: [UInt8], _ count: Int) -> [UInt8] {
    let names = ["attempt", "rank", "step", "learning_rate", "loss"].map { "('\($0)', '<f8')" }
    var head = Array(
      "{'descr': [\(names.joined(separator: ", "))], 'fortran_order': False, 'shape': (\(count),), }".utf8)
    head += Array(repeating: UInt8(ascii: " "), count: 63 - (10 + head.count) % 64) + [UInt8(ascii: "\n")]
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(head.count & 0xFF), UInt8(head.count >> 8 & 0xFF)] + head + bytes
  }

  // MARK: Rows

  static func rows(_ text: StoredText) -> [JSONValue] {
    guard let value = try? JSONReader.read(text.text, depth: 256) else { return [] }
    return rows(value, text.revision)
  }

  /// One event of the log as rows: each report one, each decision one, anything else one.
  static func rows(_ event: JSONValue, _ revision: Int) -> [JSONValue] {
    let common: [(String, JSONValue)] = [("revision", .number(Double(revision))), ("time", event["time"] ?? .null)]
    guard event["kind"] == "reports" else {
      var members = common
      // A restart carries the whole state; that is for the machine.
      for member in event.members where !["time", "snapshot"].contains(member.name) {
        members.append((member.name, member.value))
      }
      return [.object(JSONObject(members))]
    }
    var rows: [JSONValue] = []
    for report in event["reports"]?.elements ?? [] {
      var members = common + [("kind", "report"), ("attempt", event["attempt"] ?? 1)]
      var metrics: [(String, JSONValue)] = []
      for member in report.members {
        if member.name.hasPrefix("metrics.") || member.name.hasPrefix("vectors.") {
          metrics.append((String(member.name.dropFirst(8)), member.value))
        } else {
          members.append((member.name, member.value))
        }
      }
      rows.append(.object(JSONObject(members + [("metrics", .object(JSONObject(metrics)))])))
    }
    for decision in event["decisions"]?.elements ?? [] {
      rows.append(.object(JSONObject(common + [("kind", "decision")] + decision.members.map { ($0.name, $0.value) })))
    }
    return rows
  }
}
