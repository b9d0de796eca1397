import Foundation
public import JSON

/// A schedule that starts again and again, each time stretched and scaled by a constant factor.
///
///     rate(t) = decay^i · schedule((t − startᵢ) / multiplier^i),  startᵢ = period · (multiplier^i − 1)/(multiplier − 1)
///
/// Worked example, linear 1 → 0 in 2, period 2, decay 0.5: 1, 0.5, 0.5, 0.25, 0.25.
///
/// Source: warm restarts, Loshchilov and Hutter, ICLR 2017, arXiv:1608.03983, for any curve; timm's cycles.
public struct Repeat: Schedule {
  let cycles: Cycles
  let decay: Double
  let count: Double
  let finalRate: Double
  let schedule: any Schedule

  init(
    cycles: Cycles, decay: Double = 1, count: Double = .infinity, finalRate: Double = 0, schedule: any Schedule
  ) {
    self.cycles = cycles
    self.decay = decay
    self.count = count
    self.finalRate = finalRate
    self.schedule = schedule
  }

  /// - Parameters:
  ///   - period: the length of the first cycle in steps; greater than 0.
  ///   - multiplier: how many times as long the next one is; at least 1.
  ///   - decay: the factor from one cycle's rates to the next's; at least 0.
  ///   - count: how many cycles there are; infinite by default.
  ///   - finalRate: the rate after the last of them.
  ///   - schedule: one cycle, on its own clock.
  public init(
    period: Double, multiplier: Double = 1, decay: Double = 1, count: Double = .infinity, finalRate: Double = 0,
    schedule: any Schedule
  ) {
    self.init(
      cycles: Cycles(first: period, multiplier: multiplier), decay: decay, count: count, finalRate: finalRate,
      schedule: schedule)
  }

  public func rate(at step: Double) -> Double {
    let (index, progress) = cycles.position(at: step)
    // A period next to nothing makes the index infinite; without a count there is still no end.
    if count.isFinite && index >= count { return finalRate }
    let rate = schedule.rate(at: progress * cycles.first)
    return decay == 1 ? rate : rate * pow(decay, index)
  }

  public var end: ScheduleEnd? {
    if let end = schedule.end, end.lastStep < cycles.first { return end }
    return cycles.end
  }

  public var form: JSONValue? {
    let limit: [(String, JSONValue?)] =
      count.isFinite ? [("count", .number(count)), ("final_lr", .number(finalRate))] : []
    return Self.definition.form(
      [
        ("period", .number(cycles.first)), ("multiplier", .number(cycles.multiplier)), ("decay", .number(decay)),
        ("cycle_index", .string(cycles.indexing.rawValue)), ("schedule", schedule.form),
      ] + limit)
  }

  static let definition = Definition(
    type: "repeat",
    summary: "A schedule that starts again and again, each time stretched and scaled by a constant factor.",
    parameters: [
      .required("period", .number(.positive), "the length of the first cycle in steps"),
      .number(
        "multiplier", .positive, 1, "how many times as long each cycle is as the one before; below 1 the cycles run out"
      ),
      .number("decay", .notNegative, 1, "the factor from one cycle's rates to the next's"),
      .cycleIndex, .optional("count", .integer(.notNegative), "how many cycles there are; without end where left out"),
      .number("final_lr", .notNegative, 0, "the rate after the last of count cycles"),
      .required("schedule", .schedule, "one cycle, on its own clock"),
    ],
    formula: "decay^i·schedule((t − start_i)/multiplier^i), start_i the first step of the cycle i",
    source: "warm restarts, Loshchilov and Hutter, ICLR 2017, arXiv:1608.03983, for any curve",
    example: [
      "type": "repeat", "period": 2, "decay": 0.5,
      "schedule": ["type": "linear", "base_lr": 0.1, "total_steps": 2],
    ]
  ) { arguments throws(SpecificationError) in
    let cycles = Cycles(
      first: try arguments.number("period"), multiplier: try arguments.number("multiplier"),
      indexing: try arguments.choice("cycle_index"))
    return Repeat(
      cycles: cycles, decay: try arguments.number("decay"),
      count: try arguments.optionalNumber("count") ?? .infinity, finalRate: try arguments.number("final_lr"),
      schedule: try arguments.schedule("schedule", horizon: cycles.first))
  }
}

extension Parameter {
  static let cycleIndex = Parameter.choice(
    "cycle_index", Cycles.Index.exact,
    "how the cycle of a step is found: exactly, or by the rounded logarithm of Keras and timm, wrong at some restarts")
}
