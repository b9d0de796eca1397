/// GreedyLR: the rate is raised after a run of improvements and lowered after a run without one.
///
/// Source: "GreedyLR", 2025, arXiv:2512.14527; `GreedyLR` of transformers 5.23. Its defaults are for large rates: with a
/// base rate below `minRate` it can only go up.
public struct Greedy: Policy {
  public struct State: Codable, Equatable, Sendable {
    public var rate: Double
    /// The best metric so far; nil before the first that counts.
    public var best: Double?
    public var goodReports: Double
    public var badReports: Double
    /// Reports that the pause after a raise has left.
    public var warmupLeft: Double
    /// Reports that the pause after a reduction has left.
    public var cooldownLeft: Double
    /// Reductions at the lowest rate that are left until everything begins anew.
    public var resetLeft: Double
    /// The last metrics, where they are smoothed, and their running sum.
    public var window: [Double]
    public var windowSum: Double
  }

  public var baseRate: Double
  public var improvement: Improvement
  public var factor: Double
  public var patience: Double
  public var cooldown: Double
  public var warmup: Double
  public var minRate: Double
  public var maxRate: Double
  public var epsilon: Double
  /// How many metrics are averaged; nil for none.
  public var windowSize: Int?
  public var resetStart: Double

  /// - Parameters:
  ///   - baseRate: the rate before the first report.
  ///   - improvement: what counts as better.
  ///   - factor: multiplies or divides the rate; greater than 0 and below 1.
  ///   - patience: how many reports of one kind in a row are borne.
  ///   - cooldown: how many reports after a reduction are not looked at.
  ///   - warmup: how many reports after a raise are not looked at.
  ///   - minRate: no reduction goes below.
  ///   - maxRate: no raise goes above.
  ///   - epsilon: a change by no more than this is not made.
  ///   - windowSize: how many metrics are averaged, 1 … 100,000; nil for none.
  ///   - resetStart: how many reductions at the lowest rate make everything begin anew.
  public init(
    baseRate: Double, improvement: Improvement = Improvement(threshold: 1e-6, thresholdMode: .absolute),
    factor: Double = 0.95, patience: Double = 10, cooldown: Double = 0, warmup: Double = 0, minRate: Double = 1e-3,
    maxRate: Double = 1, epsilon: Double = 1e-8, windowSize: Int? = nil, resetStart: Double = 500
  ) {
    self.baseRate = baseRate
    self.improvement = improvement
    self.factor = factor
    self.patience = patience
    self.cooldown = cooldown
    self.warmup = warmup
    self.minRate = minRate
    self.maxRate = maxRate
    self.epsilon = epsilon
    self.windowSize = windowSize
    self.resetStart = resetStart
  }

  public var initialState: State {
    State(
      rate: baseRate, best: nil, goodReports: 0, badReports: 0, warmupLeft: 0, cooldownLeft: 0,
      resetLeft: resetStart, window: [], windowSum: 0)
  }

  public func rate(_ state: State) -> Double { state.rate }

  public func reduce(_ state: State, metric: Double) -> State {
    var state = state
    let metric = smoothed(metric, &state)
    if state.cooldownLeft > 0 || state.warmupLeft > 0 {
      // During a pause not even the best metric is followed.
      if state.cooldownLeft > 0 { state.cooldownLeft -= 1 } else { state.warmupLeft -= 1 }
      state.badReports = 0
      state.goodReports = 0
      return state
    }
    if improvement.isBetter(metric, than: state.best ?? improvement.worst) {
      state.best = metric
      state.badReports = 0
      state.goodReports += 1
    } else {
      state.badReports += 1
      state.goodReports = 0
    }
    if state.goodReports > patience {
      let raised = min(state.rate / factor, maxRate)
      if raised - state.rate > epsilon { state.rate = raised }
      state.resetLeft = resetStart
      state.warmupLeft = warmup
      state.goodReports = 0
    } else if state.badReports > patience {
      lower(&state)
      state.cooldownLeft = cooldown
      state.badReports = 0
    }
    return state
  }

  private func lower(_ state: inout State) {
    let reduced = max(state.rate * factor, minRate)
    if state.rate - reduced > epsilon { state.rate = reduced }
    if state.rate > minRate { return }
    state.resetLeft -= 1
    if state.resetLeft <= 0 { state = initialState }
  }

  private func smoothed(_ metric: Double, _ state: inout State) -> Double {
    guard let windowSize else { return metric }
    state.window.append(metric)
    state.windowSum += metric
    if state.window.count > windowSize { state.windowSum -= state.window.removeFirst() }
    return state.windowSum / Double(state.window.count)
  }
}
