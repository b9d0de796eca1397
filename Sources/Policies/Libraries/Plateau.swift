/// Reduce-on-plateau as torch, PaddlePaddle and MMEngine have it: after more than `patience` reports without an
/// improvement the rate is multiplied by a factor.
///
/// Source: `torch.optim.lr_scheduler.ReduceLROnPlateau` of torch 2.13; `paddle.optimizer.lr.ReduceOnPlateau` of
/// PaddlePaddle 3.3; `mmengine.optim.ReduceOnPlateauLR` of MMEngine 0.10.7.
public struct Plateau: Policy {
  /// Whose machine it is, where they differ.
  public enum Dialect: String, Sendable, CaseIterable {
    /// The best metric is followed during the cooldown.
    case torch
    /// A report during the cooldown is not looked at, not even for the best; the first report is the best so far.
    case paddle
    /// Like torch, but the first report must improve on 1e9 (rising: −1e9): a loss above that is none.
    case mmengine
  }

  public struct State: Codable, Equatable, Sendable {
    public var rate: Double
    /// The best metric so far; nil before the first that counts.
    public var best: Double?
    /// Reports since the last improvement.
    public var badReports: Double
    /// Reports that the cooldown has left.
    public var cooldownLeft: Double
  }

  public var baseRate: Double
  public var improvement: Improvement
  public var factor: Double
  public var patience: Double
  public var cooldown: Double
  public var minRate: Double
  public var epsilon: Double
  public var dialect: Dialect

  /// - Parameters:
  ///   - baseRate: the rate before the first report.
  ///   - improvement: what counts as better.
  ///   - factor: multiplies the rate; from 0 to below 1.
  ///   - patience: how many reports without an improvement are borne; a whole number, at least 0.
  ///   - cooldown: how many reports after a reduction are not counted as bad; a whole number, at least 0.
  ///   - minRate: no reduction goes below.
  ///   - epsilon: a reduction by no more than this is not made (but the cooldown begins all the same).
  ///   - dialect: whose machine it is.
  public init(
    baseRate: Double, improvement: Improvement = Improvement(), factor: Double = 0.1, patience: Double = 10,
    cooldown: Double = 0, minRate: Double = 0, epsilon: Double = 1e-8, dialect: Dialect = .torch
  ) {
    self.baseRate = baseRate
    self.improvement = improvement
    self.factor = factor
    self.patience = patience
    self.cooldown = cooldown
    self.minRate = minRate
    self.epsilon = epsilon
    self.dialect = dialect
  }

  public var initialState: State { State(rate: baseRate, best: nil, badReports: 0, cooldownLeft: 0) }

  public func rate(_ state: State) -> Double { state.rate }

  public func reduce(_ state: State, metric: Double) -> State {
    var state = state
    if dialect == .paddle && state.cooldownLeft > 0 {
      state.cooldownLeft -= 1
      return state
    }
    if isBetter(metric, state.best) {
      state.best = metric
      state.badReports = 0
    } else {
      state.badReports += 1
    }
    if state.cooldownLeft > 0 {
      state.cooldownLeft -= 1
      state.badReports = 0
    }
    if state.badReports > patience {
      let reduced = max(state.rate * factor, minRate)
      if state.rate - reduced > epsilon { state.rate = reduced }
      state.cooldownLeft = cooldown
      state.badReports = 0
    }
    return state
  }

  private func isBetter(_ metric: Double, _ best: Double?) -> Bool {
    switch dialect {
    case .torch: return improvement.isBetter(metric, than: best ?? improvement.worst)
    case .mmengine: return improvement.isBetter(metric, than: best ?? (improvement.mode == .min ? 1e9 : -1e9))
    case .paddle:
      guard let best else { return true }
      // Paddle writes best − best·threshold; next to torch's product the last digit can differ.
      guard improvement.thresholdMode == .relative else { return improvement.isBetter(metric, than: best) }
      return improvement.mode == .min
        ? metric < best - best * improvement.threshold : metric > best + best * improvement.threshold
    }
  }
}
