/// A loss-driven rule as a pure reducer: a state, and the state after the next report.
///
/// No clock, no randomness, no I/O: the same reports give the same rates, on a recorded curve and in a live session.
public protocol Policy: Sendable {
  /// Everything that the rule remembers; it can be stored and taken up again.
  associatedtype State: Codable, Equatable, Sendable

  /// The rate that the optimizer was given: where the rule has not acted, this is in force.
  var baseRate: Double { get }

  /// The state before the first report.
  var initialState: State { get }

  /// The state after `metric` was reported.
  func reduce(_ state: State, metric: Double) -> State

  /// The absolute rate that the state prescribes for the next step.
  func rate(_ state: State) -> Double
}

extension Policy {
  /// Runs the rule over a recorded curve.
  ///
  /// - Parameter metrics: one report a step, in their order.
  /// - Returns: the rates in force, one more than reports: the first before any report, the last after all of them.
  public func replay(_ metrics: some Sequence<Double>) -> [Double] {
    var state = initialState
    var rates = [rate(state)]
    for metric in metrics {
      state = reduce(state, metric: metric)
      rates.append(rate(state))
    }
    return rates
  }
}
