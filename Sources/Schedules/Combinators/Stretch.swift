public import JSON

/// A schedule on a slower or faster clock.
///
///     rate(t) = schedule(t · speed),    speed = 1 / by
///
/// Worked example, linear 1 → 0 in 2, by 2: 1, 0.75, 0.5, 0.25, 0.
///
/// Source: Composer's `scale_schedule_ratio`. A scheduler that `accelerate` prepared is stepped once for every process at
/// every optimizer step: that is a speed of so many processes.
public struct Stretch: Schedule {
  /// One of the two is 1: a division by 3 and a multiplication with 1/3 are not the same number.
  let by: Double
  let speed: Double
  let schedule: any Schedule

  /// - Parameters:
  ///   - by: how many steps one step of the schedule takes; greater than 0.
  ///   - schedule: what is stretched.
  public init(by: Double, schedule: any Schedule) {
    self.by = by
    speed = 1
    self.schedule = schedule
  }

  /// - Parameters:
  ///   - speed: how many steps of the schedule one step takes; greater than 0.
  ///   - schedule: what is run faster.
  public init(speed: Double, schedule: any Schedule) {
    by = 1
    self.speed = speed
    self.schedule = schedule
  }

  public func rate(at step: Double) -> Double { schedule.rate(at: step * speed / by) }

  public var end: ScheduleEnd? {
    schedule.end.map { ScheduleEnd(lastStep: $0.lastStep * by / speed, reason: $0.reason) }
  }

  public var form: JSONValue? {
    Self.definition.form([
      speed == 1 ? ("by", .number(by)) : ("speed", .number(speed)), ("schedule", schedule.form),
    ])
  }

  static let definition = Definition(
    type: "stretch",
    summary: "A schedule on a slower clock (by above 1) or a faster one (speed above 1). Give one of the two.",
    parameters: [
      .optional("by", .number(.positive), "how many steps one step of the schedule takes"),
      .optional(
        "speed", .number(.positive),
        "how many steps of the schedule one step takes; the processes, for a scheduler prepared by accelerate"),
      .required("schedule", .schedule, "what is stretched"),
    ],
    formula: "schedule(t·speed), speed = 1/by",
    source: "scale_schedule_ratio of Composer; accelerate's AcceleratedScheduler",
    example: [
      "type": "stretch", "by": 2, "schedule": ["type": "cosine", "base_lr": 0.1, "total_steps": 50],
    ]
  ) { arguments throws(SpecificationError) in
    let divisor = try arguments.optionalNumber("by")
    let factor = try arguments.optionalNumber("speed")
    let horizon = arguments.reader.horizon * (factor ?? 1) / (divisor ?? 1)
    let schedule = try arguments.schedule("schedule", horizon: horizon)
    switch (divisor, factor) {
    case (let by?, nil): return Stretch(by: by, schedule: schedule)
    case (nil, let speed?): return Stretch(speed: speed, schedule: schedule)
    case (nil, nil): throw arguments.error("by", "stretch needs either 'by' or 'speed'")
    case (_?, _?): throw arguments.error("speed", "give either 'by' or 'speed', not both")
    }
  }
}
