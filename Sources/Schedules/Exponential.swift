import Foundation
public import JSON

/// Exponential decay, in the three spellings of the field.
///
///     rate(t) = base · gamma^t                            a factor per step
///     rate(t) = base · e^(−k·t)                           a decay constant
///     rate(t) = base · decay_rate^(t / decay_steps)       with staircase ⌊t / decay_steps⌋
///
/// Worked example, `base` 1, `gamma` 0.5: 1, 0.5, 0.25, 0.125, 0.0625; k 0.5: 1, 0.6065, 0.3679, 0.2231, 0.1353.
///
/// Source: torch `ExponentialLR`; the natural form Paddle `NaturalExpDecay`; Keras `ExponentialDecay`.
public struct Exponential: Schedule {
  let baseRate: Double
  let factor: Double
  let period: Double
  let staircase: Bool

  /// - Parameters:
  ///   - baseRate: the rate at step 0.
  ///   - gamma: the factor of each step; at least 0.
  public init(baseRate: Double, gamma: Double) {
    self.init(baseRate: baseRate, decayRate: gamma, decaySteps: 1)
  }

  /// - Parameters:
  ///   - baseRate: the rate at step 0.
  ///   - decayConstant: the k of e^(−k·t), per step.
  public init(baseRate: Double, decayConstant: Double) {
    self.init(baseRate: baseRate, decayRate: exp(-1), decaySteps: 1 / decayConstant)
  }

  /// - Parameters:
  ///   - baseRate: the rate at step 0.
  ///   - decayRate: the factor of `decaySteps` steps; at least 0.
  ///   - decaySteps: a length in steps; greater than 0.
  ///   - staircase: whether the rate stays for `decaySteps` steps and then drops at once.
  public init(baseRate: Double, decayRate: Double, decaySteps: Double, staircase: Bool = false) {
    self.baseRate = baseRate
    factor = decayRate
    period = decaySteps
    self.staircase = staircase
  }

  public func rate(at step: Double) -> Double {
    let exponent = staircase ? wholePeriods(in: step, of: period).count : step / period
    return baseRate * pow(factor, exponent)
  }

  /// The k of e^(−k·t), per step; nil for a staircase and for a factor of 0.
  public var decayConstant: Double? { staircase || factor <= 0 ? nil : -log(factor) / period }

  public var form: JSONValue? {
    Self.definition.form([
      ("base_lr", .number(baseRate)), ("decay_rate", .number(factor)), ("decay_steps", .number(period)),
      ("staircase", .bool(staircase)),
    ])
  }

  static let definition = Definition(
    type: "exponential",
    summary: "The same factor every step. Give one of: gamma; decay_constant; decay_rate with decay_steps.",
    parameters: [
      .baseRate(),
      .optional("gamma", .number(.notNegative), "the factor of each step"),
      .optional("decay_constant", .number(.notNegative), "the k of e^(−k·t), per step"),
      .optional("decay_rate", .number(.notNegative), "the factor of decay_steps steps"),
      .optional("decay_steps", .number(.positive), "the steps in which the rate falls by decay_rate"),
      .flag("staircase", false, "with decay_rate: drop at once every decay_steps steps"),
    ],
    formula:
      "base_lr·gamma^t; base_lr·e^(−decay_constant·t); base_lr·decay_rate^(t/decay_steps), ⌊t/decay_steps⌋ if staircase",
    source: "torch.optim.lr_scheduler.ExponentialLR; keras.optimizers.schedules.ExponentialDecay",
    example: ["type": "exponential", "base_lr": 0.1, "gamma": 0.95]
  ) { arguments throws(SpecificationError) in
    let baseRate = try arguments.number("base_lr")
    let forms = ["gamma", "decay_constant", "decay_rate"].filter(arguments.has)
    if forms.count > 1 { throw arguments.error(forms[1], "give one of 'gamma', 'decay_constant' and 'decay_rate'") }
    if forms != ["decay_rate"] {
      for name in ["decay_steps", "staircase"] where arguments.has(name) {
        throw arguments.error(name, "'\(name)' belongs to 'decay_rate'")
      }
    }
    switch forms.first {
    case "gamma": return Exponential(baseRate: baseRate, gamma: try arguments.number("gamma"))
    case "decay_constant":
      let constant = try arguments.number("decay_constant")
      return constant == 0
        ? Constant(baseRate: baseRate) : Exponential(baseRate: baseRate, decayConstant: constant)
    case "decay_rate":
      return Exponential(
        baseRate: baseRate, decayRate: try arguments.number("decay_rate"),
        decaySteps: try arguments.number("decay_steps"), staircase: try arguments.flag("staircase"))
    default:
      throw arguments.error(
        "gamma", "exponential needs one of 'gamma', 'decay_constant', or 'decay_rate' with 'decay_steps'")
    }
  }
}
