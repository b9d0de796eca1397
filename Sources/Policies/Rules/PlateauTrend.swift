/// Reduce on a plateau, by a test of the trend and not of the best value: it tells a real plateau from noise.
///
/// The window is a number of blocks of reports; each block's median counts. A straight line through the medians gives
/// the improvement d over the window and its standard error se. It is a plateau where d + z·se < ε·scale and
/// d > −ε·scale: confidently less than an improvement by ε, and not rising. The scale is the level of the metric or the
/// progress so far, whichever is more, so that negative metrics and those that cross zero work. Then a whole new window
/// is awaited. Reports that are no finite number are not looked at.
public struct PlateauTrend: Rule {
  public struct State: Codable, Equatable, Sendable {
    /// The product of the reductions.
    public var factor: Double
    /// The reports of the block that is being filled.
    public var block: [Double]
    /// The medians of the window's blocks, oldest first.
    public var medians: [Double]
    /// The first block's median, where the progress is counted from.
    public var first: Double?
    /// What the last look said.
    public var verdict: Verdict
    /// The improvement over the window and its standard error at the last look.
    public var improvement: Double?
    public var standardError: Double?
  }

  public enum Verdict: String, Codable, Sendable {
    /// The window is not full yet.
    case waiting
    case improving
    case worsening
    /// The noise is too strong to tell.
    case undecided
    case plateau
  }

  public let metrics: [String]
  public var mode: Improvement.Mode
  /// How many reports one block holds.
  public var blockSize: Int
  /// How many blocks the window holds.
  public var blockCount: Int
  public var epsilon: Double
  public var confidence: Double
  public var factor: Double
  public var minFactor: Double

  /// - Parameters:
  ///   - metric: what it sees.
  ///   - mode: whether the metric should fall or rise.
  ///   - window: how many reports the trend is taken over; at least `blocks`.
  ///   - blocks: how many medians the line goes through; at least 4.
  ///   - epsilon: the improvement over a window that is no plateau, as a part of the scale.
  ///   - confidence: z, how many standard errors of doubt are given to the training.
  ///   - factor: what a reduction multiplies the rate with; between 0 and 1.
  ///   - minFactor: no reduction goes below this part of the schedule's rate.
  public init(
    metric: String, mode: Improvement.Mode = .min, window: Int = 2000, blocks: Int = 20, epsilon: Double = 0.005,
    confidence: Double = 1, factor: Double = 0.5, minFactor: Double = 0
  ) {
    metrics = [metric]
    self.mode = mode
    blockCount = max(4, blocks)
    blockSize = max(1, window / max(4, blocks))
    self.epsilon = epsilon
    self.confidence = confidence
    self.factor = factor
    self.minFactor = minFactor
  }

  public var initialState: State { State(factor: 1, block: [], medians: [], verdict: .waiting) }

  public func reduce(_ state: inout State, _ report: Report) {
    guard report.value.isFinite else { return }
    state.block.append(mode == .min ? report.value : -report.value)
    if state.block.count < blockSize { return }
    let middle = median(state.block)
    state.block.removeAll(keepingCapacity: true)
    if state.first == nil { state.first = middle }
    state.medians.append(middle)
    if state.medians.count > blockCount { state.medians.removeFirst() }
    if state.medians.count == blockCount { look(&state) }
  }

  private func look(_ state: inout State) {
    let count = Double(blockCount)
    let mean = state.medians.reduce(0) { $0 + $1 / count }
    let center = (count - 1) / 2
    var (crossed, squared) = (0.0, 0.0)
    for (index, value) in state.medians.enumerated() {
      let offset = Double(index) - center
      crossed += offset * (value - mean)
      squared += offset * offset
    }
    let slope = crossed / squared
    var residual = 0.0
    for (index, value) in state.medians.enumerated() {
      let left = value - mean - slope * (Double(index) - center)
      residual += left * left
    }
    let improvement = -slope * (count - 1)
    let error = (residual / (count - 2) / squared).squareRoot() * (count - 1)
    // Metrics near the largest double overflow on the way; there is nothing to say then.
    guard improvement.isFinite, error.isFinite else { return }
    let margin = epsilon * max(abs(mean), abs((state.first ?? mean) - mean))
    state.improvement = improvement
    state.standardError = error
    if improvement + confidence * error < margin && improvement > -margin {
      state.verdict = .plateau
      state.factor = max(state.factor * factor, minFactor)
      state.medians.removeAll(keepingCapacity: true)
    } else if improvement >= margin {
      state.verdict = .improving
    } else {
      state.verdict = improvement <= -margin ? .worsening : .undecided
    }
  }

  public func effect(_ state: State) -> Effect { state.factor == 1 ? .none : .factor(state.factor) }
}

/// The middle of the values; of an even number, the mean of the two. The values are not empty.
func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  let middle = sorted.count / 2
  // Halved first: the sum of two large ones may not be a double.
  return sorted.count % 2 == 1 ? sorted[middle] : sorted[middle - 1] / 2 + sorted[middle] / 2
}
