import Foundation
import JSON

/// PaddlePaddle's schedulers, lowered to the canonical types. The rate is in the arguments, as in Paddle.
///
/// Facts: the source of PaddlePaddle 3.3.1, `paddle/optimizer/lr.py`. t is `last_epoch`: the calls of `step()`.
enum PaddleSchedules {
  static let all = [
    noam, piecewise, naturalExponential, inverseTime, polynomial, linearWarmup, exponential, multiStep, step, cosine,
    warmRestarts, oneCycle, cyclic, linear, lambda,
  ]

  private static let dialect = Dialect(
    name: "paddle", module: "paddle.optimizer.lr", library: "PaddlePaddle 3.3.1")

  private static let rate = Parameter.required("learning_rate", .number(.notNegative), "the rate at step 0")
  private static let open = NumberRange(lower: 0, lowerIsOpen: true, upper: 1, upperIsOpen: true)
  private static let belowOne = NumberRange(lower: 0, upper: 1, upperIsOpen: true)

  static let noam = dialect.type(
    "NoamDecay", "The schedule of the Transformer; the rate is 0 at step 0.",
    [
      .required("d_model", .integer(.atLeastOne), "the width of the model"),
      .required("warmup_steps", .integer(.atLeastOne), "the step of the peak"),
      .number("learning_rate", .notNegative, 1, "multiplies the whole"),
    ],
    formula: "learning_rate·d_model^−0.5·min(t^−0.5, t·warmup_steps^−1.5)",
    example: [("d_model", 64), ("warmup_steps", 5)]
  ) { arguments throws(SpecificationError) in
    Noam(
      baseRate: try arguments.number("learning_rate"), modelSize: try arguments.number("d_model"),
      warmupSteps: try arguments.number("warmup_steps"))
  }

  static let piecewise = dialect.type(
    "PiecewiseDecay", "One value for each stretch; a boundary step has the new one.",
    [
      .required("boundaries", .numbers(.notNegative), "the first steps of all stretches but the first, ascending"),
      .required("values", .numbers(.notNegative), "the rates, one more than boundaries"),
    ],
    formula: "values[#{boundaries ≤ t}]", example: [("boundaries", [5, 10]), ("values", [0.1, 0.05, 0.01])]
  ) { arguments throws(SpecificationError) in
    let boundaries = try arguments.numbers("boundaries")
    let values = try arguments.numbers("values")
    if boundaries.isEmpty { throw arguments.error("boundaries", "'boundaries' must hold at least one step") }
    if zip(boundaries, boundaries.dropFirst()).contains(where: { $0 >= $1 }) {
      throw arguments.error("boundaries", "'boundaries' must ascend")
    }
    // Paddle takes more values than it needs; the last of them counts.
    guard values.count > boundaries.count, let last = values.last else {
      throw arguments.error("values", "\(boundaries.count) boundaries need \(boundaries.count + 1) values")
    }
    return PiecewiseConstant(boundaries: boundaries, values: values.prefix(boundaries.count) + [last])
  }

  static let naturalExponential = dialect.type(
    "NaturalExpDecay", "The rate times e^(−gamma) every step.",
    [rate, .required("gamma", .number(.positive), "the decay constant")], formula: "learning_rate·e^(−gamma·t)",
    example: [("learning_rate", 0.1), ("gamma", 0.1)]
  ) { arguments throws(SpecificationError) in
    Exponential(
      baseRate: try arguments.number("learning_rate"), decayConstant: try arguments.number("gamma"))
  }

  static let inverseTime = dialect.type(
    "InverseTimeDecay", "The rate falls like 1/t.",
    [rate, .required("gamma", .number(.notNegative), "how much the divisor grows every step")],
    formula: "learning_rate/(1 + gamma·t)", example: [("learning_rate", 0.1), ("gamma", 0.1)]
  ) { arguments throws(SpecificationError) in
    InverseTime(baseRate: try arguments.number("learning_rate"), decayRate: try arguments.number("gamma"))
  }

  static let polynomial = dialect.type(
    "PolynomialDecay", "A power of the time left.",
    [
      rate, .required("decay_steps", .integer(.atLeastOne), "the length of the decay"),
      .number("end_lr", .notNegative, 0.0001, "the rate at the end"),
      .number("power", .positive, 1, "1 is a straight line"),
      .flag("cycle", false, "rise again after each multiple of decay_steps"),
    ],
    formula: "end_lr + (learning_rate − end_lr)·(1 − min(t/T, 1))^power; T its next multiple at or above t if cycle",
    example: [("learning_rate", 0.1), ("decay_steps", 20)]
  ) { arguments throws(SpecificationError) in
    Polynomial(
      baseRate: try arguments.number("learning_rate"), endRate: try arguments.number("end_lr"),
      totalSteps: try arguments.number("decay_steps"), power: try arguments.number("power"),
      cycle: try arguments.flag("cycle"))
  }

  static let linearWarmup = dialect.type(
    "LinearWarmup", "A straight line from start_lr to end_lr, then a rate or a scheduler on its own clock.",
    [
      .required("learning_rate", .numberOrSchedule(.notNegative), "what follows; it need not begin at end_lr"),
      .required("warmup_steps", .integer(.atLeastOne), "the length of the warm-up"),
      .required("start_lr", .number(.notNegative), "the rate at step 0"),
      .required("end_lr", .number(.notNegative), "what the line goes to; greater than start_lr"),
    ],
    formula: "start_lr + (end_lr − start_lr)·t/warmup_steps, then learning_rate(t − warmup_steps)",
    example: [
      ("learning_rate", ["type": "paddle.ExponentialDecay", "learning_rate": 0.1, "gamma": 0.9]), ("warmup_steps", 5),
      ("start_lr", 0), ("end_lr", 0.1),
    ]
  ) { arguments throws(SpecificationError) in
    let start = try arguments.number("start_lr")
    let end = try arguments.number("end_lr")
    if end <= start { throw arguments.error("end_lr", "'end_lr' must be greater than 'start_lr'") }
    let steps = try arguments.number("warmup_steps")
    return ScheduleSequence(
      schedules: [
        Linear(baseRate: start, endRate: end, totalSteps: steps), try arguments.numberOrSchedule("learning_rate"),
      ], boundaries: [steps])
  }

  static let exponential = dialect.type(
    "ExponentialDecay", "The rate times gamma every step.",
    [rate, .required("gamma", .number(open), "the factor of each step")], formula: "learning_rate·gamma^t",
    example: [("learning_rate", 0.1), ("gamma", 0.9)]
  ) { arguments throws(SpecificationError) in
    Exponential(baseRate: try arguments.number("learning_rate"), gamma: try arguments.number("gamma"))
  }

  static let multiStep = dialect.type(
    "MultiStepDecay", "The rate times gamma at each milestone.",
    [
      rate, .required("milestones", .numbers(.notNegative), "the steps at which the rate drops, ascending"),
      .number("gamma", belowOne, 0.1, "the factor of each drop"),
    ],
    formula: "learning_rate·gamma^#{milestones ≤ t}", example: [("learning_rate", 0.1), ("milestones", [10, 20])]
  ) { arguments throws(SpecificationError) in
    let milestones = try arguments.numbers("milestones")
    if zip(milestones, milestones.dropFirst()).contains(where: { $0 >= $1 }) {
      throw arguments.error("milestones", "'milestones' must ascend")
    }
    return MultiStep(
      baseRate: try arguments.number("learning_rate"), milestones: milestones, gamma: try arguments.number("gamma"))
  }

  static let step = dialect.type(
    "StepDecay", "The rate times gamma every step_size steps.",
    [
      rate, .required("step_size", .integer(.atLeastOne), "the steps between two drops"),
      .number("gamma", belowOne, 0.1, "the factor of each drop"),
    ],
    formula: "learning_rate·gamma^⌊t/step_size⌋", example: [("learning_rate", 0.1), ("step_size", 10)]
  ) { arguments throws(SpecificationError) in
    Step(
      baseRate: try arguments.number("learning_rate"), stepSize: try arguments.number("step_size"),
      gamma: try arguments.number("gamma"))
  }

  static let cosine = dialect.type(
    "CosineAnnealingDecay", "Half a cosine wave down to eta_min, and up again after T_max, as in torch.",
    [
      rate, .required("T_max", .integer(.atLeastOne), "the length of the half wave"),
      .number("eta_min", .notNegative, 0, "the rate at T_max"),
    ],
    formula: "eta_min + (learning_rate − eta_min)·(1 + cos(π·t/T_max))/2",
    example: [("learning_rate", 0.1), ("T_max", 20)]
  ) { arguments throws(SpecificationError) in
    Cosine(
      baseRate: try arguments.number("learning_rate"), endRate: try arguments.number("eta_min"),
      totalSteps: try arguments.number("T_max"), after: .mirror)
  }

  static let warmRestarts = dialect.type(
    "CosineAnnealingWarmRestarts", "Half cosine waves that start again at the top, each T_mult times as long.",
    [
      rate, .required("T_0", .integer(.atLeastOne), "the length of the first wave"),
      .integer("T_mult", .atLeastOne, 1, "how many times as long each wave is as the one before"),
      .number("eta_min", .notNegative, 0, "what each wave falls towards"),
    ],
    formula: "eta_min + (learning_rate − eta_min)·(1 + cos(π·T_cur/T_i))/2",
    example: [("learning_rate", 0.1), ("T_0", 10), ("T_mult", 2)]
  ) { arguments throws(SpecificationError) in
    CosineRestarts(
      baseRate: try arguments.number("learning_rate"), endRate: try arguments.number("eta_min"),
      firstCycleSteps: try arguments.number("T_0"), cycleMultiplier: try arguments.number("T_mult"))
  }

  private enum Anneal: String, CaseIterable {
    case cos
    case linear
  }

  static let oneCycle = dialect.type(
    "OneCycleLR",
    "torch's one cycle without its momentum; the final rate is absolute. Step total_steps is still allowed.",
    [
      .required("max_learning_rate", .number(.notNegative), "the rate at the peak"),
      .required("total_steps", .integer(.atLeastOne), "the length of the whole cycle"),
      .number("divide_factor", .positive, 25, "the peak divided by the initial rate"),
      .number("end_learning_rate", .notNegative, 0.0001, "the final rate"),
      .number("phase_pct", .fraction, 0.3, "the part of the cycle that rises; below 0.5 in three phases"),
      .choice("anneal_strategy", Anneal.cos, "the form of the ramps"),
      .flag("three_phase", false, "fall to the initial rate first, then on to the final one"),
    ],
    formula: "max/divide_factor → max at phase_pct·total_steps − 1 → end at total_steps − 1",
    example: [("max_learning_rate", 0.1), ("total_steps", 20)]
  ) { arguments throws(SpecificationError) in
    let isThreePhase = try arguments.flag("three_phase")
    let part = try arguments.number("phase_pct")
    if isThreePhase && part >= 0.5 {
      throw arguments.error("phase_pct", "'phase_pct' must be below 0.5 in three phases")
    }
    let peak = try arguments.number("max_learning_rate")
    let anneal: Anneal = try arguments.choice("anneal_strategy")
    return OneCycle(
      low: peak / (try arguments.number("divide_factor")), peak: peak,
      final: try arguments.number("end_learning_rate"), totalSteps: try arguments.number("total_steps"),
      pctStart: part, anneal: anneal == .cos ? .cosine : .linear, threePhase: isThreePhase, convention: .torch)
  }

  static let cyclic = dialect.type(
    "CyclicLR", "A triangle between two rates, with a peak that may shrink.",
    [
      .required("base_learning_rate", .number(.notNegative), "the rate at step 0 and at each cycle's end"),
      .required("max_learning_rate", .number(.notNegative), "the rate at the first peak"),
      .required("step_size_up", .integer(.atLeastOne), "the steps from base to peak"),
      .optional("step_size_down", .integer(.atLeastOne), "the steps back; as many as up where left out"),
      .choice("mode", Cyclic.Mode.triangular, "how the peaks change"),
      .number("exp_gamma", .notNegative, 1, "the factor of each step in mode exp_range"),
    ],
    formula: "base + (max − base)·height(t)·scale(t); scale 1, 0.5^cycle or exp_gamma^t",
    example: [("base_learning_rate", 0.001), ("max_learning_rate", 0.1), ("step_size_up", 10)]
  ) { arguments throws(SpecificationError) in
    Cyclic(
      baseRate: try arguments.number("base_learning_rate"), maxRate: try arguments.number("max_learning_rate"),
      stepSizeUp: try arguments.number("step_size_up"), stepSizeDown: try arguments.optionalNumber("step_size_down"),
      mode: try arguments.choice("mode"), gamma: try arguments.number("exp_gamma"))
  }

  private static let startRange = NumberRange(lower: 0, lowerIsOpen: true, upper: 1)

  static let linear = dialect.type(
    "LinearLR", "A straight line from start_factor to end_factor times the rate.",
    [
      rate, .required("total_steps", .integer(.atLeastOne), "the length of the line"),
      .number("start_factor", startRange, 1 / 3.0, "the factor at step 0"),
      .number("end_factor", .fraction, 1, "the factor from total_steps on"),
    ],
    formula: "learning_rate·(start_factor + (end_factor − start_factor)·min(t/total_steps, 1))",
    example: [("learning_rate", 0.1), ("total_steps", 10)]
  ) { arguments throws(SpecificationError) in
    let rate = try arguments.number("learning_rate")
    return Linear(
      baseRate: rate * (try arguments.number("start_factor")), endRate: rate * (try arguments.number("end_factor")),
      totalSteps: try arguments.number("total_steps"))
  }

  static let lambda = dialect.type(
    "LambdaDecay", "The rate times a formula of the step: the body of the lambda, or the lambda itself.",
    [rate, .required("lr_lambda", .text(4 * Expression.largestLength), "such as lambda x: 0.95 ** x")],
    formula: "learning_rate·lr_lambda(t)", example: [("learning_rate", 0.1), ("lr_lambda", "lambda x: 0.95 ** x")]
  ) { arguments throws(SpecificationError) in
    let text = try arguments.optionalText("lr_lambda") ?? ""
    let rate = try arguments.number("learning_rate")
    do throws(ExpressionError) {
      return Scale(by: rate, schedule: try ExpressionSchedule(text))
    } catch {
      throw arguments.error("lr_lambda", error.description, suggestion: error.suggestion)
    }
  }
}
