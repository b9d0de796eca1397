public import JSON

/// The same rate at every step.
///
///     rate(t) = base
///
/// Worked example, `base` 0.1: 0.1, 0.1, 0.1, 0.1, 0.1.
///
/// Source: Robbins and Monro, "A Stochastic Approximation Method", 1951, name what a fixed rate gives up; torch `SGD(lr)`.
public struct Constant: Schedule {
  let baseRate: Double

  /// - Parameter baseRate: the rate; at least 0.
  public init(baseRate: Double) { self.baseRate = baseRate }

  public func rate(at step: Double) -> Double { baseRate }

  public var isAlwaysFinite: Bool { baseRate.isFinite }

  public var form: JSONValue? {
    Self.definition.form([("base_lr", .number(baseRate))])
  }

  static let definition = Definition(
    type: "constant",
    summary: "The same rate at every step.",
    parameters: [.baseRate("base_lr", "the rate")],
    formula: "base_lr",
    source: "the fixed learning rate of plain SGD; optax.constant_schedule",
    example: ["type": "constant", "base_lr": 0.1]
  ) { arguments throws(SpecificationError) in
    Constant(baseRate: try arguments.number("base_lr"))
  }
}
