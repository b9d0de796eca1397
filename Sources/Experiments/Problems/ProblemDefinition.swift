public import JSON
public import Schedules

/// Everything that is known of one type of problem: how it is called, what it takes, what it computes, where it is from.
///
/// It stands in the problem's own file. Reading, checks, errors and documentation are made from it.
public final class ProblemDefinition: Sendable {
  private let definition: Definition
  private let build: @Sendable (Arguments) throws(SpecificationError) -> any Problem

  /// The name on the wire: `ravine`.
  public var type: String { definition.type }
  /// What it shows, in a sentence or two.
  public var summary: String { definition.summary }
  public var parameters: [Parameter] { definition.parameters }
  /// The loss, in plain text.
  public var formula: String { definition.formula }
  /// The paper or the book that it is from.
  public var source: String { definition.source }
  /// A complete problem of this type, as JSON.
  public var example: JSONValue { definition.example }

  init(
    type: String, summary: String, parameters: [Parameter], formula: String, source: String, example: JSONValue,
    problem build: @escaping @Sendable (Arguments) throws(SpecificationError) -> any Problem
  ) {
    definition = Definition(
      type: type, summary: summary, parameters: parameters, formula: formula, source: source, example: example)
    self.build = build
  }

  func read(_ object: JSONObject, pointer: JSONPointer) throws(SpecificationError) -> any Problem {
    try build(try Arguments(definition, object, pointer: pointer))
  }
}

// MARK: Parameters that several problems have

extension ProblemDefinition {
  /// What an element of a start may be.
  static let coordinates = NumberRange(lower: -1e3, upper: 1e3)

  static let curvature = NumberRange(lower: 1e-6, upper: 1e6)

  static let seed = Parameter.integer(
    "seed", NumberRange(lower: 0, upper: largestStep), 0, "chooses what is random: the same seed, the same problem")

  static func seed(_ arguments: Arguments) throws(SpecificationError) -> UInt64 {
    UInt64(exactly: try arguments.number("seed")) ?? 0
  }

  /// The start given, or nil.
  static func start(_ arguments: Arguments, count: Int) throws(SpecificationError) -> [Double]? {
    if !arguments.has("start") { return nil }
    let start = try arguments.numbers("start")
    guard start.count == count else {
      throw arguments.error("start", "'start' must have \(count) numbers, one for each parameter, not \(start.count)")
    }
    return start
  }

  /// How many samples a step sees; left out, `value` of them, or, where that is nil, all.
  static func batchSize(_ most: Double, _ value: Int? = nil) -> Parameter {
    let range = NumberRange(lower: 1, upper: most)
    if let value {
      return .integer("batch_size", range, value, "how many points a step sees, drawn anew; as many as samples: all")
    }
    return .optional("batch_size", .integer(range), "how many points a step sees, drawn anew; left out: all")
  }

  /// The batch size, or nil for all samples.
  static func batchSize(_ arguments: Arguments, samples: Int) throws(SpecificationError) -> Int? {
    guard let size = try arguments.optionalNumber("batch_size").map({ Int($0) }) else { return nil }
    if size > samples && arguments.has("batch_size") {
      throw arguments.error("batch_size", "'batch_size' must be at most 'samples', \(samples), not \(size)")
    }
    return size >= samples ? nil : size
  }
}
