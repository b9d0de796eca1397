import JSON

/// The schedulers of timm, lowered to the canonical types.
///
/// Facts: the source of timm 1.0.31, `timm/scheduler`. t is what `step(t)` is given: epochs, or
/// updates where `t_in_epochs` is false; the curve is the same. At t = 0 the rate is what the constructor leaves in the
/// optimizer, as on a fresh run of timm's train.py.
enum TimmSchedules {
  static let all = [cosine, poly, tanh, step, multiStep, warmupStableDecay]

  private static let baseRate = Parameter.baseRate("base_lr", "the rate that the optimizer was given")
  private static let length = Parameter.required("t_initial", .integer(.atLeastOne), "the length of the first cycle")
  private static let minimum = Parameter.number("lr_min", .notNegative, 0, "the lowest rate; it does not decay")
  private static let cycles = [
    Parameter.number("cycle_mul", .positive, 1, "how many times as long each cycle is as the one before"),
    Parameter.number("cycle_decay", .notNegative, 1, "the factor from one peak to the next"),
    Parameter.integer("cycle_limit", .notNegative, 1, "how many cycles there are; lr_min after them"),
  ]
  private static let unit = Parameter.flag("t_in_epochs", true, "whether t counts epochs or updates: the same curve")
  private static let kDecay = Parameter.number("k_decay", .positive, 1, "the exponent of the progress")

  private static func warmup(prefix: Bool) -> [Parameter] {
    [
      .integer("warmup_t", .notNegative, 0, "the length of the warm-up"),
      .number("warmup_lr_init", .notNegative, 0, "the rate at the warm-up's beginning"),
      .flag(
        "warmup_prefix", prefix, "whether the curve waits for the warm-up; otherwise it hides the curve's beginning"),
    ]
  }

  private static func definition(
    _ name: String, _ summary: String, parameters: [Parameter], formula: String, example: [(String, JSONValue)],
    build: @escaping @Sendable (Arguments) throws(SpecificationError) -> any Schedule
  ) -> Definition {
    Definition(
      type: "timm.\(name)", summary: summary, parameters: [baseRate] + parameters + [unit] + noise, formula: formula,
      source: "timm.scheduler.\(name), timm 1.0.31",
      example: .object(JSONObject([("type", .string("timm.\(name)")), ("base_lr", 0.1)] + example)),
      schedule: { (arguments) throws(SpecificationError) in try disturbed(arguments, try build(arguments)) })
  }

  private static let noise = [
    Parameter.optional(
      "noise_range_t", .numbers(.notNegative), "the first step with noise, or that and the first without it again"),
    .number("noise_pct", .positive, 0.67, "the largest noise, as a part of the rate"),
    .number("noise_std", .notNegative, 1, "its standard deviation, as a part of the rate"),
    .integer("noise_seed", NumberRange(lower: 0, upper: 0x1p32), 42, "chooses the noise"),
  ]

  /// The curve with timm's noise, which is normal; the constructor's rate at t = 0 has none.
  private static func disturbed(_ arguments: Arguments, _ curve: any Schedule) throws(SpecificationError)
    -> any Schedule
  {
    if !arguments.has("noise_range_t") { return curve }
    let range = try arguments.numbers("noise_range_t")
    if range.isEmpty || range.count > 2 {
      throw arguments.error("noise_range_t", "'noise_range_t' is a list of one step or two")
    }
    return Noise(
      schedule: curve, seed: try arguments.number("noise_seed"),
      standardDeviation: try arguments.number("noise_std"), limit: try arguments.number("noise_pct"),
      generator: .torch, from: max(1, range[0]), until: range.count == 2 ? range[1] : .infinity)
  }

  // MARK: Cycles

  static let cosine = definition(
    "CosineLRScheduler", "Half cosine waves, each cycle_mul times as long and cycle_decay times as high as the last.",
    parameters: [length, minimum] + cycles + warmup(prefix: false) + [kDecay],
    formula: "lr_min + (base_lr·cycle_decay^i − lr_min)·(1 + cos(π·(t_curr/t_i)^k_decay))/2",
    example: [("t_initial", 30), ("cycle_limit", 3), ("cycle_decay", 0.5), ("warmup_t", 3)]
  ) { arguments throws(SpecificationError) in
    let shape = Shape(.cosine).with(kDecay: try arguments.number("k_decay"))
    return try cycled(arguments, shape)
  }

  static let poly = definition(
    "PolyLRScheduler", "A power of the time left, in cycles.",
    parameters: [length, .number("power", .notNegative, 0.5, "the power"), minimum] + cycles
      + warmup(prefix: false) + [kDecay],
    formula: "lr_min + (base_lr·cycle_decay^i − lr_min)·(1 − (t_curr/t_i)^k_decay)^power",
    example: [("t_initial", 50), ("power", 2), ("warmup_t", 5)]
  ) { arguments throws(SpecificationError) in
    let power = try arguments.number("power")
    let shape = Shape.polynomial(power).with(kDecay: try arguments.number("k_decay"))
    // A power of 0 leaves the rate alone until the cycle ends.
    return try cycled(arguments, power == 0 ? nil : shape)
  }

  static let tanh = definition(
    "TanhLRScheduler", "A fall like a hyperbolic tangent, in cycles; a warm-up without prefix goes up to the curve.",
    parameters: [
      length, .number("lb", .any, -7, "the argument of tanh at a cycle's start"),
      .number("ub", .any, 3, "the argument of tanh at its end"), minimum,
    ] + cycles + warmup(prefix: false),
    formula: "lr_min + (base_lr·cycle_decay^i − lr_min)·(1 − tanh(lb·(1 − p) + ub·p))/2, p = t_curr/t_i",
    example: [("t_initial", 50), ("warmup_t", 5)]
  ) { arguments throws(SpecificationError) in
    let lowerBound = try arguments.number("lb")
    let upperBound = try arguments.number("ub")
    if lowerBound >= upperBound { throw arguments.error("lb", "'lb' must be below 'ub'") }
    return try cycled(arguments, .tanh(lowerBound, upperBound), meets: true)
  }

  /// - Parameters:
  ///   - shape: the form of one cycle; nil for none.
  ///   - meets: whether a warm-up over the curve's beginning ends on the curve, not on the base rate.
  private static func cycled(
    _ arguments: Arguments, _ shape: Shape?, meets: Bool = false
  ) throws(SpecificationError) -> any Schedule {
    let baseRate = try arguments.number("base_lr")
    let minimum = try arguments.number("lr_min")
    let length = try arguments.number("t_initial")
    let decay = try arguments.number("cycle_decay")
    let limit = try arguments.number("cycle_limit")
    func cycle(from start: Double, to end: Double) -> any Schedule {
      guard let shape else { return Constant(baseRate: start) }
      return Ramp(baseRate: start, endRate: end, totalSteps: length, shape: shape)
    }
    // timm finds the cycle by rounding a logarithm, and misses some restarts by one step.
    let cycles = Cycles(
      first: length, multiplier: try arguments.number("cycle_mul"), indexing: .logarithm)
    var curve: any Schedule
    if decay == 1 || minimum == 0 || limit <= 1 || shape == nil {
      curve = Repeat(
        cycles: cycles, decay: decay, count: limit, finalRate: minimum, schedule: cycle(from: baseRate, to: minimum))
    } else {
      // The peaks shrink and the floor does not: the part of each is a repetition of its own.
      let floor = Repeat(
        cycles: cycles, count: limit, finalRate: minimum, schedule: cycle(from: 0, to: minimum))
      let peaks = Repeat(cycles: cycles, decay: decay, count: limit, schedule: cycle(from: baseRate, to: 0))
      curve = ScheduleSum(schedules: [floor, peaks])
    }
    if limit == 1 && cycles.multiplier == 1 {
      curve = Phases.schedule([(length, cycle(from: baseRate, to: minimum)), (.infinity, Constant(baseRate: minimum))])
    }
    if limit == 0 { curve = Constant(baseRate: minimum) }
    return try warmedUp(arguments, curve, meets: meets)
  }

  // MARK: Warm-up

  /// A straight line to the base rate, before the curve or over its beginning; without one, the constructor's rate at 0.
  private static func warmedUp(
    _ arguments: Arguments, _ curve: any Schedule, meets: Bool = false
  ) throws(SpecificationError) -> any Schedule {
    let baseRate = try arguments.number("base_lr")
    let steps = try arguments.number("warmup_t")
    if steps == 0 {
      // The constructor does not evaluate its formula: the first rate is the base rate, whatever the curve says.
      if curve.rate(at: 0) == baseRate { return curve }
      return ScheduleSequence(
        schedules: [Constant(baseRate: baseRate), Shift(by: 1, schedule: curve)], boundaries: [1])
    }
    let isPrefix = try arguments.flag("warmup_prefix")
    let target = meets && !isPrefix ? curve.rate(at: steps) : baseRate
    if !target.isFinite {
      throw arguments.error("warmup_t", "the curve has no rate at the warm-up's end: its shrinking cycles have run out")
    }
    let ramp = Linear(baseRate: try arguments.number("warmup_lr_init"), endRate: target, totalSteps: steps)
    return ScheduleSequence(
      schedules: [ramp, isPrefix ? curve : Shift(by: steps, schedule: curve)], boundaries: [steps])
  }

  // MARK: Steps

  static let step = definition(
    "StepLRScheduler", "Multiplied by decay_rate every decay_t, which may be a fraction.",
    parameters: [
      .required("decay_t", .number(.positive), "the time between two drops"),
      .number("decay_rate", .notNegative, 1, "the factor of each drop"),
    ] + warmup(prefix: true),
    formula: "base_lr·decay_rate^⌊t/decay_t⌋", example: [("decay_t", 2.4), ("decay_rate", 0.97), ("warmup_t", 3)]
  ) { arguments throws(SpecificationError) in
    try warmedUp(
      arguments,
      Step(
        baseRate: try arguments.number("base_lr"), stepSize: try arguments.number("decay_t"),
        gamma: try arguments.number("decay_rate")))
  }

  static let multiStep = definition(
    "MultiStepLRScheduler", "Multiplied by decay_rate at each milestone, one step before torch does it.",
    parameters: [
      .required("decay_t", .numbers(.notNegative), "the milestones, ascending; m takes effect at t = m − 1"),
      .number("decay_rate", .notNegative, 1, "the factor of each drop"),
    ] + warmup(prefix: true),
    formula: "base_lr·decay_rate^#{milestones ≤ t + 1}", example: [("decay_t", [30, 60]), ("decay_rate", 0.1)]
  ) { arguments throws(SpecificationError) in
    let milestones = try arguments.numbers("decay_t")
    if zip(milestones, milestones.dropFirst()).contains(where: { $0 > $1 }) {
      throw arguments.error("decay_t", "the milestones must ascend: timm searches them as a sorted list")
    }
    return try warmedUp(
      arguments,
      MultiStep(
        baseRate: try arguments.number("base_lr"), milestones: milestones.map { max(0, $0 - 1) },
        gamma: try arguments.number("decay_rate")))
  }

  // MARK: Warm-up, stable, decay

  private enum StableForm: String, CaseIterable {
    case constant
    case rsqrt
    case power
  }

  private enum DecayForm: String, CaseIterable {
    case linear
    case oneMinusSqrt = "1-sqrt"
    case cosine
    case power
    case exp
  }

  private static let inside = NumberRange(lower: 0, lowerIsOpen: true, upper: 1, upperIsOpen: true)

  static let warmupStableDecay = definition(
    "WSDLRScheduler", "Warm-up, a stable phase that may fall like 1/√t, and a decay of whatever is left.",
    parameters: [
      length, .required("decay_t", .integer(.atLeastOne), "the length of the decay, the end of t_initial"), minimum,
      .choice("stable_fn", StableForm.constant, "the stable phase"),
      .optional("stable_timescale", .number(.positive), "of rsqrt and power; warmup_t where left out"),
      .number("stable_power", .positive, 0.5, "the exponent of the stable phase power"),
      .choice("decay_fn", DecayForm.oneMinusSqrt, "the form of the decay"),
      .number("decay_power", .positive, 0.5, "the exponent of the decay power"),
      .number("decay_ratio", inside, 0.1, "of the decay exp: what is left before the norm"),
      .integer("warmup_t", .notNegative, 0, "the length of the warm-up, before t_initial"),
      .number("warmup_lr_init", .notNegative, 0, "the rate at the warm-up's beginning"),
    ],
    formula: "lr_min + (max(base_lr·stable(t_s), lr_min) − lr_min)·decay(p), t_s = t − warmup_t",
    example: [("t_initial", 40), ("decay_t", 12), ("warmup_t", 6), ("stable_fn", "rsqrt")]
  ) { arguments throws(SpecificationError) in
    let baseRate = try arguments.number("base_lr")
    let minimum = try arguments.number("lr_min")
    let length = try arguments.number("t_initial")
    let decayLength = try arguments.number("decay_t")
    if decayLength > length { throw arguments.error("decay_t", "'decay_t' must be at most 't_initial'") }
    let shape = try decayShape(arguments)
    let stable = try stablePhase(arguments)
    let stableLength = length - decayLength
    var decay: any Schedule
    if let plateau = stable as? Constant {
      decay = Ramp(baseRate: plateau.rate(at: 0), endRate: minimum, totalSteps: decayLength, shape: shape)
    } else {
      // What is stable goes on to fall under the decay.
      decay = ScheduleProduct(schedules: [
        Shift(by: stableLength, schedule: stable), Ramp(baseRate: 1, totalSteps: decayLength, shape: shape),
      ])
      if minimum > 0 {
        decay = ScheduleSum(schedules: [
          Ramp(baseRate: 0, endRate: minimum, totalSteps: decayLength, shape: shape), decay,
        ])
      }
    }
    let curve = Phases.schedule([(stableLength, stable), (.infinity, decay)])
    let steps = try arguments.number("warmup_t")
    if steps > 0 {
      let ramp = Linear(
        baseRate: try arguments.number("warmup_lr_init"), endRate: baseRate, totalSteps: steps)
      return ScheduleSequence(schedules: [ramp, curve], boundaries: [steps])
    }
    if curve.rate(at: 0) == baseRate { return curve }
    // As above: the constructor leaves the base rate.
    return ScheduleSequence(schedules: [Constant(baseRate: baseRate), Shift(by: 1, schedule: curve)], boundaries: [1])
  }

  private static func decayShape(_ arguments: Arguments) throws(SpecificationError) -> Shape {
    let form: DecayForm = try arguments.choice("decay_fn")
    switch form {
    case .linear: return Shape(.linear)
    case .oneMinusSqrt: return Shape(.sqrt)
    case .cosine: return Shape(.cosine)
    case .power: return .power(try arguments.number("decay_power"))
    case .exp: return .normalizedExponential(try arguments.number("decay_ratio"))
    }
  }

  private static func stablePhase(_ arguments: Arguments) throws(SpecificationError) -> any Schedule {
    let baseRate = try arguments.number("base_lr")
    let minimum = try arguments.number("lr_min")
    let form: StableForm = try arguments.choice("stable_fn")
    if form == .constant { return Constant(baseRate: max(baseRate, minimum)) }
    let warmupLength = try arguments.number("warmup_t")
    let timescale = try arguments.optionalNumber("stable_timescale") ?? warmupLength
    if timescale <= 0 {
      throw arguments.error(
        "stable_timescale", "a stable phase \(form.rawValue) needs a 'stable_timescale' where there is no warm-up")
    }
    var curve: any Schedule = InverseSquareRoot(baseRate: baseRate, timescale: timescale, shift: timescale)
    if form == .power {
      let law = Power(
        baseRate: baseRate, exponent: -(try arguments.number("stable_power")), maxRate: baseRate,
        unitsPerStep: 1 / timescale)
      curve = Shift(by: timescale, schedule: law)
    }
    return minimum > 0 ? Clamp(curve, lower: minimum) : curve
  }
}
