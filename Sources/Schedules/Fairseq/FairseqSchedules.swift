import JSON

/// fairseq's schedulers, lowered to the canonical types.
///
/// Facts: the source of fairseq 0.12.2, `fairseq/optim/lr_scheduler`. t is what `step_update(num_updates)` is given. A
/// list of rates, one an epoch, is taken by `fixed` alone; the others use its first.
enum FairseqSchedules {
  static let all = [
    fixed, inverseSquareRoot, cosine, polynomialDecay, triangular, triStage, step, passThrough,
  ]

  private static let dialect = Dialect(
    name: "fairseq", module: "fairseq.optim.lr_scheduler", library: "fairseq 0.12.2")

  private static let warmupSteps = Parameter.integer("warmup_updates", .notNegative, 0, "the length of the warm-up")
  private static let rate = Parameter.required("lr", .number(.notNegative), "the highest rate")
  private static let period = Parameter.required(
    "lr_period_updates", .integer(.atLeastOne), "the length of the first cycle")
  private static let shrink = Parameter.number("lr_shrink", .notNegative, 0.1, "the factor from one cycle to the next")

  static let fixed = dialect.type(
    "fixed", "Listed rates, one an epoch, the last for the rest; from force_anneal on the last shrinks every epoch.",
    [
      .required("lr", .numbers(.notNegative), "the rates of the epochs"),
      .optional("updates_per_epoch", .integer(.atLeastOne), "needed with more than one rate, or with force_anneal"),
      .optional(
        "force_anneal", .integer(.atLeastOne), "the epoch, counted from 1, at which the last rate shrinks first"),
      .number("lr_shrink", .notNegative, 0.1, "the factor of each epoch from force_anneal on"), warmupSteps,
    ],
    formula: "lr[epoch]·min((t + 1)/warmup_updates, 1); lr[−1]·lr_shrink^(epoch + 1 − force_anneal)",
    example: [("lr", [0.1, 0.05]), ("updates_per_epoch", 10), ("warmup_updates", 4)]
  ) { arguments throws(SpecificationError) in
    let rates = try arguments.numbers("lr")
    guard let last = rates.last else { throw arguments.error("lr", "'lr' must hold at least one rate") }
    let forced = try arguments.optionalNumber("force_anneal")
    let epoch = try arguments.optionalNumber("updates_per_epoch")
    var curve: any Schedule = Constant(baseRate: last)
    if rates.count > 1 || forced != nil {
      guard let epoch else {
        throw arguments.error("updates_per_epoch", "'updates_per_epoch' says when the next rate's turn is")
      }
      let listed = RateTable(values: rates)
      curve = Stretch(by: epoch, schedule: listed)
      if let forced {
        // Epochs count from 1, and the first forced one has shrunk once.
        let shrink = try arguments.number("lr_shrink")
        let anneal = Step(baseRate: last * shrink, stepSize: 1, gamma: shrink)
        curve = Stretch(by: epoch, schedule: Phases.schedule([(forced - 1, listed), (.infinity, anneal)]))
      }
    }
    let steps = try arguments.number("warmup_updates")
    if steps == 0 { return curve }
    let warmup = Shift(by: 1, schedule: Linear(baseRate: 0, endRate: 1, totalSteps: steps))
    return ScheduleProduct(schedules: [warmup, curve])
  }

  static let inverseSquareRoot = dialect.type(
    "inverse_sqrt", "A straight warm-up, then 1/√t.",
    [
      rate, .integer("warmup_updates", .atLeastOne, 4000, "the length of the warm-up; fairseq divides by it"),
      .number("warmup_init_lr", .any, -1, "the rate at the beginning; below 0 stands for 0"),
    ],
    formula: "init + (lr − init)·t/W, then lr·√(W/t)", example: [("lr", 0.0005), ("warmup_updates", 10)]
  ) { arguments throws(SpecificationError) in
    let steps = try arguments.number("warmup_updates")
    let peak = try arguments.number("lr")
    let ramp = Linear(
      baseRate: max(0, try arguments.number("warmup_init_lr")), endRate: peak, totalSteps: steps)
    return Phases.schedule([
      (steps, ramp), (.infinity, InverseSquareRoot(baseRate: peak, timescale: steps, shift: steps)),
    ])
  }

  static let cosine = dialect.type(
    "cosine", "A straight warm-up, then cosine waves, each t_mult times as long and lr_shrink times as high.",
    [
      rate, .number("min_lr", .notNegative, 0, "the lowest rate of the first wave; it shrinks too"), warmupSteps,
      .number("warmup_init_lr", .any, -1, "the rate at the beginning; below 0 stands for min_lr"),
      .number("t_mult", .atLeastOne, 1, "how many times as long each wave is as the one before"), period, shrink,
    ],
    formula: "lr_shrink^i·(min_lr + (lr − min_lr)·(1 + cos(π·t_i/T_i))/2)",
    example: [("lr", 0.001), ("warmup_updates", 5), ("lr_period_updates", 20)]
  ) { arguments throws(SpecificationError) in
    let peak = try arguments.number("lr")
    let low = try arguments.number("min_lr")
    if low >= peak { throw arguments.error("min_lr", "'min_lr' must be below 'lr'") }
    let length = try arguments.number("lr_period_updates")
    // As in timm, the wave is found by a rounded logarithm.
    let waves = Repeat(
      cycles: Cycles(first: length, multiplier: try arguments.number("t_mult"), indexing: .logarithm),
      decay: try arguments.number("lr_shrink"), schedule: Cosine(baseRate: peak, endRate: low, totalSteps: length))
    return try warmedUp(arguments, to: peak, otherwise: low, waves)
  }

  /// A straight line from `warmup_init_lr`, or from `otherwise` where that is negative.
  private static func warmedUp(
    _ arguments: Arguments, to peak: Double, otherwise: Double, _ curve: any Schedule
  ) throws(SpecificationError) -> any Schedule {
    let steps = try arguments.number("warmup_updates")
    let given = try arguments.number("warmup_init_lr")
    let ramp = Linear(baseRate: given < 0 ? otherwise : given, endRate: peak, totalSteps: max(1, steps))
    return Phases.schedule([(steps, ramp), (.infinity, curve)])
  }

  static let polynomialDecay = dialect.type(
    "polynomial_decay", "A straight warm-up from 0, then a power of the time left.",
    [
      rate, warmupSteps, .number("end_learning_rate", .notNegative, 0, "the rate at the end"),
      .number("power", .notNegative, 1, "1 is a straight line"),
      .required("total_num_update", .integer(.atLeastOne), "the end of the decay, the warm-up included"),
    ],
    formula: "lr·t/W for t ≤ W; end + (lr − end)·(1 − (t − W)/(total − W))^power; end from total on",
    example: [("lr", 0.001), ("warmup_updates", 10), ("total_num_update", 100)]
  ) { arguments throws(SpecificationError) in
    let peak = try arguments.number("lr")
    let end = try arguments.number("end_learning_rate")
    let steps = try arguments.number("warmup_updates")
    let total = try arguments.number("total_num_update")
    if total < steps { throw arguments.error("total_num_update", "'total_num_update' includes the warm-up") }
    let decay = Polynomial(
      baseRate: peak, endRate: end, totalSteps: max(1, total - steps), power: try arguments.number("power"))
    // The warm-up's last step is at W itself, which matters where it is as long as the training.
    return Phases.schedule([
      (steps > 0 ? steps.nextUp : 0, Linear(baseRate: 0, endRate: peak, totalSteps: max(1, steps))),
      (total, decay), (.infinity, Constant(baseRate: end)),
    ])
  }

  static let triangular = dialect.type(
    "triangular", "Triangles between lr and max_lr; the peak, and with shrink_min the base, shrinks every cycle.",
    [
      .required("lr", .number(.notNegative), "the rate at a cycle's ends"),
      .required("max_lr", .number(.notNegative), "the rate at the first peak; above lr"),
      .integer(
        "lr_period_updates", NumberRange(lower: 2), 5000, "the length of a cycle; an odd one is taken one shorter"),
      shrink, .flag("shrink_min", false, "whether the base shrinks too"),
    ],
    formula: "min + (max·lr_shrink^i − min)·triangle(t)",
    example: [("lr", 0.0001), ("max_lr", 0.001), ("lr_period_updates", 20), ("lr_shrink", 0.5)]
  ) { arguments throws(SpecificationError) in
    let low = try arguments.number("lr")
    let high = try arguments.number("max_lr")
    if high <= low { throw arguments.error("max_lr", "'max_lr' must be greater than 'lr'") }
    let half = (try arguments.number("lr_period_updates") / 2).rounded(.down)
    let shrink = try arguments.number("lr_shrink")
    func cycle(_ ends: Double, _ middle: Double) -> any Schedule {
      PiecewiseLinear(points: [(0, ends), (half, middle), (2 * half, ends)])
    }
    if try arguments.flag("shrink_min") {
      return Repeat(period: 2 * half, decay: shrink, schedule: cycle(low, high))
    }
    // The base stays while the peaks shrink: each has its own repetition.
    return ScheduleSum(schedules: [
      Repeat(period: 2 * half, schedule: cycle(low, 0)),
      Repeat(period: 2 * half, decay: shrink, schedule: cycle(0, high)),
    ])
  }

  static let triStage = dialect.type(
    "tri_stage", "A straight warm-up, a plateau, and an exponential decay, which then holds.",
    [
      rate, .number("init_lr_scale", .notNegative, 0.01, "the rate at the beginning as a part of lr"),
      .number("final_lr_scale", .positive, 0.01, "the rate at the end as a part of lr"),
      .integer("warmup_steps", .notNegative, 0, "the length of the warm-up"),
      .integer("hold_steps", .notNegative, 0, "the length of the plateau"),
      .integer("decay_steps", .notNegative, 0, "the length of the decay"),
      .optional("phase_ratio", .numbers(.fraction), "the three lengths as parts of max_update, 1 in sum"),
      .optional("max_update", .integer(.atLeastOne), "the length of the whole, for phase_ratio"),
    ],
    formula: "init + (lr − init)·t/W; lr; lr·final_lr_scale^((t − W − H)/D); lr·final_lr_scale",
    example: [("lr", 0.001), ("warmup_steps", 10), ("hold_steps", 20), ("decay_steps", 30)]
  ) { arguments throws(SpecificationError) in
    var lengths = [
      try arguments.number("warmup_steps"), try arguments.number("hold_steps"), try arguments.number("decay_steps"),
    ]
    if arguments.has("phase_ratio") {
      let parts = try arguments.numbers("phase_ratio")
      guard let total = try arguments.optionalNumber("max_update") else {
        throw arguments.error("max_update", "'phase_ratio' needs 'max_update', the length of the whole")
      }
      // fairseq asks for exactly 1 in doubles.
      if parts.count != 3 || parts[0] + parts[1] + parts[2] != 1 {
        throw arguments.error("phase_ratio", "'phase_ratio' has three parts whose sum is exactly 1")
      }
      lengths = parts.map { ($0 * total).rounded(.down) }
    }
    return triStage(
      peak: try arguments.number("lr"), start: try arguments.number("init_lr_scale"),
      end: try arguments.number("final_lr_scale"), lengths)
  }

  /// Both fairseqs have it: a warm-up, a plateau and a decay by a constant factor.
  static func triStage(peak: Double, start: Double, end: Double, _ lengths: [Double]) -> any Schedule {
    let decay: any Schedule =
      peak > 0
      ? Ramp(baseRate: peak, endRate: peak * end, totalSteps: max(1, lengths[2]), shape: Shape(.exponential))
      : Constant(baseRate: 0)
    return Phases.schedule([
      (lengths[0], Linear(baseRate: peak * start, endRate: peak, totalSteps: max(1, lengths[0]))),
      (lengths[0] + lengths[1], Constant(baseRate: peak)),
      (lengths[0] + lengths[1] + lengths[2], decay), (.infinity, Constant(baseRate: peak * end)),
    ])
  }

  static let step = dialect.type(
    "step", "A straight warm-up, then multiplied by lr_decay every period; its option's name is misspelt in fairseq.",
    [
      rate, .number("min_lr", .notNegative, 0, "no drop goes below"), warmupSteps,
      .number("warmup_init_lr", .any, -1, "the rate at the beginning; below 0 stands for min_lr"),
      .integer("lr_deacy_period", .atLeastOne, 25_000, "the steps between two drops"),
      .number("lr_decay", .notNegative, 0.5, "the factor of each drop"),
    ],
    formula: "max(min_lr, lr·lr_decay^⌊(t − W)/lr_deacy_period⌋)",
    example: [("lr", 0.1), ("lr_deacy_period", 10), ("warmup_updates", 5)]
  ) { arguments throws(SpecificationError) in
    let peak = try arguments.number("lr")
    let low = try arguments.number("min_lr")
    if low > peak { throw arguments.error("min_lr", "'min_lr' must be at most 'lr'") }
    let drops = Step(
      baseRate: peak, stepSize: try arguments.number("lr_deacy_period"), gamma: try arguments.number("lr_decay"))
    return try warmedUp(arguments, to: peak, otherwise: low, Clamp(drops, lower: low))
  }

  static let passThrough = dialect.type(
    "pass_through", "Leaves the rate to the optimizer.",
    [.baseRate("base_lr", "the rate that the optimizer was given")], formula: "base_lr", example: [("base_lr", 0.1)]
  ) { arguments throws(SpecificationError) in
    Constant(baseRate: try arguments.number("base_lr"))
  }
}
