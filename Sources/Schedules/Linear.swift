public import JSON

/// A straight line from `baseRate` to `endRate`, which then holds.
///
///     rate(t) = base + (end − base) · min(t / total, 1)
///
/// Worked example, `base` 1, `end` 0, `total` 4: 1, 0.75, 0.5, 0.25, 0.
///
/// Source: torch `LinearLR`, optax `linear_schedule`; as "budgeted" decay Li, Yumer and Ramanan, ICLR 2020, arXiv:1905.04753.
public struct Linear: Schedule {
  let baseRate: Double
  let endRate: Double
  let totalSteps: Double

  /// - Parameters:
  ///   - baseRate: the rate at step 0.
  ///   - endRate: the rate from `totalSteps` on.
  ///   - totalSteps: the length of the line in steps; greater than 0.
  public init(baseRate: Double, endRate: Double = 0, totalSteps: Double) {
    self.baseRate = baseRate
    self.endRate = endRate
    self.totalSteps = totalSteps
  }

  public func rate(at step: Double) -> Double {
    if step >= totalSteps { return endRate }
    return baseRate + (endRate - baseRate) * (step / totalSteps)
  }

  public var isAlwaysFinite: Bool { (abs(baseRate) + abs(endRate)).isFinite && totalSteps > 0 }

  public var form: JSONValue? {
    Self.definition.form([
      ("base_lr", .number(baseRate)), ("end_lr", .number(endRate)), ("total_steps", .number(totalSteps)),
    ])
  }

  static let definition = Definition(
    type: "linear",
    summary: "A straight line from base_lr to end_lr, which then holds.",
    parameters: [.baseRate(), .endRate, .totalSteps],
    formula: "base_lr + (end_lr − base_lr)·min(t/total_steps, 1)",
    source: "torch.optim.lr_scheduler.LinearLR; Li, Yumer and Ramanan, ICLR 2020, arXiv:1905.04753",
    example: ["type": "linear", "base_lr": 0.1, "end_lr": 0.02, "total_steps": 4]
  ) { arguments throws(SpecificationError) in
    Linear(
      baseRate: try arguments.number("base_lr"), endRate: try arguments.number("end_lr"),
      totalSteps: try arguments.number("total_steps"))
  }
}
