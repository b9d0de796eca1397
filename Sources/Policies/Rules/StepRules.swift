/// A warm-up before other rules: a ramp of the factor, during which the rules after it see no reports.
public struct WarmupRule: Rule {
  public struct State: Codable, Equatable, Sendable {}

  public let metrics: [String] = []
  public var steps: Int
  public var startFactor: Double
  public var shape: RampShape

  /// - Parameters:
  ///   - steps: the length, at least 1.
  ///   - startFactor: the factor at step 0.
  ///   - shape: how it rises to 1.
  public init(steps: Int, startFactor: Double = 0, shape: RampShape = .linear) {
    self.steps = max(1, steps)
    self.startFactor = startFactor
    self.shape = shape
  }

  public var initialState: State { State() }
  public func reduce(_ state: inout State, _ report: Report) {}
  public func effect(_ state: State) -> Effect { .ramp(from: startFactor, start: 0, steps: steps, shape: shape) }
}

/// A cooldown that begins at a step known before, or when the metric has stopped improving.
public struct CooldownRule: Rule {
  public struct State: Codable, Equatable, Sendable {
    public var best: Double?
    public var badReports: Int
    /// The last step at the full rate.
    public var start: Int?
  }

  public let metrics: [String]
  public var start: Int?
  public var cooldown: Cooldown
  public var improvement: Improvement
  public var patience: Int

  /// - Parameters:
  ///   - metric: what it sees where it has no `start`.
  ///   - start: the last step at the full rate; nil to wait for `patience`.
  ///   - cooldown: length, shape and floor; its own start is not looked at.
  ///   - improvement: what counts as better.
  ///   - patience: how many reports without an improvement are borne.
  public init(metric: String, start: Int?, cooldown: Cooldown, improvement: Improvement, patience: Int) {
    metrics = start == nil ? [metric] : []
    self.start = start
    self.cooldown = cooldown
    self.improvement = improvement
    self.patience = patience
  }

  public var initialState: State { State(badReports: 0, start: start) }

  public func reduce(_ state: inout State, _ report: Report) {
    guard state.start == nil, report.value.isFinite else { return }
    if improvement.isBetter(report.value, than: state.best ?? improvement.worst) {
      state.best = report.value
      state.badReports = 0
    } else {
      state.badReports += 1
      if state.badReports > patience { state.start = report.firstOpen }
    }
  }

  public func effect(_ state: State) -> Effect {
    guard let start = state.start else { return .none }
    var cooldown = cooldown
    cooldown.start = start
    return .cooldown(cooldown)
  }
}
