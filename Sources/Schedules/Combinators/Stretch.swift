public import JSON

/// A schedule on a slower or faster clock.
///
///     rate(t) = schedule(t / by)
///
/// Worked example, linear 1 → 0 in 2, by 2: 1, 0.75, 0.5, 0.25, 0.
///
/// Source: Composer's `scale_schedule_ratio`. A scheduler that `accelerate` prepared is stepped once for every process at
/// every optimizer step: that is `by` 1 / processes.
public struct Stretch: Schedule {
  let by: Double
  let schedule: any Schedule

  /// - Parameters:
  ///   - by: how many steps one step of the schedule takes; greater than 0.
  ///   - schedule: what is stretched.
  public init(by: Double, schedule: any Schedule) {
    self.by = by
    self.schedule = schedule
  }

  public func rate(at step: Double) -> Double { schedule.rate(at: step / by) }

  public var end: ScheduleEnd? {
    schedule.end.map { ScheduleEnd(lastStep: $0.lastStep * by, reason: $0.reason) }
  }

  public var form: JSONValue? { Self.definition.form([("by", .number(by)), ("schedule", schedule.form)]) }

  static let definition = Definition(
    type: "stretch",
    summary: "A schedule on a slower clock (by above 1) or a faster one (below 1).",
    parameters: [
      .required(
        "by", .number(.positive),
        "how many steps one step of the schedule takes; 1/processes for a scheduler prepared by accelerate"),
      .required("schedule", .schedule, "what is stretched"),
    ],
    formula: "schedule(t/by)",
    source: "scale_schedule_ratio of Composer; accelerate's AcceleratedScheduler",
    example: [
      "type": "stretch", "by": 2, "schedule": ["type": "cosine", "base_lr": 0.1, "total_steps": 50],
    ]
  ) { arguments throws(SpecificationError) in
    Stretch(by: try arguments.number("by"), schedule: try arguments.schedule("schedule"))
  }
}
