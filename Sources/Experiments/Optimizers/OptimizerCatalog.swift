public import JSON
public import Schedules

/// An optimizer whose costs are known.
public protocol CountedOptimizer: Optimizer {
  /// What an update costs for one parameter, with these hyperparameters.
  var cost: OptimizerCost { get }
}

/// Everything that is known of one type of optimizer: how it is called, what it takes, what it computes, where it is from.
public struct OptimizerDefinition: Sendable {
  /// Makes an optimizer for so many parameters.
  typealias Maker = @Sendable (Int) -> any CountedOptimizer

  let definition: Definition
  let read: @Sendable (Arguments) throws(SpecificationError) -> Maker

  /// The name on the wire: `adam`.
  public var type: String { definition.type }
  /// What it does, in a sentence.
  public var summary: String { definition.summary }
  /// The hyperparameters, with their ranges and torch's defaults. The learning rate is not among them: it is the schedule's.
  public var parameters: [Parameter] { definition.parameters }
  /// The update, in plain text.
  public var formula: String { definition.formula }
  /// The paper that it is from.
  public var source: String { definition.source }
  /// A complete optimizer of this type, as JSON.
  public var example: JSONValue { definition.example }
  /// The learning rate that the library takes where none is given: a rate to start from.
  public let defaultLearningRate: Double

  /// - Parameter read: makes the maker from arguments that have been checked against `parameters`.
  init(
    type: String, summary: String, parameters: [Parameter], formula: String, source: String, example: JSONValue,
    defaultLearningRate: Double, _ read: @escaping @Sendable (Arguments) throws(SpecificationError) -> Maker
  ) {
    definition = Definition(
      type: type, summary: summary, parameters: parameters, formula: formula, source: source, example: example)
    self.defaultLearningRate = defaultLearningRate
    self.read = read
  }
}

/// All optimizers that are known.
public enum OptimizerCatalog {
  /// A new optimizer is a file of its own and a line here.
  public static let definitions: [OptimizerDefinition] = [
    SGD.plain,
    SGD.withMomentum,
    SGD.nesterov,
    AdaGrad.definition,
    RMSprop.definition,
    Adam.coupled,
    Adam.decoupled,
    Adadelta.definition,
    NAdam.definition,
    RAdam.definition,
    Lion.definition,
  ]

  /// The names of all types, in the catalog's order.
  public static var types: [String] { definitions.map(\.type) }

  /// The definition of that type.
  public static subscript(type: String) -> OptimizerDefinition? { definitions.first { $0.type == type } }

  /// Reads an optimizer as it stands on the wire.
  ///
  /// - Parameters:
  ///   - value: an object such as `{"type": "adam", "beta1": 0.8}`, or the type alone, as text.
  ///   - pointer: where it stands; what errors point from.
  /// - Throws: ``SpecificationError`` for the first thing that is wrong.
  public static func read(
    _ value: JSONValue, pointer: JSONPointer = .root
  ) throws(SpecificationError) -> OptimizerSpecification {
    let read = try TypedObject(
      value, pointer: pointer, of: definitions, by: \.type, kind: "optimizer",
      form: "an optimizer is an object such as {\"type\": \"adam\"} or its type as a string",
      lack: "an optimizer needs a 'type':")
    let (definition, object) = (read.definition, read.object)
    for name in ["lr", "learning_rate", "base_lr"] where object[name] != nil {
      throw SpecificationError(
        pointer: pointer.appending(name),
        detail: "an optimizer takes no '\(name)': the learning rate comes from the schedule")
    }
    let arguments = try Arguments(definition.definition, object, pointer: pointer)
    return OptimizerSpecification(
      definition: definition, hyperparameters: definition.values(object), maker: try definition.read(arguments))
  }
}

extension OptimizerDefinition {
  /// The value of each parameter: the object's, or the default.
  fileprivate func values(_ object: JSONObject) -> [OptimizerSpecification.Hyperparameter] {
    parameters.compactMap { parameter in
      (object[parameter.name] ?? parameter.defaultValue).map { .init(name: parameter.name, value: $0) }
    }
  }
}

/// An optimizer that has been read and checked: its type and its hyperparameters. It makes as many optimizers as are wanted.
public struct OptimizerSpecification: Sendable {
  /// A hyperparameter and its value.
  public struct Hyperparameter: Sendable, Equatable {
    /// Its name on the wire.
    public let name: String
    public let value: JSONValue
  }

  public let definition: OptimizerDefinition
  /// All hyperparameters in the definition's order, those that were left out with their defaults.
  public let hyperparameters: [Hyperparameter]
  private let maker: OptimizerDefinition.Maker

  fileprivate init(
    definition: OptimizerDefinition, hyperparameters: [Hyperparameter], maker: @escaping OptimizerDefinition.Maker
  ) {
    self.definition = definition
    self.hyperparameters = hyperparameters
    self.maker = maker
  }

  /// The name on the wire.
  public var type: String { definition.type }

  /// The value of the hyperparameter of that name; nil where the type has none such.
  public subscript(name: String) -> JSONValue? { hyperparameters.first { $0.name == name }?.value }

  /// What an update costs for one parameter.
  public var cost: OptimizerCost { maker(0).cost }

  /// The specification as JSON, without what is the default; it reads back to the same.
  public var form: JSONValue? { definition.definition.form(hyperparameters.map { ($0.name, $0.value) }) }

  /// An optimizer with its state at the start.
  ///
  /// - Parameter parameterCount: how many parameters it will update; not below 0.
  public func optimizer(parameterCount: Int) -> any CountedOptimizer { maker(parameterCount) }
}

// MARK: Parameters that many have

extension Parameter {
  /// A decay of an average: below 1, as torch asks.
  static func beta(_ name: String, _ value: Double, _ summary: String) -> Parameter {
    .number(name, NumberRange(lower: 0, upper: 1, upperIsOpen: true), value, summary)
  }

  static func epsilon(_ value: Double) -> Parameter {
    .number("eps", .notNegative, value, "is added to the root that is divided by")
  }

  /// Weight decay as a term of the gradient.
  static let coupledDecay = Parameter.number(
    "weight_decay", .notNegative, 0, "the L2 penalty: so much of the parameter is added to its gradient")

  /// Whether the weight decay passes the averages by.
  static let decouples = Parameter.flag(
    "decoupled_weight_decay", false, "whether weight_decay shrinks the parameters, as in AdamW, and not the gradient")
}
