public import JSON

/// A schedule kept between two bounds.
///
///     rate(t) = min(max(schedule(t), min_lr), max_lr)
///
/// Worked example, linear 1 → 0 in 4, from 0.3 to 0.8: 0.8, 0.75, 0.5, 0.3, 0.3.
///
/// Source: `end_value` of optax's `exponential_decay`; the `min_lr` floors of Megatron-LM and NeMo.
public struct Clamp: Schedule {
  let schedule: any Schedule
  let lower: Double
  let upper: Double

  /// - Parameters:
  ///   - schedule: what is kept in bounds.
  ///   - lower: the lowest rate.
  ///   - upper: the highest rate; at least `lower`.
  public init(_ schedule: any Schedule, lower: Double = -.infinity, upper: Double = .infinity) {
    self.schedule = schedule
    self.lower = lower
    self.upper = upper
  }

  public func rate(at step: Double) -> Double { min(max(schedule.rate(at: step), lower), upper) }

  public var end: ScheduleEnd? { schedule.end }

  public var form: JSONValue? {
    var members: [(String, JSONValue?)] = [("schedule", schedule.form)]
    if lower.isFinite { members.append(("min_lr", .number(lower))) }
    if upper.isFinite { members.append(("max_lr", .number(upper))) }
    return Self.definition.form(members)
  }

  static let definition = Definition(
    type: "clamp",
    summary: "A schedule kept between two bounds.",
    parameters: [
      .required("schedule", .schedule, "what is kept in bounds"),
      .optional("min_lr", .number(.any), "the lowest rate"),
      .optional("max_lr", .number(.any), "the highest rate"),
    ],
    formula: "min(max(schedule(t), min_lr), max_lr)",
    source: "end_value of optax.exponential_decay",
    example: [
      "type": "clamp", "min_lr": 0.03, "max_lr": 0.08,
      "schedule": ["type": "linear", "base_lr": 0.1, "total_steps": 4],
    ]
  ) { arguments throws(SpecificationError) in
    let lower = try arguments.optionalNumber("min_lr") ?? -.infinity
    let upper = try arguments.optionalNumber("max_lr") ?? .infinity
    if lower > upper { throw arguments.error("max_lr", "'max_lr' must be at least 'min_lr'") }
    return Clamp(try arguments.schedule("schedule"), lower: lower, upper: upper)
  }
}
