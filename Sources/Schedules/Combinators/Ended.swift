public import JSON

/// A schedule that has no rate after its last step, as torch's `OneCycleLR` has none: it raises an error.
///
///     rate(t) = schedule(t)    for t ≤ last_step
///
/// Worked example, constant 0.1 until step 2: 0.1, 0.1, 0.1.
///
/// Source: the errors of torch's schedulers.
public struct Ended: Schedule {
  let schedule: any Schedule
  public let end: ScheduleEnd?

  /// - Parameters:
  ///   - schedule: the rates.
  ///   - lastStep: the last step that has a rate; −1 where there is none at all.
  ///   - reason: why, in words for the caller.
  public init(schedule: any Schedule, lastStep: Double, reason: String) {
    self.schedule = schedule
    end = ScheduleEnd(lastStep: lastStep, reason: reason)
  }

  /// No rate at all, not even at step 0.
  init(before reason: String) { self.init(schedule: Constant(baseRate: 0), lastStep: -1, reason: reason) }

  public func rate(at step: Double) -> Double { schedule.rate(at: step) }

  public var form: JSONValue? {
    guard let end else { return schedule.form }
    return Self.definition.form([
      ("schedule", schedule.form), ("last_step", .number(end.lastStep)), ("reason", .string(end.reason)),
    ])
  }

  static let definition = Definition(
    type: "until",
    summary: "A schedule that has no rate after its last step: asking for one is an error, as in some libraries.",
    parameters: [
      .required("schedule", .schedule, "the rates"),
      .required("last_step", .number(NumberRange(lower: -1)), "the last step that has a rate"),
      .optional("reason", .text(256), "what the error says"),
    ],
    formula: "schedule(t) for t ≤ last_step",
    source: "torch.optim.lr_scheduler.OneCycleLR, which raises an error past total_steps",
    example: [
      "type": "until", "last_step": 99, "schedule": ["type": "cosine", "base_lr": 0.1, "total_steps": 100],
    ]
  ) { arguments throws(SpecificationError) in
    Ended(
      schedule: try arguments.schedule("schedule"), lastStep: try arguments.number("last_step"),
      reason: try arguments.optionalText("reason") ?? "the specification ends there")
  }
}
