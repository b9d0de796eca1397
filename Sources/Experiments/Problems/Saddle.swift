import JSON
import Schedules

/// A saddle between two minima: gradients vanish where nothing is learned yet.
///
///     loss(x, y) = x² + (½·y² − 1)²  =  x² − y² + ¼·y⁴ + 1
///
/// Near the origin it is the saddle x² − y²; the quartic bounds it below. The least loss is 0, at (0, ±√2); at the saddle,
/// (0, 0), it is 1.
///
/// Source: Dauphin et al., "Identifying and attacking the saddle point problem", arXiv:1406.2572, on why saddles slow a
/// training down; the function itself is the simplest with one.
public struct Saddle: Problem {
  public let start: [Double]

  /// - Parameter start: where the training starts; two elements. The nearer the second is to 0, the longer it takes.
  public init(start: [Double] = [1, 0.001]) {
    precondition(start.count == 2, "the saddle has two parameters")
    self.start = start
  }

  public func loss(at parameters: [Double], step: Int, gradient: inout [Double]) -> Double {
    let (x, y) = (parameters[0], parameters[1])
    let well = y * y / 2 - 1
    gradient[0] = 2 * x
    gradient[1] = 2 * y * well
    return x * x + well * well
  }

  public func loss(at parameters: [Double]) -> Double {
    let well = parameters[1] * parameters[1] / 2 - 1
    return parameters[0] * parameters[0] + well * well
  }

  public var leastLoss: Double? { 0 }

  public var gradientCost: Double { 8 }

  public var lossCost: Double { 4 }

  public var view: PlaneBounds? {
    PlaneBounds(x: -1.5...1.5, y: -2.2...2.2).including([(start[0], start[1])])
  }

  static let definition = ProblemDefinition(
    type: "saddle",
    summary: "A saddle between two minima: a training that starts near its ridge first slows down, then falls.",
    parameters: [
      .optional("start", .numbers(ProblemDefinition.coordinates), "where the training starts; left out: [1, 0.001]")
    ],
    formula: "x² − y² + ¼·y⁴ + 1; 1 at the saddle (0, 0), 0 at (0, ±√2)",
    source: "Dauphin et al., arXiv:1406.2572",
    example: ["type": "saddle"]
  ) { arguments throws(SpecificationError) in
    Saddle(start: try ProblemDefinition.start(arguments, count: 2) ?? [1, 0.001])
  }
}
