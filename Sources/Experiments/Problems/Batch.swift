/// Which samples a step sees: all, or a batch drawn anew with replacement, the same for the same seed and step.
struct Batch: Sendable {
  /// How many samples there are; at least 1.
  let count: Int
  /// How many a step sees; nil: all, each once.
  let size: Int?
  let seed: UInt64

  /// How many samples one step costs.
  var cost: Int { size ?? count }

  /// Calls `body` with the number of each sample of the step's batch.
  @inline(__always)
  func forEach(step: Int, _ body: (Int) -> Void) {
    guard let size else {
      for index in 0..<count { body(index) }
      return
    }
    var random = Random(seed: seed, stream: UInt64(truncatingIfNeeded: step))
    for _ in 0..<size { body(random.index(count)) }
  }
}
