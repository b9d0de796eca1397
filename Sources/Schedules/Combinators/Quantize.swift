public import JSON

/// A schedule that is looked at only every so many steps, as when a scheduler is stepped once an epoch.
///
///     rate(t) = schedule(⌊t / every⌋ · every)
///
/// Worked example, linear 1 → 0 in 4, every 2: 1, 1, 0.5, 0.5, 0.
///
/// Source: `scheduler.step()` at the end of an epoch, the habit of torch's examples.
public struct Quantize: Schedule {
  let every: Double
  let schedule: any Schedule

  /// - Parameters:
  ///   - every: a length in steps; greater than 0.
  ///   - schedule: the rates.
  public init(every: Double, schedule: any Schedule) {
    self.every = every
    self.schedule = schedule
  }

  public func rate(at step: Double) -> Double {
    schedule.rate(at: step - wholePeriods(in: step, of: every).remainder)
  }

  public var end: ScheduleEnd? {
    schedule.end.map { end in
      // The last look at a step that has a rate counts until the next look.
      let looks = wholePeriods(in: max(0, end.lastStep), of: every).count
      return ScheduleEnd(lastStep: end.lastStep < 0 ? -1 : ((looks + 1) * every).nextDown, reason: end.reason)
    }
  }

  public var form: JSONValue? { Self.definition.form([("every", .number(every)), ("schedule", schedule.form)]) }

  static let definition = Definition(
    type: "quantize",
    summary: "A schedule that is looked at only every so many steps, as when a scheduler is stepped once an epoch.",
    parameters: [
      .required("every", .number(.positive), "the steps between two looks, such as the steps of an epoch"),
      .required("schedule", .schedule, "the rates"),
    ],
    formula: "schedule(⌊t/every⌋·every)",
    source: "torch's habit to call scheduler.step() once an epoch",
    example: [
      "type": "quantize", "every": 10, "schedule": ["type": "cosine", "base_lr": 0.1, "total_steps": 100],
    ]
  ) { arguments throws(SpecificationError) in
    Quantize(every: try arguments.number("every"), schedule: try arguments.schedule("schedule"))
  }
}
