public import JSON

/// Several schedules multiplied.
///
///     rate(t) = base · schedules[0](t) · schedules[1](t) · …
///
/// Worked example, linear 0.5 → 1 in 2, times 0.5^t: 0.5, 0.375, 0.25, 0.125, 0.0625.
///
/// Source: torch `ChainedScheduler` for multiplicative members.
public struct ScheduleProduct: Schedule {
  let schedules: [any Schedule]
  let baseRate: Double

  /// - Parameters:
  ///   - schedules: the factors, at least one.
  ///   - baseRate: multiplies the whole.
  public init(schedules: [any Schedule], baseRate: Double = 1) {
    self.schedules = schedules
    self.baseRate = baseRate
  }

  public func rate(at step: Double) -> Double {
    schedules.reduce(baseRate) { $0 * $1.rate(at: step) }
  }

  public var end: ScheduleEnd? {
    schedules.firstEnd
  }

  public var form: JSONValue? {
    Self.definition.form([("schedules", .schedules(schedules)), ("base_lr", .number(baseRate))])
  }

  static let definition = Definition(
    type: "product",
    summary: "Several schedules multiplied.",
    parameters: [
      .required("schedules", .schedules, "the factors; without a rate of its own each begins at 1"),
      .number("base_lr", .notNegative, 1, "multiplies the whole"),
    ],
    formula: "base_lr·schedules[0](t)·schedules[1](t)·…",
    source: "torch.optim.lr_scheduler.ChainedScheduler",
    example: [
      "type": "product", "base_lr": 0.1,
      "schedules": [
        ["type": "linear", "base_lr": 0.5, "end_lr": 1, "total_steps": 2], ["type": "exponential", "gamma": 0.5],
      ],
    ]
  ) { arguments throws(SpecificationError) in
    ScheduleProduct(schedules: try arguments.schedules("schedules"), baseRate: try arguments.number("base_lr"))
  }
}
