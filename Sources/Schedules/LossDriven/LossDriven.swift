import JSON
import Policies

/// The loss-driven rules of the libraries: each lowers to a reducer of ``Policies`` and is run over reported metrics.
///
/// A rate is that in force at a step, before the step's own metric is reported.
enum LossDriven {
  static let torch = [torchPlateau]
  static let optax = [optaxPlateau]
  static let keras = [kerasPlateau]
  static let huggingFace = [huggingFacePlateau, greedy]
  static let timm = [timmPlateau]
  static let paddle = [paddlePlateau]
  static let mmengine = [mmenginePlateau]

  private static let baseRate = Parameter.baseRate("base_lr", "the rate that the optimizer was given")
  private static let factor = Parameter.number(
    "factor", NumberRange(lower: 0, upper: 1, upperIsOpen: true), 0.1, "what a reduction multiplies the rate with")
  private static func mode(_ value: Improvement.Mode) -> Parameter {
    .choice("mode", value, "whether the metric should fall (min) or rise (max)")
  }
  private static func patience(_ name: String = "patience", _ value: Int = 10) -> Parameter {
    .integer(name, .notNegative, value, "how many reports without an improvement are borne")
  }
  private static let threshold = Parameter.number(
    "threshold", .notNegative, 1e-4, "how much better a metric must be to count")
  private static let thresholdMode = Parameter.choice(
    "threshold_mode", Improvement.ThresholdMode.relative, "a part of the best metric (rel) or a difference (abs)")
  private static func cooldown(_ name: String = "cooldown") -> Parameter {
    .integer(name, .notNegative, 0, "how many reports after a reduction are not counted as bad")
  }
  private static let minRate = Parameter.number("min_lr", .notNegative, 0, "no reduction goes below")
  private static func epsilon(_ name: String) -> Parameter {
    .number(name, .notNegative, 1e-8, "a reduction by no more than this is not made: it swallows those of tiny rates")
  }

  private static func improvement(_ arguments: Arguments) throws(SpecificationError) -> Improvement {
    Improvement(
      mode: try arguments.choice("mode"), threshold: try arguments.number("threshold"),
      thresholdMode: try arguments.choice("threshold_mode"))
  }

  private static func torchMachine(
    _ arguments: Arguments, dialect: Plateau.Dialect, baseRate: String = "base_lr", epsilon: String = "eps"
  ) throws(SpecificationError) -> Plateau {
    Plateau(
      baseRate: try arguments.number(baseRate), improvement: try improvement(arguments),
      factor: try arguments.number("factor"), patience: try arguments.number("patience"),
      cooldown: try arguments.number("cooldown"), minRate: try arguments.number("min_lr"),
      epsilon: try arguments.number(epsilon), dialect: dialect)
  }

  private static let torchParameters = [
    baseRate, mode(.min), factor, patience(), threshold, thresholdMode, cooldown(), minRate, epsilon("eps"),
  ]
  private static let torchFormula = "rate·factor, at least min_lr, after more than patience reports without improvement"

  static let torchPlateau = Definition(
    type: "torch.ReduceLROnPlateau",
    summary: "Reduces the rate when the metric has not improved for more than patience reports.",
    parameters: torchParameters, formula: torchFormula,
    source: "torch.optim.lr_scheduler.ReduceLROnPlateau, torch 2.13",
    example: ["type": "torch.ReduceLROnPlateau", "base_lr": 0.1, "patience": 1, "factor": 0.5],
    policy: { (arguments) throws(SpecificationError) in try torchMachine(arguments, dialect: .torch) })

  static let huggingFacePlateau = Definition(
    type: "hf.reduce_lr_on_plateau",
    summary: "torch's ReduceLROnPlateau; get_scheduler ignores the warm-up and the training steps here.",
    parameters: torchParameters + [
      .integer("num_warmup_steps", .any, 0, "has no effect, as in get_scheduler"),
      .optional("num_training_steps", .integer(.any), "has no effect, as in get_scheduler"),
    ],
    formula: torchFormula, source: "get_reduce_on_plateau_schedule, transformers 5.23",
    example: ["type": "hf.reduce_lr_on_plateau", "base_lr": 5e-5, "patience": 1, "factor": 0.5],
    policy: { (arguments) throws(SpecificationError) in try torchMachine(arguments, dialect: .torch) })

  static let paddlePlateau = Definition(
    type: "paddle.ReduceOnPlateau",
    summary: "Reduces the rate on a plateau; reports during the cooldown are not looked at, not even for the best.",
    parameters: [
      .required("learning_rate", .number(.notNegative), "the rate before the first report"), mode(.min), factor,
      patience(), threshold, thresholdMode, cooldown(), minRate, epsilon("epsilon"),
    ],
    formula: torchFormula, source: "paddle.optimizer.lr.ReduceOnPlateau, PaddlePaddle 3.3",
    example: ["type": "paddle.ReduceOnPlateau", "learning_rate": 0.1, "patience": 1, "factor": 0.5],
    policy: { (arguments) throws(SpecificationError) in
      try torchMachine(arguments, dialect: .paddle, baseRate: "learning_rate", epsilon: "epsilon")
    })

  /// MMEngine's words for the direction.
  private enum Rule: String, CaseIterable {
    case less
    case greater
  }

  static let mmenginePlateau = Definition(
    type: "mmengine.ReduceOnPlateauLR",
    summary: "torch's machine; the first report must improve on 1e9, so a loss above that never counts.",
    parameters: [
      baseRate, .choice("rule", Rule.less, "whether the metric should fall (less) or rise (greater)"), factor,
      patience(), threshold,
      .choice("threshold_rule", Improvement.ThresholdMode.relative, "a part of the best (rel) or a difference (abs)"),
      cooldown(), .number("min_value", .notNegative, 0, "no reduction goes below"), epsilon("eps"),
    ],
    formula: torchFormula, source: "mmengine.optim.ReduceOnPlateauLR, MMEngine 0.10.7",
    example: ["type": "mmengine.ReduceOnPlateauLR", "base_lr": 0.1, "patience": 1, "factor": 0.5],
    policy: { (arguments) throws(SpecificationError) in
      let rule: Rule = try arguments.choice("rule")
      return Plateau(
        baseRate: try arguments.number("base_lr"),
        improvement: Improvement(
          mode: rule == .less ? .min : .max, threshold: try arguments.number("threshold"),
          thresholdMode: try arguments.choice("threshold_rule")),
        factor: try arguments.number("factor"), patience: try arguments.number("patience"),
        cooldown: try arguments.number("cooldown"), minRate: try arguments.number("min_value"),
        epsilon: try arguments.number("eps"), dialect: .mmengine)
    })

  static let timmPlateau = Definition(
    type: "timm.PlateauLRScheduler",
    summary: "A warm-up that does not look at the metrics, then torch's machine; by default the metric should rise.",
    parameters: [
      baseRate,
      .number(
        "decay_rate", NumberRange(lower: 0, upper: 1, upperIsOpen: true), 0.1,
        "what a reduction multiplies the rate with"),
      patience("patience_t"), threshold, cooldown("cooldown_t"),
      .integer("warmup_t", .notNegative, 0, "the length of the warm-up in reports"),
      .number("warmup_lr_init", .notNegative, 0, "the rate at the warm-up's beginning"),
      .number("lr_min", .notNegative, 0, "no reduction goes below"), mode(.max),
    ],
    formula: "a line from warmup_lr_init to base_lr in warmup_t reports, then \(torchFormula)",
    source: "timm.scheduler.PlateauLRScheduler, timm 1.0.31, called as its train.py does",
    example: ["type": "timm.PlateauLRScheduler", "base_lr": 0.1, "mode": "min", "patience_t": 1, "decay_rate": 0.5],
    policy: { (arguments) throws(SpecificationError) in
      let plateau = Plateau(
        baseRate: try arguments.number("base_lr"),
        improvement: Improvement(
          mode: try arguments.choice("mode"), threshold: try arguments.number("threshold"), thresholdMode: .relative),
        factor: try arguments.number("decay_rate"), patience: try arguments.number("patience_t"),
        cooldown: try arguments.number("cooldown_t"), minRate: try arguments.number("lr_min"))
      return WarmupPlateau(
        plateau: plateau, warmupReports: try arguments.number("warmup_t"),
        startRate: try arguments.number("warmup_lr_init"))
    })

  static let kerasPlateau = Definition(
    type: "keras.ReduceLROnPlateau",
    summary: "Reduces the rate at report number patience without an improvement, one earlier than torch.",
    parameters: [
      baseRate, factor, patience(),
      .choice("mode", KerasMode.auto, "whether the metric should fall or rise; auto goes by the name of monitor"),
      .with(
        "monitor", .text(256), "val_loss", "the metric's name: in mode auto one with \"acc\" or \"auc\" should rise"),
      .number("min_delta", .notNegative, 1e-4, "how much better a metric must be to count, as a difference"),
      .integer("cooldown", .notNegative, 0, "a cooldown of n spares n − 1 reports"), minRate,
    ],
    formula: "rate·factor, at least min_lr, after patience reports without improvement",
    source: "keras.callbacks.ReduceLROnPlateau, Keras 3.15",
    example: ["type": "keras.ReduceLROnPlateau", "base_lr": 0.1, "patience": 2, "factor": 0.5],
    policy: { (arguments) throws(SpecificationError) in
      let mode: KerasMode = try arguments.choice("mode")
      let monitor = try arguments.optionalText("monitor") ?? ""
      let rises = mode == .max || mode == .auto && (monitor.contains("acc") || monitor.contains("auc"))
      return KerasPlateau(
        baseRate: try arguments.number("base_lr"), mode: rises ? .max : .min,
        minDelta: try arguments.number("min_delta"), factor: try arguments.number("factor"),
        patience: try arguments.number("patience"), cooldown: try arguments.number("cooldown"),
        minRate: try arguments.number("min_lr"))
    })

  private enum KerasMode: String, CaseIterable {
    case auto
    case min
    case max
  }

  static let optaxPlateau = Definition(
    type: "optax.contrib.reduce_on_plateau",
    summary: "Scales the updates by factor when the average of reports has not improved patience times.",
    parameters: [
      baseRate,
      .number(
        "factor", NumberRange(lower: 0, lowerIsOpen: true, upper: 1, upperIsOpen: true), 0.1,
        "what a reduction multiplies the scale with"), patience(),
      .number("rtol", .fraction, 1e-4, "how much better an average must be, as a part of the best"),
      .number("atol", .notNegative, 0, "how much better besides, as a difference"), cooldown(),
      .integer("accumulation_size", .atLeastOne, 1, "how many reports make an average"),
      .number("min_scale", .notNegative, 0, "no reduction goes below"),
    ],
    formula: "base_lr·scale; scale·factor, at least min_scale, at the bad average number patience",
    source: "optax.contrib.reduce_on_plateau, optax 0.2.8, whose i-th update uses the scale after report i",
    example: ["type": "optax.contrib.reduce_on_plateau", "base_lr": 0.1, "patience": 2, "factor": 0.5],
    policy: { (arguments) throws(SpecificationError) in
      OptaxPlateau(
        baseRate: try arguments.number("base_lr"), factor: try arguments.number("factor"),
        patience: try arguments.number("patience"), relativeTolerance: try arguments.number("rtol"),
        absoluteTolerance: try arguments.number("atol"), cooldown: try arguments.number("cooldown"),
        accumulationSize: try arguments.number("accumulation_size"), minScale: try arguments.number("min_scale"))
    })

  static let greedy = Definition(
    type: "hf.greedy",
    summary: "GreedyLR: raises the rate after a run of improvements, lowers it after a run without one.",
    parameters: [
      baseRate, mode(.min),
      .number(
        "factor", NumberRange(lower: 0, lowerIsOpen: true, upper: 1, upperIsOpen: true), 0.95,
        "what a reduction multiplies and a raise divides the rate with"),
      patience(), .number("threshold", .notNegative, 1e-6, "how much better a metric must be to count"),
      .choice(
        "threshold_mode", Improvement.ThresholdMode.absolute, "a part of the best metric (rel) or a difference (abs)"),
      .integer("cooldown", .notNegative, 0, "how many reports after a reduction are not looked at"),
      .integer("warmup", .notNegative, 0, "how many reports after a raise are not looked at"),
      .number("min_lr", .notNegative, 1e-3, "no reduction goes below; a base_lr below it can only rise"),
      .number("max_lr", .notNegative, 1, "no raise goes above"), epsilon("eps"),
      .flag("smooth", false, "average the last window_size metrics"),
      .integer("window_size", NumberRange(lower: 1, upper: 1000), 50, "how many metrics are averaged"),
      .integer("reset_start", .any, 500, "how many reductions at min_lr make everything begin anew"),
      .integer("num_warmup_steps", .any, 0, "has no effect, as in get_scheduler"),
      .optional("num_training_steps", .integer(.any), "has no effect, as in get_scheduler"),
    ],
    formula:
      "rate/factor, at most max_lr, after more than patience improvements in a row; rate·factor after as many without",
    source: "GreedyLR, arXiv:2512.14527; transformers 5.23",
    example: ["type": "hf.greedy", "base_lr": 0.1, "patience": 1, "factor": 0.5],
    policy: { (arguments) throws(SpecificationError) in
      let isSmooth = try arguments.flag("smooth")
      return Greedy(
        baseRate: try arguments.number("base_lr"), improvement: try improvement(arguments),
        factor: try arguments.number("factor"), patience: try arguments.number("patience"),
        cooldown: try arguments.number("cooldown"), warmup: try arguments.number("warmup"),
        minRate: try arguments.number("min_lr"), maxRate: try arguments.number("max_lr"),
        epsilon: try arguments.number("eps"),
        windowSize: isSmooth ? Int(try arguments.number("window_size")) : nil,
        resetStart: try arguments.number("reset_start"))
    })
}
