import JSON

/// Megatron-LM's one scheduler, of the rate and of the weight decay, lowered to the canonical types.
///
/// Facts: the source of Megatron Core 0.16.1, `megatron/core/optimizer_param_scheduler.py`. It counts samples: Megatron
/// multiplies every length by the global batch size, and each optimizer step counts as so many. With `increment` 1 the
/// lengths are in steps.
enum MegatronSchedules {
  static let all = [scheduler]

  private enum DecayStyle: String, CaseIterable {
    case constant
    case linear
    case cosine
    case inverseSquareRoot = "inverse-square-root"
    case warmupStableDecay = "WSD"
  }

  private enum CooldownStyle: String, CaseIterable {
    case linear
    case cosine
    case exponential
    case minusSqrt = "minus_sqrt"
  }

  private enum IncreaseStyle: String, CaseIterable {
    case constant
    case linear
    case cosine
  }

  private static let dialect = Dialect(
    name: "megatron", module: "megatron.core", library: "Megatron Core 0.16.1")

  static let scheduler = dialect.curves(
    "OptimizerParamScheduler",
    "Warm-up and one of five decays, min_lr strictly after lr_decay_steps (constant: never); the weight decay beside it.",
    [
      .baseRate("max_lr", "the rate at the end of the warm-up"),
      .number("init_lr", .notNegative, 0, "the rate at the beginning of the warm-up"),
      .number("min_lr", .notNegative, 0, "the rate at the end"),
      .integer("lr_warmup_steps", .notNegative, 0, "the length of the warm-up"),
      .required("lr_decay_steps", .integer(.atLeastOne), "the end of the decay, the warm-up included"),
      .choice("lr_decay_style", DecayStyle.linear, "the form of the decay"),
      .optional("wsd_decay_steps", .integer(.atLeastOne), "with WSD: the length of the decay at the end"),
      .choice("lr_wsd_decay_style", CooldownStyle.exponential, "with WSD: the form of the decay"),
      .optional(
        "start_wd", .number(.notNegative), "the weight decay at the beginning; without it there is no such curve"),
      .optional("end_wd", .number(.notNegative), "the weight decay at the end; start_wd where left out"),
      .integer("wd_incr_steps", .notNegative, 0, "the length of the weight decay's increase"),
      .choice("wd_incr_style", IncreaseStyle.constant, "the form of the increase"),
      .number(
        "increment", .positive, 1, "what one optimizer step counts: the global batch size where lengths are samples"),
    ],
    formula:
      "init + (max − init)·n/W for n ≤ W; min + (max − min)·decay((n − W)/(D − W)) for n ≤ D; min; n = increment·t",
    example: [
      ("max_lr", 0.001), ("min_lr", 0.0001), ("lr_warmup_steps", 10), ("lr_decay_steps", 100),
      ("lr_decay_style", "cosine"), ("start_wd", 0.01), ("end_wd", 0.1), ("wd_incr_steps", 100),
      ("wd_incr_style", "linear"),
    ]
  ) { arguments throws(SpecificationError) in
    let increment = try arguments.number("increment")
    func perStep(_ schedule: any Schedule) -> any Schedule {
      increment == 1 ? schedule : Stretch(speed: increment, schedule: schedule)
    }
    var curves = Curves(rate: perStep(try rate(arguments)))
    if let weightDecay = try weightDecay(arguments) {
      curves.companions.append(Curves.Companion(name: "weight_decay", schedule: perStep(weightDecay)))
    }
    return curves
  }

  private static func rate(_ arguments: Arguments) throws(SpecificationError) -> any Schedule {
    let peak = try arguments.number("max_lr")
    let initial = try arguments.number("init_lr")
    let minimum = try arguments.number("min_lr")
    if initial > peak { throw arguments.error("init_lr", "'init_lr' must be at most 'max_lr'") }
    if minimum > peak { throw arguments.error("min_lr", "'min_lr' must be at most 'max_lr'") }
    let warmupSteps = try arguments.number("lr_warmup_steps")
    let decayEnd = try arguments.number("lr_decay_steps")
    if warmupSteps >= decayEnd {
      throw arguments.error("lr_decay_steps", "'lr_decay_steps' includes the warm-up and must be greater than it")
    }
    let decaySteps = decayEnd - warmupSteps
    let warmup = Linear(baseRate: initial, endRate: peak, totalSteps: max(1, warmupSteps))
    let style: DecayStyle = try arguments.choice("lr_decay_style")
    if style != .warmupStableDecay && arguments.has("wsd_decay_steps") {
      throw arguments.error("wsd_decay_steps", "'wsd_decay_steps' belongs to the style WSD")
    }
    switch style {
    case .constant: return Phases.schedule([(warmupSteps, warmup), (.infinity, Constant(baseRate: peak))])
    case .linear:
      let decay = Linear(baseRate: peak, endRate: minimum, totalSteps: decaySteps)
      return Phases.schedule([(warmupSteps, warmup), (.infinity, decay)])
    case .cosine:
      let decay = Cosine(baseRate: peak, endRate: minimum, totalSteps: decaySteps)
      return Phases.schedule([(warmupSteps, warmup), (.infinity, decay)])
    case .inverseSquareRoot:
      // On the whole clock, from step 1 on, and down to min_lr at once strictly after the end.
      let root = InverseSquareRoot(baseRate: peak, timescale: max(1, warmupSteps))
      let decay = Shift(by: warmupSteps, schedule: Hold(from: 1, schedule: Clamp(root, lower: minimum)))
      return Phases.schedule([
        (warmupSteps, warmup), (decayEnd.nextUp, decay), (.infinity, Constant(baseRate: minimum)),
      ])
    case .warmupStableDecay:
      guard let length = try arguments.optionalNumber("wsd_decay_steps"), length <= decayEnd else {
        throw arguments.error("wsd_decay_steps", "the style WSD needs 'wsd_decay_steps', at most 'lr_decay_steps'")
      }
      let start = decayEnd - length
      let decay = Ramp(
        baseRate: peak, endRate: minimum, totalSteps: length, shape: try cooldown(arguments))
      // Step W itself is still the warm-up's, which matters where the decay has begun by then.
      return Phases.schedule([
        (warmupSteps > 0 ? warmupSteps.nextUp : 0, warmup), (start, Constant(baseRate: peak)),
        (.infinity, Shift(by: max(0, warmupSteps - start), schedule: decay)),
      ])
    }
  }

  private static func cooldown(_ arguments: Arguments) throws(SpecificationError) -> Shape {
    let style: CooldownStyle = try arguments.choice("lr_wsd_decay_style")
    switch style {
    case .linear: return Shape(.linear)
    case .cosine: return Shape(.cosine)
    // 2·0.5^p − 1.
    case .exponential: return .normalizedExponential(0.5)
    case .minusSqrt: return Shape(.sqrt)
    }
  }

  private static func weightDecay(_ arguments: Arguments) throws(SpecificationError) -> (any Schedule)? {
    guard let start = try arguments.optionalNumber("start_wd") else { return nil }
    let end = try arguments.optionalNumber("end_wd") ?? start
    if end < start { throw arguments.error("end_wd", "'end_wd' must be at least 'start_wd'") }
    let steps = try arguments.number("wd_incr_steps")
    let style: IncreaseStyle = try arguments.choice("wd_incr_style")
    switch style {
    case .constant:
      if start != end {
        throw arguments.error("wd_incr_style", "with the style constant both weight decays must be equal")
      }
      return Constant(baseRate: end)
    case .linear, .cosine:
      if steps == 0 { return Constant(baseRate: end) }
      return Ramp(
        baseRate: start, endRate: end, totalSteps: steps, shape: Shape(style == .linear ? .linear : .cosine))
    }
  }
}
