import Foundation
public import JSON

/// Step decay: the rate is multiplied by `gamma` every `stepSize` steps.
///
///     rate(t) = base · gamma^⌊t / step_size⌋
///
/// Worked example, `base` 1, `step_size` 2, `gamma` 0.5: 1, 1, 0.5, 0.5, 0.25.
///
/// Source: torch `StepLR`; Krizhevsky, Sutskever and Hinton, NeurIPS 2012, divided by 10 by hand.
public struct Step: Schedule {
  let baseRate: Double
  let stepSize: Double
  let gamma: Double

  /// - Parameters:
  ///   - baseRate: the rate at step 0.
  ///   - stepSize: the steps between two drops; greater than 0.
  ///   - gamma: the factor of each drop; at least 0.
  public init(baseRate: Double, stepSize: Double, gamma: Double = 0.1) {
    self.baseRate = baseRate
    self.stepSize = stepSize
    self.gamma = gamma
  }

  public func rate(at step: Double) -> Double {
    baseRate * pow(gamma, wholePeriods(in: step, of: stepSize).count)
  }

  public var form: JSONValue? {
    Self.definition.form([("base_lr", .number(baseRate)), ("step_size", .number(stepSize)), ("gamma", .number(gamma))])
  }

  static let definition = Definition(
    type: "step",
    summary: "Multiplied by gamma every step_size steps.",
    parameters: [
      .baseRate(), .required("step_size", .number(.positive), "the steps between two drops"),
      .number("gamma", .notNegative, 0.1, "the factor of each drop"),
    ],
    formula: "base_lr·gamma^⌊t/step_size⌋",
    source: "torch.optim.lr_scheduler.StepLR",
    example: ["type": "step", "base_lr": 0.1, "step_size": 2, "gamma": 0.5]
  ) { arguments throws(SpecificationError) in
    Step(
      baseRate: try arguments.number("base_lr"), stepSize: try arguments.number("step_size"),
      gamma: try arguments.number("gamma"))
  }
}
