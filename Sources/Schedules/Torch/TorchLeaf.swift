import JSON

/// How one of torch's schedulers is written on the wire, and what it does.
struct TorchLeaf: Sendable {
  let definition: Definition
  /// What constructing it does to the optimizer besides its initial step.
  let effect: @Sendable (Arguments) throws(SpecificationError) -> Effect
  let scheduler: @Sendable (Arguments) throws(SpecificationError) -> any TorchScheduler

  /// What a constructor writes into the optimizer before its initial step.
  enum Effect {
    case none
    /// `CyclicLR` sets the current rate.
    case current(Double)
    /// `OneCycleLR` sets its levels; the initial rate among them is what schedulers constructed later take for their
    /// base rate.
    case levels(TorchOneCycleLevels)
  }

  static let all = [
    constant, linear, step, multiStep, exponential, polynomial, cosineAnnealing, warmRestarts, cyclic, oneCycle,
  ]

  static func named(_ type: String) -> TorchLeaf? { all.first { $0.definition.type == type } }

  private static let baseRate = Parameter.baseRate("base_lr", "the rate that the optimizer was given")
  private static let count = Parameter.Kind.integer(.notNegative)

  private init(
    _ name: String, _ summary: String, parameters: [Parameter], formula: String, example: JSONValue,
    effect: @escaping @Sendable (Arguments) throws(SpecificationError) -> Effect = { (_) throws(SpecificationError) in
      .none
    },
    momentum: @escaping @Sendable (Arguments) throws(SpecificationError) -> (any Schedule)? = {
      (_) throws(SpecificationError) in nil
    },
    scheduler: @escaping @Sendable (Arguments) throws(SpecificationError) -> any TorchScheduler
  ) {
    definition = Definition(
      type: "torch.\(name)", summary: summary, parameters: parameters, formula: formula,
      source: "torch.optim.lr_scheduler.\(name), torch 2.13", example: example,
      curves: { (arguments) throws(SpecificationError) in
        let scheduler = try scheduler(arguments)
        let base = try arguments.optionalNumber("base_lr") ?? 1
        let rate = scheduler.schedule(from: scheduler.first(base, base: base), base: base)
        return Curves(rate: rate, momentum: try momentum(arguments))
      })
    self.effect = effect
    self.scheduler = scheduler
  }

  private static let factorRange = NumberRange(lower: 0, lowerIsOpen: true, upper: 1)

  static let constant = TorchLeaf(
    "ConstantLR", "The rate times factor until total_iters, the rate itself after.",
    parameters: [
      baseRate, .number("factor", .fraction, 1 / 3.0, "the factor"),
      .integer("total_iters", .notNegative, 5, "the step that undoes it; with 0 the factor stays for ever"),
    ],
    formula: "base_lr·factor for t < total_iters, then base_lr",
    example: ["type": "torch.ConstantLR", "base_lr": 0.1, "factor": 0.5, "total_iters": 3]
  ) { arguments throws(SpecificationError) in
    TorchConstant(factor: try arguments.number("factor"), totalIters: try arguments.number("total_iters"))
  }

  static let linear = TorchLeaf(
    "LinearLR", "A straight line from start_factor to end_factor times the rate.",
    parameters: [
      baseRate, .number("start_factor", factorRange, 1 / 3.0, "the factor at step 0"),
      .number("end_factor", .fraction, 1, "the factor from total_iters on"),
      .integer("total_iters", .notNegative, 5, "the length in steps; with 0 the start factor stays for ever"),
    ],
    formula: "base_lr·(start_factor + (end_factor − start_factor)·min(t/total_iters, 1))",
    example: ["type": "torch.LinearLR", "base_lr": 0.1, "start_factor": 0.5, "total_iters": 4]
  ) { arguments throws(SpecificationError) in
    TorchLinear(
      startFactor: try arguments.number("start_factor"), endFactor: try arguments.number("end_factor"),
      totalIters: try arguments.number("total_iters"))
  }

  static let step = TorchLeaf(
    "StepLR", "The rate times gamma every step_size steps.",
    parameters: [
      baseRate, .required("step_size", .integer(.atLeastOne), "the steps between two drops"),
      .number("gamma", .notNegative, 0.1, "the factor of each drop"),
    ],
    formula: "base_lr·gamma^⌊t/step_size⌋",
    example: ["type": "torch.StepLR", "base_lr": 0.1, "step_size": 30, "gamma": 0.1]
  ) { arguments throws(SpecificationError) in
    TorchStep(stepSize: try arguments.number("step_size"), gamma: try arguments.number("gamma"))
  }

  static let multiStep = TorchLeaf(
    "MultiStepLR", "The rate times gamma at each milestone; one that is named twice counts twice.",
    parameters: [
      baseRate, .required("milestones", .numbers(.notNegative), "the steps at which the rate drops, in any order"),
      .number("gamma", .notNegative, 0.1, "the factor of each drop"),
    ],
    formula: "base_lr·gamma^#{milestones ≤ t}",
    example: ["type": "torch.MultiStepLR", "base_lr": 0.1, "milestones": [30, 80], "gamma": 0.1]
  ) { arguments throws(SpecificationError) in
    TorchMultiStep(milestones: try arguments.numbers("milestones").sorted(), gamma: try arguments.number("gamma"))
  }

  static let exponential = TorchLeaf(
    "ExponentialLR", "The rate times gamma every step.",
    parameters: [baseRate, .required("gamma", .number(.notNegative), "the factor of each step")],
    formula: "base_lr·gamma^t",
    example: ["type": "torch.ExponentialLR", "base_lr": 0.1, "gamma": 0.95]
  ) { arguments throws(SpecificationError) in
    TorchExponential(gamma: try arguments.number("gamma"))
  }

  static let polynomial = TorchLeaf(
    "PolynomialLR", "A power of the time left, down to 0.",
    parameters: [
      baseRate, .integer("total_iters", .notNegative, 5, "the length in steps; with 0 the rate is constant"),
      .number("power", .notNegative, 1, "the power"),
    ],
    formula: "base_lr·(1 − min(t/total_iters, 1))^power",
    example: ["type": "torch.PolynomialLR", "base_lr": 0.1, "total_iters": 10, "power": 2]
  ) { arguments throws(SpecificationError) in
    TorchPolynomial(totalIters: try arguments.number("total_iters"), power: try arguments.number("power"))
  }

  static let cosineAnnealing = TorchLeaf(
    "CosineAnnealingLR", "Half a cosine wave down to eta_min, and up again after T_max.",
    parameters: [
      baseRate, .required("T_max", .integer(.atLeastOne), "the length of the half wave in steps"),
      .number("eta_min", .notNegative, 0, "the rate at T_max"),
    ],
    formula: "eta_min + (base_lr − eta_min)·(1 + cos(π·t/T_max))/2",
    example: ["type": "torch.CosineAnnealingLR", "base_lr": 0.1, "T_max": 50, "eta_min": 0.001]
  ) { arguments throws(SpecificationError) in
    TorchCosineAnnealing(halfPeriod: try arguments.number("T_max"), minimum: try arguments.number("eta_min"))
  }

  static let warmRestarts = TorchLeaf(
    "CosineAnnealingWarmRestarts",
    "Half cosine waves that start again at the top, each T_mult times as long as the last.",
    parameters: [
      baseRate, .required("T_0", .integer(.atLeastOne), "the length of the first half wave in steps"),
      .integer("T_mult", .atLeastOne, 1, "how many times as long each is as the one before"),
      .number("eta_min", .notNegative, 0, "what each falls towards"),
    ],
    formula: "eta_min + (base_lr − eta_min)·(1 + cos(π·T_cur/T_i))/2",
    example: ["type": "torch.CosineAnnealingWarmRestarts", "base_lr": 0.1, "T_0": 5, "T_mult": 2]
  ) { arguments throws(SpecificationError) in
    let first = try arguments.number("T_0")
    let multiplier = try arguments.number("T_mult")
    let minimum = try arguments.number("eta_min")
    return TorchAbsolute { base in
      CosineRestarts(baseRate: base, endRate: minimum, firstCycleSteps: first, cycleMultiplier: multiplier)
    }
  }

  private static let cycleMomentum = Parameter.flag(
    "cycle_momentum", true, "answer the momentum, which runs opposite to the rate")

  static let cyclic = TorchLeaf(
    "CyclicLR", "A triangle between base_lr and max_lr; the momentum runs opposite.",
    parameters: [
      .baseRate("base_lr", "the lower bound; it overwrites the optimizer's rate"),
      .required("max_lr", .number(.notNegative), "the rate at the first peak"),
      .number("step_size_up", .positive, 2000, "the steps from bound to peak"),
      .optional("step_size_down", .number(.positive), "the steps back; step_size_up where left out"),
      .choice("mode", Cyclic.Mode.triangular, "how the peaks change"),
      .number("gamma", .notNegative, 1, "the factor of each step in mode exp_range"), cycleMomentum,
      .number("base_momentum", .notNegative, 0.8, "the momentum at the peak"),
      .number("max_momentum", .notNegative, 0.9, "the momentum at the lower bound"),
    ],
    formula: "base_lr + (max_lr − base_lr)·height(t)·scale(t); scale 1, 0.5^cycle or gamma^t",
    example: ["type": "torch.CyclicLR", "base_lr": 0.001, "max_lr": 0.1, "step_size_up": 10],
    effect: { (arguments) throws(SpecificationError) in .current(try arguments.number("base_lr")) },
    momentum: { (arguments) throws(SpecificationError) in
      guard try arguments.flag("cycle_momentum") else { return nil }
      return try cyclicCurve(
        arguments, from: try arguments.number("max_momentum"), to: try arguments.number("base_momentum"))
    }
  ) { arguments throws(SpecificationError) in
    let curve = try cyclicCurve(
      arguments, from: try arguments.number("base_lr"), to: try arguments.number("max_lr"))
    return TorchAbsolute { _ in curve }
  }

  private static func cyclicCurve(
    _ arguments: Arguments, from base: Double, to peak: Double
  ) throws(SpecificationError) -> any Schedule {
    Cyclic(
      baseRate: base, maxRate: peak, stepSizeUp: try arguments.number("step_size_up"),
      stepSizeDown: try arguments.optionalNumber("step_size_down"), mode: try arguments.choice("mode"),
      gamma: try arguments.number("gamma"))
  }

  /// torch's word for the form of the ramps.
  enum AnnealStrategy: String, CaseIterable {
    case cos
    case linear
  }

  static let oneCycle = TorchLeaf(
    "OneCycleLR", "Up to max_lr and down to a far smaller rate; step total_steps is still allowed, none after it.",
    parameters: [
      .optional("base_lr", .number(.notNegative), "the optimizer's rate, which torch overwrites: it has no effect"),
      .required("max_lr", .number(.notNegative), "the peak"),
      .optional("total_steps", .integer(.atLeastOne), "the length of the cycle; or give epochs and steps_per_epoch"),
      .optional("epochs", .integer(.atLeastOne), "with steps_per_epoch, instead of total_steps"),
      .optional("steps_per_epoch", .integer(.atLeastOne), "with epochs, instead of total_steps"),
      .number("pct_start", .fraction, 0.3, "the part of the cycle that rises"),
      .choice("anneal_strategy", AnnealStrategy.cos, "the form of the ramps"), cycleMomentum,
      .number("base_momentum", .notNegative, 0.85, "the momentum at the peak"),
      .number("max_momentum", .notNegative, 0.95, "the momentum at both ends"),
      .number("div_factor", .positive, 25, "max_lr divided by the initial rate"),
      .number("final_div_factor", .positive, 1e4, "the initial rate divided by the final one"),
      .flag("three_phase", false, "fall to the initial rate as fast as it rose, then on to the final one"),
    ],
    formula:
      "max_lr/div_factor → max_lr at pct_start·total_steps − 1 → max_lr/div_factor/final_div_factor at total_steps − 1",
    example: ["type": "torch.OneCycleLR", "max_lr": 0.1, "total_steps": 100],
    effect: { (arguments) throws(SpecificationError) in .levels(try levels(arguments)) },
    momentum: { (arguments) throws(SpecificationError) in
      guard try arguments.flag("cycle_momentum") else { return nil }
      let high = try arguments.number("max_momentum")
      let momentum = TorchOneCycleLevels(
        initial: high, peak: try arguments.number("base_momentum"), final: high)
      return try oneCycle(arguments, momentum).curve
    }
  ) { arguments throws(SpecificationError) in
    let scheduler = try oneCycle(arguments, try levels(arguments))
    if !scheduler.curve.rate(at: 0).isFinite {
      throw arguments.error("pct_start", "torch.OneCycleLR divides by zero where pct_start·total_steps is 1")
    }
    return scheduler
  }

  private static func levels(_ arguments: Arguments) throws(SpecificationError) -> TorchOneCycleLevels {
    let peak = try arguments.number("max_lr")
    let initial = peak / (try arguments.number("div_factor"))
    return TorchOneCycleLevels(
      initial: initial, peak: peak, final: initial / (try arguments.number("final_div_factor")))
  }

  private static func oneCycle(
    _ arguments: Arguments, _ levels: TorchOneCycleLevels
  ) throws(SpecificationError) -> TorchOneCycle {
    var total = try arguments.optionalNumber("total_steps")
    if total == nil, let epochs = try arguments.optionalNumber("epochs"),
      let steps = try arguments.optionalNumber("steps_per_epoch")
    {
      total = epochs * steps
    }
    guard let total else {
      throw arguments.error("total_steps", "torch.OneCycleLR needs 'total_steps', or 'epochs' and 'steps_per_epoch'")
    }
    let strategy: AnnealStrategy = try arguments.choice("anneal_strategy")
    return TorchOneCycle(
      levels: levels, totalSteps: total, pctStart: try arguments.number("pct_start"),
      anneal: strategy == .cos ? .cosine : .linear, threePhase: try arguments.flag("three_phase"))
  }
}
