/// The adaptive optimizers' step sizes as a session's rule: from reported gradients, the effective rate of each
/// parameter group, or of each parameter where the trainer reports vectors.
///
/// The effective rate multiplies the gradient (AdaGrad, RMSprop) or the bias-corrected first moment (Adam), as in
/// torch's optimizers:
/// - AdaGrad: G += g²; η/(√G + ε)
/// - RMSprop: v = α·v + (1 − α)·g²; η/(√v + ε)
/// - Adam: v = β₂·v + (1 − β₂)·g²; η/(√(v/(1 − β₂ᵗ)) + ε)
///
/// Source: Duchi et al. 2011; Hinton's lecture 6e; Kingma & Ba, arXiv:1412.6980.
public struct Adaptive: Rule {
  public enum Method: String, Sendable, CaseIterable {
    case adagrad
    case rmsprop
    case adam
  }

  /// One group's accumulator: the memory that the method costs, 8 octets a reported gradient.
  public struct Accumulator: Codable, Equatable, Sendable {
    public var sums: [Double]
    /// How many reports it has seen.
    public var reports: Int
    public var isVector: Bool
  }

  public struct State: Codable, Equatable, Sendable {
    /// One accumulator for each group; nil before its first report.
    public var groups: [Accumulator?]
  }

  /// The most gradients that one group's vector may hold.
  public static let largestVector = 4096

  public let metrics: [String]
  public let groups: [String]
  public var method: Method
  /// α of RMSprop, β₂ of Adam.
  public var decay: Double
  public var epsilon: Double
  /// What AdaGrad's sums begin with.
  public var initialAccumulator: Double

  /// - Parameters:
  ///   - method: whose formula.
  ///   - groups: the names of the parameter groups.
  ///   - decay: α or β₂, from 0 to below 1; not used by AdaGrad.
  ///   - epsilon: ε, more than 0.
  ///   - initialAccumulator: AdaGrad's first sum, at least 0.
  public init(
    _ method: Method, groups: [String], decay: Double, epsilon: Double, initialAccumulator: Double = 0
  ) {
    self.method = method
    self.groups = groups
    metrics = groups.map(Self.metric)
    self.decay = decay
    self.epsilon = epsilon
    self.initialAccumulator = initialAccumulator
  }

  /// The metric that a group's gradients are reported under.
  public static func metric(_ group: String) -> String { "gradients/\(group)" }

  public var initialState: State { State(groups: groups.map { _ in nil }) }

  public func reduce(_ state: inout State, _ report: Report) {
    let gradients = report.vector ?? [report.value]
    // One step's overflow must not spoil the sums for ever.
    guard gradients.allSatisfy(\.isFinite) else { return }
    var accumulator =
      state.groups[report.metric]
      ?? Accumulator(
        sums: gradients.map { _ in method == .adagrad ? initialAccumulator : 0 }, reports: 0,
        isVector: report.vector != nil)
    // The first report says what the group is; one of another length is no report of it.
    guard accumulator.sums.count == gradients.count else { return }
    accumulator.reports += 1
    for (index, gradient) in gradients.enumerated() {
      let square = min(gradient * gradient, 1e300)
      switch method {
      case .adagrad: accumulator.sums[index] = min(accumulator.sums[index] + square, 1e300)
      case .rmsprop, .adam: accumulator.sums[index] = decay * accumulator.sums[index] + (1 - decay) * square
      }
    }
    state.groups[report.metric] = accumulator
  }

  public func effect(_ state: State) -> Effect {
    var scales: [GroupScale] = []
    for (name, accumulator) in zip(groups, state.groups) {
      guard let accumulator else { continue }
      let correction = method == .adam ? 1 - power(decay, Double(accumulator.reports)) : 1
      scales.append(
        GroupScale(
          group: name, scales: accumulator.sums.map { 1 / (($0 / correction).squareRoot() + epsilon) },
          isVector: accumulator.isVector))
    }
    return scales.isEmpty ? .none : .groups(scales)
  }

  /// The octets that the sums take.
  public func memory(_ state: State) -> Int { state.groups.reduce(0) { $0 + 8 * ($1?.sums.count ?? 0) } }
}
