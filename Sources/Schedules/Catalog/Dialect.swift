import JSON

/// A framework whose schedulers are types of the catalog: what their definitions have in common.
struct Dialect: Sendable {
  /// The first part of the types' names: `paddle`.
  let name: String
  /// Where the schedulers stand in the framework: `paddle.optimizer.lr`.
  let module: String
  /// The framework and the version whose source was read: `PaddlePaddle 3.3`.
  let library: String

  /// A type whose builder makes canonical schedules.
  func type(
    _ type: String, _ summary: String, _ parameters: [Parameter], formula: String, example: [(String, JSONValue)],
    build: @escaping @Sendable (Arguments) throws(SpecificationError) -> any Schedule
  ) -> Definition {
    curves(type, summary, parameters, formula: formula, example: example) { (arguments) throws(SpecificationError) in
      Curves(rate: try build(arguments))
    }
  }

  /// A type with curves of other hyperparameters beside the rate.
  func curves(
    _ type: String, _ summary: String, _ parameters: [Parameter], formula: String, example: [(String, JSONValue)],
    build: @escaping @Sendable (Arguments) throws(SpecificationError) -> Curves
  ) -> Definition {
    Definition(
      type: "\(name).\(type)", summary: summary, parameters: parameters, formula: formula,
      source: "\(module).\(type), \(library)",
      example: .object(JSONObject([("type", .string("\(name).\(type)"))] + example)), curves: build)
  }
}

extension Arguments {
  /// A formula of the engine's own as a schedule; `name` is the field that an error would point at.
  func formula(
    _ text: String, _ constants: [(name: String, value: Double)], for name: String
  ) throws(SpecificationError) -> any Schedule {
    do {
      return try ExpressionSchedule(text, constants: constants)
    } catch {
      throw self.error(name, "'\(name)' gives no formula: \(error.description)")
    }
  }
}
