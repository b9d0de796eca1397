import JSON
import Policies

/// The policies of sessions that are no library's: their names on the wire, their parameters, what they are made of.
enum SessionRules {
  static let all = [plateau, spike, warmup, cooldown, rangeTest, adagrad, rmsprop, adam]

  private static let factorRange = NumberRange(lower: 0, lowerIsOpen: true, upper: 1, upperIsOpen: true)

  private static func whole(_ arguments: Arguments, _ name: String) throws(SpecificationError) -> Int {
    Int(try arguments.number(name))
  }

  /// Counts that an Int and a session's window can hold.
  private static func count(_ lower: Double, _ upper: Double = 1e9) -> NumberRange {
    NumberRange(lower: lower, upper: upper)
  }

  private static let mode = Parameter.choice(
    "mode", Improvement.Mode.min, "whether the metric should fall (min) or rise (max)")

  static let plateau = Definition(
    type: "plateau",
    summary: "Reduces the rate when the trend of the metric over a window is flat, and is not fooled by noise.",
    parameters: [
      mode,
      .integer("window", count(20, 100_000), 2000, "how many reports the trend is taken over"),
      .integer("blocks", count(4, 100), 20, "how many medians the line goes through"),
      .number("epsilon", .fraction, 0.005, "the improvement over a window that is no plateau, relative to the level"),
      .number("confidence", .notNegative, 1, "how many standard errors of doubt are given to the training"),
      .number("factor", factorRange, 0.5, "what a reduction multiplies the rate with"),
      .number("min_factor", .fraction, 0, "no reduction goes below this part of the schedule's rate"),
    ],
    formula: "d + confidence·se < epsilon·scale and d > −epsilon·scale, d the improvement over the window",
    source: "a test of equivalence on the trend through block medians",
    example: ["type": "plateau", "window": 200, "epsilon": 0.01],
    rule: { (arguments, context) throws(SpecificationError) in
      PlateauTrend(
        metric: context.metric, mode: try arguments.choice("mode"), window: try whole(arguments, "window"),
        blocks: try whole(arguments, "blocks"), epsilon: try arguments.number("epsilon"),
        confidence: try arguments.number("confidence"), factor: try arguments.number("factor"),
        minFactor: try arguments.number("min_factor"))
    })

  static let spike = Definition(
    type: "spike",
    summary: "Watches for spikes of the loss: waits, then lowers the rate and ramps it up again, or rolls back.",
    parameters: [
      .with("norm", .text(64), "grad_norm", "the metric that holds the gradient norm; watched where it is reported"),
      .integer("window", count(16, 10_000), 128, "how many reports the median is taken of"),
      .number("threshold", .positive, 6, "how many robust standard deviations above the median are too many"),
      .integer("needed", count(1, 64), 2, "how many outliers are a spike"),
      .integer("among", count(1, 64), 4, "among how many reports"),
      .integer("wait", count(0), 20, "for how many steps a spike may pass by itself"),
      .choice("action", Spike.Action.backOff, "lower the rate (back_off) or go back to a checkpoint (roll_back)"),
      .number("factor", NumberRange(lower: 0, lowerIsOpen: true, upper: 1), 0.5, "what the rate is lowered by"),
      .integer("hold", count(0), 100, "how many steps the rate stays lowered"),
      .integer("ramp", count(0), 100, "how many steps it takes to come back"),
      .integer("back", count(0), 100, "how many steps before the spike a roll-back goes"),
      .integer("max_actions", count(0), 3, "after so many the rule only watches"),
      .integer("cooldown", count(0), 200, "how many steps after an action nothing is done"),
    ],
    formula: "an outlier: value − median > threshold·1.4826·MAD; a spike: needed of the last among reports",
    source: "PaLM's and OPT's practice; ZClip, arXiv:2504.02507",
    example: ["type": "spike", "action": "roll_back"],
    rule: { (arguments, context) throws(SpecificationError) in
      let needed = try whole(arguments, "needed")
      let among = try whole(arguments, "among")
      if among < needed { throw arguments.error("among", "'among' must be at least 'needed', \(needed)") }
      let norm = try arguments.optionalText("norm") ?? "grad_norm"
      if norm == context.metric { throw arguments.error("norm", "'norm' and 'metric' must be two metrics") }
      return Spike(
        metric: context.metric, norm: norm, window: try whole(arguments, "window"),
        threshold: try arguments.number("threshold"), needed: needed, among: among, wait: try whole(arguments, "wait"),
        action: try arguments.choice("action"), factor: try arguments.number("factor"),
        hold: try whole(arguments, "hold"), ramp: try whole(arguments, "ramp"), back: try whole(arguments, "back"),
        maxActions: try whole(arguments, "max_actions"), cooldown: try whole(arguments, "cooldown"))
    })

  static let warmup = Definition(
    type: "warmup",
    summary: "A ramp up to the schedule's rate; the policies after it see no reports before it ends.",
    parameters: [
      .required("warmup_steps", .integer(count(1)), "the length in steps"),
      .number("start_factor", .fraction, 0, "the factor at step 0"),
      .choice("shape", RampShape.linear, "how the factor rises"),
    ],
    formula: "rate·(start_factor + (1 − start_factor)·t/warmup_steps)",
    source: "Goyal et al., arXiv:1706.02677", example: ["type": "warmup", "warmup_steps": 100],
    rule: { (arguments, _) throws(SpecificationError) in
      WarmupRule(
        steps: try whole(arguments, "warmup_steps"), startFactor: try arguments.number("start_factor"),
        shape: try arguments.choice("shape"))
    })

  static let cooldown = Definition(
    type: "cooldown",
    summary: "Lets the rate fall to a floor from a step on, or from where the metric has stopped improving.",
    parameters: [
      .optional("start_step", .integer(count(0)), "the last step at the full rate; left out: when patience is over"),
      .required("steps", .integer(count(1)), "the length in steps"),
      .choice("shape", Cooldown.Shape.oneMinusSqrt, "the curve"),
      .number("floor", .notNegative, 0, "the rate at the end"),
      .integer("patience", count(0), 1000, "how many reports without an improvement are borne"), mode,
      .number("threshold", .notNegative, 1e-4, "how much better a metric must be to count"),
      .choice(
        "threshold_mode", Improvement.ThresholdMode.relative, "a part of the best metric (rel) or a difference (abs)"),
    ],
    formula: "floor + (rate − floor)·(1 − (t/steps)^p), p = 1 (linear) or ½ (1-sqrt), or half a cosine",
    source: "MiniCPM, arXiv:2404.06395; Hägele et al., arXiv:2405.18392",
    example: ["type": "cooldown", "start_step": 900, "steps": 100],
    rule: { (arguments, context) throws(SpecificationError) in
      CooldownRule(
        metric: context.metric, start: try arguments.optionalNumber("start_step").map { Int($0) },
        cooldown: Cooldown(
          start: 0, steps: try whole(arguments, "steps"), shape: try arguments.choice("shape"),
          floor: try arguments.number("floor")),
        improvement: Improvement(
          mode: try arguments.choice("mode"), threshold: try arguments.number("threshold"),
          thresholdMode: try arguments.choice("threshold_mode")),
        patience: try whole(arguments, "patience"))
    })

  static let rangeTest = Definition(
    type: "range_test",
    summary: "Sweeps the rate over decades while it watches the loss, suggests rates, and goes back.",
    parameters: [
      .number("low", .positive, 1e-7, "the first rate"),
      .number("high", .positive, 10, "the last rate"),
      .integer("steps", count(2, 10_000), 100, "the length of the sweep"),
      .choice("spacing", Sweep.Spacing.exponential, "how the rates are spread"),
      .integer("start_step", count(0), 0, "where it begins"),
      .number("smoothing", NumberRange(lower: 0, upper: 1, upperIsOpen: true), 0.98, "the weight of the past"),
      .number(
        "divergence", NumberRange(lower: 1, lowerIsOpen: true), 4, "stop where the loss is so many times its best"),
    ],
    formula: "low·(high/low)^(t/(steps − 1)), or a line",
    source: "Smith, arXiv:1506.01186; fastai, Lightning, torch-lr-finder",
    example: ["type": "range_test", "low": 1e-6, "high": 1, "steps": 200],
    rule: { (arguments, context) throws(SpecificationError) in
      let (low, high) = (try arguments.number("low"), try arguments.number("high"))
      if high <= low { throw arguments.error("high", "'high' must be greater than 'low'") }
      return RangeTest(
        metric: context.metric,
        sweep: Sweep(
          start: try whole(arguments, "start_step"), steps: try whole(arguments, "steps"), low: low, high: high,
          spacing: try arguments.choice("spacing")),
        smoothing: try arguments.number("smoothing"), divergence: try arguments.number("divergence"))
    })

  private static let decayRange = NumberRange(lower: 0, upper: 1, upperIsOpen: true)

  private static func epsilon(_ value: Double) -> Parameter {
    .number("eps", .positive, value, "added to the root, so that nothing is divided by 0")
  }

  static let adagrad = Definition(
    type: "adagrad", summary: "AdaGrad's effective rates from reported gradients: they only fall.",
    parameters: [epsilon(1e-10), .number("initial_accumulator_value", .notNegative, 0, "what the sums begin with")],
    formula: "rate/(√Σg² + eps)", source: "Duchi et al. 2011; torch.optim.Adagrad", example: ["type": "adagrad"],
    rule: { (arguments, context) throws(SpecificationError) in
      Adaptive(
        .adagrad, groups: context.groups, decay: 0, epsilon: try arguments.number("eps"),
        initialAccumulator: try arguments.number("initial_accumulator_value"))
    })

  static let rmsprop = Definition(
    type: "rmsprop", summary: "RMSprop's effective rates from reported gradients: the past is forgotten.",
    parameters: [.number("alpha", decayRange, 0.99, "the weight of the past"), epsilon(1e-8)],
    formula: "v = alpha·v + (1 − alpha)·g²; rate/(√v + eps)", source: "Hinton, lecture 6e; torch.optim.RMSprop",
    example: ["type": "rmsprop"],
    rule: { (arguments, context) throws(SpecificationError) in
      Adaptive(
        .rmsprop, groups: context.groups, decay: try arguments.number("alpha"), epsilon: try arguments.number("eps"))
    })

  static let adam = Definition(
    type: "adam", summary: "Adam's effective rates from reported gradients, its bias corrected.",
    parameters: [.number("beta2", decayRange, 0.999, "the weight of the past"), epsilon(1e-8)],
    formula: "v = beta2·v + (1 − beta2)·g²; rate/(√(v/(1 − beta2ᵗ)) + eps)",
    source: "Kingma & Ba, arXiv:1412.6980; torch.optim.Adam", example: ["type": "adam"],
    rule: { (arguments, context) throws(SpecificationError) in
      Adaptive(
        .adam, groups: context.groups, decay: try arguments.number("beta2"), epsilon: try arguments.number("eps"))
    })
}
