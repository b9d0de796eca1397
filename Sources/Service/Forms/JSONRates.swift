import HTTPServer
import JSON
import Schedules

/// The answer of `POST /schedule` as JSON: `{"learning_rates":[…]}`, with a member for each companion and
/// `"groups":{"name":[…]}` where there are any.
struct JSONRates: LaneSource {
  private let steps: StepSelection
  private let columns: [ScheduleRequest.Column]
  private var column = 0
  private var position = 0
  private var pass: LongAnswerPass?

  var octetsAhead: Int { pass == nil ? 0 : LongAnswerPass.octetsAhead }

  init(_ request: ScheduleRequest) {
    steps = request.steps
    columns = request.columns
  }

  func begin(_ buffer: inout [UInt8]) {
    if position > 0 { return }
    let isFirstGroup = columns[column].isGroup && !columns[column - 1].isGroup
    buffer.append(contentsOf: (column == 0 ? "{" : isFirstGroup ? ",\"groups\":{" : ",").utf8)
    JSONWriter.append(columns[column].name, to: &buffer)
    buffer.append(contentsOf: ":[".utf8)
  }

  mutating func split() -> (parts: Int, size: Int) {
    Lanes.split(steps.count - position, small: Rates.pieceSize, large: Rates.pieceSize, &pass)
  }

  func append(_ part: Int, size: Int, to buffer: inout [UInt8]) throws {
    let start = position + part * size
    try Rates(columns[column].schedule, steps).withPiece(from: start, size: size) { rates in
      buffer.reserveCapacity(buffer.count + rates.count * 25 + 128)
      if start > 0 { buffer.append(UInt8(ascii: ",")) }
      if !JSONWriter.append(UnsafeBufferPointer(rates), to: &buffer) { throw NotFinite() }
    }
  }

  mutating func finish(parts: Int, size: Int, _ buffer: inout [UInt8]) -> Bool {
    position += parts * size
    if position < steps.count { return true }
    buffer.append(UInt8(ascii: "]"))
    column += 1
    position = 0
    if column < columns.count { return true }
    buffer.append(contentsOf: (columns[column - 1].isGroup ? "}}\n" : "}\n").utf8)
    return false
  }
}
