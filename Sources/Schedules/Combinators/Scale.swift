public import JSON

/// A schedule times a number.
///
///     rate(t) = by · schedule(t)
///
/// Worked example, linear 1 → 0 in 4, by 0.5: 0.5, 0.375, 0.25, 0.125, 0.
///
/// Source: the linear scaling rule, Goyal et al., 2017, arXiv:1706.02677.
public struct Scale: Schedule {
  let by: Double
  let schedule: any Schedule

  /// - Parameters:
  ///   - by: the factor.
  ///   - schedule: what is scaled.
  public init(by: Double, schedule: any Schedule) {
    self.by = by
    self.schedule = schedule
  }

  public func rate(at step: Double) -> Double { by * schedule.rate(at: step) }

  public var end: ScheduleEnd? { schedule.end }

  public var form: JSONValue? { Self.definition.form([("by", .number(by)), ("schedule", schedule.form)]) }

  static let definition = Definition(
    type: "scale",
    summary: "A schedule times a number.",
    parameters: [
      .required("by", .number(.any), "the factor, such as batch size / 256"),
      .required("schedule", .schedule, "what is scaled"),
    ],
    formula: "by·schedule(t)",
    source: "the linear scaling rule, Goyal et al., 2017, arXiv:1706.02677",
    example: ["type": "scale", "by": 8, "schedule": ["type": "step", "base_lr": 0.1, "step_size": 30]]
  ) { arguments throws(SpecificationError) in
    Scale(by: try arguments.number("by"), schedule: try arguments.schedule("schedule"))
  }
}
