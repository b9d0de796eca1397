public import JSON
import Policies

/// Everything that is known of one schedule type: how it is called, what it takes, what it computes, where it is from.
///
/// It stands in the schedule's own file. The reading of requests, `GET /schedules`, the documentation and the command
/// line's help are all made from it. A class, and so are its parameters: they are never changed, and every request hands
/// them around.
public final class Definition: Sendable {
  /// The name on the wire: `cosine`, `torch.StepLR`.
  public let type: String
  /// What the curve does, in a sentence.
  public let summary: String
  public let parameters: [Parameter]
  /// The rate as a function of the step t, in plain text.
  public let formula: String
  /// The paper or the documentation that it is from.
  public let source: String
  /// A complete schedule of this type, as JSON.
  public let example: JSONValue
  private let product: Product

  /// What a type makes from arguments that have been checked against ``parameters``.
  private enum Product {
    case curves(@Sendable (Arguments) throws(SpecificationError) -> Curves)
    case policy(@Sendable (Arguments) throws(SpecificationError) -> any Policy)
    case rule(@Sendable (Arguments, RuleContext) throws(SpecificationError) -> any Rule)
  }

  /// The parameter of that name.
  subscript(name: String) -> Parameter? {
    let count = name.utf8.count
    for parameter in parameters where parameter.name.utf8.count == count && parameter.name == name { return parameter }
    return nil
  }

  /// Whether it is a rule on reported metrics, which has no curve without them.
  public var isLossDriven: Bool { if case .curves = product { false } else { true } }

  /// The curves of a schedule; of a loss-driven rule, what it makes of the reader's metrics.
  func build(_ arguments: Arguments) throws(SpecificationError) -> Curves {
    switch product {
    case .curves(let build): return try build(arguments)
    case .rule: throw arguments.error("\(type) is a policy of sessions and cannot stand in a schedule")
    case .policy(let build):
      guard arguments.depth == 0 else {
        throw arguments.error("\(type) is driven by reports and cannot stand inside another schedule")
      }
      let policy = try build(arguments)
      guard let metrics = arguments.reader.metrics else {
        throw arguments.error("\(type) is driven by reports: give the recorded ones as 'metrics' beside 'schedule'")
      }
      return Curves(
        rate: Ended(
          schedule: RateTable(values: policy.replay(metrics)), lastStep: Double(metrics.count),
          reason: "\(metrics.count) metrics were given, and each later rate depends on the next report"))
    }
  }

  /// The rule itself; nil where the type is no loss-driven rule.
  func policy(_ arguments: Arguments) throws(SpecificationError) -> (any Policy)? {
    if case .policy(let build) = product { try build(arguments) } else { nil }
  }

  /// The rule of a session; nil where the type is a schedule.
  func rule(_ arguments: Arguments, _ context: RuleContext) throws(SpecificationError) -> (any Rule)? {
    switch product {
    case .curves: nil
    case .policy(let build): try build(arguments).rule(metric: context.metric)
    case .rule(let build): try build(arguments, context)
    }
  }

  /// - Parameter example: JSON text; a test reads every one.
  init(
    type: String, summary: String, parameters: [Parameter], formula: String, source: String, example: JSONValue,
    curves build: @escaping @Sendable (Arguments) throws(SpecificationError) -> Curves
  ) {
    self.type = type
    self.summary = summary
    self.parameters = parameters
    self.formula = formula
    self.source = source
    self.example = example
    product = .curves(build)
  }

  convenience init(
    type: String, summary: String, parameters: [Parameter], formula: String, source: String, example: JSONValue,
    schedule build: @escaping @Sendable (Arguments) throws(SpecificationError) -> any Schedule
  ) {
    self.init(
      type: type, summary: summary, parameters: parameters, formula: formula, source: source, example: example,
      curves: { (arguments) throws(SpecificationError) in Curves(rate: try build(arguments)) })
  }

  /// A loss-driven rule.
  init(
    type: String, summary: String, parameters: [Parameter], formula: String, source: String, example: JSONValue,
    policy build: @escaping @Sendable (Arguments) throws(SpecificationError) -> any Policy
  ) {
    self.type = type
    self.summary = summary
    self.parameters = parameters
    self.formula = formula
    self.source = source
    self.example = example
    product = .policy(build)
  }

  /// Something that has parameters by name and is neither a schedule nor a rule: it makes no curves.
  package convenience init(
    type: String, summary: String, parameters: [Parameter], formula: String, source: String, example: JSONValue
  ) {
    self.init(
      type: type, summary: summary, parameters: parameters, formula: formula, source: source, example: example,
      curves: { (arguments) throws(SpecificationError) in throw arguments.error("\(type) is no schedule") })
  }

  /// A policy of sessions that is no library's.
  init(
    type: String, summary: String, parameters: [Parameter], formula: String, source: String, example: JSONValue,
    rule build: @escaping @Sendable (Arguments, RuleContext) throws(SpecificationError) -> any Rule
  ) {
    self.type = type
    self.summary = summary
    self.parameters = parameters
    self.formula = formula
    self.source = source
    self.example = example
    product = .rule(build)
  }
}

/// What a rule has to know of its session.
struct RuleContext {
  /// The metric that the caller named.
  let metric: String
  /// The names of the parameter groups.
  let groups: [String]
}

extension Definition {
  /// A schedule of this type with these values, those that are the parameter's default left out.
  ///
  /// - Returns: nil where a value is nil or no finite number, and cannot be written.
  package func form(_ values: [(name: String, value: JSONValue?)]) -> JSONValue? {
    var members: [(String, JSONValue)] = [("type", .string(type))]
    for (name, value) in values {
      guard let value, value.isFinite else { return nil }
      let parameter = parameters.first { $0.name == name }
      if parameter?.defaultValue != value { members.append((name, value)) }
    }
    return .object(JSONObject(members))
  }
}

extension JSONValue {
  /// Whether every number in it can be written.
  var isFinite: Bool {
    switch self {
    case .number(let number): number.isFinite
    case .array(let elements): elements.allSatisfy(\.isFinite)
    case .object(let object): object.members.allSatisfy(\.value.isFinite)
    case .null, .bool, .string: true
    }
  }

  static func numbers(_ numbers: [Double]) -> JSONValue { .array(numbers.map { .number($0) }) }

  /// The forms of the schedules; nil where one has none.
  static func schedules(_ schedules: [any Schedule]) -> JSONValue? {
    let forms = schedules.compactMap(\.form)
    return forms.count == schedules.count ? .array(forms) : nil
  }
}

/// What a specification describes: the rate, and other hyperparameters' curves beside it.
public struct Curves: Sendable {
  /// A curve beside the rate, on the same clock.
  public struct Companion: Sendable {
    /// The hyperparameter: `momentum`, `weight_decay`, `beta1`.
    public let name: String
    public let schedule: any Schedule

    public init(name: String, schedule: any Schedule) {
      self.name = name
      self.schedule = schedule
    }
  }

  public var rate: any Schedule
  public var companions: [Companion]

  public init(rate: any Schedule, companions: [Companion] = []) {
    self.rate = rate
    self.companions = companions
  }

  init(rate: any Schedule, momentum: (any Schedule)?) {
    self.init(rate: rate, companions: momentum.map { [Companion(name: "momentum", schedule: $0)] } ?? [])
  }

  /// The momentum beside the rate, where the schedule has one.
  public var momentum: (any Schedule)? { companions.first { $0.name == "momentum" }?.schedule }
}

/// What is wrong with a specification, and where.
public struct SpecificationError: Error, Equatable {
  /// Names the field, from the specification's root.
  public let pointer: JSONPointer
  /// What is wrong and what to do, in words.
  public let detail: String
  /// The nearest valid name, where one is near.
  public let suggestion: String?

  public init(pointer: JSONPointer, detail: String, suggestion: String? = nil) {
    self.pointer = pointer
    self.detail = detail
    self.suggestion = suggestion
  }
}
