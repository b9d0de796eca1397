/// A library's machine (``Policy``) as a session's rule: it sees one metric and prescribes a rate.
public struct LibraryRule<Machine: Policy>: Rule {
  public let machine: Machine
  public let metrics: [String]

  /// - Parameters:
  ///   - machine: the library's machine; its base rate is what the session's rate is compared with.
  ///   - metric: the name of the metric that it sees.
  public init(_ machine: Machine, metric: String) {
    self.machine = machine
    metrics = [metric]
  }

  public var initialState: Machine.State { machine.initialState }

  public func reduce(_ state: inout Machine.State, _ report: Report) {
    state = machine.reduce(state, metric: report.value)
  }

  public func effect(_ state: Machine.State) -> Effect {
    let rate = machine.rate(state)
    return rate == machine.baseRate ? .none : .ratio(rate: rate, base: machine.baseRate)
  }
}

extension Policy {
  /// The machine as a rule of a session.
  public func rule(metric: String) -> any Rule { LibraryRule(self, metric: metric) }
}
