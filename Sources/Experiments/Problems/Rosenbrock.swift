import JSON
import Schedules

/// Rosenbrock's banana: a curved valley whose floor hardly falls.
///
///     loss(x, y) = (1 − x)² + b·(y − x²)²
///
/// The least loss is 0, at (1, 1).
///
/// Source: Rosenbrock, "An automatic method for finding the greatest or least value of a function", 1960.
public struct Rosenbrock: Problem {
  /// How steep the walls are.
  public let steepness: Double
  public let start: [Double]

  /// - Parameters:
  ///   - steepness: b, greater than 0.
  ///   - start: where the training starts; two elements.
  public init(steepness: Double = 100, start: [Double] = [-1.2, 1]) {
    precondition(start.count == 2, "Rosenbrock's function has two parameters")
    self.steepness = steepness
    self.start = start
  }

  public func loss(at parameters: [Double], step: Int, gradient: inout [Double]) -> Double {
    let (x, y) = (parameters[0], parameters[1])
    let (ahead, aside) = (1 - x, y - x * x)
    gradient[0] = -2 * ahead - 4 * steepness * x * aside
    gradient[1] = 2 * steepness * aside
    return ahead * ahead + steepness * aside * aside
  }

  public func loss(at parameters: [Double]) -> Double {
    let (ahead, aside) = (1 - parameters[0], parameters[1] - parameters[0] * parameters[0])
    return ahead * ahead + steepness * aside * aside
  }

  public var leastLoss: Double? { 0 }

  public var gradientCost: Double { 10 }

  public var lossCost: Double { 4 }

  public var view: PlaneBounds? {
    PlaneBounds(x: -2...2, y: -1...3).including([(start[0], start[1])])
  }

  static let definition = ProblemDefinition(
    type: "rosenbrock",
    summary: "A curved valley whose floor hardly falls; the minimum is at (1, 1).",
    parameters: [
      .number("steepness", NumberRange(lower: 0.01, upper: 1e4), 100, "b, how steep the walls are"),
      .optional("start", .numbers(ProblemDefinition.coordinates), "where the training starts; left out: [-1.2, 1]"),
    ],
    formula: "(1 − x)² + steepness·(y − x²)²",
    source: "Rosenbrock 1960",
    example: ["type": "rosenbrock"]
  ) { arguments throws(SpecificationError) in
    Rosenbrock(
      steepness: try arguments.number("steepness"),
      start: try ProblemDefinition.start(arguments, count: 2) ?? [-1.2, 1])
  }
}
