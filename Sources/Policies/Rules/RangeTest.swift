/// Smith's learning-rate range test: the rate sweeps over decades while the loss is watched, then good rates are read
/// off the curve and the trainer goes back to where it began.
///
/// Source: Smith, arXiv:1506.01186; the smoothing and the rule to stop are those of fastai and Lightning (0.98, four
/// times the best).
public struct RangeTest: Rule {
  public struct State: Codable, Equatable, Sendable {
    /// The loss of each step of the test as it was reported; nil where it was not.
    public var losses: [Double?]
    public var average: Double
    public var weight: Double
    public var best: Double?
    /// The first step after the test.
    public var stop: Int?
    public var hasDiverged: Bool
    /// Whether the trainer has gone back and the schedule is in force again.
    public var isOver: Bool
  }

  public let metrics: [String]
  public var sweep: Sweep
  public var smoothing: Double
  public var divergence: Double

  /// - Parameters:
  ///   - metric: the loss.
  ///   - sweep: the rates; at most 10,000 steps.
  ///   - smoothing: the weight of the past in the average, 0 up to below 1.
  ///   - divergence: the test stops where the average is more than this many times its best.
  public init(metric: String, sweep: Sweep, smoothing: Double = 0.98, divergence: Double = 4) {
    metrics = [metric]
    self.sweep = sweep
    self.smoothing = smoothing
    self.divergence = divergence
  }

  public var initialState: State {
    State(losses: [], average: 0, weight: 0, hasDiverged: false, isOver: false)
  }

  public func reduce(_ state: inout State, _ report: Report) {
    let index = report.step - sweep.start
    guard index >= 0, index < sweep.steps, state.stop == nil, !state.isOver else { return }
    while state.losses.count < index { state.losses.append(nil) }
    state.losses.append(report.value)
    if report.value.isFinite {
      state.average = smoothing * state.average + (1 - smoothing) * report.value
      state.weight = smoothing * state.weight + (1 - smoothing)
      let smooth = state.average / state.weight
      let best = state.best ?? smooth
      // Four times a negative best would be better than it; then the distance counts.
      if index > 0 && smooth > best + (divergence - 1) * abs(best) { state.hasDiverged = true }
      state.best = min(best, smooth)
    } else if index > 0 {
      state.hasDiverged = true
    }
    if state.hasDiverged || index == sweep.steps - 1 { state.stop = report.firstOpen }
  }

  public func effect(_ state: State) -> Effect {
    if state.isOver { return .none }
    var sweep = sweep
    sweep.stop = state.stop
    return .sweep(sweep)
  }

  public func demand(_ state: State) -> Demand? {
    guard state.stop != nil else { return nil }
    let reason = state.hasDiverged ? "the range test has ended: the loss diverges" : "the range test has ended"
    return Demand(number: 1, action: .rollBack, resumeStep: sweep.start, reason: reason)
  }

  /// The test's result outlives the steps that it used up.
  public func rewound(_ state: State, from abandoned: State, to step: Int) -> State {
    if abandoned.stop == nil || step > sweep.start { return state }
    var state = abandoned
    state.isOver = true
    return state
  }

  /// What the test found.
  public func curve(_ state: State) -> RangeTestCurve {
    var curve = RangeTestCurve(rates: [], losses: [], smoothed: [])
    var (average, weight) = (0.0, 0.0)
    for (index, loss) in state.losses.enumerated() {
      guard let loss else { continue }
      curve.rates.append(sweep.rate(index))
      curve.losses.append(loss)
      average = smoothing * average + (1 - smoothing) * loss
      weight = smoothing * weight + (1 - smoothing)
      curve.smoothed.append(average / weight)
    }
    return curve
  }
}
