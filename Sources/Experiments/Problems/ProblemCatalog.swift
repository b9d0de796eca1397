public import JSON
public import Schedules

/// All types of problems that an experiment can be made with.
///
/// Reading one costs at most about 10⁷ multiplications: the ranges of the parameters see to it. What a step of it costs is
/// ``Problem/gradientCost``.
public enum ProblemCatalog {
  /// A new problem is a file of its own and a line here.
  public static let definitions: [ProblemDefinition] = [
    Quadratic.bowl,
    Quadratic.ravine,
    Rosenbrock.definition,
    Saddle.definition,
    LogisticRegression.definition,
    PolynomialRegression.definition,
    TwoMoons.definition,
  ]

  /// The names of all types, in the catalog's order.
  public static var types: [String] { definitions.map(\.type) }

  /// The definition of that type.
  public static subscript(type: String) -> ProblemDefinition? { definitions.first { $0.type == type } }

  /// - Parameters:
  ///   - value: an object such as `{"type": "ravine", "condition_number": 100}`, or the type alone, `"ravine"`.
  ///   - pointer: where it stands in the caller's document.
  /// - Throws: ``SpecificationError`` for the first thing that is wrong.
  public static func read(_ value: JSONValue, pointer: JSONPointer = .root) throws(SpecificationError) -> any Problem {
    let read = try TypedObject(
      value, pointer: pointer, of: definitions, by: \.type, kind: "problem",
      form: "a problem is a type such as \"ravine\" or an object {\"type\": \"ravine\", …}",
      lack: "a problem needs a 'type': one of")
    return try read.definition.read(read.object, pointer: pointer)
  }
}
