public import Charts
public import Foundation
import HTTPServer
import JSON
import Schedules

/// The service's answers without a server, for the command line: the same reading, the same errors, the same numbers.
public enum Offline {
  public enum Selection {
    /// So many steps from 0 on.
    case count(Int)
    case list([Double])
  }

  /// What is wrong with the schedule or the steps.
  public struct Invalid: Error, CustomStringConvertible {
    public let description: String

    init(_ problem: Problem) {
      description = (problem.pointer.map { $0.isEmpty ? "" : "\($0): " } ?? "") + problem.detail
    }
  }

  /// Writes the rates of a schedule.
  ///
  /// - Parameters:
  ///   - schedule: JSON text, or the whole content of a `POST /schedule` without its steps.
  ///   - selection: the steps.
  ///   - form: a form of `POST /schedule`, such as `json` or `csv`; nil for lines of step, tab, rate.
  ///   - write: takes the octets piece by piece.
  /// - Throws: ``Invalid``, or what `write` throws.
  public static func writeRates(
    schedule: String, selection: Selection, form: String?, to write: (Data) throws -> Void
  ) throws {
    let request = try valid { () throws(Problem) in
      let request = try ScheduleRequest(ScheduleOutline(content(schedule, selection), limit: .max))
      try request.checkFinite()
      return request
    }
    if let form {
      let response = try valid { () throws(Problem) in
        try request.response(try Form.chosen(name: form, accept: nil), picture: PictureOptions())
      }
      switch response.body {
      case .bytes(let bytes): try write(Data(bytes))
      case .stream(var source):
        var hasMore = true
        while hasMore {
          var piece: [UInt8] = []
          hasMore = try source.next(into: &piece)
          try write(Data(piece))
        }
      }
      return
    }
    var first = 0
    while first < request.steps.count {
      var piece: [UInt8] = []
      Rates(request.columns[0].schedule, request.steps).withPiece(from: first) { rates in
        for (index, rate) in rates.enumerated() {
          JSONWriter.append(.number(request.steps.step(first + index)), to: &piece)
          piece.append(UInt8(ascii: "\t"))
          JSONWriter.append(rate, to: &piece)
          piece.append(UInt8(ascii: "\n"))
        }
      }
      try write(Data(piece))
      first += Rates.pieceSize
    }
  }

  /// The schedule in canonical types, as `POST /schedule?explain=true` answers it: indented JSON.
  ///
  /// - Throws: ``Invalid``.
  public static func explanation(schedule: String) throws -> String {
    try valid { () throws(Problem) in
      let outline = try ScheduleOutline(content(schedule, nil), limit: .max, isForExplanation: true)
      return Explanation(outline, try ScheduleRequest(outline)).document.indented()
    }
  }

  /// What `GET /schedules` answers.
  public static var catalogJSON: String { JSONWriter.text(CatalogDocument.all(.standard)) + "\n" }

  /// The catalog as the README shows it: Markdown tables.
  public static var catalogMarkdown: String { CatalogDocument.markdown(.standard) }

  /// Several schedules over the same steps, as `POST /compare` reads them.
  ///
  /// - Parameters:
  ///   - schedules: JSON texts.
  ///   - selection: the steps.
  /// - Returns: the chart of all curves, and a table of what each amounts to: a head, then a row for each.
  /// - Throws: ``Invalid``.
  public static func comparison(
    schedules: [String], selection: Selection, isLogarithmic: Bool, title: String
  ) throws -> (chart: Chart, table: [[String]]) {
    try valid { () throws(Problem) in
      var content = Array("{\"schedules\":[\(schedules.joined(separator: ","))]".utf8)
      content += members(selection) + Array("}".utf8)
      let comparison = try Comparison(content, limit: .max)
      let options = PictureOptions(scale: isLogarithmic ? .log : .linear, title: title)
      var table = [["schedule", "peak", "at step", "final", "area", "below half at", "warm-up steps"]]
      func text(_ value: Double?) -> String { value.map { JSONWriter.text(.number($0)) } ?? "-" }
      for curve in comparison.curves {
        let summary = curve.summary
        table.append([
          curve.name, text(summary.peak), text(summary.peakStep), text(summary.final), text(summary.area),
          text(summary.halfStep), text(summary.warmupSteps),
        ])
      }
      return (options.chart(comparison.curves.map { ($0.name, $0.schedule) }, comparison.steps), table)
    }
  }

  static func valid<Result>(_ body: () throws(Problem) -> Result) throws -> Result {
    do throws(Problem) {
      return try body()
    } catch {
      throw Invalid(error)
    }
  }

  /// A request around a schedule; a request as it is, with the steps added.
  private static func content(_ schedule: String, _ selection: Selection?) -> [UInt8] {
    let steps = selection.map(members) ?? []
    if case .object(let object)? = try? JSONReader.read(Array(schedule.utf8)), object["schedule"] != nil,
      object["type"] == nil
    {
      var content = Array(schedule.utf8)
      while content.last != UInt8(ascii: "}") { content.removeLast() }
      return content.dropLast() + steps + Array("}".utf8)
    }
    return Array("{\"schedule\":".utf8) + Array(schedule.utf8) + steps + Array("}".utf8)
  }

  private static func members(_ selection: Selection) -> [UInt8] {
    switch selection {
    case .count(let count): return Array(",\"steps\":\(count)".utf8)
    case .list(let steps):
      var content = Array(",\"at\":".utf8)
      JSONWriter.append(.array(steps.map { .number($0) }), to: &content)
      return content
    }
  }
}

extension JSONValue {
  /// JSON text with a member a line, for people.
  fileprivate func indented(_ indent: String = "") -> String {
    switch self {
    case .object(let object) where !object.members.isEmpty:
      let inner = indent + "  "
      let lines = object.members.map { member in
        "\(inner)\(JSONWriter.text(.string(member.name))): \(member.value.indented(inner))"
      }
      return "{\n\(lines.joined(separator: ",\n"))\n\(indent)}"
    case .array(let elements) where elements.contains { if case .object = $0 { true } else { false } }:
      let inner = indent + "  "
      return "[\n\(elements.map { inner + $0.indented(inner) }.joined(separator: ",\n"))\n\(indent)]"
    default: return JSONWriter.text(self)
    }
  }
}
