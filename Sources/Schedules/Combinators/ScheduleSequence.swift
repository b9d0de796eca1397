public import JSON

/// One schedule after another, each on its own clock.
///
///     rate(t) = base · schedules[i](t − boundary),   i = number of boundaries ≤ t, boundary the last of them
///
/// Worked example, linear 0 → 1 in 2, from boundary 2 on 0.5^t: 0, 0.5, 1, 0.5, 0.25.
///
/// Source: optax `join_schedules`; torch `SequentialLR` as it is meant.
public struct ScheduleSequence: Schedule {
  let schedules: [any Schedule]
  let boundaries: [Double]
  let baseRate: Double

  /// - Parameters:
  ///   - schedules: at least one.
  ///   - boundaries: the steps at which the second, third … begin, in ascending order; one fewer than schedules.
  ///   - baseRate: multiplies the whole.
  public init(schedules: [any Schedule], boundaries: [Double], baseRate: Double = 1) {
    self.schedules = schedules
    self.boundaries = boundaries
    self.baseRate = baseRate
  }

  public func rate(at step: Double) -> Double {
    let index = min(passed(boundaries, at: step), schedules.count - 1)
    return baseRate * schedules[index].rate(at: index == 0 ? step : step - boundaries[index - 1])
  }

  public var end: ScheduleEnd? {
    for (index, schedule) in schedules.enumerated() {
      guard let end = schedule.end else { continue }
      let lastStep = end.lastStep + (index == 0 ? 0 : boundaries[index - 1])
      if index < boundaries.count && lastStep + 1 >= boundaries[index] { continue }
      return ScheduleEnd(lastStep: lastStep, reason: end.reason)
    }
    return nil
  }

  public var form: JSONValue? {
    Self.definition.form([
      ("schedules", .schedules(schedules)), ("boundaries", .numbers(boundaries)), ("base_lr", .number(baseRate)),
    ])
  }

  static let definition = Definition(
    type: "sequence",
    summary: "One schedule after another, each on its own clock.",
    parameters: [
      .required("schedules", .schedules, "the schedules; without a rate of its own each is a factor"),
      .required("boundaries", .numbers(.notNegative), "the steps at which the second, third … begin, ascending"),
      .number("base_lr", .notNegative, 1, "multiplies the whole"),
    ],
    formula: "base_lr·schedules[i](t − boundaries[i−1]), i = #{boundaries ≤ t}",
    source: "optax.join_schedules; torch.optim.lr_scheduler.SequentialLR",
    example: [
      "type": "sequence", "base_lr": 0.1, "boundaries": [5],
      "schedules": [["type": "constant"], ["type": "exponential", "gamma": 0.9]],
    ]
  ) { arguments throws(SpecificationError) in
    let schedules = try arguments.schedules("schedules")
    let boundaries = try arguments.numbers("boundaries")
    if boundaries.count != schedules.count - 1 {
      throw arguments.error(
        "boundaries",
        "\(schedules.count) schedules need \(schedules.count - 1) boundaries; \(boundaries.count) were given")
    }
    if zip(boundaries, boundaries.dropFirst()).contains(where: { $0 > $1 }) {
      throw arguments.error("boundaries", "'boundaries' must ascend")
    }
    return ScheduleSequence(schedules: schedules, boundaries: boundaries, baseRate: try arguments.number("base_lr"))
  }
}
