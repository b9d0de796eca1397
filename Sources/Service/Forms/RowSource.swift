import HTTPServer
import JSON
import Schedules

/// Rates row by row, one row a step, in a form that a ``RowFormat`` writes.
struct RowSource<Format: RowFormat>: LaneSource {
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

  func begin(_ buffer: inout [UInt8]) {
    if position == 0 { format.appendHead(columns, rows: steps.count, to: &buffer) }
  }

  mutating func split() -> (parts: Int, size: Int) {
    let small = max(16, Rates.pieceSize / columns.count)
    return Lanes.split(steps.count - position, small: small, large: small * format.rowsAtATime, &pass)
  }

  func append(_ part: Int, size: Int, to buffer: inout [UInt8]) throws {
    let start = min(position + part * size, steps.count)
    let count = min(size, steps.count - start)
    if columns.count == 1, format.isOfDoubles, try appendDoubles(start, count, to: &buffer) { return }
    try withUnsafeTemporaryAllocation(of: Double.self, capacity: count * columns.count) { rates in
      for (index, column) in columns.enumerated() {
        let part = UnsafeMutableBufferPointer(rebasing: rates[(index * count)..<((index + 1) * count)])
        Rates(column.schedule, steps).fill(part, from: start)
      }
      if !rates.allSatisfy(\.isFinite) { throw NotFinite() }
      for row in 0..<count {
        format.appendRow(steps.step(start + row), columns, to: &buffer) { rates[$0 * count + row] }
      }
    }
  }

  /// Evaluates the rates where they are sent from.
  ///
  /// - Returns: false where numbers would not be aligned there; nothing is appended then.
  private func appendDoubles(_ start: Int, _ count: Int, to buffer: inout [UInt8]) throws -> Bool {
    let column = columns[0]
    let octets = count * MemoryLayout<Double>.stride
    var isFinite = true
    var isAligned = false
    // With some room at the end, for what frames it.
    buffer.reserveCapacity(buffer.count + octets + 64)
    buffer.append(addingCapacity: octets) { span in
      span.withUnsafeMutableBufferPointer { bytes, used in
        let room = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(bytes)[used...])
        guard let base = room.baseAddress, room.count >= octets,
          Int(bitPattern: base) % MemoryLayout<Double>.alignment == 0
        else { return }
        isAligned = true
        let rates = UnsafeMutableBufferPointer(start: base.bindMemory(to: Double.self, capacity: count), count: count)
        Rates(column.schedule, steps).fill(rates, from: start)
        isFinite = column.schedule.isAlwaysFinite || rates.allSatisfy(\.isFinite)
        base.bindMemory(to: UInt8.self, capacity: octets)
        used += octets
      }
    }
    if !isFinite { throw NotFinite() }
    return isAligned
  }

  mutating func finish(parts: Int, size: Int, _ buffer: inout [UInt8]) -> Bool {
    position = min(position + parts * size, steps.count)
    return position < steps.count
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

  /// Whether a row of a single column is a double as it stands in this machine's memory.
  var isOfDoubles: Bool { get }
}

extension RowFormat {
  var rowsAtATime: Int { 1 }

  var isOfDoubles: Bool { false }
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
