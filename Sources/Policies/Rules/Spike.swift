/// A guard against spikes of the loss (and, where it is reported, of the gradient norm).
///
/// A report is an outlier where it stands more than `threshold` robust standard deviations (1.4826·MAD) above the median
/// of the window; a gradient norm is taken by its logarithm. `needed` outliers among the last `among` reports are a
/// spike, a report that is no finite number is one by itself. The rule then waits for `wait` steps whether the loss comes
/// back, and if not, lowers the rate and ramps it up again, or commands a roll-back. Outliers never enter the window.
///
/// Source: the practice of PaLM (roll back some 100 steps), OPT (and lower the rate), ZClip (arXiv:2504.02507).
public struct Spike: Rule {
  public enum Action: String, Codable, Sendable, CaseIterable {
    case backOff = "back_off"
    case rollBack = "roll_back"
  }

  public struct State: Codable, Equatable, Sendable {
    /// The window of each metric, oldest first.
    public var windows: [[Double]]
    /// Whether each of the last reports of the loss was an outlier.
    public var recent: [Bool]
    /// Where the spike began that is being waited out.
    public var suspectedSince: Int?
    /// No action before this step.
    public var quietUntil: Int
    /// How often the rule has acted.
    public var actions: Int
    public var lowered: Effect
    public var demand: Demand?
  }

  public let metrics: [String]
  public var window: Int
  public var threshold: Double
  public var needed: Int
  public var among: Int
  public var wait: Int
  public var action: Action
  public var factor: Double
  public var hold: Int
  public var ramp: Int
  public var back: Int
  public var maxActions: Int
  public var cooldown: Int

  /// A window needs this many reports before anything is an outlier.
  static let leastReports = 16

  /// - Parameters:
  ///   - metric: the loss.
  ///   - norm: the gradient norm; watched where it is reported.
  ///   - window: how many reports the median is taken of; at least 16.
  ///   - threshold: how many robust standard deviations are too many.
  ///   - needed: how many outliers are a spike; at least 1.
  ///   - among: among how many reports; at least `needed`.
  ///   - wait: for how many steps a spike may pass by itself.
  ///   - action: what is done then.
  ///   - factor: what the rate is lowered by, for a roll-back from the step that is gone back to.
  ///   - hold: how many steps the rate stays lowered.
  ///   - ramp: how many steps it takes to come back.
  ///   - back: how many steps before the spike a roll-back goes.
  ///   - maxActions: after so many the rule only watches.
  ///   - cooldown: how many steps after an action nothing is done.
  public init(
    metric: String, norm: String = "grad_norm", window: Int = 128, threshold: Double = 6, needed: Int = 2,
    among: Int = 4, wait: Int = 20, action: Action = .backOff, factor: Double = 0.5, hold: Int = 100, ramp: Int = 100,
    back: Int = 100, maxActions: Int = 3, cooldown: Int = 200
  ) {
    metrics = [metric, norm]
    self.window = max(Self.leastReports, window)
    self.threshold = threshold
    self.needed = max(1, needed)
    self.among = max(needed, among)
    self.wait = wait
    self.action = action
    self.factor = factor
    self.hold = hold
    self.ramp = ramp
    self.back = back
    self.maxActions = maxActions
    self.cooldown = cooldown
  }

  public var initialState: State {
    State(windows: [[], []], recent: [], quietUntil: 0, actions: 0, lowered: .none)
  }

  public func reduce(_ state: inout State, _ report: Report) {
    let value = report.metric == 1 ? (report.value > 0 ? logarithm(report.value) : report.value) : report.value
    if !value.isFinite {
      if report.step >= state.quietUntil {
        act(&state, report, since: report.step, "\(metrics[report.metric]) is not finite")
      }
      return
    }
    let isOutlier = isOutlier(value, state.windows[report.metric])
    if !isOutlier {
      state.windows[report.metric].append(value)
      if state.windows[report.metric].count > window { state.windows[report.metric].removeFirst() }
    }
    // A spike of the norm alone is a warning; the loss decides.
    if report.metric == 1 && !isOutlier { return }
    state.recent.append(isOutlier)
    if state.recent.count > among { state.recent.removeFirst() }
    if report.step < state.quietUntil { return }
    if let since = state.suspectedSince {
      if !isOutlier && !state.recent.suffix(needed).contains(true) {
        state.suspectedSince = nil
      } else if report.step - since >= wait {
        act(&state, report, since: since, "\(metrics[0]) stays above its usual range")
      }
    } else if state.recent.count(where: { $0 }) >= needed {
      if wait == 0 {
        act(&state, report, since: report.step, "\(metrics[report.metric]) is above its usual range")
      } else {
        state.suspectedSince = report.step
      }
    }
  }

  private func isOutlier(_ value: Double, _ window: [Double]) -> Bool {
    if window.count < Self.leastReports { return false }
    let center = median(window)
    let spread = 1.4826 * median(window.map { abs($0 - center) })
    // A curve without noise would make an outlier of everything.
    return value - center > threshold * max(spread, 1e-3 * abs(center))
  }

  private func act(_ state: inout State, _ report: Report, since: Int, _ reason: String) {
    state.suspectedSince = nil
    state.recent.removeAll(keepingCapacity: true)
    if state.actions >= maxActions { return }
    state.actions += 1
    state.quietUntil = report.step + cooldown
    switch action {
    case .backOff:
      state.lowered = .recovery(factor: factor, start: report.firstOpen, hold: hold, ramp: ramp)
    case .rollBack:
      state.demand = Demand(
        number: (state.demand?.number ?? 0) + 1, action: .rollBack, resumeStep: max(0, since - back), reason: reason)
    }
  }

  public func effect(_ state: State) -> Effect { state.lowered }

  public func demand(_ state: State) -> Demand? { state.demand }

  /// What was done stays done, or the same spike would be rolled back from for ever.
  public func rewound(_ state: State, from abandoned: State, to step: Int) -> State {
    if abandoned.demand == state.demand { return state }
    var state = state
    state.actions = abandoned.actions
    state.demand = abandoned.demand
    state.quietUntil = step
    state.suspectedSince = nil
    state.recent = []
    if factor != 1 { state.lowered = .recovery(factor: factor, start: step, hold: hold, ramp: ramp) }
    return state
  }
}
