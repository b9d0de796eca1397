public import JSON

/// Several schedules added.
///
///     rate(t) = schedules[0](t) + schedules[1](t) + …
///
/// Worked example, constant 0.1 and linear 1 → 0 in 4: 1.1, 0.85, 0.6, 0.35, 0.1.
///
/// Source: what Keras' `CosineDecayRestarts` is made of: a floor that its shrinking waves stand on.
public struct ScheduleSum: Schedule {
  let schedules: [any Schedule]

  /// - Parameter schedules: the terms, at least one.
  public init(schedules: [any Schedule]) { self.schedules = schedules }

  public func rate(at step: Double) -> Double { schedules.reduce(0) { $0 + $1.rate(at: step) } }

  public var end: ScheduleEnd? { schedules.firstEnd }

  public var form: JSONValue? { Self.definition.form([("schedules", .schedules(schedules))]) }

  static let definition = Definition(
    type: "sum",
    summary: "Several schedules added.",
    parameters: [.required("schedules", .schedules, "the terms")],
    formula: "schedules[0](t) + schedules[1](t) + …",
    source: "the floor under keras.optimizers.schedules.CosineDecayRestarts",
    example: [
      "type": "sum",
      "schedules": [
        ["type": "constant", "base_lr": 0.01], ["type": "linear", "base_lr": 0.1, "total_steps": 4],
      ],
    ]
  ) { arguments throws(SpecificationError) in
    ScheduleSum(schedules: try arguments.schedules("schedules"))
  }
}

extension [any Schedule] {
  /// The first of their ends: past it, not all of them have a rate.
  var firstEnd: ScheduleEnd? { compactMap(\.end).min { $0.lastStep < $1.lastStep } }
}
