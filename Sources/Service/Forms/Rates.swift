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

  /// Writes the rates from the index `first` on, as many as `rates` has room for; there must be so many.
  func fill(_ rates: UnsafeMutableBufferPointer<Double>, from first: Int) {
    switch steps {
    case .range(_, _, let stride): schedule.fill(rates, from: steps.step(first), stride: stride)
    case .list(let list):
      for index in rates.indices { rates.initializeElement(at: index, to: schedule.rate(at: list[first + index])) }
    }
  }

  /// Calls `body` with the rates from the index `first` on, at most `size` of them.
  func withPiece<Result>(
    from first: Int, size: Int = Rates.pieceSize, _ body: (UnsafeMutableBufferPointer<Double>) throws -> Result
  ) rethrows -> Result {
    let count = max(0, min(size, steps.count - first))
    return try withUnsafeTemporaryAllocation(of: Double.self, capacity: count) { rates in
      fill(rates, from: first)
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

/// What the server must never send. Short answers are checked before; a long one is broken off here, so that a client
/// sees a broken answer, not a wrong one.
struct NotFinite: Error {}
