import HTTPServer
import JSON
import Schedules

/// The rates of one schedule at the selected steps, in pieces of bounded size.
struct Rates {
  /// Rates a piece: some 80 KiB of JSON.
  static let pieceSize = 4096

  private let schedule: any Schedule
  private let steps: StepSelection

  init(_ schedule: any Schedule, _ steps: StepSelection) {
    self.schedule = schedule
    self.steps = steps
  }

  /// Calls `body` with at most ``pieceSize`` rates from the index `first` on.
  func withPiece<Result>(from first: Int, _ body: (UnsafeMutableBufferPointer<Double>) throws -> Result) rethrows
    -> Result
  {
    let count = max(0, min(Self.pieceSize, steps.count - first))
    return try withUnsafeTemporaryAllocation(of: Double.self, capacity: count) { rates in
      switch steps {
      case .range(_, _, let stride): schedule.fill(rates, from: steps.step(first), stride: stride)
      case .list(let list):
        for index in 0..<count { rates.initializeElement(at: index, to: schedule.rate(at: list[first + index])) }
      }
      return try body(rates)
    }
  }

  /// Calls `body` with the index of a piece's first rate and the piece, until there are no more or it returns false.
  func forEachPiece(_ body: (Int, UnsafeMutableBufferPointer<Double>) -> Bool) {
    var first = 0
    while first < steps.count {
      if !withPiece(from: first, { body(first, $0) }) { return }
      first += Self.pieceSize
    }
  }
}

/// The answer of `POST /schedule` as JSON: `{"learning_rates":[…]}`, with `"momentum":[…]` where there is one.
struct ScheduleAnswer: HTTPBodySource {
  /// What the server must never send; the request was checked before, so a client sees a broken answer, not a wrong one.
  struct NotFinite: Error {}

  private let steps: StepSelection
  private var columns: [(name: String, schedule: any Schedule)]
  private var column = 0
  private var position = 0

  init(_ request: ScheduleRequest) {
    steps = request.steps
    columns = [("learning_rates", request.curves.rate)]
    columns += request.curves.companions.map { ($0.name, $0.schedule) }
  }

  mutating func next(into buffer: inout [UInt8]) throws -> Bool {
    let (name, schedule) = columns[column]
    if position == 0 {
      buffer.append(column == 0 ? UInt8(ascii: "{") : UInt8(ascii: ","))
      JSONWriter.append(name, to: &buffer)
      buffer.append(contentsOf: ":[".utf8)
    }
    try Rates(schedule, steps).withPiece(from: position) { rates in
      for (index, rate) in rates.enumerated() {
        if !rate.isFinite { throw NotFinite() }
        if position + index > 0 { buffer.append(UInt8(ascii: ",")) }
        JSONWriter.append(rate, to: &buffer)
      }
    }
    position += Rates.pieceSize
    if position < steps.count { return true }
    buffer.append(UInt8(ascii: "]"))
    column += 1
    position = 0
    if column < columns.count { return true }
    buffer.append(contentsOf: "}\n".utf8)
    return false
  }
}
