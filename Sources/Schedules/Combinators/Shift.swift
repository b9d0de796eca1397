public import JSON

/// A schedule moved along the step axis.
///
///     rate(t) = schedule(max(0, t + by))
///
/// Worked example, linear 1 → 0 in 4, `by` 2: 0.5, 0.25, 0, 0, 0.
///
/// Source: the combinator behind optax's `transition_begin`.
public struct Shift: Schedule {
  let by: Double
  let schedule: any Schedule

  /// - Parameters:
  ///   - by: how many steps the schedule is ahead; negative to delay it.
  ///   - schedule: what is moved.
  public init(by: Double, schedule: any Schedule) {
    self.by = by
    self.schedule = schedule
  }

  public func rate(at step: Double) -> Double { schedule.rate(at: max(0, step + by)) }

  public var end: ScheduleEnd? {
    schedule.end.map { ScheduleEnd(lastStep: $0.lastStep - by, reason: $0.reason) }
  }

  public var form: JSONValue? { Self.definition.form([("by", .number(by)), ("schedule", schedule.form)]) }

  static let definition = Definition(
    type: "shift",
    summary: "A schedule moved along the step axis: ahead where by is positive, delayed where it is negative.",
    parameters: [
      .required("by", .number(.any), "how many steps the schedule is ahead; a delayed one holds its first rate"),
      .required("schedule", .schedule, "what is moved"),
    ],
    formula: "schedule(max(0, t + by))",
    source: "optax's transition_begin",
    example: [
      "type": "shift", "by": -2, "schedule": ["type": "linear", "base_lr": 0.1, "total_steps": 4],
    ]
  ) { arguments throws(SpecificationError) in
    let by = try arguments.number("by")
    return Shift(by: by, schedule: try arguments.schedule("schedule", horizon: arguments.reader.horizon + by))
  }
}
