public import JSON

/// The lowest, or the highest, of several schedules.
///
///     rate(t) = min(schedules[0](t), schedules[1](t), …)    or max
///
/// Worked example, min of constant 0.6 and linear 1 → 0 in 4: 0.6, 0.6, 0.5, 0.25, 0.
///
/// Source: the cap of the power schedule, Shen et al., 2024, arXiv:2408.13359.
public struct Extreme: Schedule {
  let schedules: [any Schedule]
  let isHighest: Bool

  /// - Parameters:
  ///   - schedules: at least one.
  ///   - isHighest: whether the highest counts, not the lowest.
  public init(of schedules: [any Schedule], isHighest: Bool) {
    self.schedules = schedules
    self.isHighest = isHighest
  }

  public func rate(at step: Double) -> Double {
    var rate = schedules[0].rate(at: step)
    for schedule in schedules.dropFirst() {
      let other = schedule.rate(at: step)
      rate = isHighest ? max(rate, other) : min(rate, other)
    }
    return rate
  }

  public var end: ScheduleEnd? { schedules.firstEnd }

  public var form: JSONValue? {
    (isHighest ? Self.maximum : Self.minimum).form([("schedules", .schedules(schedules))])
  }

  static let minimum = definition("min", "The lowest of several schedules at every step.", isHighest: false)

  static let maximum = definition("max", "The highest of several schedules at every step.", isHighest: true)

  private static func definition(_ type: String, _ summary: String, isHighest: Bool) -> Definition {
    Definition(
      type: type, summary: summary, parameters: [.required("schedules", .schedules, "what is compared")],
      formula: "\(type)(schedules[0](t), schedules[1](t), …)", source: "Shen et al., 2024, arXiv:2408.13359 (the cap)",
      example: [
        "type": .string(type),
        "schedules": [
          ["type": "constant", "base_lr": 0.06], ["type": "linear", "base_lr": 0.1, "total_steps": 4],
        ],
      ]
    ) { arguments throws(SpecificationError) in
      Extreme(of: try arguments.schedules("schedules"), isHighest: isHighest)
    }
  }
}
