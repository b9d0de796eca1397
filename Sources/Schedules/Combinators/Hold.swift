public import JSON

/// A schedule that stands still before one step and after another.
///
///     rate(t) = schedule(min(max(t, from), until))
///
/// Worked example, linear 1 → 0 in 4, until 2: 1, 0.75, 0.5, 0.5, 0.5.
///
/// Source: `NoamAnnealing` of NeMo, which starts at step 1; a "freeze" of the rate.
public struct Hold: Schedule {
  let from: Double
  let until: Double
  let schedule: any Schedule

  /// - Parameters:
  ///   - from: the step whose rate holds before it; at least 0.
  ///   - until: the step whose rate holds after it; at least `from`, infinite where it never holds.
  ///   - schedule: the rates between.
  public init(from: Double = 0, until: Double = .infinity, schedule: any Schedule) {
    self.from = from
    self.until = until
    self.schedule = schedule
  }

  public func rate(at step: Double) -> Double { schedule.rate(at: min(max(step, from), until)) }

  public var end: ScheduleEnd? {
    schedule.end.flatMap { $0.lastStep >= until ? nil : $0 }
  }

  public var form: JSONValue? {
    var members: [(String, JSONValue?)] = [("from", .number(from)), ("schedule", schedule.form)]
    if until.isFinite { members.append(("until", .number(until))) }
    return Self.definition.form(members)
  }

  static let definition = Definition(
    type: "hold",
    summary: "A schedule that stands still before one step and after another.",
    parameters: [
      .number("from", .notNegative, 0, "the step whose rate holds before it"),
      .optional("until", .number(.notNegative), "the step whose rate holds after it"),
      .required("schedule", .schedule, "the rates between"),
    ],
    formula: "schedule(min(max(t, from), until))",
    source: "max(1, step) in NeMo's NoamAnnealing",
    example: [
      "type": "hold", "until": 2, "schedule": ["type": "linear", "base_lr": 0.1, "total_steps": 4],
    ]
  ) { arguments throws(SpecificationError) in
    let from = try arguments.number("from")
    let until = try arguments.optionalNumber("until") ?? .infinity
    if until < from { throw arguments.error("until", "'until' must be at least 'from'") }
    return Hold(from: from, until: until, schedule: try arguments.schedule("schedule", horizon: from))
  }
}
