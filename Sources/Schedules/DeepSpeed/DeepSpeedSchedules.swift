import JSON

/// DeepSpeed's schedulers, lowered to the canonical types.
///
/// Facts: the source of DeepSpeed 0.18.9, `deepspeed/runtime/lr_schedules.py`. The engine steps the scheduler after the
/// optimizer, so that update number t uses the value of the scheduler's own iteration t − 1, and update 0 what the
/// constructor left.
enum DeepSpeedSchedules {
  static let all = [warmup, warmupDecay, warmupCosine, rangeTest, oneCycle]

  private static let dialect = Dialect(
    name: "deepspeed", module: "deepspeed.runtime.lr_schedules", library: "DeepSpeed 0.18.9")

  private enum WarmupType: String, CaseIterable {
    case log
    case linear
  }

  private static let warmupSteps = Parameter.integer(
    "warmup_num_steps", .any, 1000, "the length of the warm-up in steps; below 2 is taken as 2")
  private static let warmupType = Parameter.choice("warmup_type", WarmupType.log, "the form of the warm-up")
  private static let minRate = Parameter.number("warmup_min_lr", .notNegative, 0, "the rate at the beginning")
  private static let totalSteps = Parameter.required(
    "total_num_steps", .integer(.notNegative), "the length of the training in steps")

  private static func length(_ arguments: Arguments) throws(SpecificationError) -> Double {
    max(2, try arguments.number("warmup_num_steps"))
  }

  /// The warm-up from `start` to `end`. The logarithmic one, ln(i + 1)/ln(n), has arrived one step early.
  private static func ramp(
    _ arguments: Arguments, from start: Double, to end: Double
  ) throws(SpecificationError) -> any Schedule {
    let type: WarmupType = try arguments.choice("warmup_type")
    return Ramp(
      baseRate: start, endRate: end, totalSteps: try length(arguments),
      shape: Shape(type == .log ? .logarithmic : .linear))
  }

  static let warmup = dialect.type(
    "WarmupLR", "A logarithmic (or straight) warm-up, then the rate holds; the updates 0 and 1 have warmup_min_lr.",
    [
      minRate,
      .optional("warmup_max_lr", .number(.notNegative), "the rate at the end; base_lr where left out"), warmupSteps,
      warmupType, .optional("base_lr", .number(.notNegative), "the optimizer's rate, used without warmup_max_lr"),
    ],
    formula: "min + (max − min)·min(ln(t)/ln(n), 1) at update t ≥ 1, n = warmup_num_steps",
    example: [("warmup_max_lr", 0.001), ("warmup_num_steps", 10)]
  ) { arguments throws(SpecificationError) in
    let baseRate = try arguments.optionalNumber("base_lr")
    guard let peak = try arguments.optionalNumber("warmup_max_lr") ?? baseRate else {
      throw arguments.error("warmup_max_lr", "give 'warmup_max_lr', or the optimizer's rate as 'base_lr'")
    }
    let ramp = try ramp(arguments, from: try arguments.number("warmup_min_lr"), to: peak)
    return Shift(by: -1, schedule: ramp)
  }

  static let warmupDecay = dialect.type(
    "WarmupDecayLR", "A logarithmic (or straight) warm-up, then a straight line back to warmup_min_lr.",
    [
      totalSteps, minRate, .number("warmup_max_lr", .notNegative, 0.001, "the rate at the peak"), warmupSteps,
      warmupType,
    ],
    formula: "the warm-up, then min + (max − min)·(total − i)/(total − n) at iteration i = t − 1",
    example: [("total_num_steps", 100), ("warmup_num_steps", 10)]
  ) { arguments throws(SpecificationError) in
    let low = try arguments.number("warmup_min_lr")
    let peak = try arguments.number("warmup_max_lr")
    let steps = try length(arguments)
    let decaySteps = try arguments.number("total_num_steps") - steps
    // A warm-up as long as the training leaves no decay: the rate falls to the minimum at once.
    let decay: any Schedule =
      decaySteps <= 0 ? Constant(baseRate: low) : Linear(baseRate: peak, endRate: low, totalSteps: decaySteps)
    let curve = ScheduleSequence(schedules: [try ramp(arguments, from: low, to: peak), decay], boundaries: [steps])
    return Shift(by: -1, schedule: curve)
  }

  static let warmupCosine = dialect.type(
    "WarmupCosineLR",
    "A warm-up, then a cosine wave one step ahead of itself, which climbs again past the end; update 0 has the rate 0.",
    [
      .baseRate("base_lr", "the rate that the optimizer was given"), totalSteps,
      .number("warmup_min_ratio", .notNegative, 0, "the rate at the beginning as a part of base_lr"), warmupSteps,
      .number("cos_min_ratio", .notNegative, 0.0001, "the rate at the end as a part of base_lr"), warmupType,
    ],
    formula: "base_lr·(c + (1 − c)·(1 + cos(π·(i − n + 1)/(total − n)))/2) at iteration i = t − 1, c = cos_min_ratio",
    example: [("base_lr", 0.001), ("total_num_steps", 100), ("warmup_num_steps", 10)]
  ) { arguments throws(SpecificationError) in
    let baseRate = try arguments.number("base_lr")
    let steps = try length(arguments)
    let waveSteps = abs(try arguments.number("total_num_steps") - steps)
    if waveSteps == 0 {
      throw arguments.error("total_num_steps", "DeepSpeed divides by zero where the warm-up is as long as the training")
    }
    let start = baseRate * (try arguments.number("warmup_min_ratio"))
    let ramp = try ramp(arguments, from: start, to: baseRate)
    // The peak itself is skipped: the wave is evaluated at the next step.
    let wave = Cosine(
      baseRate: baseRate, endRate: baseRate * (try arguments.number("cos_min_ratio")), totalSteps: waveSteps,
      after: .extrapolate)
    let curve = ScheduleSequence(schedules: [ramp, Shift(by: 1, schedule: wave)], boundaries: [steps])
    return ScheduleSequence(schedules: [Constant(baseRate: 0), curve], boundaries: [1])
  }

  static let rangeTest = dialect.type(
    "LRRangeTest", "A rate that grows without end, evenly or in steps, to find where the training diverges.",
    [
      .number("lr_range_test_min_lr", .notNegative, 0.001, "the rate at update 0"),
      .integer("lr_range_test_step_size", .atLeastOne, 2000, "the steps in which it grows by the step rate"),
      .number("lr_range_test_step_rate", .notNegative, 1, "the growth as a part of the first rate"),
      .flag("lr_range_test_staircase", false, "grow only every step size"),
    ],
    formula: "min·(1 + step_rate·t/step_size), ⌊t/step_size⌋ if staircase",
    example: [("lr_range_test_step_size", 10)]
  ) { arguments throws(SpecificationError) in
    let isStaircase = try arguments.flag("lr_range_test_staircase")
    return try arguments.formula(
      isStaircase
        ? "min_lr * (1 + step_rate * floor(step / step_size))" : "min_lr * (1 + step_rate * (step / step_size))",
      [
        ("min_lr", try arguments.number("lr_range_test_min_lr")),
        ("step_rate", try arguments.number("lr_range_test_step_rate")),
        ("step_size", try arguments.number("lr_range_test_step_size")),
      ], for: "lr_range_test_step_rate")
  }

  static let oneCycle = dialect.curves(
    "OneCycle",
    "A triangle, then a decay like 1/t. The momentum is Adam's first beta; DeepSpeed sets the second to 0.99.",
    [
      .required("cycle_min_lr", .number(.notNegative), "the rate at the cycle's ends"),
      .required("cycle_max_lr", .number(.notNegative), "the rate at the peak"),
      .number("decay_lr_rate", .notNegative, 0, "how much the divisor grows in decay_step_size steps"),
      .integer("cycle_first_step_size", .atLeastOne, 2000, "the steps up"),
      .optional("cycle_second_step_size", .integer(.atLeastOne), "the steps down; as many as up where left out"),
      .integer("cycle_first_stair_count", .notNegative, 0, "has no effect, as in DeepSpeed"),
      .optional("cycle_second_stair_count", .integer(.notNegative), "has no effect, as in DeepSpeed"),
      .integer("decay_step_size", .notNegative, 0, "a length in steps; 0 for no decay"),
      .flag("cycle_momentum", true, "whether the momentum falls while the rate rises"),
      .number("cycle_min_mom", .notNegative, 0.8, "the momentum at the peak, and at update 0"),
      .number("cycle_max_mom", .notNegative, 0.9, "the momentum at the cycle's ends"),
      .number("decay_mom_rate", .notNegative, 0, "how much the momentum grows in decay_step_size steps"),
    ],
    formula: "a triangle from min to max and back, then min/(1 + decay_lr_rate·(t − cycle)/decay_step_size)",
    example: [("cycle_min_lr", 0.0001), ("cycle_max_lr", 0.001), ("cycle_first_step_size", 10)]
  ) { arguments throws(SpecificationError) in
    let low = try arguments.number("cycle_min_lr")
    let up = try arguments.number("cycle_first_step_size")
    let down = try arguments.optionalNumber("cycle_second_step_size") ?? up
    let period = try arguments.number("decay_step_size")
    let decayRate = try arguments.number("decay_lr_rate")
    let triangle = Cyclic(
      baseRate: low, maxRate: try arguments.number("cycle_max_lr"), stepSizeUp: up, stepSizeDown: down)
    let decays = period > 0 && decayRate > 0
    let decay: any Schedule =
      decays ? InverseTime(baseRate: low, decayRate: decayRate, decaySteps: period) : Constant(baseRate: low)
    let rate = ScheduleSequence(schedules: [triangle, decay], boundaries: [up + down])
    if !(try arguments.flag("cycle_momentum")) { return Curves(rate: rate) }
    let least = try arguments.number("cycle_min_mom")
    let most = try arguments.number("cycle_max_mom")
    let growth = try arguments.number("decay_mom_rate")
    let fall = Cyclic(baseRate: most, maxRate: least, stepSizeUp: up, stepSizeDown: down)
    var after: any Schedule = Constant(baseRate: most)
    if period > 0 && growth > 0 {
      after = try arguments.formula(
        "most * (1 + growth * (step / period))", [("most", most), ("growth", growth), ("period", period)],
        for: "decay_mom_rate")
    }
    // The constructor sets the least momentum, although the cycle begins with the most.
    let momentum = ScheduleSequence(
      schedules: [Constant(baseRate: least), Shift(by: 1, schedule: fall), after], boundaries: [1, up + down])
    return Curves(rate: rate, momentum: momentum)
  }
}
