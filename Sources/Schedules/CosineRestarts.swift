import Foundation
public import JSON

/// Cosine annealing with warm restarts: half waves, each `multiplier` times as long as the one before.
///
///     rate(t) = end + (base · peak_decay^i − end) · (1 + cos(π · (t − startᵢ) / lengthᵢ)) / 2
///     lengthᵢ = first · multiplier^i,  startᵢ = first · (multiplier^i − 1) / (multiplier − 1)
///
/// Worked example, `base` 1, `first` 2, `multiplier` 2, `peakDecay` 0.5: 1, 0.5, 0.5, 0.4268, 0.25.
///
/// Source: Loshchilov and Hutter, "SGDR", ICLR 2017, arXiv:1608.03983; torch `CosineAnnealingWarmRestarts`.
public struct CosineRestarts: Schedule {
  let baseRate: Double
  let endRate: Double
  let peakDecay: Double
  var cycles: Cycles

  /// - Parameters:
  ///   - baseRate: the rate at step 0, the first peak.
  ///   - endRate: what each half wave falls towards.
  ///   - firstCycleSteps: the length of the first half wave in steps; greater than 0.
  ///   - cycleMultiplier: how many times as long the next one is; at least 1.
  ///   - peakDecay: the factor from one peak to the next; at least 0.
  public init(
    baseRate: Double, endRate: Double = 0, firstCycleSteps: Double, cycleMultiplier: Double = 1, peakDecay: Double = 1
  ) {
    self.baseRate = baseRate
    self.endRate = endRate
    cycles = Cycles(first: firstCycleSteps, multiplier: cycleMultiplier)
    self.peakDecay = peakDecay
  }

  public func rate(at step: Double) -> Double {
    let (index, progress) = cycles.position(at: step)
    return endRate + (baseRate * pow(peakDecay, index) - endRate) * (1 + cos(.pi * progress)) / 2
  }

  public var form: JSONValue? {
    Self.definition.form([
      ("base_lr", .number(baseRate)), ("end_lr", .number(endRate)), ("first_cycle_steps", .number(cycles.first)),
      ("cycle_multiplier", .number(cycles.multiplier)), ("peak_decay", .number(peakDecay)),
      ("cycle_index", .string(cycles.indexing.rawValue)),
    ])
  }

  static let definition = Definition(
    type: "cosine_restarts",
    summary: "Half cosine waves that start again at the top, each cycle_multiplier times as long as the last.",
    parameters: [
      .baseRate(), .endRate,
      .required("first_cycle_steps", .number(.positive), "the length of the first cycle in steps"),
      .number("cycle_multiplier", .atLeastOne, 1, "how many times as long each cycle is as the one before"),
      .number("peak_decay", .notNegative, 1, "the factor from one peak to the next"),
      .cycleIndex,
    ],
    formula: "end_lr + (base_lr·peak_decay^i − end_lr)·(1 + cos(π·(t − start_i)/length_i))/2",
    source: "Loshchilov and Hutter, ICLR 2017, arXiv:1608.03983",
    example: [
      "type": "cosine_restarts", "base_lr": 0.1, "first_cycle_steps": 2, "cycle_multiplier": 2, "peak_decay": 0.5,
    ]
  ) { arguments throws(SpecificationError) in
    var restarts = CosineRestarts(
      baseRate: try arguments.number("base_lr"), endRate: try arguments.number("end_lr"),
      firstCycleSteps: try arguments.number("first_cycle_steps"),
      cycleMultiplier: try arguments.number("cycle_multiplier"), peakDecay: try arguments.number("peak_decay"))
    restarts.cycles.indexing = try arguments.choice("cycle_index")
    return restarts
  }
}
