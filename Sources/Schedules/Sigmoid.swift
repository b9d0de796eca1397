import Foundation
public import JSON

/// A logistic fall around a center.
///
///     rate(t) = base / (1 + e^(gamma · (t − center)))
///
/// Worked example, `base` 1, gamma 1, center 2: 0.8808, 0.7311, 0.5, 0.2689, 0.1192.
///
/// Source: the "sigmoid" policy of Caffe, whose gamma has the other sign.
public struct Sigmoid: Schedule {
  let baseRate: Double
  let gamma: Double
  let center: Double

  /// - Parameters:
  ///   - baseRate: the rate far before the center.
  ///   - gamma: how steep it falls, per step; at least 0.
  ///   - center: the step at which half of the rate is left; at least 0.
  public init(baseRate: Double, gamma: Double, center: Double) {
    self.baseRate = baseRate
    self.gamma = gamma
    self.center = center
  }

  public func rate(at step: Double) -> Double { baseRate / (1 + exp(gamma * (step - center))) }

  public var form: JSONValue? {
    Self.definition.form([
      ("base_lr", .number(baseRate)), ("gamma", .number(gamma)), ("center", .number(center)),
    ])
  }

  static let definition = Definition(
    type: "sigmoid",
    summary: "A logistic fall around a center.",
    parameters: [
      .baseRate("base_lr", "the rate far before the center"),
      .required("gamma", .number(.notNegative), "how steep it falls, per step"),
      .required("center", .number(.notNegative), "the step at which half of the rate is left"),
    ],
    formula: "base_lr/(1 + e^(gamma·(t − center)))",
    source: "the sigmoid policy of Caffe, whose gamma has the other sign",
    example: ["type": "sigmoid", "base_lr": 0.1, "gamma": 1, "center": 2]
  ) { arguments throws(SpecificationError) in
    Sigmoid(
      baseRate: try arguments.number("base_lr"), gamma: try arguments.number("gamma"),
      center: try arguments.number("center"))
  }
}
