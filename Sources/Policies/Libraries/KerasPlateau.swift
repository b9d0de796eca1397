/// Reduce-on-plateau as Keras has it: it fires on report number `patience` without an improvement, one earlier than
/// torch, the threshold is a difference, and a cooldown of n spares n − 1 reports.
///
/// Source: `keras.callbacks.ReduceLROnPlateau` of Keras 3.15, which keeps the rate in 32 bits; this keeps 64.
public struct KerasPlateau: Policy {
  public struct State: Codable, Equatable, Sendable {
    public var rate: Double
    /// The best metric so far; nil before the first report, which always improves.
    public var best: Double?
    /// Reports since the last improvement.
    public var badReports: Double
    /// Reports that the cooldown has left.
    public var cooldownLeft: Double
  }

  public var baseRate: Double
  public var mode: Improvement.Mode
  public var minDelta: Double
  public var factor: Double
  public var patience: Double
  public var cooldown: Double
  public var minRate: Double

  /// - Parameters:
  ///   - baseRate: the rate before the first report.
  ///   - mode: whether a metric should fall or rise.
  ///   - minDelta: how much better a metric must be, as a difference; at least 0.
  ///   - factor: multiplies the rate; from 0 to below 1.
  ///   - patience: the report without an improvement at which the rate is reduced; 0 acts as 1.
  ///   - cooldown: a number of reports, at least 0.
  ///   - minRate: no reduction goes below.
  public init(
    baseRate: Double, mode: Improvement.Mode = .min, minDelta: Double = 1e-4, factor: Double = 0.1,
    patience: Double = 10, cooldown: Double = 0, minRate: Double = 0
  ) {
    self.baseRate = baseRate
    self.mode = mode
    self.minDelta = minDelta
    self.factor = factor
    self.patience = patience
    self.cooldown = cooldown
    self.minRate = minRate
  }

  public var initialState: State { State(rate: baseRate, best: nil, badReports: 0, cooldownLeft: 0) }

  public func rate(_ state: State) -> Double { state.rate }

  public func reduce(_ state: State, metric: Double) -> State {
    var state = state
    if state.cooldownLeft > 0 {
      state.cooldownLeft -= 1
      state.badReports = 0
    }
    if isBetter(metric, state.best) {
      state.best = metric
      state.badReports = 0
    } else if state.cooldownLeft <= 0 {
      state.badReports += 1
      // Keras compares with the lowest rate in 32 bits.
      if state.badReports >= patience && state.rate > Double(Float(minRate)) {
        state.rate = max(state.rate * factor, minRate)
        state.cooldownLeft = cooldown
        state.badReports = 0
      }
    }
    return state
  }

  private func isBetter(_ metric: Double, _ best: Double?) -> Bool {
    guard let best else { return true }
    return mode == .min ? metric + minDelta < best : metric - minDelta > best
  }
}
