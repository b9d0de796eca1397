import HTTPServer
import JSON
import Sessions
import Synchronization

/// The record row by row, some hundred events in memory at a time.
struct RowStream: HTTPBodySource {
  let hub: SessionHub
  let id: String
  /// The last revision that was written out.
  var last: Int
  /// The last revision that shall be.
  let end: Int
  /// How many events may follow; nil for all.
  var left: Int?
  let isCSV: Bool
  var hasHead = false

  private static let names = [
    "revision", "time", "kind", "attempt", "rank", "step", "learning_rate", "loss", "metrics", "detail",
  ]

  mutating func next(into buffer: inout [UInt8]) throws -> Bool {
    if isCSV && !hasHead { buffer += Array((Self.names.joined(separator: ",") + "\r\n").utf8) }
    hasHead = true
    let limit = min(left ?? 256, 256)
    if limit == 0 || last >= end { return false }
    let events = try hub.pageNow(id, after: last, limit: limit).events.filter { $0.revision <= end }
    for event in events {
      last = event.revision
      for row in History.rows(event) {
        if isCSV {
          Self.append(row, to: &buffer)
        } else {
          JSONWriter.append(row, to: &buffer)
          buffer.append(UInt8(ascii: "\n"))
        }
      }
    }
    left = left.map { $0 - events.count }
    return events.count == limit && last < end
  }

  private static func append(_ row: JSONValue, to buffer: inout [UInt8]) {
    var fields: [String] = []
    for name in names {
      switch name {
      case "loss": fields.append(text(row["metrics"]?["loss"]))
      case "metrics": fields.append(text(row["metrics"]))
      case "detail":
        let rest = row.members.filter { !names.contains($0.name) }.map { ($0.name, $0.value) }
        fields.append(rest.isEmpty ? "" : text(.object(JSONObject(rest))))
      default: fields.append(text(row[name]))
      }
    }
    buffer += Array((fields.joined(separator: ",") + "\r\n").utf8)
  }

  /// A field of RFC 4180.
  private static func text(_ value: JSONValue?) -> String {
    switch value {
    case nil, .null: return ""
    case .string(let text): return quoted(text)
    case let value?: return quoted(JSONWriter.text(value))
    }
  }

  private static func quoted(_ text: String) -> String {
    if !text.utf8.contains(where: { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }) { return text }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}

/// Collects reports as doubles.
final class Rows: Sendable {
  private struct Content {
    var bytes: [UInt8] = []
    var count = 0
    var isTooLong = false
  }

  private let content = Mutex(Content())

  var taken: (bytes: [UInt8], count: Int, isTooLong: Bool) { content.withLock { ($0.bytes, $0.count, $0.isTooLong) } }

  /// - Returns: whether there is room for more.
  func append(_ event: JSONValue, largest: Int) -> Bool {
    content.withLock { content in
      for report in event["reports"]?.elements ?? [] {
        if content.count == largest {
          content.isTooLong = true
          return false
        }
        content.count += 1
        let fields = [
          event["attempt"], report["rank"] ?? 0, report["step"], report["learning_rate"], report["metrics.loss"],
        ]
        for field in fields {
          withUnsafeBytes(of: (field?.reported ?? .nan).bitPattern.littleEndian) { content.bytes += Array($0) }
        }
      }
      return true
    }
  }
}
