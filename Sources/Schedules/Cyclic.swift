import Foundation
public import JSON

/// A cyclical rate: a triangle between two bounds, with a peak that may shrink.
///
///     rate(t) = base + (max − base) · height(t) · scale(t)
///     height: 0 → 1 in `stepSizeUp` steps, 1 → 0 in `stepSizeDown`, and again
///     scale:  1 (triangular), 0.5^cycle (triangular2), gamma^t (exp_range)
///
/// Worked example, `base` 0.1, `max` 1, up 2, down 2: 0.1, 0.55, 1, 0.55, 0.1.
///
/// Source: Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, arXiv:1506.01186.
public struct Cyclic: Schedule {
  /// How the peaks change.
  public enum Mode: String, Sendable, CaseIterable {
    /// They stay.
    case triangular
    /// Each is half as high above the base as the one before.
    case triangular2
    /// The height is multiplied by gamma every step.
    case expRange = "exp_range"
  }

  let baseRate: Double
  let maxRate: Double
  let stepSizeUp: Double
  let stepSizeDown: Double
  let mode: Mode
  let gamma: Double

  /// - Parameters:
  ///   - baseRate: the rate at step 0 and at each cycle's end.
  ///   - maxRate: the rate at the first peak; below `baseRate` the triangle points down.
  ///   - stepSizeUp: the steps from base to peak; greater than 0.
  ///   - stepSizeDown: the steps back; greater than 0, as many as up by default.
  ///   - mode: how the peaks change.
  ///   - gamma: the factor of each step in mode `expRange`.
  public init(
    baseRate: Double, maxRate: Double, stepSizeUp: Double, stepSizeDown: Double? = nil, mode: Mode = .triangular,
    gamma: Double = 1
  ) {
    self.baseRate = baseRate
    self.maxRate = maxRate
    self.stepSizeUp = stepSizeUp
    self.stepSizeDown = stepSizeDown ?? stepSizeUp
    self.mode = mode
    self.gamma = gamma
  }

  public func rate(at step: Double) -> Double {
    let (cycle, position) = wholePeriods(in: step, of: stepSizeUp + stepSizeDown)
    let height =
      position <= stepSizeUp ? position / stepSizeUp : (stepSizeUp + stepSizeDown - position) / stepSizeDown
    let scale =
      switch mode {
      case .triangular: 1.0
      case .triangular2: pow(0.5, cycle)
      case .expRange: pow(gamma, step)
      }
    return baseRate + (maxRate - baseRate) * height * scale
  }

  public var form: JSONValue? {
    Self.definition.form([
      ("base_lr", .number(baseRate)), ("max_lr", .number(maxRate)), ("step_size_up", .number(stepSizeUp)),
      ("step_size_down", .number(stepSizeDown)), ("mode", .string(mode.rawValue)), ("gamma", .number(gamma)),
    ])
  }

  static let definition = Definition(
    type: "cyclic",
    summary: "A triangle between base_lr and max_lr, with a peak that may shrink.",
    parameters: [
      .baseRate("base_lr", "the rate at step 0 and at each cycle's end"),
      .required("max_lr", .number(.notNegative), "the rate at the first peak"),
      .required("step_size_up", .number(.positive), "the steps from base to peak"),
      .optional("step_size_down", .number(.positive), "the steps back; step_size_up where left out"),
      .choice("mode", Mode.triangular, "how the peaks change: not, halved each cycle, or by gamma each step"),
      .number("gamma", .notNegative, 1, "the factor of each step in mode exp_range"),
    ],
    formula: "base_lr + (max_lr − base_lr)·height(t)·scale(t); scale 1, 0.5^cycle or gamma^t",
    source: "Smith, WACV 2017, arXiv:1506.01186",
    example: ["type": "cyclic", "base_lr": 0.001, "max_lr": 0.1, "step_size_up": 10]
  ) { arguments throws(SpecificationError) in
    Cyclic(
      baseRate: try arguments.number("base_lr"), maxRate: try arguments.number("max_lr"),
      stepSizeUp: try arguments.number("step_size_up"), stepSizeDown: try arguments.optionalNumber("step_size_down"),
      mode: try arguments.choice("mode"), gamma: try arguments.number("gamma"))
  }
}
