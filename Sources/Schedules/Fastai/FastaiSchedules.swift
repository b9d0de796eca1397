import JSON

/// fastai's schedules, lowered to the canonical types. t counts batches; fastai's own clock is the part of the training
/// that is over, t / total_steps.
///
/// Facts: the source of fastai 2.8.12, `fastai/callback/schedule.py`. fastai keeps the boundaries between schedules in 32
/// bits, which makes some of them one step late; here they are exact.
enum FastaiSchedules {
  static let all =
    [
      annealer("SchedLin", "A straight line from start to end.", .linear, "start + (end − start)·p"),
      annealer("SchedCos", "Half a cosine wave from start to end.", .cosine, "start + (end − start)·(1 − cos(π·p))/2"),
      annealer("SchedNo", "The start all the way.", .constant, "start"),
      annealer("SchedExp", "The same factor every step, from start to end.", .exponential, "start·(end/start)^p"),
      annealer("SchedPoly", "A power of the time, from start to end.", .power, "start + (end − start)·p^power"),
      combine, combinedCos, oneCycle, flatCos, warmRestarts, fineTune,
    ]

  private static let dialect = Dialect(name: "fastai", module: "fastai.callback.schedule", library: "fastai 2.8.12")

  private static let total = Parameter.required(
    "total_steps", .number(.positive), "the length of the training in batches: n_epoch times the batches of an epoch")

  private static func annealer(_ name: String, _ summary: String, _ kind: Shape.Kind, _ formula: String) -> Definition {
    var parameters = [
      Parameter.required("start", .number(.notNegative), "the rate at the beginning"),
      .required("end", .number(.notNegative), "the rate at the end"),
      .number("total_steps", .positive, 1, "the length in batches; inside combine_scheds it is left out"),
    ]
    if kind == .power { parameters.append(.required("power", .number(.positive), "1 is a straight line")) }
    return dialect.type(
      name, summary, parameters, formula: "\(formula), p = t/total_steps",
      example: [("start", 0.1), ("end", 0.01), ("total_steps", 20)] + (kind == .power ? [("power", 2)] : [])
    ) { arguments throws(SpecificationError) in
      let start = try arguments.number("start")
      let end = try arguments.number("end")
      if kind == .constant { return Constant(baseRate: start) }
      if kind == .exponential && (start == 0 || end == 0) {
        throw arguments.error(start == 0 ? "start" : "end", "both rates must be greater than 0")
      }
      let shape = kind == .power ? Shape.power(try arguments.number("power")) : Shape(kind)
      return Ramp(baseRate: start, endRate: end, totalSteps: try arguments.number("total_steps"), shape: shape)
    }
  }

  static let combine = dialect.type(
    "combine_scheds", "One schedule after another, each over a part of the training.",
    [
      .required("pcts", .numbers(.fraction), "the parts, 1 in sum"),
      .required("scheds", .schedules, "the schedules over them, such as fastai.SchedCos without total_steps"), total,
    ],
    formula: "scheds[i]((p − start_i)/pcts[i]), p = t/total_steps",
    example: [
      ("pcts", [0.25, 0.75]), ("total_steps", 40),
      (
        "scheds",
        [
          ["type": "fastai.SchedLin", "start": 0.01, "end": 0.1],
          ["type": "fastai.SchedCos", "start": 0.1, "end": 0],
        ]
      ),
    ]
  ) { arguments throws(SpecificationError) in
    let parts = try arguments.numbers("pcts")
    let length = try arguments.number("total_steps")
    // Each runs from 0 to 1 over its part; past the last part it runs on.
    let shortest = parts.filter { $0 > 0 }.min() ?? 1
    let schedules = try arguments.schedules("scheds", horizon: arguments.reader.horizon / (shortest * length))
    if parts.count != schedules.count {
      throw arguments.error("pcts", "\(schedules.count) schedules need as many parts; \(parts.count) were given")
    }
    // fastai asks for exactly 1 in doubles.
    if parts.reduce(0, +) != 1 { throw arguments.error("pcts", "the sum of 'pcts' must be exactly 1") }
    return combined(parts, schedules, length)
  }

  /// Schedules over parts of the training, each on a clock from 0 to 1.
  private static func combined(_ parts: [Double], _ schedules: [any Schedule], _ length: Double) -> any Schedule {
    var phases: [(end: Double, schedule: any Schedule)] = []
    var end = 0.0
    for (index, (part, schedule)) in zip(parts, schedules).enumerated() where part > 0 {
      end += part
      phases.append(
        (index == parts.count - 1 ? .infinity : end * length, Stretch(by: part * length, schedule: schedule)))
    }
    if let last = phases.indices.last { phases[last].end = .infinity }
    return Phases.schedule(phases)
  }

  private static func wave(_ part: Double, _ start: Double, _ middle: Double, _ end: Double, _ length: Double)
    -> any Schedule
  {
    let rise = part * length
    return Phases.schedule([
      (rise, Ramp(baseRate: start, endRate: middle, totalSteps: max(rise, 1e-300), shape: Shape(.cosine))),
      (
        .infinity,
        part == 1
          ? Constant(baseRate: middle) as any Schedule
          : Ramp(baseRate: middle, endRate: end, totalSteps: length - rise, shape: Shape(.cosine))
      ),
    ])
  }

  static let combinedCos = dialect.type(
    "combined_cos", "Half a cosine wave from start to middle, and one on to end.",
    [
      .required("pct", .number(.fraction), "the part of the first"),
      .required("start", .number(.notNegative), "the rate at the beginning"),
      .required("middle", .number(.notNegative), "the rate between them"),
      .required("end", .number(.notNegative), "the rate at the end"), total,
    ],
    formula: "SchedCos(start, middle) for p < pct, then SchedCos(middle, end)",
    example: [("pct", 0.25), ("start", 0.01), ("middle", 0.1), ("end", 0.001), ("total_steps", 40)]
  ) { arguments throws(SpecificationError) in
    wave(
      try arguments.number("pct"), try arguments.number("start"), try arguments.number("middle"),
      try arguments.number("end"), try arguments.number("total_steps"))
  }

  private static let moms = Parameter.optional(
    "moms", .numbers(.fraction), "the momentum at the beginning, at the peak and at the end; 0.95, 0.85, 0.95")
  private static let finalDivisor = Parameter.number(
    "div_final", .positive, 1e5, "the peak divided by the last rate")

  private static func momentum(
    _ arguments: Arguments, _ part: Double, _ length: Double
  ) throws(SpecificationError) -> any Schedule {
    let levels = arguments.has("moms") ? try arguments.numbers("moms") : [0.95, 0.85, 0.95]
    if levels.count != 3 { throw arguments.error("moms", "'moms' has three values") }
    return wave(part, levels[0], levels[1], levels[2], length)
  }

  static let oneCycle = dialect.curves(
    "fit_one_cycle", "Half a cosine wave up and one down to a far smaller rate, the momentum the other way around.",
    [
      .required("lr_max", .number(.notNegative), "the rate at the peak"), total,
      .number("div", .positive, 25, "the peak divided by the first rate"), finalDivisor,
      .number("pct_start", .fraction, 0.25, "the part of the training that rises"), moms,
    ],
    formula: "combined_cos(pct_start, lr_max/div, lr_max, lr_max/div_final)",
    example: [("lr_max", 0.01), ("total_steps", 40)]
  ) { arguments throws(SpecificationError) in
    let peak = try arguments.number("lr_max")
    let part = try arguments.number("pct_start")
    let length = try arguments.number("total_steps")
    let start = peak / (try arguments.number("div"))
    let end = peak / (try arguments.number("div_final"))
    return Curves(rate: wave(part, start, peak, end, length), momentum: try momentum(arguments, part, length))
  }

  static let flatCos = dialect.type(
    "fit_flat_cos", "The rate itself, then half a cosine wave down to a far smaller one.",
    [
      .required("lr", .number(.notNegative), "the rate of the plateau"), total, finalDivisor,
      .number("pct_start", .fraction, 0.75, "the part of the training that is flat"),
    ],
    formula: "lr for p < pct_start, then SchedCos(lr, lr/div_final)", example: [("lr", 0.01), ("total_steps", 40)]
  ) { arguments throws(SpecificationError) in
    let rate = try arguments.number("lr")
    return wave(
      try arguments.number("pct_start"), rate, rate, rate / (try arguments.number("div_final")),
      try arguments.number("total_steps"))
  }

  static let warmRestarts = dialect.type(
    "fit_sgdr", "Half cosine waves down to 0, each cycle_mult times as long as the last.",
    [
      .required("n_cycles", .integer(NumberRange(lower: 1, upper: 64)), "the number of waves"),
      .required("cycle_len", .integer(.atLeastOne), "the length of the first wave in epochs"),
      .required("lr_max", .number(.notNegative), "the rate at the top"),
      .integer(
        "cycle_mult", NumberRange(lower: 2), 2, "how many times as long each wave is; fastai divides by it less 1"),
      .required("steps_per_epoch", .integer(.atLeastOne), "batches in an epoch"),
    ],
    formula: "SchedCos(lr_max, 0) over cycle_len·cycle_mult^i epochs each",
    example: [("n_cycles", 3), ("cycle_len", 1), ("lr_max", 0.1), ("steps_per_epoch", 10)]
  ) { arguments throws(SpecificationError) in
    let peak = try arguments.number("lr_max")
    let length = try arguments.number("cycle_len") * arguments.number("steps_per_epoch")
    return Repeat(
      period: length, multiplier: try arguments.number("cycle_mult"), count: try arguments.number("n_cycles"),
      schedule: Cosine(baseRate: peak, totalSteps: length))
  }

  static let fineTune = dialect.curves(
    "fine_tune",
    "One cycle for the frozen model, one at half the rate for all of it; the head's rate. The first group's is 1/lr_mult of the second cycle's.",
    [
      .required("epochs", .integer(.atLeastOne), "the epochs of the second cycle"),
      .number("base_lr", .notNegative, 0.002, "the peak of the first cycle"),
      .integer("freeze_epochs", .notNegative, 1, "the epochs of the first cycle"),
      .number("pct_start", .fraction, 0.3, "the part of the second cycle that rises; in the first it is 0.99"),
      .number("div", .positive, 5, "in the second cycle the peak divided by the first rate; in the first it is 25"),
      .required("steps_per_epoch", .integer(.atLeastOne), "batches in an epoch"), moms,
    ],
    formula: "fit_one_cycle(freeze_epochs, base_lr, pct_start 0.99), then fit_one_cycle(epochs, base_lr/2)",
    example: [("epochs", 3), ("steps_per_epoch", 10)]
  ) { arguments throws(SpecificationError) in
    let peak = try arguments.number("base_lr")
    let epoch = try arguments.number("steps_per_epoch")
    let frozen = try arguments.number("freeze_epochs") * epoch
    let length = try arguments.number("epochs") * epoch
    let part = try arguments.number("pct_start")
    let start = peak / 2 / (try arguments.number("div"))
    return Curves(
      rate: Phases.schedule([
        (frozen, wave(0.99, peak / 25, peak, peak / 1e5, max(1, frozen))),
        (.infinity, wave(part, start, peak / 2, peak / 2 / 1e5, length)),
      ]),
      momentum: Phases.schedule([
        (frozen, try momentum(arguments, 0.99, max(1, frozen))), (.infinity, try momentum(arguments, part, length)),
      ]))
  }
}
