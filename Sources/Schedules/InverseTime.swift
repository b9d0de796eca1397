public import JSON

/// Inverse-time decay: the rate falls like 1/t.
///
///     rate(t) = base / (1 + decay_rate · t / decay_steps)        with staircase ⌊t / decay_steps⌋
///
/// Worked example, `base` 1, `decay_rate` 1, `decay_steps` 2: 1, 0.6667, 0.5, 0.4, 0.3333.
///
/// Source: Keras `InverseTimeDecay`; the 1/t rates of Robbins and Monro, 1951.
public struct InverseTime: Schedule {
  let baseRate: Double
  let decayRate: Double
  let decaySteps: Double
  let staircase: Bool

  /// - Parameters:
  ///   - baseRate: the rate at step 0.
  ///   - decayRate: how much the divisor grows in `decaySteps` steps; at least 0.
  ///   - decaySteps: a length in steps; greater than 0.
  ///   - staircase: whether the divisor grows only every `decaySteps` steps.
  public init(baseRate: Double, decayRate: Double, decaySteps: Double = 1, staircase: Bool = false) {
    self.baseRate = baseRate
    self.decayRate = decayRate
    self.decaySteps = decaySteps
    self.staircase = staircase
  }

  public func rate(at step: Double) -> Double {
    let periods = staircase ? wholePeriods(in: step, of: decaySteps).count : step / decaySteps
    return baseRate / (1 + decayRate * periods)
  }

  public var form: JSONValue? {
    Self.definition.form([
      ("base_lr", .number(baseRate)), ("decay_rate", .number(decayRate)), ("decay_steps", .number(decaySteps)),
      ("staircase", .bool(staircase)),
    ])
  }

  static let definition = Definition(
    type: "inverse_time",
    summary: "The rate falls like 1/t.",
    parameters: [
      .baseRate(),
      .required("decay_rate", .number(.notNegative), "how much the divisor grows in decay_steps steps"),
      .number("decay_steps", .positive, 1, "a length in steps"),
      .flag("staircase", false, "grow the divisor only every decay_steps steps"),
    ],
    formula: "base_lr/(1 + decay_rate·t/decay_steps), ⌊t/decay_steps⌋ if staircase",
    source: "keras.optimizers.schedules.InverseTimeDecay",
    example: ["type": "inverse_time", "base_lr": 0.1, "decay_rate": 1, "decay_steps": 2]
  ) { arguments throws(SpecificationError) in
    InverseTime(
      baseRate: try arguments.number("base_lr"), decayRate: try arguments.number("decay_rate"),
      decaySteps: try arguments.number("decay_steps"), staircase: try arguments.flag("staircase"))
  }
}
