import HTTPServer
import JSON
import Schedules

/// Rates row by row, one row a step, in a form that a ``RowFormat`` writes.
struct RowSource<Format: RowFormat>: HTTPBodySource {
  private let steps: StepSelection
  private let columns: [ScheduleRequest.Column]
  private let format: Format
  private var position = 0
  private var pass: LongAnswerPass?

  var octetsAhead: Int { pass == nil ? 0 : LongAnswerPass.octetsAhead }

  init(_ request: ScheduleRequest, _ format: Format) {
    steps = request.steps
    columns = request.columns
    self.format = format
  }

  mutating func next(into buffer: inout [UInt8]) throws -> Bool {
    if position == 0 { format.appendHead(columns, rows: steps.count, to: &buffer) }
    let left = steps.count - position
    if left <= 0 { return false }
    let small = max(16, Rates.pieceSize / columns.count)
    let (parts, size) = Lanes.split(left, small: small, large: small * format.rowsAtATime, &pass)
    let (steps, columns, format, first) = (steps, columns, format, position)
    try Lanes.append(parts, to: &buffer) { part, buffer in
      let start = first + part * size
      try Self.append(steps, columns, format, start..<min(start + size, steps.count), to: &buffer)
    }
    position = min(position + parts * size, steps.count)
    return position < steps.count
  }

  private static func append(
    _ steps: StepSelection, _ columns: [ScheduleRequest.Column], _ format: Format, _ rows: Range<Int>,
    to buffer: inout [UInt8]
  ) throws {
    let count = rows.count
    try withUnsafeTemporaryAllocation(of: Double.self, capacity: count * columns.count) { rates in
      for (index, column) in columns.enumerated() {
        let part = UnsafeMutableBufferPointer(rebasing: rates[(index * count)..<((index + 1) * count)])
        Rates(column.schedule, steps).fill(part, from: rows.lowerBound)
      }
      if !rates.allSatisfy(\.isFinite) { throw NotFinite() }
      if format.appendColumn(UnsafeBufferPointer(rates), of: columns, to: &buffer) { return }
      for row in 0..<count {
        format.appendRow(steps.step(rows.lowerBound + row), columns, to: &buffer) { rates[$0 * count + row] }
      }
    }
  }
}

/// How a table of rates is written.
protocol RowFormat: Sendable {
  func appendHead(_ columns: [ScheduleRequest.Column], rows: Int, to buffer: inout [UInt8])

  /// - Parameter rate: the rate in the column of an index.
  func appendRow(
    _ step: Double, _ columns: [ScheduleRequest.Column], to buffer: inout [UInt8], rate: (Int) -> Double)

  /// How many times more rows a part of a long table has than one of a short table; the shorter its rows, the more.
  var rowsAtATime: Int { get }

  /// Appends all rows at once, where there is but one column and the form has a short way for it.
  ///
  /// - Returns: whether it has; otherwise nothing is appended.
  func appendColumn(
    _ rates: UnsafeBufferPointer<Double>, of columns: [ScheduleRequest.Column], to buffer: inout [UInt8]
  ) -> Bool
}

extension RowFormat {
  var rowsAtATime: Int { 1 }

  func appendColumn(
    _ rates: UnsafeBufferPointer<Double>, of columns: [ScheduleRequest.Column], to buffer: inout [UInt8]
  ) -> Bool { false }
}

extension ScheduleRequest.Column {
  /// The name of one value of the column.
  var singular: String { name == "learning_rates" && !isGroup ? "learning_rate" : name }
}

/// One JSON object a line: `{"step":0,"learning_rate":0.1}`.
struct NDJSONFormat: RowFormat {
  func appendHead(_ columns: [ScheduleRequest.Column], rows: Int, to buffer: inout [UInt8]) {}

  func appendRow(
    _ step: Double, _ columns: [ScheduleRequest.Column], to buffer: inout [UInt8], rate: (Int) -> Double
  ) {
    buffer.append(contentsOf: "{\"step\":".utf8)
    JSONWriter.append(.number(step), to: &buffer)
    var isInGroups = false
    for (index, column) in columns.enumerated() {
      buffer.append(contentsOf: (column.isGroup && !isInGroups ? ",\"groups\":{" : ",").utf8)
      isInGroups = column.isGroup
      JSONWriter.append(column.singular, to: &buffer)
      buffer.append(UInt8(ascii: ":"))
      JSONWriter.append(rate(index), to: &buffer)
    }
    buffer.append(contentsOf: (isInGroups ? "}}\n" : "}\n").utf8)
  }
}

/// Comma-separated values with a head (RFC 4180): `step,learning_rate`.
struct CSVFormat: RowFormat {
  func appendHead(_ columns: [ScheduleRequest.Column], rows: Int, to buffer: inout [UInt8]) {
    buffer.append(contentsOf: "step".utf8)
    for column in columns {
      buffer.append(UInt8(ascii: ","))
      let name = column.singular
      let isPlain = !name.utf8.contains { ",\"\r\n".utf8.contains($0) }
      if isPlain {
        buffer.append(contentsOf: name.utf8)
        continue
      }
      buffer.append(UInt8(ascii: "\""))
      for byte in name.utf8 {
        if byte == UInt8(ascii: "\"") { buffer.append(byte) }
        buffer.append(byte)
      }
      buffer.append(UInt8(ascii: "\""))
    }
    buffer.append(contentsOf: "\r\n".utf8)
  }

  func appendRow(
    _ step: Double, _ columns: [ScheduleRequest.Column], to buffer: inout [UInt8], rate: (Int) -> Double
  ) {
    JSONWriter.append(.number(step), to: &buffer)
    for index in columns.indices {
      buffer.append(UInt8(ascii: ","))
      JSONWriter.append(rate(index), to: &buffer)
    }
    buffer.append(contentsOf: "\r\n".utf8)
  }
}
