import JSON

/// The schedules of `keras.optimizers.schedules`, lowered to the canonical types. A rate is in the arguments, as in Keras.
///
/// Facts: the source of Keras 3.15, and its values with 64-bit arguments; with Python floats Keras computes in float32.
enum KerasSchedules {
  static let all = [
    exponentialDecay, inverseTimeDecay, piecewiseConstantDecay, polynomialDecay, cosineDecay, cosineDecayRestarts,
  ]

  private static let initialRate = Parameter.required(
    "initial_learning_rate", .number(.notNegative), "the rate at step 0")
  private static let decaySteps = Parameter.required("decay_steps", .number(.positive), "a length in steps")
  private static let decayRate = Parameter.required(
    "decay_rate", .number(.notNegative), "the decay of decay_steps steps")
  private static let staircase = Parameter.flag("staircase", false, "decay only every decay_steps steps")
  private static let alpha = Parameter.number("alpha", .notNegative, 0, "the lowest rate as a part of the highest")

  private static func definition(
    _ name: String, _ summary: String, parameters: [Parameter], formula: String, example: [(String, JSONValue)],
    build: @escaping @Sendable (Arguments) throws(SpecificationError) -> any Schedule
  ) -> Definition {
    Definition(
      type: "keras.\(name)", summary: summary, parameters: parameters, formula: formula,
      source: "keras.optimizers.schedules.\(name), Keras 3.15",
      example: .object(JSONObject([("type", .string("keras.\(name)"))] + example)), schedule: build)
  }

  static let exponentialDecay = definition(
    "ExponentialDecay", "The rate times decay_rate in decay_steps steps.",
    parameters: [initialRate, decaySteps, decayRate, staircase],
    formula: "initial_learning_rate·decay_rate^(t/decay_steps), ⌊t/decay_steps⌋ if staircase",
    example: [("initial_learning_rate", 0.1), ("decay_steps", 10), ("decay_rate", 0.9)]
  ) { arguments throws(SpecificationError) in
    Exponential(
      baseRate: try arguments.number("initial_learning_rate"), decayRate: try arguments.number("decay_rate"),
      decaySteps: try arguments.number("decay_steps"), staircase: try arguments.flag("staircase"))
  }

  static let inverseTimeDecay = definition(
    "InverseTimeDecay", "The rate falls like 1/t.",
    parameters: [initialRate, decaySteps, decayRate, staircase],
    formula: "initial_learning_rate/(1 + decay_rate·t/decay_steps), ⌊t/decay_steps⌋ if staircase",
    example: [("initial_learning_rate", 0.1), ("decay_steps", 10), ("decay_rate", 0.5)]
  ) { arguments throws(SpecificationError) in
    InverseTime(
      baseRate: try arguments.number("initial_learning_rate"), decayRate: try arguments.number("decay_rate"),
      decaySteps: try arguments.number("decay_steps"), staircase: try arguments.flag("staircase"))
  }

  static let piecewiseConstantDecay = definition(
    "PiecewiseConstantDecay", "One value for each stretch; a boundary step still has the value before it.",
    parameters: [
      .required("boundaries", .numbers(.notNegative), "the last steps of all stretches but the last"),
      .required("values", .numbers(.notNegative), "the rates, one more than boundaries"),
    ],
    formula: "values[#{boundaries < t}]",
    example: [("boundaries", [5, 10]), ("values", [0.1, 0.05, 0.01])]
  ) { arguments throws(SpecificationError) in
    let boundaries = try arguments.numbers("boundaries")
    let values = try arguments.numbers("values")
    if boundaries.isEmpty { throw arguments.error("boundaries", "'boundaries' must hold at least one step") }
    if values.count != boundaries.count + 1 {
      throw arguments.error(
        "values", "\(boundaries.count) boundaries need \(boundaries.count + 1) values; \(values.count) were given")
    }
    let ascending = zip(boundaries, boundaries.dropFirst()).allSatisfy { $0 < $1 }
    if ascending { return PiecewiseConstant(boundaries: boundaries, values: values, side: .left) }
    if boundaries.count > 1000 { throw arguments.error("boundaries", "more than 1,000 boundaries must ascend") }
    return unordered(boundaries, values)
  }

  /// Keras does not check that boundaries ascend: it adds up the values of all stretches that a step is inside of.
  private static func unordered(_ boundaries: [Double], _ values: [Double]) -> any Schedule {
    func rate(at step: Double) -> Double {
      var rate = 0.0
      for (index, value) in values.enumerated() {
        let isAfter = index == 0 || step > boundaries[index - 1]
        let isBefore = index == boundaries.count || step <= boundaries[index]
        if isAfter && isBefore { rate += value }
      }
      return rate
    }
    let edges = Set(boundaries).sorted()
    // A stretch's last step stands for it; past the last edge any step does.
    let rates = edges.map(rate) + [rate(at: .infinity)]
    return PiecewiseConstant(boundaries: edges, values: rates, side: .left)
  }

  static let polynomialDecay = definition(
    "PolynomialDecay", "A power of the time left.",
    parameters: [
      initialRate, decaySteps, .number("end_learning_rate", .notNegative, 0.0001, "the rate at the end"),
      .number("power", .notNegative, 1, "1 is a straight line"),
      .flag("cycle", false, "rise again after each multiple of decay_steps"),
    ],
    formula: "end + (initial − end)·(1 − min(t/T, 1))^power; T = decay_steps, its next multiple at or above t if cycle",
    example: [("initial_learning_rate", 0.1), ("decay_steps", 20)]
  ) { arguments throws(SpecificationError) in
    Polynomial(
      baseRate: try arguments.number("initial_learning_rate"), endRate: try arguments.number("end_learning_rate"),
      totalSteps: try arguments.number("decay_steps"), power: try arguments.number("power"),
      cycle: try arguments.flag("cycle"))
  }

  static let cosineDecay = definition(
    "CosineDecay", "A straight warm-up to warmup_target, if there is one, then half a cosine wave.",
    parameters: [
      initialRate, decaySteps, alpha,
      .optional("warmup_target", .number(.notNegative), "the rate at the end of the warm-up; without it there is none"),
      .number("warmup_steps", .notNegative, 0, "the length of the warm-up, before decay_steps begin"),
    ],
    formula: "peak·(alpha + (1 − alpha)·(1 + cos(π·t/decay_steps))/2), peak = warmup_target or initial_learning_rate",
    example: [
      ("initial_learning_rate", 0), ("decay_steps", 20), ("warmup_target", 0.1), ("warmup_steps", 5),
    ]
  ) { arguments throws(SpecificationError) in
    let initial = try arguments.number("initial_learning_rate")
    let target = try arguments.optionalNumber("warmup_target")
    let peak = target ?? initial
    let warmupSteps = try arguments.number("warmup_steps")
    let wave = Cosine(
      baseRate: peak, endRate: peak * (try arguments.number("alpha")),
      totalSteps: try arguments.number("decay_steps"))
    if target == nil || warmupSteps == 0 { return wave }
    let ramp = Linear(baseRate: initial, endRate: peak, totalSteps: warmupSteps)
    return ScheduleSequence(schedules: [ramp, wave], boundaries: [warmupSteps])
  }

  static let cosineDecayRestarts = definition(
    "CosineDecayRestarts", "Cosine waves, each t_mul times as long and m_mul times as high as the last, over a floor.",
    parameters: [
      initialRate, .required("first_decay_steps", .number(.positive), "the length of the first wave in steps"),
      .number("t_mul", .atLeastOne, 2, "how many times as long each wave is as the one before"),
      .number("m_mul", .notNegative, 1, "the factor from one height to the next"), alpha,
    ],
    formula: "initial·(alpha + (1 − alpha)·m_mul^i·(1 + cos(π·(t − start_i)/length_i))/2)",
    example: [("initial_learning_rate", 0.1), ("first_decay_steps", 10)]
  ) { arguments throws(SpecificationError) in
    let initial = try arguments.number("initial_learning_rate")
    let alpha = try arguments.number("alpha")
    var waves = CosineRestarts(
      baseRate: initial, firstCycleSteps: try arguments.number("first_decay_steps"),
      cycleMultiplier: try arguments.number("t_mul"), peakDecay: try arguments.number("m_mul"))
    waves.cycles.indexing = .logarithm
    // The floor does not shrink with the waves.
    if alpha == 0 { return waves }
    return ScheduleSum(schedules: [Constant(baseRate: initial * alpha), Scale(by: 1 - alpha, schedule: waves)])
  }
}
