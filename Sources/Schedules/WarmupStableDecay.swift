import JSON

/// Warm-up, a plateau, and a decay (the trapezoid, "WSD"); lowers to a sequence of a ramp, a constant and a ramp.
///
/// Worked example, peak 1, warm-up 2, stable 2, decay 4, sqrt: 0, 0.5, 1, 1, 1 (then 0.5, 0.2929, 0.134, 0).
///
/// Source: Hu et al., "MiniCPM", 2024, arXiv:2404.06395; the sqrt cooldown: Hägele et al., 2024, arXiv:2405.18392.
enum WarmupStableDecay {
  static let definition = Definition(
    type: "wsd",
    summary:
      "Warm-up, a plateau, and a decay. Without decay_steps the plateau lasts: attach the decay when you know the end.",
    parameters: [
      .baseRate("base_lr", "the rate of the plateau"), .number("start_lr", .notNegative, 0, "the rate at step 0"),
      .endRate, .number("warmup_steps", .notNegative, 0, "the length of the warm-up in steps"),
      .required("stable_steps", .number(.notNegative), "the length of the plateau in steps"),
      .number("decay_steps", .notNegative, 0, "the length of the decay in steps; 0 for none"),
      .choice("warmup_shape", Shape.Kind.linear, "the form of the warm-up"),
    ] + Shape.parameters("decay_", default: .sqrt),
    formula: "ramp(start_lr → base_lr), base_lr for stable_steps, then base_lr + (end_lr − base_lr)·decay_shape(p)",
    source: "Hu et al., 2024, arXiv:2404.06395; Hägele et al., 2024, arXiv:2405.18392",
    example: ["type": "wsd", "base_lr": 0.1, "warmup_steps": 2, "stable_steps": 2, "decay_steps": 4]
  ) { arguments throws(SpecificationError) in
    let peak = try arguments.number("base_lr")
    let start = try arguments.number("start_lr")
    let end = try arguments.number("end_lr")
    let warmupSteps = try arguments.number("warmup_steps")
    let decaySteps = try arguments.number("decay_steps")
    let decayShape = try Shape(arguments, prefix: "decay_")
    let warmupShape = Shape(try arguments.choice("warmup_shape"))
    if warmupShape.kind == .exponential && warmupSteps > 0 && start == 0 {
      throw arguments.error("start_lr", "an exponential warm-up needs a 'start_lr' greater than 0")
    }
    if decayShape.kind == .exponential && decaySteps > 0 && end == 0 {
      throw arguments.error("end_lr", "an exponential decay needs an 'end_lr' greater than 0")
    }
    var schedules: [any Schedule] = []
    var boundaries: [Double] = []
    if warmupSteps > 0 {
      schedules.append(Ramp(baseRate: start, endRate: peak, totalSteps: warmupSteps, shape: warmupShape))
      boundaries.append(warmupSteps)
    }
    schedules.append(Constant(baseRate: peak))
    if decaySteps > 0 {
      boundaries.append(warmupSteps + (try arguments.number("stable_steps")))
      schedules.append(Ramp(baseRate: peak, endRate: end, totalSteps: decaySteps, shape: decayShape))
    }
    return schedules.count == 1 ? schedules[0] : ScheduleSequence(schedules: schedules, boundaries: boundaries)
  }
}
