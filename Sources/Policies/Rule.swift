/// A policy of a session: a pure reducer over the reports of closed steps, and what its state does to the rate.
///
/// No clock, no randomness, no I/O. The same reports in the same order give the same state, so a session can be taken up
/// again, wound back, forked and replayed.
public protocol Rule: Sendable {
  /// Everything that the rule remembers, of a size that does not grow with the number of reports.
  associatedtype State: Codable, Equatable, Sendable

  /// The metrics that it wants to see, by name.
  var metrics: [String] { get }

  /// The state before the first report.
  var initialState: State { get }

  /// Takes one report of a closed step. Reports come in ascending order of (step, index of the metric).
  func reduce(_ state: inout State, _ report: Report)

  /// What the state does to the rates of steps that are not sealed yet.
  func effect(_ state: State) -> Effect

  /// What the trainer should do; nil where nothing. A new ``Demand/number`` makes a new command.
  func demand(_ state: State) -> Demand?

  /// The state after the session was wound back, for what must not be forgotten with the steps that are.
  ///
  /// - Parameters:
  ///   - state: the state as it was at the step that the session goes on from.
  ///   - abandoned: the state that it had reached.
  ///   - step: the first step of the new attempt.
  func rewound(_ state: State, from abandoned: State, to step: Int) -> State
}

extension Rule {
  public func demand(_ state: State) -> Demand? { nil }
  public func rewound(_ state: State, from abandoned: State, to step: Int) -> State { state }
}

/// One reported value of a closed step.
public struct Report: Sendable, Equatable {
  public var step: Int
  /// Which of the rule's metrics it is.
  public var metric: Int
  /// The value; may be NaN or infinite. Of a vector, its Euclidean norm.
  public var value: Double
  /// The vector, where the trainer reported one.
  public var vector: [Double]?
  /// The first step whose rate cannot have been sealed when this step is reported for the first time.
  public var firstOpen: Int

  public init(step: Int, metric: Int = 0, value: Double, vector: [Double]? = nil, firstOpen: Int? = nil) {
    self.step = step
    self.metric = metric
    self.value = value
    self.vector = vector
    self.firstOpen = firstOpen ?? step + 1
  }
}

/// What a rule asks the trainer to do.
public struct Demand: Codable, Equatable, Sendable {
  public enum Action: String, Codable, Sendable, CaseIterable {
    case checkpoint
    case rollBack = "roll_back"
    case stop
  }

  /// Counts the rule's demands, from 1.
  public var number: Int
  public var action: Action
  /// For a roll-back: a checkpoint of at most this step is good.
  public var resumeStep: Int?
  /// Why, in words for people.
  public var reason: String

  public init(number: Int, action: Action, resumeStep: Int? = nil, reason: String) {
    self.number = number
    self.action = action
    self.resumeStep = resumeStep
    self.reason = reason
  }
}
