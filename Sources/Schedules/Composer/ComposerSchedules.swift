import JSON

/// Composer's schedulers, lowered to the canonical types. t counts batches: optimizer steps.
///
/// Facts: the source of Composer 0.32.1, `composer/optim/scheduler.py`. Times are cut to whole batches, samples or
/// tokens after `scale_schedule_ratio`; those in dur are parts of a `max_duration` that has been scaled already.
enum ComposerSchedules {
  static let all = [
    step, multiStep, constant, linear, exponential, cosine, warmRestarts, polynomial,
    multiStepWithWarmup, constantWithWarmup, linearWithWarmup, cosineWithWarmup, polynomialWithWarmup,
  ]

  private static let dialect = Dialect(name: "composer", module: "composer.optim", library: "Composer 0.32.1")

  private static let baseRate = Parameter.baseRate("base_lr", "the rate that the optimizer was given")
  private static let end = Parameter.number("alpha_f", .notNegative, 0, "the rate at the end as a part of base_lr")
  private static let total = text("t_max", "1dur", "the length of the decay")
  private static let gamma = Parameter.number("gamma", .notNegative, 0.1, "the factor of each drop")
  private static let warmup = [
    Parameter.required("t_warmup", .text(32), "the length of the warm-up"),
    Parameter.flag("scale_warmup", false, "whether the warm-up's slope is scaled; its end is not, as in Composer"),
  ]

  private static func text(_ name: String, _ value: JSONValue, _ summary: String) -> Parameter {
    .with(name, .text(32), value, "\(summary), such as 10ep, 100ba or 0.5dur")
  }

  private static func type(
    _ name: String, _ summary: String, _ parameters: [Parameter], formula: String, example: [(String, JSONValue)],
    build: @escaping @Sendable (Arguments, ComposerTime) throws(SpecificationError) -> any Schedule
  ) -> Definition {
    dialect.type(
      name, summary, [baseRate] + parameters + ComposerTime.parameters, formula: formula,
      example: [("base_lr", 0.1)] + example
    ) { arguments throws(SpecificationError) in
      try build(arguments, ComposerTime(arguments))
    }
  }

  static let step = type(
    "StepScheduler", "Multiplied by gamma every step_size.",
    [.required("step_size", .text(32), "the time between two drops"), gamma], formula: "base_lr·gamma^⌊t/step_size⌋",
    example: [("step_size", "10ba")]
  ) { arguments, time throws(SpecificationError) in
    let length = try time.length("step_size")
    if length.value < 1 {
      throw arguments.error("step_size", "'step_size' must be at least one \(length.unit.rawValue)")
    }
    let curve = Step(
      baseRate: try arguments.number("base_lr"), stepSize: length.value, gamma: try arguments.number("gamma"))
    return try time.onBatches(curve, length.unit)
  }

  private static let milestones = Parameter.required(
    "milestones", .texts(32), "the times at which the rate drops, such as [\"30ep\", \"0.9dur\"]")

  private static func drops(_ arguments: Arguments, _ time: ComposerTime) throws(SpecificationError) -> any Schedule {
    let gamma = try arguments.number("gamma")
    var schedules: [any Schedule] = []
    var batches: [Double] = []
    for text in try arguments.texts("milestones") {
      let length = try time.length(of: text, "milestones")
      if length.unit == .batch {
        batches.append(length.value)
      } else {
        let drop = PiecewiseConstant(boundaries: [length.value], values: [1, gamma])
        schedules.append(try time.onBatches(drop, length.unit))
      }
    }
    let curve = MultiStep(baseRate: try arguments.number("base_lr"), milestones: batches, gamma: gamma)
    return schedules.isEmpty ? curve : ScheduleProduct(schedules: [curve] + schedules)
  }

  static let multiStep = type(
    "MultiStepScheduler", "Multiplied by gamma at each milestone.", [milestones, gamma],
    formula: "base_lr·gamma^#{milestones ≤ t}", example: [("milestones", ["10ba", "20ba"])]
  ) { arguments, time throws(SpecificationError) in
    try drops(arguments, time)
  }

  static let constant = type(
    "ConstantScheduler", "The rate times alpha until t_max, the rate itself after.",
    [.number("alpha", .notNegative, 1, "the factor"), total], formula: "base_lr·alpha for t < t_max, then base_lr",
    example: [("alpha", 0.5), ("t_max", "10ba")]
  ) { arguments, time throws(SpecificationError) in
    let length = try time.length("t_max")
    let rate = try arguments.number("base_lr")
    let curve = PiecewiseConstant(boundaries: [length.value], values: [rate * (try arguments.number("alpha")), rate])
    return try time.onBatches(curve, length.unit)
  }

  static let linear = type(
    "LinearScheduler", "A straight line from alpha_i to alpha_f times the rate.",
    [.number("alpha_i", .notNegative, 1, "the rate at the beginning as a part of base_lr"), end, total],
    formula: "base_lr·(alpha_i + (alpha_f − alpha_i)·min(t/t_max, 1))", example: [("t_max", "20ba")]
  ) { arguments, time throws(SpecificationError) in
    let rate = try arguments.number("base_lr")
    let start = rate * (try arguments.number("alpha_i"))
    return try decay(arguments, time, from: start, Shape(.linear))
  }

  /// A ramp to alpha_f in t_max.
  private static func decay(
    _ arguments: Arguments, _ time: ComposerTime, from start: Double, _ shape: Shape
  ) throws(SpecificationError) -> any Schedule {
    let length = try time.length("t_max")
    if length.value < 1 { throw arguments.error("t_max", "'t_max' must be at least one \(length.unit.rawValue)") }
    let endRate = try arguments.number("base_lr") * arguments.number("alpha_f")
    return try time.onBatches(
      Ramp(baseRate: start, endRate: endRate, totalSteps: length.value, shape: shape), length.unit)
  }

  static let exponential = type(
    "ExponentialScheduler", "The rate times gamma in each decay_period.",
    [
      .required("gamma", .number(.notNegative), "the factor of each period"),
      text("decay_period", "1ep", "the length of a period"),
    ],
    formula: "base_lr·gamma^(t/decay_period)", example: [("gamma", 0.9), ("decay_period", "10ba")]
  ) { arguments, time throws(SpecificationError) in
    let length = try time.length("decay_period")
    if length.value < 1 {
      throw arguments.error("decay_period", "'decay_period' must be at least one \(length.unit.rawValue)")
    }
    let curve = Exponential(
      baseRate: try arguments.number("base_lr"), decayRate: try arguments.number("gamma"), decaySteps: length.value)
    return try time.onBatches(curve, length.unit)
  }

  static let cosine = type(
    "CosineAnnealingScheduler", "Half a cosine wave down to alpha_f times the rate.", [total, end],
    formula: "base_lr·(alpha_f + (1 − alpha_f)·(1 + cos(π·min(t/t_max, 1)))/2)", example: [("t_max", "20ba")]
  ) { arguments, time throws(SpecificationError) in
    try decay(arguments, time, from: try arguments.number("base_lr"), Shape(.cosine))
  }

  static let warmRestarts = type(
    "CosineAnnealingWarmRestartsScheduler", "Half cosine waves that start again at the top.",
    [
      .required("t_0", .text(32), "the length of the first wave"),
      .integer("t_mult", .atLeastOne, 1, "how many times as long each wave is; whole, as Composer cuts the lengths"),
      end,
    ],
    formula: "base_lr·(alpha_f + (1 − alpha_f)·(1 + cos(π·t_i/T_i))/2)", example: [("t_0", "10ba"), ("t_mult", 2)]
  ) { arguments, time throws(SpecificationError) in
    let length = try time.length("t_0")
    if length.value < 1 { throw arguments.error("t_0", "'t_0' must be at least one \(length.unit.rawValue)") }
    let rate = try arguments.number("base_lr")
    let curve = CosineRestarts(
      baseRate: rate, endRate: rate * (try arguments.number("alpha_f")), firstCycleSteps: length.value,
      cycleMultiplier: try arguments.number("t_mult"))
    return try time.onBatches(curve, length.unit)
  }

  static let polynomial = type(
    "PolynomialScheduler", "A power of the time left, down to alpha_f times the rate.",
    [.required("power", .number(.positive), "1 is a straight line"), total, end],
    formula: "base_lr·(alpha_f + (1 − alpha_f)·(1 − min(t/t_max, 1))^power)",
    example: [("power", 2), ("t_max", "20ba")]
  ) { arguments, time throws(SpecificationError) in
    try decay(arguments, time, from: try arguments.number("base_lr"), .polynomial(try arguments.number("power")))
  }

  // MARK: With warm-up

  static let multiStepWithWarmup = type(
    "MultiStepWithWarmupScheduler", "A warm-up that hides the beginning, then drops at milestones that count from 0.",
    warmup + [milestones, gamma], formula: "base_lr·t/t_warmup, then base_lr·gamma^#{milestones ≤ t}",
    example: [("t_warmup", "5ba"), ("milestones", ["10ba", "20ba"])]
  ) { arguments, time throws(SpecificationError) in
    let length = try time.length("t_warmup", isScaled: false)
    if length.unit != .batch { throw arguments.error("t_warmup", "'t_warmup' must be in ba, ep or dur here") }
    let ramp = try warmupRamp(arguments, time, to: try arguments.number("base_lr"))
    return Phases.schedule([
      (length.value, ramp), (.infinity, Shift(by: length.value, schedule: try drops(arguments, time))),
    ])
  }

  /// The straight line of the warm-up. With scale_warmup its slope follows the ratio, while its end does not: a jump for
  /// ratios above 1, a plateau below.
  private static func warmupRamp(
    _ arguments: Arguments, _ time: ComposerTime, to peak: Double
  ) throws(SpecificationError) -> any Schedule {
    let slope = try time.length("t_warmup", isScaled: try arguments.flag("scale_warmup")).value
    return Linear(baseRate: 0, endRate: peak, totalSteps: max(1, slope))
  }

  /// The warm-up, then a ramp over what is left of t_max.
  private static func warmedUp(
    _ arguments: Arguments, _ time: ComposerTime, from start: Double, to endRate: Double, _ shape: Shape
  ) throws(SpecificationError) -> any Schedule {
    let warmup = try time.length("t_warmup", isScaled: false)
    let total = try time.length("t_max")
    if warmup.unit != total.unit {
      throw arguments.error("t_warmup", "'t_warmup' and 't_max' must be in the same unit")
    }
    if arguments.has("max_duration") {
      let duration = try time.length("max_duration", isScaled: false)
      if duration.unit == total.unit && total.value < duration.value {
        throw arguments.error("t_max", "'t_max' must be at least 'max_duration', as Composer asks")
      }
    }
    let left = total.value - warmup.value
    let decay: any Schedule =
      left > 0
      ? Ramp(baseRate: start, endRate: endRate, totalSteps: left, shape: shape) : Constant(baseRate: start)
    let curve = Phases.schedule([
      (warmup.value, try warmupRamp(arguments, time, to: start)), (.infinity, decay),
    ])
    return try time.onBatches(curve, total.unit)
  }

  static let constantWithWarmup = type(
    "ConstantWithWarmupScheduler", "A straight warm-up to alpha times the rate, which then holds.",
    warmup + [.number("alpha", .notNegative, 1, "the factor"), total], formula: "base_lr·alpha·min(t/t_warmup, 1)",
    example: [("t_warmup", "5ba"), ("t_max", "20ba")]
  ) { arguments, time throws(SpecificationError) in
    let rate = try arguments.number("base_lr") * arguments.number("alpha")
    return try warmedUp(arguments, time, from: rate, to: rate, Shape(.linear))
  }

  static let linearWithWarmup = type(
    "LinearWithWarmupScheduler", "A straight warm-up, then a straight line down over what is left of t_max.",
    warmup + [.number("alpha_i", .notNegative, 1, "the rate at the peak as a part of base_lr"), end, total],
    formula:
      "base_lr·alpha_i·t/t_warmup, then base_lr·(alpha_i + (alpha_f − alpha_i)·(t − t_warmup)/(t_max − t_warmup))",
    example: [("t_warmup", "5ba"), ("t_max", "20ba")]
  ) { arguments, time throws(SpecificationError) in
    let rate = try arguments.number("base_lr")
    let start = rate * (try arguments.number("alpha_i"))
    return try warmedUp(arguments, time, from: start, to: rate * (try arguments.number("alpha_f")), Shape(.linear))
  }

  static let cosineWithWarmup = type(
    "CosineAnnealingWithWarmupScheduler", "A straight warm-up, then half a cosine wave over what is left of t_max.",
    warmup + [total, end], formula: "base_lr·t/t_warmup, then base_lr·(alpha_f + (1 − alpha_f)·(1 + cos(π·p))/2)",
    example: [("t_warmup", "1ep"), ("t_max", "1dur"), ("max_duration", "10ep"), ("batches_per_epoch", 10)]
  ) { arguments, time throws(SpecificationError) in
    let rate = try arguments.number("base_lr")
    return try warmedUp(arguments, time, from: rate, to: rate * (try arguments.number("alpha_f")), Shape(.cosine))
  }

  static let polynomialWithWarmup = type(
    "PolynomialWithWarmupScheduler", "A straight warm-up, then a power of the time left of t_max.",
    warmup + [.number("power", .positive, 2, "1 is a straight line"), total, end],
    formula: "base_lr·t/t_warmup, then base_lr·(alpha_f + (1 − alpha_f)·(1 − p)^power)",
    example: [("t_warmup", "5ba"), ("t_max", "20ba")]
  ) { arguments, time throws(SpecificationError) in
    let rate = try arguments.number("base_lr")
    return try warmedUp(
      arguments, time, from: rate, to: rate * (try arguments.number("alpha_f")),
      .polynomial(try arguments.number("power")))
  }
}
