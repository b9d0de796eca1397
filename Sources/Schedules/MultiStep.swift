import Foundation
public import JSON

/// The rate is multiplied by `gamma` at each milestone.
///
///     rate(t) = base · gamma^(number of milestones ≤ t)
///
/// Worked example, `base` 1, milestones 1 and 3, `gamma` 0.1: 1, 0.1, 0.1, 0.01, 0.01.
///
/// Source: torch `MultiStepLR`; He et al., "Deep Residual Learning", CVPR 2016, drop at fixed iterations.
public struct MultiStep: Schedule {
  let baseRate: Double
  let milestones: [Double]
  let gamma: Double

  /// - Parameters:
  ///   - baseRate: the rate before the first milestone.
  ///   - milestones: steps, in any order; one that is named twice counts twice.
  ///   - gamma: the factor of each milestone; at least 0.
  public init(baseRate: Double, milestones: [Double], gamma: Double = 0.1) {
    self.baseRate = baseRate
    self.milestones = milestones.sorted()
    self.gamma = gamma
  }

  public func rate(at step: Double) -> Double {
    baseRate * pow(gamma, Double(passed(milestones, at: step)))
  }

  public var form: JSONValue? {
    Self.definition.form([
      ("base_lr", .number(baseRate)), ("milestones", .numbers(milestones)), ("gamma", .number(gamma)),
    ])
  }

  static let definition = Definition(
    type: "multi_step",
    summary: "Multiplied by gamma at each milestone.",
    parameters: [
      .baseRate(), .required("milestones", .numbers(.notNegative), "the steps at which the rate drops"),
      .number("gamma", .notNegative, 0.1, "the factor of each drop"),
    ],
    formula: "base_lr·gamma^#{milestones ≤ t}",
    source: "torch.optim.lr_scheduler.MultiStepLR; He et al., CVPR 2016, arXiv:1512.03385",
    example: ["type": "multi_step", "base_lr": 0.1, "milestones": [1, 3], "gamma": 0.1]
  ) { arguments throws(SpecificationError) in
    MultiStep(
      baseRate: try arguments.number("base_lr"), milestones: try arguments.numbers("milestones"),
      gamma: try arguments.number("gamma"))
  }
}
