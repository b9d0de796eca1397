import CHalfTurns
import Foundation
public import JSON

/// Cosine annealing: half a cosine wave from `baseRate` down to `endRate`.
///
///     rate(t) = end + (base − end) · ((1 + cos(π·t / total)) / 2)^exponent
///
/// Worked example, `base` 1, `end` 0, `total` 4: 1, 0.8536, 0.5, 0.1464, 0.
///
/// Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, arXiv:1608.03983.
public struct Cosine: Schedule {
  /// What the curve does after its last step.
  public enum After: String, Sendable, CaseIterable {
    /// It stays at the end rate.
    case hold
    /// It climbs back along the same wave, with a period of twice the total steps; torch's `CosineAnnealingLR`.
    case mirror
    /// The formula is evaluated as it stands. For a half wave this is the same curve as ``mirror``.
    case extrapolate
  }

  let baseRate: Double
  let endRate: Double
  let totalSteps: Double
  let after: After
  let exponent: Double

  /// - Parameters:
  ///   - baseRate: the rate at step 0.
  ///   - endRate: the rate at `totalSteps`.
  ///   - totalSteps: the length of the half wave in steps; greater than 0.
  ///   - after: what happens past `totalSteps`.
  ///   - exponent: the power of the wave, as in optax; at least 0.
  public init(baseRate: Double, endRate: Double = 0, totalSteps: Double, after: After = .hold, exponent: Double = 1) {
    self.baseRate = baseRate
    self.endRate = endRate
    self.totalSteps = totalSteps
    self.after = after
    self.exponent = exponent
  }

  public func rate(at step: Double) -> Double {
    let step = after == .hold ? min(step, totalSteps) : step
    // Reduced to one period first: cos loses its digits for large arguments, and 2⁵³ steps may be many periods.
    let period = 2 * totalSteps
    let phase = (step < period ? step : step.truncatingRemainder(dividingBy: period)) / totalSteps
    let height = (1 + cosineOfHalfTurns(phase)) / 2
    return endRate + (baseRate - endRate) * (exponent == 1 ? height : pow(height, exponent))
  }

  public func fill(_ rates: UnsafeMutableBufferPointer<Double>, from start: Double, stride: Double) {
    // Eight at a time while the steps lie in the half wave, where most of them are; then one by one.
    var index = 0
    if exponent == 1, let memory = rates.baseAddress, start <= totalSteps {
      let inWave = max(0, (totalSteps - start) / stride)
      index = (inWave < Double(rates.count) ? Int(inWave) : rates.count) & ~7
      half_turns_wave(memory, index, start, stride, totalSteps, endRate, baseRate - endRate)
    }
    while index < rates.count {
      rates[index] = rate(at: start + Double(index) * stride)
      index += 1
    }
  }

  // The height lies between 0 and 1, and so does its power.
  public var isAlwaysFinite: Bool { (abs(baseRate) + abs(endRate)).isFinite && totalSteps > 0 && exponent >= 0 }

  public var form: JSONValue? {
    Self.definition.form([
      ("base_lr", .number(baseRate)), ("end_lr", .number(endRate)), ("total_steps", .number(totalSteps)),
      ("after", .string(after.rawValue)), ("exponent", .number(exponent)),
    ])
  }

  static let definition = Definition(
    type: "cosine",
    summary: "Half a cosine wave from base_lr down to end_lr.",
    parameters: [
      .baseRate(), .endRate, .totalSteps,
      .choice("after", After.hold, "past total_steps: stay at end_lr (hold) or climb back along the wave"),
      .number("exponent", .notNegative, 1, "the power of the wave, as in optax"),
    ],
    formula: "end_lr + (base_lr − end_lr)·((1 + cos(π·t/total_steps))/2)^exponent",
    source: "Loshchilov and Hutter, ICLR 2017, arXiv:1608.03983",
    example: ["type": "cosine", "base_lr": 0.1, "total_steps": 100]
  ) { arguments throws(SpecificationError) in
    Cosine(
      baseRate: try arguments.number("base_lr"), endRate: try arguments.number("end_lr"),
      totalSteps: try arguments.number("total_steps"), after: try arguments.choice("after"),
      exponent: try arguments.number("exponent"))
  }
}
