/// Reduce-on-plateau as optax has it: a scale on the updates, by the average of several reports, that fires when the
/// count of bad averages is exactly `patience`.
///
/// Source: `optax.contrib.reduce_on_plateau` of optax 0.2.8. There the i-th update uses the scale after report i; here a
/// rate is in force before its report.
public struct OptaxPlateau: Policy {
  public struct State: Codable, Equatable, Sendable {
    public var scale: Double
    /// The best average so far; nil before the first.
    public var best: Double?
    /// Averages since the last improvement.
    public var badAverages: Double
    /// Averages that the cooldown has left.
    public var cooldownLeft: Double
    /// The reports in the average so far, and their mean.
    public var count: Double
    public var average: Double
  }

  public var baseRate: Double
  public var factor: Double
  public var patience: Double
  public var relativeTolerance: Double
  public var absoluteTolerance: Double
  public var cooldown: Double
  public var accumulationSize: Double
  public var minScale: Double

  /// - Parameters:
  ///   - baseRate: what the scale multiplies.
  ///   - factor: multiplies the scale; from 0 to 1.
  ///   - patience: the number of bad averages at which the scale is reduced; with 0 it is reduced on improvements only.
  ///   - relativeTolerance: how much better an average must be, as a part of the best.
  ///   - absoluteTolerance: how much better besides, as a difference.
  ///   - cooldown: how many averages after a reduction are not counted.
  ///   - accumulationSize: how many reports make an average; at least 1.
  ///   - minScale: no reduction goes below.
  public init(
    baseRate: Double, factor: Double = 0.1, patience: Double = 10, relativeTolerance: Double = 1e-4,
    absoluteTolerance: Double = 0, cooldown: Double = 0, accumulationSize: Double = 1, minScale: Double = 0
  ) {
    self.baseRate = baseRate
    self.factor = factor
    self.patience = patience
    self.relativeTolerance = relativeTolerance
    self.absoluteTolerance = absoluteTolerance
    self.cooldown = cooldown
    self.accumulationSize = accumulationSize
    self.minScale = minScale
  }

  public var initialState: State {
    State(scale: 1, best: nil, badAverages: 0, cooldownLeft: 0, count: 0, average: 0)
  }

  public func rate(_ state: State) -> Double { baseRate * state.scale }

  public func reduce(_ state: State, metric: Double) -> State {
    var state = state
    state.average = (state.count * state.average + metric) / (state.count + 1)
    state.count += 1
    if state.count != accumulationSize { return state }
    let average = state.average
    state.count = 0
    state.average = 0
    var bad = state.badAverages + 1
    if average < (1 - relativeTolerance) * (state.best ?? .infinity) - absoluteTolerance {
      state.best = average
      bad = 0
    }
    if state.cooldownLeft > 0 {
      state.cooldownLeft -= 1
      state.badAverages = 0
    } else if bad == patience {
      state.scale = max(state.scale * factor, minScale)
      state.cooldownLeft = cooldown
      state.badAverages = 0
    } else {
      state.scale = max(state.scale, minScale)
      state.badAverages = bad
    }
    return state
  }
}
