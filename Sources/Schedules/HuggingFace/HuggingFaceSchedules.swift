import JSON

/// The schedules of Hugging Face's `get_scheduler`, lowered to the canonical types.
///
/// Facts: the source of transformers 5.23, `transformers/optimization.py`. They are functions of the step that multiply
/// the optimizer's rate; a step is an optimizer update.
enum HuggingFaceSchedules {
  static let all = [
    constant, constantWithWarmup, linear, cosine, cosineWithRestarts, polynomial, inverseSquareRoot, cosineWithMinimum,
    cosineWarmupWithMinimum, warmupStableDecay,
  ]

  private static let baseRate = Parameter.baseRate("base_lr", "the rate that the optimizer was given")
  static let warmupSteps = Parameter.required(
    "num_warmup_steps", .integer(.notNegative), "the length of the warm-up in steps")
  private static let trainingSteps = Parameter.required(
    "num_training_steps", .integer(.notNegative), "the length of the training in steps, the warm-up included")
  private static let waves = Parameter.number(
    "num_cycles", .notNegative, 0.5, "whole cosine waves: 0.5 falls once, 1 falls and climbs again")
  private static let minimum = [
    Parameter.optional("min_lr", .number(.notNegative), "the rate at the end; give this or min_lr_rate"),
    Parameter.optional("min_lr_rate", .number(.notNegative), "the rate at the end as a part of base_lr"),
  ]

  private static func definition(
    _ name: String, _ summary: String, parameters: [Parameter], formula: String, example: [(String, JSONValue)],
    build: @escaping @Sendable (Arguments) throws(SpecificationError) -> any Schedule
  ) -> Definition {
    Definition(
      type: "hf.\(name)", summary: summary, parameters: [baseRate] + parameters, formula: formula,
      source: "get_scheduler(\"\(name)\"), transformers 5.23",
      example: .object(JSONObject([("type", .string("hf.\(name)")), ("base_lr", 5e-5)] + example)), schedule: build)
  }

  /// A straight line up to the base rate, then a schedule on its own clock.
  private static func warmedUp(
    _ arguments: Arguments, then schedule: any Schedule
  ) throws(SpecificationError) -> any Schedule {
    let steps = try arguments.number("num_warmup_steps")
    if steps == 0 { return schedule }
    let ramp = Linear(baseRate: 0, endRate: try arguments.number("base_lr"), totalSteps: steps)
    return ScheduleSequence(schedules: [ramp, schedule], boundaries: [steps])
  }

  /// What is left of the training after the warm-up; below 1 where the warm-up is as long.
  private static func decaySteps(_ arguments: Arguments) throws(SpecificationError) -> Double {
    let steps = try arguments.number("num_training_steps")
    return steps - (try arguments.number("num_warmup_steps"))
  }

  static let constant = definition(
    "constant", "The same rate at every step; get_scheduler ignores the warm-up and the training steps here.",
    parameters: [
      .integer("num_warmup_steps", .any, 0, "has no effect, as in get_scheduler"),
      .optional("num_training_steps", .integer(.any), "has no effect, as in get_scheduler"),
    ], formula: "base_lr", example: []
  ) { arguments throws(SpecificationError) in
    Constant(baseRate: try arguments.number("base_lr"))
  }

  static let constantWithWarmup = definition(
    "constant_with_warmup", "A straight line from 0, then the rate holds.",
    parameters: [
      warmupSteps, .optional("num_training_steps", .integer(.any), "has no effect, as in get_scheduler"),
    ], formula: "base_lr·min(t/num_warmup_steps, 1)", example: [("num_warmup_steps", 10)]
  ) { arguments throws(SpecificationError) in
    try warmedUp(arguments, then: Constant(baseRate: try arguments.number("base_lr")))
  }

  static let linear = definition(
    "linear", "A straight line from 0, then one down to 0 at num_training_steps.",
    parameters: [warmupSteps, trainingSteps],
    formula:
      "base_lr·t/num_warmup_steps, then base_lr·max(0, (num_training_steps − t)/(num_training_steps − num_warmup_steps))",
    example: [("num_warmup_steps", 10), ("num_training_steps", 100)]
  ) { arguments throws(SpecificationError) in
    let steps = try decaySteps(arguments)
    let baseRate = try arguments.number("base_lr")
    // A warm-up as long as the training leaves nothing: the rate after it is 0.
    let decay: any Schedule =
      steps <= 0 ? Constant(baseRate: 0) : Linear(baseRate: baseRate, totalSteps: steps)
    return try warmedUp(arguments, then: decay)
  }

  /// The wave is not clamped at the end of the training: it climbs again.
  private static func wave(
    _ arguments: Arguments, to endRate: Double
  ) throws(SpecificationError) -> any Schedule {
    let baseRate = try arguments.number("base_lr")
    let cycles = try arguments.number("num_cycles")
    if cycles == 0 { return Constant(baseRate: baseRate) }
    return Cosine(
      baseRate: baseRate, endRate: endRate, totalSteps: max(1, try decaySteps(arguments)) / (2 * cycles),
      after: .extrapolate)
  }

  static let cosine = definition(
    "cosine", "A straight line from 0, then a cosine wave that climbs again past num_training_steps.",
    parameters: [warmupSteps, trainingSteps, waves],
    formula: "base_lr·(1 + cos(2π·num_cycles·p))/2, p = (t − num_warmup_steps)/(num_training_steps − num_warmup_steps)",
    example: [("num_warmup_steps", 10), ("num_training_steps", 100)]
  ) { arguments throws(SpecificationError) in
    try warmedUp(arguments, then: try wave(arguments, to: 0))
  }

  static let cosineWithRestarts = definition(
    "cosine_with_restarts", "A straight line from 0, then half cosine waves that start again at the top; 0 at the end.",
    parameters: [
      warmupSteps, trainingSteps, .integer("num_cycles", .notNegative, 1, "the number of half waves"),
    ],
    formula: "base_lr·(1 + cos(π·(num_cycles·p mod 1)))/2 for p < 1, then 0",
    example: [("num_warmup_steps", 10), ("num_training_steps", 100), ("num_cycles", 3)]
  ) { arguments throws(SpecificationError) in
    let baseRate = try arguments.number("base_lr")
    let cycles = try arguments.number("num_cycles")
    let steps = max(1, try decaySteps(arguments))
    // The library multiplies the progress by the cycles and takes the fraction; rounding makes some restarts the end of
    // the cycle before (49 cycles in 98 steps). In the same order it is the same here.
    let waves: any Schedule =
      cycles == 0
      ? Constant(baseRate: baseRate)
      : Stretch(
        by: steps, schedule: Stretch(speed: cycles, schedule: CosineRestarts(baseRate: baseRate, firstCycleSteps: 1)))
    return try warmedUp(
      arguments, then: ScheduleSequence(schedules: [waves, Constant(baseRate: 0)], boundaries: [steps]))
  }

  static let polynomial = definition(
    "polynomial", "A straight line from 0, then a power of the time left down to lr_end.",
    parameters: [
      warmupSteps, trainingSteps, .number("lr_end", .notNegative, 1e-7, "the rate at the end; below base_lr"),
      .number("power", .notNegative, 1, "1 is a straight line"),
    ],
    formula: "lr_end + (base_lr − lr_end)·(1 − p)^power for t ≤ num_training_steps, then lr_end",
    example: [("num_warmup_steps", 10), ("num_training_steps", 100), ("power", 2)]
  ) { arguments throws(SpecificationError) in
    let baseRate = try arguments.number("base_lr")
    let endRate = try arguments.number("lr_end")
    if baseRate <= endRate {
      throw arguments.error("lr_end", "'lr_end' must be below 'base_lr', as transformers asks; its default is 1e-07")
    }
    let steps = try decaySteps(arguments)
    if steps == 0 {
      throw arguments.error(
        "num_training_steps", "transformers divides by zero where the warm-up is as long as the training")
    }
    if steps < 0 { return try warmedUp(arguments, then: Constant(baseRate: endRate)) }
    let power = try arguments.number("power")
    if power > 0 {
      let decay = Polynomial(baseRate: baseRate, endRate: endRate, totalSteps: steps, power: power)
      return try warmedUp(arguments, then: decay)
    }
    // A power of 0 keeps the rate up to and including the last training step.
    let plateau = ScheduleSequence(
      schedules: [Constant(baseRate: baseRate), Constant(baseRate: endRate)], boundaries: [steps + 1])
    return try warmedUp(arguments, then: plateau)
  }

  static let inverseSquareRoot = definition(
    "inverse_sqrt", "A straight line from 0, then 1/√t from the base rate on.",
    parameters: [
      warmupSteps,
      .optional("timescale", .integer(.atLeastOne), "in steps; num_warmup_steps where left out, or 10,000"),
      .optional("num_training_steps", .integer(.any), "has no effect, as in get_scheduler"),
    ],
    formula: "base_lr·√(timescale/(t − num_warmup_steps + timescale))", example: [("num_warmup_steps", 10)]
  ) { arguments throws(SpecificationError) in
    let warmupSteps = try arguments.number("num_warmup_steps")
    let timescale = try arguments.optionalNumber("timescale") ?? (warmupSteps > 0 ? warmupSteps : 10_000)
    return try warmedUp(
      arguments,
      then: InverseSquareRoot(baseRate: try arguments.number("base_lr"), timescale: timescale, shift: timescale))
  }

  /// The rate at the end, from whichever of the two was given.
  private static func minimumRate(_ arguments: Arguments) throws(SpecificationError) -> Double {
    switch (try arguments.optionalNumber("min_lr"), try arguments.optionalNumber("min_lr_rate")) {
    case (let rate?, nil): return rate
    case (nil, let part?): return part * (try arguments.number("base_lr"))
    case (nil, nil): throw arguments.error("min_lr", "one of 'min_lr' and 'min_lr_rate' must be given")
    case (_?, _?): throw arguments.error("min_lr_rate", "give either 'min_lr' or 'min_lr_rate', not both")
    }
  }

  static let cosineWithMinimum = definition(
    "cosine_with_min_lr",
    "A straight line from 0, then a cosine wave down to a minimum, which climbs again at the end.",
    parameters: [warmupSteps, trainingSteps, waves] + minimum,
    formula: "min_lr + (base_lr − min_lr)·(1 + cos(2π·num_cycles·p))/2",
    example: [("num_warmup_steps", 10), ("num_training_steps", 100), ("min_lr_rate", 0.1)]
  ) { arguments throws(SpecificationError) in
    try warmedUp(arguments, then: try wave(arguments, to: try minimumRate(arguments)))
  }

  static let cosineWarmupWithMinimum = definition(
    "cosine_warmup_with_min_lr",
    "Like cosine_with_min_lr one step ahead: it starts above 0, and the minimum is at num_training_steps − 1.",
    parameters: [warmupSteps, trainingSteps, waves] + minimum + [
      .optional("warmup_lr_rate", .number(.notNegative), "the rate at step 0 as a part of base_lr; 1/num_warmup_steps")
    ],
    formula: "base_lr·(t + 1)/num_warmup_steps, then min_lr + (base_lr − min_lr)·(1 + cos(2π·num_cycles·p))/2 at t + 1",
    example: [("num_warmup_steps", 10), ("num_training_steps", 100), ("min_lr_rate", 0.1)]
  ) { arguments throws(SpecificationError) in
    let baseRate = try arguments.number("base_lr")
    let steps = try arguments.number("num_warmup_steps")
    let decay = Shift(by: 1, schedule: try wave(arguments, to: try minimumRate(arguments)))
    if steps == 0 { return decay }
    var ramp: any Schedule = Shift(by: 1, schedule: Linear(baseRate: 0, endRate: baseRate, totalSteps: steps))
    if let part = try arguments.optionalNumber("warmup_lr_rate") {
      // This one reaches the base rate on its own last step.
      ramp = Linear(baseRate: baseRate * part, endRate: baseRate, totalSteps: max(1, steps - 1))
    }
    return ScheduleSequence(schedules: [ramp, decay], boundaries: [steps])
  }

  /// The library's names of the forms.
  private enum Form: String, CaseIterable {
    case linear
    case cosine
    case oneMinusSqrt = "1-sqrt"
  }

  static let warmupStableDecay = definition(
    "warmup_stable_decay",
    "Warm-up, a plateau, and a decay; min_lr_ratio lifts the start of the warm-up too.",
    parameters: [
      warmupSteps, .required("num_decay_steps", .integer(.notNegative), "the length of the decay in steps"),
      .optional(
        "num_training_steps", .integer(.notNegative), "the length of the whole, where the plateau's is not given"),
      .optional("num_stable_steps", .integer(.notNegative), "the length of the plateau; wins over num_training_steps"),
      .choice("warmup_type", Form.linear, "the form of the warm-up"),
      .choice("decay_type", Form.cosine, "the form of the decay"),
      .number("min_lr_ratio", .notNegative, 0, "the rate at both ends as a part of base_lr"), waves,
    ],
    formula: "r + (1 − r)·warmup(p), 1, r + (1 − r)·decay(p), r, each times base_lr; r = min_lr_ratio",
    example: [("num_warmup_steps", 10), ("num_stable_steps", 30), ("num_decay_steps", 20)]
  ) { arguments throws(SpecificationError) in
    let baseRate = try arguments.number("base_lr")
    let endRate = baseRate * (try arguments.number("min_lr_ratio"))
    let warmupSteps = try arguments.number("num_warmup_steps")
    let decaySteps = try arguments.number("num_decay_steps")
    let stableSteps: Double
    switch (try arguments.optionalNumber("num_stable_steps"), try arguments.optionalNumber("num_training_steps")) {
    case (let steps?, _): stableSteps = steps
    case (nil, let all?): stableSteps = all - warmupSteps - decaySteps
    case (nil, nil):
      throw arguments.error("num_training_steps", "give either 'num_training_steps' or 'num_stable_steps'")
    }
    let decayForm: Form = try arguments.choice("decay_type")
    let length = max(1, decaySteps)
    let cycles = try arguments.number("num_cycles")
    var decay: any Schedule = Constant(baseRate: baseRate)
    switch decayForm {
    case .linear: decay = Linear(baseRate: baseRate, endRate: endRate, totalSteps: length)
    case .oneMinusSqrt:
      decay = Ramp(baseRate: baseRate, endRate: endRate, totalSteps: length, shape: Shape(.sqrt))
    case .cosine:
      if cycles > 0 {
        decay = Cosine(
          baseRate: baseRate, endRate: endRate, totalSteps: length / (2 * cycles), after: .extrapolate)
      }
    }
    let warmupForm: Form = try arguments.choice("warmup_type")
    let kind: Shape.Kind =
      switch warmupForm {
      case .linear: .linear
      case .cosine: .cosine
      case .oneMinusSqrt: .oneMinusSqrt
      }
    let decayStart = warmupSteps + stableSteps
    // A plateau of negative length lets the decay begin inside the warm-up, which hides its start.
    return Phases.schedule([
      (warmupSteps, Ramp(baseRate: endRate, endRate: baseRate, totalSteps: max(1, warmupSteps), shape: Shape(kind))),
      (decayStart, Constant(baseRate: baseRate)),
      (decayStart + decaySteps, Shift(by: max(0, warmupSteps - decayStart), schedule: decay)),
      (.infinity, Constant(baseRate: endRate)),
    ])
  }
}
