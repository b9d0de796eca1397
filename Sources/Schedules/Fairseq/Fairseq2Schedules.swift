import JSON

/// fairseq2's schedulers, lowered to the canonical types.
///
/// Facts: the source of fairseq2 0.8.1, `fairseq2/optim/lr_schedulers`. t is torch's `last_epoch`: the calls of `step()`.
enum Fairseq2Schedules {
  static let all = [cosine, myle, noam, polynomial, triStage, passthrough]

  private static let dialect = Dialect(
    name: "fairseq2", module: "fairseq2.optim.lr_schedulers", library: "fairseq2 0.8.1")

  private static let baseRate = Parameter.baseRate("base_lr", "the rate that the optimizer was given")
  private static let warmupSteps = Parameter.required(
    "num_warmup_steps", .integer(.notNegative), "the length of the warm-up in steps")
  private static let start = Parameter.number("start_lr", .notNegative, 0, "the rate at the warm-up's beginning")
  private static let final = Parameter.number("final_lr", .notNegative, 0, "the rate at the end")

  private static func warmedUp(
    _ arguments: Arguments, _ curve: any Schedule
  ) throws(SpecificationError) -> any Schedule {
    let steps = try arguments.number("num_warmup_steps")
    let ramp = Linear(
      baseRate: try arguments.number("start_lr"), endRate: try arguments.number("base_lr"), totalSteps: max(1, steps))
    return Phases.schedule([(steps, ramp), (.infinity, curve)])
  }

  static let cosine = dialect.type(
    "CosineAnnealingLR",
    "A straight warm-up, then cosine waves; lr_mul multiplies peak and floor from one to the next.",
    [
      baseRate, .required("cycle_len", .integer(.atLeastOne), "the length of the first wave"), warmupSteps,
      .integer("cycle_mul", .atLeastOne, 1, "how many times as long each wave is; whole, as fairseq2 cuts lengths"),
      .number("lr_mul", .notNegative, 1, "the factor from one wave to the next"), start, final,
    ],
    formula: "lr_mul^i·(final_lr + (base_lr − final_lr)·(1 + cos(π·t_i/T_i))/2)",
    example: [("base_lr", 0.1), ("cycle_len", 20), ("num_warmup_steps", 5), ("lr_mul", 0.5)]
  ) { arguments throws(SpecificationError) in
    let length = try arguments.number("cycle_len")
    let wave = Cosine(
      baseRate: try arguments.number("base_lr"), endRate: try arguments.number("final_lr"), totalSteps: length)
    let cycles = Cycles(
      first: length, multiplier: try arguments.number("cycle_mul"), indexing: .logarithm)
    return try warmedUp(
      arguments, Repeat(cycles: cycles, decay: try arguments.number("lr_mul"), schedule: wave))
  }

  static let myle = dialect.type(
    "MyleLR", "A straight warm-up to the rate, then 1/√t.",
    [baseRate, .required("num_warmup_steps", .integer(.atLeastOne), "the length of the warm-up in steps"), start],
    formula: "start_lr + (base_lr − start_lr)·t/W, then base_lr·√(W/t)",
    example: [("base_lr", 0.001), ("num_warmup_steps", 10)]
  ) { arguments throws(SpecificationError) in
    let steps = try arguments.number("num_warmup_steps")
    return try warmedUp(
      arguments, InverseSquareRoot(baseRate: try arguments.number("base_lr"), timescale: steps, shift: steps))
  }

  static let noam = dialect.type(
    "NoamLR", "A straight line up to base_lr/√W, then base_lr/√t.", [baseRate, warmupSteps],
    formula: "base_lr·min(t^−0.5, t·W^−1.5)", example: [("base_lr", 0.1), ("num_warmup_steps", 10)]
  ) { arguments throws(SpecificationError) in
    let steps = try arguments.number("num_warmup_steps")
    let peak = try arguments.number("base_lr")
    if steps > 0 { return Noam(baseRate: peak, modelSize: 1, warmupSteps: steps) }
    // Without a warm-up, step 0 has the rate itself.
    return Hold(from: 1, schedule: InverseSquareRoot(baseRate: peak, timescale: 1))
  }

  static let polynomial = dialect.type(
    "PolynomialDecayLR", "A straight warm-up, then a power of the time left.",
    [
      baseRate, .required("num_steps", .integer(.atLeastOne), "the end of the decay, the warm-up included"),
      warmupSteps,
      .number("power", .notNegative, 1, "1 is a straight line"), start, final,
    ],
    formula: "final_lr + (base_lr − final_lr)·((num_steps − t)/(num_steps − W))^power, final_lr from num_steps on",
    example: [("base_lr", 0.1), ("num_steps", 100), ("num_warmup_steps", 10)]
  ) { arguments throws(SpecificationError) in
    let total = try arguments.number("num_steps")
    let steps = try arguments.number("num_warmup_steps")
    if steps >= total { throw arguments.error("num_warmup_steps", "'num_warmup_steps' must be below 'num_steps'") }
    let end = try arguments.number("final_lr")
    let decay = Polynomial(
      baseRate: try arguments.number("base_lr"), endRate: end, totalSteps: total - steps,
      power: try arguments.number("power"))
    return try warmedUp(
      arguments, Phases.schedule([(total - steps, decay), (.infinity, Constant(baseRate: end))]))
  }

  static let triStage = dialect.type(
    "TriStageLR", "A straight warm-up, a plateau, and an exponential decay, which then holds.",
    [
      baseRate, .required("num_steps", .integer(.atLeastOne), "the length of the whole"),
      .required("stage_ratio", .numbers(.fraction), "the three lengths as parts of num_steps, 1 in sum"),
      .number("start_lr_scale", .notNegative, 0.01, "the rate at the beginning as a part of base_lr"),
      .number("final_lr_scale", .positive, 0.01, "the rate at the end as a part of base_lr"),
    ],
    formula: "start + (base_lr − start)·t/W; base_lr; base_lr·final_lr_scale^p; base_lr·final_lr_scale",
    example: [("base_lr", 0.1), ("num_steps", 100), ("stage_ratio", [0.1, 0.4, 0.5])]
  ) { arguments throws(SpecificationError) in
    let parts = try arguments.numbers("stage_ratio")
    if parts.count != 3 || abs(parts.reduce(0, +) - 1) > 1e-9 {
      throw arguments.error("stage_ratio", "'stage_ratio' has three parts whose sum is 1")
    }
    let total = try arguments.number("num_steps")
    return FairseqSchedules.triStage(
      peak: try arguments.number("base_lr"), start: try arguments.number("start_lr_scale"),
      end: try arguments.number("final_lr_scale"), parts.map { ($0 * total).rounded(.down) })
  }

  static let passthrough = dialect.type(
    "PassthroughLR", "Leaves the rate to the optimizer.", [baseRate], formula: "base_lr", example: [("base_lr", 0.1)]
  ) { arguments throws(SpecificationError) in
    Constant(baseRate: try arguments.number("base_lr"))
  }
}
