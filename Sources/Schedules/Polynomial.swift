import Foundation
public import JSON

/// Polynomial decay from `baseRate` to `endRate`.
///
///     rate(t) = end + (base − end) · (1 − min(t / total, 1))^power
///
/// With `cycle`, `total` is replaced by its next multiple at or above t (t = 0 counts as 1), so that the rate rises again
/// after each multiple, to a lower hump each time.
///
/// Worked example, `base` 1, `end` 0, `total` 4, `power` 2: 1, 0.5625, 0.25, 0.0625, 0.
///
/// Source: Keras `PolynomialDecay`; torch `PolynomialLR`.
public struct Polynomial: Schedule {
  let baseRate: Double
  let endRate: Double
  let totalSteps: Double
  let power: Double
  let cycle: Bool

  /// - Parameters:
  ///   - baseRate: the rate at step 0.
  ///   - endRate: the rate at `totalSteps`.
  ///   - totalSteps: the length of the decay in steps; greater than 0.
  ///   - power: 1 is a straight line; at least 0.
  ///   - cycle: whether the rate rises again after each multiple of `totalSteps`.
  public init(baseRate: Double, endRate: Double = 0, totalSteps: Double, power: Double = 1, cycle: Bool = false) {
    self.baseRate = baseRate
    self.endRate = endRate
    self.totalSteps = totalSteps
    self.power = power
    self.cycle = cycle
  }

  public func rate(at step: Double) -> Double {
    var length = totalSteps
    if cycle {
      let (count, remainder) = wholePeriods(in: step, of: totalSteps)
      length *= max(1, remainder > 0 ? count + 1 : count)
    }
    return endRate + (baseRate - endRate) * pow(max(0, 1 - step / length), power)
  }

  public var form: JSONValue? {
    Self.definition.form([
      ("base_lr", .number(baseRate)), ("end_lr", .number(endRate)), ("total_steps", .number(totalSteps)),
      ("power", .number(power)), ("cycle", .bool(cycle)),
    ])
  }

  static let definition = Definition(
    type: "polynomial",
    summary: "A power of the time left.",
    parameters: [
      .baseRate(), .endRate, .totalSteps,
      .number("power", .any, 1, "1 is a straight line, 2 a parabola"),
      .flag("cycle", false, "rise again after each multiple of total_steps"),
    ],
    formula:
      "end_lr + (base_lr − end_lr)·(1 − min(t/T, 1))^power; T = total_steps, its next multiple at or above t if cycle",
    source: "keras.optimizers.schedules.PolynomialDecay",
    example: ["type": "polynomial", "base_lr": 0.1, "end_lr": 0.001, "total_steps": 4, "power": 2]
  ) { arguments throws(SpecificationError) in
    Polynomial(
      baseRate: try arguments.number("base_lr"), endRate: try arguments.number("end_lr"),
      totalSteps: try arguments.number("total_steps"), power: try arguments.number("power"),
      cycle: try arguments.flag("cycle"))
  }
}
