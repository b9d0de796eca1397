import Foundation
public import JSON

/// A ramp up to the first rate of another schedule, which starts its own clock when the ramp ends.
///
///     rate(t) = target · (start_factor + (1 − start_factor) · shape(t / warmup))    for t < warmup
///     rate(t) = then(t − warmup)                                                    after
///     shape(p): p (linear), (1 − cos(π·p)) / 2 (cosine), 0 (constant); exponential: target · start_factor^(1 − p)
///
/// Worked example, 2 steps from 0, then linear 1 → 0 in 4: 0, 0.5, 1, 0.75, 0.5.
///
/// Source: Goyal et al., "Accurate, Large Minibatch SGD", 2017, arXiv:1706.02677 (constant and gradual warm-up).
public struct Warmup: Schedule {
  /// The form of the ramp.
  public enum Shape: String, Sendable, CaseIterable {
    case linear
    case cosine
    /// The same factor every step; it needs a start factor above 0.
    case exponential
    /// The start rate all the way, then a jump.
    case constant
  }

  let warmupSteps: Double
  let startFactor: Double
  let shape: Shape
  let then: any Schedule
  let target: Double

  /// - Parameters:
  ///   - warmupSteps: the length of the ramp in steps; at least 0.
  ///   - startFactor: the rate at step 0 as a part of the target; greater than 0 for `exponential`.
  ///   - shape: the form of the ramp.
  ///   - then: the schedule that follows; the ramp's target is its first rate.
  public init(warmupSteps: Double, startFactor: Double = 0, shape: Shape = .linear, then: any Schedule) {
    self.warmupSteps = warmupSteps
    self.startFactor = startFactor
    self.shape = shape
    self.then = then
    target = then.rate(at: 0)
  }

  public func rate(at step: Double) -> Double {
    if step >= warmupSteps { return then.rate(at: step - warmupSteps) }
    let progress = step / warmupSteps
    switch shape {
    case .linear: return target * (startFactor + (1 - startFactor) * progress)
    case .cosine: return target * (startFactor + (1 - startFactor) * (1 - cos(.pi * progress)) / 2)
    case .exponential: return target * pow(startFactor, 1 - progress)
    case .constant: return target * startFactor
    }
  }

  public var end: ScheduleEnd? {
    then.end.map { ScheduleEnd(lastStep: $0.lastStep + warmupSteps, reason: $0.reason) }
  }

  public var form: JSONValue? {
    Self.definition.form([
      ("warmup_steps", .number(warmupSteps)), ("start_factor", .number(startFactor)),
      ("shape", .string(shape.rawValue)), ("then", then.form),
    ])
  }

  static let definition = Definition(
    type: "warmup",
    summary: "A ramp up to the first rate of another schedule, which starts its own clock when the ramp ends.",
    parameters: [
      .required("warmup_steps", .number(.notNegative), "the length of the ramp in steps"),
      .number("start_factor", .notNegative, 0, "the rate at step 0 as a part of the ramp's target"),
      .choice("shape", Shape.linear, "the form of the ramp"),
      .required("then", .schedule, "the schedule that follows; the ramp's target is its first rate"),
    ],
    formula: "then(0)·(start_factor + (1 − start_factor)·shape(t/warmup_steps)), then then(t − warmup_steps)",
    source: "Goyal et al., 2017, arXiv:1706.02677",
    example: [
      "type": "warmup", "warmup_steps": 5, "then": ["type": "cosine", "base_lr": 0.1, "total_steps": 20],
    ]
  ) { arguments throws(SpecificationError) in
    let shape: Shape = try arguments.choice("shape")
    let startFactor = try arguments.number("start_factor")
    if shape == .exponential && startFactor == 0 {
      throw arguments.error("start_factor", "'start_factor' must be greater than 0 with the exponential shape")
    }
    return Warmup(
      warmupSteps: try arguments.number("warmup_steps"), startFactor: startFactor, shape: shape,
      then: try arguments.schedule("then"))
  }
}
