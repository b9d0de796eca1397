import Foundation
public import JSON

/// A power of the step, capped.
///
///     rate(t) = min(max_lr, base · (t · units_per_step)^exponent)
///
/// Worked example, `base` 1, exponent −0.5, cap 0.8: 0.8, 0.8, 0.7071, 0.5774, 0.5.
///
/// Source: Shen et al., "Power Scheduler", 2024, arXiv:2408.13359, which counts tokens.
public struct Power: Schedule {
  let baseRate: Double
  let exponent: Double
  let maxRate: Double
  let unitsPerStep: Double

  /// - Parameters:
  ///   - baseRate: the rate of the power law at one unit.
  ///   - exponent: below 0.
  ///   - maxRate: the cap, which holds at the beginning.
  ///   - unitsPerStep: the tokens of a step, where the law counts tokens; greater than 0.
  public init(baseRate: Double, exponent: Double, maxRate: Double, unitsPerStep: Double = 1) {
    self.baseRate = baseRate
    self.exponent = exponent
    self.maxRate = maxRate
    self.unitsPerStep = unitsPerStep
  }

  public func rate(at step: Double) -> Double {
    step == 0 ? maxRate : min(maxRate, baseRate * pow(step * unitsPerStep, exponent))
  }

  public var form: JSONValue? {
    Self.definition.form([
      ("base_lr", .number(baseRate)), ("exponent", .number(exponent)), ("max_lr", .number(maxRate)),
      ("units_per_step", .number(unitsPerStep)),
    ])
  }

  static let definition = Definition(
    type: "power",
    summary: "A power of the step (or of the tokens seen), capped at max_lr: no total number of steps is needed.",
    parameters: [
      .baseRate("base_lr", "the rate of the power law at one unit"),
      .number("exponent", NumberRange(upper: 0, upperIsOpen: true), -0.51, "the exponent"),
      .required("max_lr", .number(.notNegative), "the cap, which holds at the beginning"),
      .number("units_per_step", .positive, 1, "the tokens of a step, where the law counts tokens"),
    ],
    formula: "min(max_lr, base_lr·(t·units_per_step)^exponent)",
    source: "Shen et al., \"Power Scheduler\", 2024, arXiv:2408.13359",
    example: ["type": "power", "base_lr": 0.1, "exponent": -0.5, "max_lr": 0.08]
  ) { arguments throws(SpecificationError) in
    Power(
      baseRate: try arguments.number("base_lr"), exponent: try arguments.number("exponent"),
      maxRate: try arguments.number("max_lr"), unitsPerStep: try arguments.number("units_per_step"))
  }
}
