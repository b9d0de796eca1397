import JSON

/// MMEngine's schedulers of the learning rate, lowered to the canonical types.
///
/// Facts: the source of MMEngine 0.10.7, `mmengine/optim/scheduler/param_scheduler.py`.
struct MMEngineSchedules {
  let definition: Definition
  let member: @Sendable (Arguments) throws(SpecificationError) -> MMEngineMember

  static let leaves = [
    constant, linear, exponential, step, multiStep, cosine, poly, oneCycle, cosineRestart,
  ]

  static let all = leaves.map(\.definition) + [list]

  private static let dialect = Dialect(name: "mmengine", module: "mmengine.optim", library: "MMEngine 0.10.7")
  private static let baseRate = Parameter.baseRate("base_lr", "the rate that the optimizer was given")
  private static let factorRange = NumberRange(lower: 0, lowerIsOpen: true, upper: 1)

  private init(
    _ name: String, _ summary: String, _ parameters: [Parameter], formula: String, example: [(String, JSONValue)],
    member: @escaping @Sendable (Arguments) throws(SpecificationError) -> MMEngineMember
  ) {
    self.member = member
    definition = Self.dialect.type(
      name, summary, [Self.baseRate] + parameters + MMEngineMember.parameters, formula: formula,
      example: [("base_lr", 0.1)] + example
    ) { arguments throws(SpecificationError) in
      let rate = try arguments.number("base_lr")
      return try member(arguments).schedule(from: rate, base: rate)
    }
  }

  static let constant = MMEngineSchedules(
    "ConstantLR", "The rate times factor until end − 1, where the factor is undone.",
    [.number("factor", factorRange, 1 / 3.0, "the factor")], formula: "base_lr·factor for begin ≤ t < end − 1",
    example: [("factor", 0.5), ("end", 5)]
  ) { arguments throws(SpecificationError) in
    let factor = try arguments.number("factor")
    let length = try MMEngineMember.length(arguments)
    return try MMEngineMember(arguments, .factor) { x, _ in
      // With a single step the one that would undo it never comes.
      if length == 1 { return Constant(baseRate: x * factor) }
      return PiecewiseConstant(boundaries: [length - 1], values: [x * factor, x])
    }
  }

  static let linear = MMEngineSchedules(
    "LinearLR", "A straight line from start_factor to end_factor times the rate, which it reaches at end − 1.",
    [
      .number("start_factor", factorRange, 1 / 3.0, "the factor at begin"),
      .number("end_factor", .fraction, 1, "the factor from end − 1 on"),
    ],
    formula: "base_lr·(start_factor + (end_factor − start_factor)·(t − begin)/(end − begin − 1))",
    example: [("start_factor", 0.1), ("end", 10)]
  ) { arguments throws(SpecificationError) in
    let start = try arguments.number("start_factor")
    let end = try arguments.number("end_factor")
    let length = try MMEngineMember.length(arguments)
    return try MMEngineMember(arguments, .factor) { x, _ in
      if length == 1 { return Constant(baseRate: x * start) }
      return Linear(baseRate: x * start, endRate: x * end, totalSteps: length - 1)
    }
  }

  static let exponential = MMEngineSchedules(
    "ExponentialLR", "The rate times gamma every step.",
    [.required("gamma", .number(.notNegative), "the factor of each step")], formula: "base_lr·gamma^(t − begin)",
    example: [("gamma", 0.9), ("end", 20)]
  ) { arguments throws(SpecificationError) in
    let gamma = try arguments.number("gamma")
    return try MMEngineMember(arguments, .factor) { x, _ in Exponential(baseRate: x, gamma: gamma) }
  }

  static let step = MMEngineSchedules(
    "StepLR", "The rate times gamma every step_size steps.",
    [
      .required("step_size", .integer(.atLeastOne), "the steps between two drops"),
      .number("gamma", .notNegative, 0.1, "the factor of each drop"),
    ],
    formula: "base_lr·gamma^⌊(t − begin)/step_size⌋", example: [("step_size", 10)]
  ) { arguments throws(SpecificationError) in
    let size = try arguments.number("step_size")
    let gamma = try arguments.number("gamma")
    return try MMEngineMember(arguments, .factor) { x, _ in Step(baseRate: x, stepSize: size, gamma: gamma) }
  }

  static let multiStep = MMEngineSchedules(
    "MultiStepLR", "The rate times gamma at each milestone, counted from begin; one that is named twice counts twice.",
    [
      .required("milestones", .numbers(.notNegative), "the steps at which the rate drops, counted from begin"),
      .number("gamma", .notNegative, 0.1, "the factor of each drop"),
    ],
    formula: "base_lr·gamma^#{milestones ≤ t − begin}", example: [("milestones", [10, 20])]
  ) { arguments throws(SpecificationError) in
    let milestones = try arguments.numbers("milestones")
    let gamma = try arguments.number("gamma")
    return try MMEngineMember(arguments, .factor) { x, _ in
      MultiStep(baseRate: x, milestones: milestones, gamma: gamma)
    }
  }

  /// The lowest rate, absolute or as a part of the optimizer's first.
  private static let minimum = [
    Parameter.optional("eta_min", .number(.notNegative), "the lowest rate"),
    Parameter.optional("eta_min_ratio", .number(.notNegative), "the lowest rate as a part of base_lr"),
  ]

  private static func minimum(
    _ arguments: Arguments, isNeeded: Bool
  ) throws(SpecificationError) -> @Sendable (Double) -> Double {
    switch (try arguments.optionalNumber("eta_min"), try arguments.optionalNumber("eta_min_ratio")) {
    case (_?, _?): throw arguments.error("eta_min_ratio", "give either 'eta_min' or 'eta_min_ratio', not both")
    case (let rate?, nil): return { _ in rate }
    case (nil, let part?): return { $0 * part }
    case (nil, nil):
      if isNeeded { throw arguments.error("eta_min", "one of 'eta_min' and 'eta_min_ratio' must be given") }
      return { _ in 0 }
    }
  }

  static let cosine = MMEngineSchedules(
    "CosineAnnealingLR", "Half a cosine wave; T_max is end − begin where left out, so that the minimum is not reached.",
    [.optional("T_max", .integer(.atLeastOne), "the length of the half wave; end − begin where left out")] + minimum,
    formula: "eta_min + (base_lr − eta_min)·(1 + cos(π·(t − begin)/T_max))/2", example: [("end", 20)]
  ) { arguments throws(SpecificationError) in
    let minimum = try minimum(arguments, isNeeded: false)
    let length = try MMEngineMember.length(arguments)
    let halfPeriod = try arguments.optionalNumber("T_max") ?? length
    return try MMEngineMember(arguments, .fall) { x, base in
      // The recursion is torch's.
      TorchCosineAnnealing(halfPeriod: halfPeriod, minimum: minimum(base)).schedule(from: x, base: base)
    }
  }

  static let poly = MMEngineSchedules(
    "PolyLR", "A power of the time left, down to eta_min at end − 1.",
    [
      .number("eta_min", .notNegative, 0, "the lowest rate"), .number("power", .positive, 1, "1 is a straight line"),
    ],
    formula: "eta_min + (base_lr − eta_min)·(1 − (t − begin)/(end − begin − 1))^power",
    example: [("power", 2), ("end", 20)]
  ) { arguments throws(SpecificationError) in
    let minimum = try arguments.number("eta_min")
    let power = try arguments.number("power")
    let length = try MMEngineMember.length(arguments)
    return try MMEngineMember(arguments, .fall) { x, _ in
      if length == 1 { return Constant(baseRate: x) }
      return Polynomial(baseRate: x, endRate: minimum, totalSteps: length - 1, power: power)
    }
  }

  private enum Anneal: String, CaseIterable {
    case cos
    case linear
  }

  static let oneCycle = MMEngineSchedules(
    "OneCycleLR", "torch's one cycle without its momentum.",
    [
      .required("eta_max", .number(.notNegative), "the rate at the peak"),
      .optional("total_steps", .integer(.atLeastOne), "the length of the cycle; end − begin where left out"),
      .number("pct_start", .fraction, 0.3, "the part of the cycle that rises"),
      .choice("anneal_strategy", Anneal.cos, "the form of the ramps"),
      .number("div_factor", .positive, 25, "the peak divided by the initial rate"),
      .number("final_div_factor", .positive, 1e4, "the initial rate divided by the final one"),
      .flag("three_phase", false, "fall to the initial rate first, then on to the final one"),
    ],
    formula: "eta_max/div_factor → eta_max at pct_start·n − 1 → eta_max/div_factor/final_div_factor at n − 1",
    example: [("eta_max", 0.1), ("end", 20)]
  ) { arguments throws(SpecificationError) in
    let peak = try arguments.number("eta_max")
    let low = peak / (try arguments.number("div_factor"))
    let length = try MMEngineMember.length(arguments)
    let total = try arguments.optionalNumber("total_steps") ?? length
    let anneal: Anneal = try arguments.choice("anneal_strategy")
    let curve = OneCycle(
      low: low, peak: peak, final: low / (try arguments.number("final_div_factor")), totalSteps: total,
      pctStart: try arguments.number("pct_start"), anneal: anneal == .cos ? .cosine : .linear,
      threePhase: try arguments.flag("three_phase"), convention: .torch)
    return try MMEngineMember(arguments, .absolute) { _, _ in curve }
  }

  static let cosineRestart = MMEngineSchedules(
    "CosineRestartLR", "Half cosine waves of listed lengths and heights; after the last the rate holds.",
    [
      .required("periods", .numbers(.atLeastOne), "the lengths of the waves"),
      .optional("restart_weights", .numbers(.notNegative), "the heights as parts of base_lr; 1 for a single wave"),
    ] + minimum,
    formula: "eta_min + (base_lr·weight_i − eta_min)·(1 + cos(π·(t − start_i)/period_i))/2",
    example: [("periods", [10, 20]), ("restart_weights", [1, 0.5]), ("eta_min", 0)]
  ) { arguments throws(SpecificationError) in
    let minimum = try minimum(arguments, isNeeded: true)
    let periods = try arguments.numbers("periods")
    let weights = arguments.has("restart_weights") ? try arguments.numbers("restart_weights") : [1]
    if periods.isEmpty || weights.count != periods.count {
      throw arguments.error("restart_weights", "'periods' and 'restart_weights' must be of the same length, at least 1")
    }
    return try MMEngineMember(arguments, .absolute) { _, base in
      var phases: [(end: Double, schedule: any Schedule)] = []
      var end = 0.0
      for (index, (period, weight)) in zip(periods, weights).enumerated() {
        end += period
        let wave = Cosine(baseRate: base * weight, endRate: minimum(base), totalSteps: period)
        let isLast = index == periods.count - 1
        phases.append((isLast ? .infinity : end, isLast ? Hold(until: period - 1, schedule: wave) : wave))
      }
      return Phases.schedule(phases)
    }
  }

  // MARK: A list, as a configuration has it

  static let list = dialect.type(
    "param_scheduler", "A configuration's list: each scheduler acts on the current rate while it is active.",
    [
      baseRate,
      .required("schedulers", .schedules, "MMEngine's schedulers; those that do not only multiply must not overlap"),
    ],
    formula: "each scheduler from the rate that the one before it left; those that multiply, multiplied",
    example: [
      ("base_lr", 0.1),
      (
        "schedulers",
        [
          ["type": "mmengine.LinearLR", "start_factor": 0.1, "end": 5, "by_epoch": false],
          ["type": "mmengine.CosineAnnealingLR", "begin": 5, "end": 25, "by_epoch": false],
        ]
      ),
    ]
  ) { arguments throws(SpecificationError) in
    let rate = try arguments.number("base_lr")
    let members = try members(arguments)
    if members.allSatisfy({ $0.role == .factor }) {
      return ScheduleProduct(schedules: members.map { $0.schedule(from: 1, base: 1) }, baseRate: rate)
    }
    var phases: [(end: Double, schedule: any Schedule)] = []
    var x = rate
    var last = 0.0
    for (index, member) in members.enumerated() {
      if member.window.lowerBound < last {
        throw arguments.error(
          "schedulers",
          "number \(index + 1) begins before the one before it has ended; only multiplying ones may overlap")
      }
      if phases.isEmpty && member.window.lowerBound > 0 {
        phases.append((member.window.lowerBound, Constant(baseRate: x)))
      }
      let curve = member.local(from: x, base: rate)
      x = curve.rate(at: member.window.upperBound - member.window.lowerBound)
      let next = index + 1 < members.count ? members[index + 1].window.lowerBound : .infinity
      phases.append((next, curve))
      last = member.window.upperBound
    }
    return Phases.schedule(phases)
  }

  private static func members(_ arguments: Arguments) throws(SpecificationError) -> [MMEngineMember] {
    var members: [MMEngineMember] = []
    let elements = try arguments.elements("schedulers")
    for (value, pointer) in elements {
      let inner = try arguments.reader.arguments(value, pointer: pointer, depth: arguments.depth + 1)
      guard let leaf = leaves.first(where: { $0.definition.type == inner.definition.type }) else {
        throw inner.error("type", "'schedulers' holds schedulers of MMEngine, not \(inner.definition.type)")
      }
      if inner.has("base_lr") {
        throw inner.error("base_lr", "the list has one 'base_lr', that of the optimizer")
      }
      if inner.definition.type == oneCycle.definition.type && elements.count > 1 {
        throw inner.error("type", "OneCycleLR rewrites the optimizer's first rate: it stands alone")
      }
      members.append(try leaf.member(inner))
    }
    return members
  }
}
