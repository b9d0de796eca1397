public import JSON

/// Everything that is known of one schedule type: how it is called, what it takes, what it computes, where it is from.
///
/// It stands in the schedule's own file. The reading of requests, `GET /schedules`, the documentation and the command
/// line's help are all made from it.
public struct Definition: Sendable {
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
  /// Builds the curves from arguments that have been checked against ``parameters``.
  let build: @Sendable (Arguments) throws(SpecificationError) -> Curves

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
    self.build = build
  }

  init(
    type: String, summary: String, parameters: [Parameter], formula: String, source: String, example: JSONValue,
    schedule build: @escaping @Sendable (Arguments) throws(SpecificationError) -> any Schedule
  ) {
    self.init(
      type: type, summary: summary, parameters: parameters, formula: formula, source: source, example: example,
      curves: { (arguments) throws(SpecificationError) in Curves(rate: try build(arguments)) })
  }
}

/// What a specification describes: the rate, and the momentum beside it where the schedule has one.
public struct Curves: Sendable {
  public var rate: any Schedule
  public var momentum: (any Schedule)?

  public init(rate: any Schedule, momentum: (any Schedule)? = nil) {
    self.rate = rate
    self.momentum = momentum
  }
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
