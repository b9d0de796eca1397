/// What a session does when a report is no finite number.
public struct NonfiniteGuard: Rule {
  public enum Action: String, Sendable, CaseIterable {
    /// Nothing: the rate is what it would have been.
    case hold
    /// Halves the rate for 100 steps and ramps it up again in 100.
    case backOff = "back_off"
    /// Commands a roll-back by 100 steps.
    case rollBack = "roll_back"
    /// Commands the end.
    case stop
  }

  public struct State: Codable, Equatable, Sendable {
    public var lowered: Effect
    public var demand: Demand?
    /// The step of the last report that was not finite.
    public var last: Int?
  }

  /// Reports so close after one another are one event.
  static let span = 100

  public let metrics: [String]
  public var action: Action

  public init(_ action: Action, metrics: [String]) {
    self.action = action
    self.metrics = metrics
  }

  public var initialState: State { State(lowered: .none) }

  public func reduce(_ state: inout State, _ report: Report) {
    if report.value.isFinite { return }
    let isNew = state.last.map { report.step - $0 > Self.span } ?? true
    state.last = report.step
    let reason = "\(metrics[report.metric]) at step \(report.step) is not a finite number"
    let number = (state.demand?.number ?? 0) + 1
    switch action {
    case .hold: break
    case .backOff:
      state.lowered = .recovery(factor: 0.5, start: report.firstOpen, hold: Self.span, ramp: Self.span)
    case .rollBack where isNew:
      state.demand = Demand(
        number: number, action: .rollBack, resumeStep: max(0, report.step - Self.span), reason: reason)
    case .stop where isNew: state.demand = Demand(number: number, action: .stop, reason: reason)
    case .rollBack, .stop: break
    }
  }

  public func effect(_ state: State) -> Effect { state.lowered }
  public func demand(_ state: State) -> Demand? { state.demand }

  public func rewound(_ state: State, from abandoned: State, to step: Int) -> State {
    var state = state
    state.demand = abandoned.demand
    return state
  }
}
