import Foundation
import JSON

/// NeMo's schedulers, lowered to the canonical types.
///
/// Facts: the source of NeMo 3.0.0, `nemo/core/optim/lr_scheduler.py`. The warm-up is (t + 1)/(W + 1) up to and
/// including step W: it starts above 0 and has its last step at W itself. Strictly after max_steps the rate is min_lr.
enum NeMoSchedules {
  static let all = [
    warmup, warmupHold, warmupAnnealHold, square, squareRoot, cosine, noam, noamHold, warmupAnnealing,
    inverseSquareRoot, t5InverseSquareRoot, polynomial, polynomialHold, holdLinear, holdSquareRoot,
  ]

  private static let dialect = Dialect(name: "nemo", module: "nemo.core.optim.lr_scheduler", library: "NeMo 3.0.0")

  private static let baseRate = Parameter.baseRate("base_lr", "the rate that the optimizer was given")
  private static let maxSteps = Parameter.required("max_steps", .integer(.atLeastOne), "the length of the training")
  private static let optionalMaxSteps = Parameter.optional(
    "max_steps", .integer(.atLeastOne), "the length of the training; without it there is no end")
  private static func minimum(_ value: Double = 0) -> Parameter {
    .number("min_lr", .notNegative, value, "the rate at the end, and after it")
  }
  private static func part(_ name: String, _ words: String) -> [Parameter] {
    [
      .optional("\(name)_steps", .integer(.notNegative), "\(words) in steps"),
      .optional("\(name)_ratio", .number(.fraction), "\(words) as a part of max_steps, cut to whole steps"),
    ]
  }
  private static let warmupPart = part("warmup", "the length of the warm-up")
  private static let holdPart = part("hold", "the length of the plateau after the warm-up")
  private static let constantPart = part("constant", "the length of the end at min_lr")

  /// The length that is given in steps or as a ratio; 0 where neither is.
  private static func length(_ arguments: Arguments, _ name: String) throws(SpecificationError) -> Double {
    let steps = try arguments.optionalNumber("\(name)_steps")
    guard let ratio = try arguments.optionalNumber("\(name)_ratio") else { return steps ?? 0 }
    if steps != nil {
      throw arguments.error("\(name)_ratio", "give either '\(name)_steps' or '\(name)_ratio', not both")
    }
    guard let all = try arguments.optionalNumber("max_steps") else {
      throw arguments.error("max_steps", "'\(name)_ratio' needs 'max_steps'")
    }
    return (ratio * all).rounded(.down)
  }

  /// What is the same in all of them.
  private struct Training {
    let rate: Double
    let minimum: Double
    let warmup: Double
    /// The end of the plateau; 0 where there is none.
    let holdEnd: Double
    /// Infinite where max_steps was left out.
    let end: Double

    init(_ arguments: Arguments, hasHold: Bool = false) throws(SpecificationError) {
      rate = try arguments.number("base_lr")
      minimum = try arguments.number("min_lr")
      warmup = try NeMoSchedules.length(arguments, "warmup")
      let isHeld = hasHold && (arguments.has("hold_steps") || arguments.has("hold_ratio"))
      holdEnd = isHeld ? try NeMoSchedules.length(arguments, "hold") + warmup : 0
      end = try arguments.optionalNumber("max_steps") ?? .infinity
      if end <= max(warmup, holdEnd) {
        throw arguments.error("max_steps", "'max_steps' includes the warm-up and the plateau and must be greater")
      }
    }

    /// Steps up to and including W belong to the warm-up.
    private var warmupEnd: Double { warmup > 0 ? warmup.nextUp : 0 }

    private var ramp: any Schedule {
      Shift(by: 1, schedule: Linear(baseRate: 0, endRate: rate, totalSteps: warmup + 1))
    }

    /// The warm-up, the plateau, then `curve`, and min_lr after the end.
    ///
    /// - Parameter curve: on a clock that starts with it.
    func schedule(_ curve: any Schedule) -> any Schedule {
      Phases.schedule([
        (warmupEnd, ramp), (holdEnd, Constant(baseRate: rate)), (end.nextUp, curve),
        (.infinity, Constant(baseRate: minimum)),
      ])
    }

    /// Where the curve begins: at the end of the plateau, or of the warm-up where there is none.
    var start: Double { holdEnd > 0 ? holdEnd : warmup }

    /// NeMo counts a curve from the end of the plateau, which is 0 where there is none: then it is W steps ahead.
    var lead: Double { start - holdEnd }
  }

  static let warmup = dialect.type(
    "WarmupPolicy", "A warm-up that starts above 0, then the rate holds.",
    [baseRate] + warmupPart + [optionalMaxSteps, minimum()], formula: "base_lr·min((t + 1)/(W + 1), 1)",
    example: [("base_lr", 0.1), ("warmup_steps", 5), ("max_steps", 20)]
  ) { arguments throws(SpecificationError) in
    let training = try Training(arguments)
    return training.schedule(Constant(baseRate: training.rate))
  }

  static let warmupHold = dialect.type(
    "WarmupHoldPolicy", "A warm-up that starts above 0, then the rate holds.",
    [baseRate] + warmupPart + holdPart + [maxSteps, minimum()], formula: "base_lr·min((t + 1)/(W + 1), 1)",
    example: [("base_lr", 0.1), ("warmup_steps", 5), ("hold_steps", 5), ("max_steps", 20)]
  ) { arguments throws(SpecificationError) in
    let training = try Training(arguments, hasHold: true)
    return training.schedule(Constant(baseRate: training.rate))
  }

  static let warmupAnnealHold = dialect.type(
    "WarmupAnnealHoldPolicy", "A warm-up, the rate itself, and min_lr for the last constant_steps.",
    [baseRate] + warmupPart + constantPart + [maxSteps, minimum()],
    formula: "base_lr·min((t + 1)/(W + 1), 1), min_lr after max_steps − constant_steps",
    example: [("base_lr", 0.1), ("warmup_steps", 5), ("constant_steps", 5), ("max_steps", 20), ("min_lr", 0.01)]
  ) { arguments throws(SpecificationError) in
    let training = try Training(arguments)
    let constant = try length(arguments, "constant")
    if constant == 0 { return training.schedule(Constant(baseRate: training.rate)) }
    // Strictly after the decay's end it is min_lr already.
    let decayLength = training.end - constant - training.warmup
    if decayLength < 0 { throw arguments.error("constant_steps", "warm-up and constant end are longer than max_steps") }
    let curve = Phases.schedule([
      (decayLength.nextUp, Constant(baseRate: training.rate)), (.infinity, Constant(baseRate: training.minimum)),
    ])
    return training.schedule(curve)
  }

  static let square = dialect.type(
    "SquareAnnealing", "A warm-up, then the square of the time left, not below min_lr.",
    [baseRate] + warmupPart + [maxSteps, minimum(1e-5)],
    formula: "max(min_lr, base_lr·((M − t)/(M − W))²), M = max_steps",
    example: [("base_lr", 0.1), ("warmup_steps", 5), ("max_steps", 20)]
  ) { arguments throws(SpecificationError) in
    let training = try Training(arguments)
    let curve = Polynomial(baseRate: training.rate, totalSteps: training.end - training.warmup, power: 2)
    return training.schedule(Clamp(curve, lower: training.minimum))
  }

  static let squareRoot = dialect.type(
    "SquareRootAnnealing",
    "A warm-up, then the root of the time left of the whole: the rate jumps down after the warm-up.",
    [baseRate] + warmupPart + [maxSteps, minimum()], formula: "max(min_lr, base_lr·√((M − t)/M)), M = max_steps",
    example: [("base_lr", 0.1), ("warmup_steps", 5), ("max_steps", 20)]
  ) { arguments throws(SpecificationError) in
    let training = try Training(arguments)
    let curve = Polynomial(baseRate: training.rate, totalSteps: training.end, power: 0.5)
    return training.schedule(Shift(by: training.warmup, schedule: Clamp(curve, lower: training.minimum)))
  }

  static let cosine = dialect.type(
    "CosineAnnealing",
    "A warm-up, then half a cosine wave; with constant_steps a warm-up from 0, and min_lr at the end.",
    [baseRate] + warmupPart + constantPart + [maxSteps, minimum()],
    formula: "min_lr + (base_lr − min_lr)·(1 + cos(π·(t − W)/(M − W)))/2, M = max_steps (− constant_steps)",
    example: [("base_lr", 0.1), ("warmup_steps", 5), ("max_steps", 20), ("min_lr", 0.01)]
  ) { arguments throws(SpecificationError) in
    let training = try Training(arguments)
    if training.rate < training.minimum { throw arguments.error("min_lr", "'min_lr' must be at most 'base_lr'") }
    let constant = try length(arguments, "constant")
    let waveLength = training.end - training.warmup - constant
    if waveLength <= 0 { throw arguments.error("constant_steps", "no step is left for the wave") }
    let wave = Cosine(baseRate: training.rate, endRate: training.minimum, totalSteps: waveLength)
    if constant == 0 { return training.schedule(wave) }
    // This is Megatron's form, t/W, which NeMo takes over with the constant end.
    return Phases.schedule([
      (training.warmup, Linear(baseRate: 0, endRate: training.rate, totalSteps: max(1, training.warmup))),
      (.infinity, wave),
    ])
  }

  static let noam = dialect.type(
    "NoamAnnealing", "The schedule of the Transformer from step 1 on; min_lr counts only after the warm-up.",
    [baseRate, .required("d_model", .integer(.atLeastOne), "the width of the model")] + warmupPart
      + [optionalMaxSteps, minimum()],
    formula: "base_lr·d_model^−0.5·min(t^−0.5, t·W^−1.5), t at least 1",
    example: [("base_lr", 1), ("d_model", 64), ("warmup_steps", 5)]
  ) { arguments throws(SpecificationError) in
    let rate = try arguments.number("base_lr")
    let width = try arguments.number("d_model")
    let minimum = try arguments.number("min_lr")
    if rate < minimum { throw arguments.error("min_lr", "'min_lr' must be at most 'base_lr'") }
    let steps = try length(arguments, "warmup")
    if steps == 0 {
      let root = InverseSquareRoot(baseRate: rate / width.squareRoot(), timescale: 1)
      return Hold(from: 1, schedule: Clamp(root, lower: minimum))
    }
    let curve = Noam(baseRate: rate, modelSize: width, warmupSteps: steps)
    if minimum == 0 { return Hold(from: 1, schedule: curve) }
    return Phases.schedule([
      (steps.nextUp, Hold(from: 1, schedule: curve)),
      (.infinity, Shift(by: steps, schedule: Clamp(curve, lower: minimum))),
    ])
  }

  static let noamHold = dialect.type(
    "NoamHoldAnnealing", "A warm-up, a plateau, then a power of the time without the plateau.",
    [baseRate] + warmupPart + holdPart + [
      maxSteps, .number("decay_rate", .positive, 0.5, "the exponent of the decay"), minimum(),
    ],
    formula: "max(min_lr, base_lr·W^r/(t − hold)^r), r = decay_rate",
    example: [("base_lr", 0.1), ("warmup_steps", 5), ("hold_steps", 5), ("max_steps", 40)]
  ) { arguments throws(SpecificationError) in
    let training = try Training(arguments, hasHold: true)
    if training.warmup == 0 { throw arguments.error("warmup_steps", "NoamHoldAnnealing cannot be without a warm-up") }
    let exponent = try arguments.number("decay_rate")
    let peak = training.rate * pow(training.warmup, exponent)
    let law = Power(baseRate: peak, exponent: -exponent, maxRate: peak)
    // The plateau stops the clock: when the decay begins, it stands at W.
    let curve = Shift(by: training.warmup, schedule: Clamp(law, lower: training.minimum))
    return training.schedule(curve)
  }

  static let warmupAnnealing = dialect.type(
    "WarmupAnnealing", "A warm-up, then a straight line to min_lr.", [baseRate] + warmupPart + [maxSteps, minimum()],
    formula: "min_lr + (base_lr − min_lr)·(M − t)/(M − W), M = max_steps",
    example: [("base_lr", 0.1), ("warmup_steps", 5), ("max_steps", 20)]
  ) { arguments throws(SpecificationError) in
    let training = try Training(arguments)
    return training.schedule(
      Linear(baseRate: training.rate, endRate: training.minimum, totalSteps: training.end - training.warmup))
  }

  static let inverseSquareRoot = dialect.type(
    "InverseSquareRootAnnealing", "A warm-up, then 1/√(t + 1).", [baseRate] + warmupPart + [maxSteps, minimum()],
    formula: "base_lr·√((W + 1)/(t + 1))", example: [("base_lr", 0.1), ("warmup_steps", 5), ("max_steps", 40)]
  ) { arguments throws(SpecificationError) in
    let training = try Training(arguments)
    let timescale = training.warmup + 1
    return training.schedule(InverseSquareRoot(baseRate: training.rate, timescale: timescale, shift: timescale))
  }

  static let t5InverseSquareRoot = dialect.type(
    "T5InverseSquareRootAnnealing", "1/√constant_steps, then 1/√t: it ignores the optimizer's rate.",
    [
      .required("constant_steps", .integer(.atLeastOne), "the length of the constant beginning"), maxSteps, minimum(),
    ],
    formula: "1/√max(t, constant_steps)", example: [("constant_steps", 10), ("max_steps", 40)]
  ) { arguments throws(SpecificationError) in
    let steps = try arguments.number("constant_steps")
    let end = try arguments.number("max_steps")
    let root = InverseSquareRoot(baseRate: 1, timescale: 1)
    return Phases.schedule([
      (steps.nextUp, Constant(baseRate: 1 / steps.squareRoot())), (end.nextUp, Shift(by: steps, schedule: root)),
      (.infinity, Constant(baseRate: try arguments.number("min_lr"))),
    ])
  }

  private static let polynomialParameters = [
    Parameter.number("power", .positive, 1, "1 is a straight line"),
    Parameter.flag("cycle", false, "rise again after each multiple of the decay's length"),
  ]

  static let polynomial = dialect.type(
    "PolynomialDecayAnnealing", "A warm-up, then a power of the time left.",
    [baseRate] + warmupPart + [maxSteps, minimum()] + polynomialParameters,
    formula: "min_lr + (base_lr − min_lr)·((M − t)/(M − W))^power, M = max_steps",
    example: [("base_lr", 0.1), ("warmup_steps", 5), ("max_steps", 20), ("power", 2)]
  ) { arguments throws(SpecificationError) in
    let training = try Training(arguments)
    return training.schedule(try polynomial(arguments, training, training.end - training.warmup))
  }

  private static func polynomial(
    _ arguments: Arguments, _ training: Training, _ length: Double
  ) throws(SpecificationError) -> Polynomial {
    Polynomial(
      baseRate: training.rate, endRate: training.minimum, totalSteps: length, power: try arguments.number("power"),
      cycle: try arguments.flag("cycle"))
  }

  static let polynomialHold = dialect.type(
    "PolynomialHoldDecayAnnealing", "A warm-up, a plateau, then a power of the time left.",
    [baseRate] + warmupPart + holdPart + [maxSteps, minimum()] + polynomialParameters,
    formula: "min_lr + (base_lr − min_lr)·((M − t)/(M − H))^power, H = W + hold",
    example: [("base_lr", 0.1), ("warmup_steps", 5), ("hold_steps", 5), ("max_steps", 20), ("power", 2)]
  ) { arguments throws(SpecificationError) in
    let training = try Training(arguments, hasHold: true)
    let curve = try polynomial(arguments, training, training.end - training.start)
    return training.schedule(Shift(by: training.lead, schedule: curve))
  }

  static let holdLinear = dialect.type(
    "WarmupHoldAnnealLinear", "A warm-up, a plateau, then a straight line to min_lr.",
    [baseRate] + warmupPart + holdPart + [maxSteps, minimum()],
    formula: "base_lr − (base_lr − min_lr)·(t − H)/(M − H), H = W + hold",
    example: [("base_lr", 0.1), ("warmup_steps", 5), ("hold_steps", 5), ("max_steps", 20)]
  ) { arguments throws(SpecificationError) in
    let training = try Training(arguments, hasHold: true)
    let line = Linear(
      baseRate: training.rate, endRate: training.minimum, totalSteps: training.end - training.holdEnd)
    return training.schedule(Shift(by: training.lead, schedule: line))
  }

  static let holdSquareRoot = dialect.type(
    "WarmupHoldAnnealOneMinusSquareRoot", "A warm-up, a plateau, then a fall like 1 − √p, not below min_lr.",
    [baseRate] + warmupPart + holdPart + [maxSteps, minimum()],
    formula: "max(min_lr, base_lr·(1 − √((t − H)/(M − H)))), H = W + hold",
    example: [("base_lr", 0.1), ("warmup_steps", 5), ("hold_steps", 5), ("max_steps", 20)]
  ) { arguments throws(SpecificationError) in
    let training = try Training(arguments, hasHold: true)
    let fall = Ramp(baseRate: training.rate, totalSteps: training.end - training.holdEnd, shape: Shape(.sqrt))
    return training.schedule(Shift(by: training.lead, schedule: Clamp(fall, lower: training.minimum)))
  }
}
