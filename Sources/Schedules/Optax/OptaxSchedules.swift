import JSON

/// Schedules of optax, lowered to the canonical types. A rate is in the arguments, as in optax.
///
/// Facts: the source of optax 0.2.8, and its values with 64-bit counts; by default jax computes in float32.
enum OptaxSchedules {
  static let all = [
    constant, linear, polynomial, exponentialDecay, cosineDecay, warmupConstant, warmupCosineDecay,
    warmupExponentialDecay, joinSchedules,
  ]

  private static let initial = Parameter.required("init_value", .number(.notNegative), "the rate at step 0")
  private static let peak = Parameter.required(
    "peak_value", .number(.notNegative), "the rate at the end of the warm-up")
  private static let warmupSteps = Parameter.required(
    "warmup_steps", .integer(.any), "the length of the warm-up in steps; at 0 or below optax has none")
  private static let transitionSteps = Parameter.required(
    "transition_steps", .integer(.any), "a length in steps; at 0 or below the rate stays init_value")
  private static let transitionBegin = Parameter.integer(
    "transition_begin", .any, 0, "the step at which the transition begins; below 0 is taken as 0")
  private static let decayRate = Parameter.required(
    "decay_rate", .number(.notNegative), "the decay of transition_steps steps; with 0 the rate stays init_value")
  private static let staircase = Parameter.flag("staircase", false, "decay only every transition_steps steps")
  private static let bound = Parameter.optional(
    "end_value", .number(.notNegative), "the lowest rate; the highest where decay_rate is 1 or more")
  private static let exponent = Parameter.number("exponent", .notNegative, 1, "the power of the wave")

  private static func definition(
    _ name: String, _ summary: String, parameters: [Parameter], formula: String, example: [(String, JSONValue)],
    build: @escaping @Sendable (Arguments) throws(SpecificationError) -> any Schedule
  ) -> Definition {
    Definition(
      type: "optax.\(name)", summary: summary, parameters: parameters, formula: formula,
      source: "optax.\(name), optax 0.2.8",
      example: .object(JSONObject([("type", .string("optax.\(name)"))] + example)), schedule: build)
  }

  static let constant = definition(
    "constant_schedule", "The same rate at every step.",
    parameters: [.required("value", .number(.notNegative), "the rate")], formula: "value", example: [("value", 0.1)]
  ) { arguments throws(SpecificationError) in
    Constant(baseRate: try arguments.number("value"))
  }

  static let linear = definition(
    "linear_schedule", "A straight line from init_value to end_value.",
    parameters: [
      initial, .required("end_value", .number(.notNegative), "the rate at the end"), transitionSteps, transitionBegin,
    ],
    formula: "init_value + (end_value − init_value)·clip((t − transition_begin)/transition_steps, 0, 1)",
    example: [("init_value", 0.1), ("end_value", 0.01), ("transition_steps", 10)]
  ) { arguments throws(SpecificationError) in
    try transition(arguments, power: 1)
  }

  static let polynomial = definition(
    "polynomial_schedule", "A power of the time left.",
    parameters: [
      initial, .required("end_value", .number(.notNegative), "the rate at the end"),
      .required("power", .number(.any), "1 is a straight line"), transitionSteps, transitionBegin,
    ],
    formula: "end_value + (init_value − end_value)·(1 − clip((t − transition_begin)/transition_steps, 0, 1))^power",
    example: [("init_value", 0.1), ("end_value", 0.01), ("power", 2), ("transition_steps", 20)]
  ) { arguments throws(SpecificationError) in
    try transition(arguments, power: try arguments.number("power"))
  }

  private static func transition(_ arguments: Arguments, power: Double) throws(SpecificationError) -> any Schedule {
    let initial = try arguments.number("init_value")
    let end = try arguments.number("end_value")
    let steps = try arguments.number("transition_steps")
    if steps <= 0 { return Constant(baseRate: initial) }
    let curve = Polynomial(baseRate: initial, endRate: end, totalSteps: steps, power: power)
    return delayed(curve, by: try arguments.number("transition_begin"))
  }

  private static func delayed(_ schedule: any Schedule, by begin: Double) -> any Schedule {
    begin <= 0 ? schedule : Shift(by: -begin, schedule: schedule)
  }

  static let exponentialDecay = definition(
    "exponential_decay", "The rate times decay_rate in transition_steps steps, down to end_value.",
    parameters: [initial, transitionSteps, decayRate, transitionBegin, staircase, bound],
    formula: "init_value·decay_rate^((t − transition_begin)/transition_steps), bounded by end_value",
    example: [("init_value", 0.1), ("transition_steps", 10), ("decay_rate", 0.9)]
  ) { arguments throws(SpecificationError) in
    try exponential(arguments, from: try arguments.number("init_value"))
  }

  private static func exponential(
    _ arguments: Arguments, from initial: Double
  ) throws(SpecificationError) -> any Schedule {
    let steps = try arguments.number("transition_steps")
    let decayRate = try arguments.number("decay_rate")
    if steps <= 0 || decayRate == 0 { return Constant(baseRate: initial) }
    let curve = Exponential(
      baseRate: initial, decayRate: decayRate, decaySteps: steps, staircase: try arguments.flag("staircase"))
    let decay = delayed(curve, by: try arguments.number("transition_begin"))
    guard let bound = try arguments.optionalNumber("end_value") else { return decay }
    return decayRate < 1 ? Clamp(decay, lower: bound) : Clamp(decay, upper: bound)
  }

  static let cosineDecay = definition(
    "cosine_decay_schedule", "Half a cosine wave, to a power, down to alpha times the rate.",
    parameters: [
      initial, .required("decay_steps", .number(.positive), "the length of the wave in steps"),
      .number("alpha", .notNegative, 0, "the last rate as a part of the first"), exponent,
    ],
    formula: "init_value·(alpha + (1 − alpha)·((1 + cos(π·t/decay_steps))/2)^exponent)",
    example: [("init_value", 0.1), ("decay_steps", 50), ("alpha", 0.1)]
  ) { arguments throws(SpecificationError) in
    let initial = try arguments.number("init_value")
    return Cosine(
      baseRate: initial, endRate: initial * (try arguments.number("alpha")),
      totalSteps: try arguments.number("decay_steps"), exponent: try arguments.number("exponent"))
  }

  static let warmupConstant = definition(
    "warmup_constant_schedule",
    "A straight line to peak_value, which then holds; with warmup_steps 0 it stays init_value.",
    parameters: [initial, peak, warmupSteps],
    formula: "init_value + (peak_value − init_value)·min(t/warmup_steps, 1)",
    example: [("init_value", 0), ("peak_value", 0.1), ("warmup_steps", 5)]
  ) { arguments throws(SpecificationError) in
    try warmup(arguments)
  }

  private static func warmup(_ arguments: Arguments) throws(SpecificationError) -> any Schedule {
    let initial = try arguments.number("init_value")
    let steps = try arguments.number("warmup_steps")
    if steps <= 0 { return Constant(baseRate: initial) }
    return Linear(baseRate: initial, endRate: try arguments.number("peak_value"), totalSteps: steps)
  }

  static let warmupCosineDecay = definition(
    "warmup_cosine_decay_schedule", "A straight warm-up, then half a cosine wave; decay_steps includes the warm-up.",
    parameters: [
      initial, peak, warmupSteps,
      .required("decay_steps", .number(.positive), "the length of warm-up and wave together, in steps"),
      .number("end_value", .notNegative, 0, "the rate at the end; without effect where peak_value is 0"), exponent,
    ],
    formula:
      "end_value + (peak_value − end_value)·((1 + cos(π·(t − warmup_steps)/(decay_steps − warmup_steps)))/2)^exponent",
    example: [("init_value", 0), ("peak_value", 0.1), ("warmup_steps", 10), ("decay_steps", 100)]
  ) { arguments throws(SpecificationError) in
    let peak = try arguments.number("peak_value")
    let warmupSteps = try arguments.number("warmup_steps")
    let waveSteps = try arguments.number("decay_steps") - warmupSteps
    if waveSteps <= 0 {
      throw arguments.error(
        "decay_steps", "'decay_steps' includes the warm-up, so it must be greater than 'warmup_steps'")
    }
    let wave = Cosine(
      baseRate: peak, endRate: peak == 0 ? 0 : try arguments.number("end_value"), totalSteps: waveSteps,
      exponent: try arguments.number("exponent"))
    return joined([try warmup(arguments), wave], at: [warmupSteps])
  }

  static let warmupExponentialDecay = definition(
    "warmup_exponential_decay_schedule", "A straight warm-up, then exponential decay on its own clock.",
    parameters: [initial, peak, warmupSteps, transitionSteps, decayRate, transitionBegin, staircase, bound],
    formula: "peak_value·decay_rate^((t − warmup_steps − transition_begin)/transition_steps), bounded by end_value",
    example: [
      ("init_value", 0), ("peak_value", 0.1), ("warmup_steps", 10), ("transition_steps", 20), ("decay_rate", 0.5),
    ]
  ) { arguments throws(SpecificationError) in
    let decay = try exponential(arguments, from: try arguments.number("peak_value"))
    return joined([try warmup(arguments), decay], at: [try arguments.number("warmup_steps")])
  }

  static let joinSchedules = definition(
    "join_schedules", "One schedule after another, each on its own clock.",
    parameters: [
      .required("schedules", .schedules, "the schedules"),
      .required("boundaries", .numbers(.notNegative), "the steps at which the second, third … begin"),
    ],
    formula: "schedules[i](t − boundaries[i−1]), i the last with boundaries[i−1] ≤ t",
    example: [
      ("boundaries", [10]),
      (
        "schedules",
        [
          ["type": "optax.linear_schedule", "init_value": 0, "end_value": 0.1, "transition_steps": 10],
          ["type": "optax.cosine_decay_schedule", "init_value": 0.1, "decay_steps": 40],
        ]
      ),
    ]
  ) { arguments throws(SpecificationError) in
    let schedules = try arguments.schedules("schedules")
    let boundaries = try arguments.numbers("boundaries")
    if boundaries.count != schedules.count - 1 {
      throw arguments.error(
        "boundaries",
        "\(schedules.count) schedules need \(schedules.count - 1) boundaries; \(boundaries.count) were given")
    }
    return joined(schedules, at: boundaries)
  }

  /// optax tests the boundaries one after another and the last that is passed wins; so one with a lower or equal one
  /// behind it never counts.
  private static func joined(_ schedules: [any Schedule], at boundaries: [Double]) -> any Schedule {
    var kept: [(boundary: Double, schedule: any Schedule)] = []
    for (boundary, schedule) in zip(boundaries, schedules.dropFirst()).reversed()
    where boundary < kept.last?.boundary ?? .infinity {
      kept.append((boundary, schedule))
    }
    kept.reverse()
    return ScheduleSequence(
      schedules: [schedules[0]] + kept.map(\.schedule), boundaries: kept.map(\.boundary))
  }
}
