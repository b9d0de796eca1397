import Foundation
import JSON

/// Cosine annealing with warm restarts: half waves, each `multiplier` times as long as the one before.
///
///     rate(t) = end + (base · peak_decay^i − end) · (1 + cos(π · (t − startᵢ) / lengthᵢ)) / 2
///     lengthᵢ = first · multiplier^i,  startᵢ = first · (multiplier^i − 1) / (multiplier − 1)
///
/// Worked example, `base` 1, `first` 2, `multiplier` 2, `peakDecay` 0.5: 1, 0.5, 0.5, 0.4268, 0.25.
///
/// Source: Loshchilov and Hutter, "SGDR", ICLR 2017, arXiv:1608.03983; torch `CosineAnnealingWarmRestarts`.
public struct CosineRestarts: Schedule {
  /// How the cycle of a step is found.
  enum CycleIndex {
    /// By the cycles' starts.
    case exact
    /// By rounding a logarithm down, as Keras does in 64 bits: it lands just below the whole number at some restarts
    /// (t_mul 3, step 121 · first), which then show the end of the cycle before.
    case logarithm
  }

  let baseRate: Double
  let endRate: Double
  let firstCycleSteps: Double
  let cycleMultiplier: Double
  let peakDecay: Double
  var cycleIndex = CycleIndex.exact

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
    self.firstCycleSteps = firstCycleSteps
    self.cycleMultiplier = cycleMultiplier
    self.peakDecay = peakDecay
  }

  public func rate(at step: Double) -> Double {
    let (index, progress) = cycle(at: step)
    return endRate + (baseRate * pow(peakDecay, index) - endRate) * (1 + cos(.pi * progress)) / 2
  }

  /// The cycle that `step` lies in, and how much of it has passed, from 0 to below 1.
  private func cycle(at step: Double) -> (index: Double, progress: Double) {
    if cycleMultiplier == 1 {
      let (count, remainder) = wholePeriods(in: step, of: firstCycleSteps)
      return (count, remainder / firstCycleSteps)
    }
    if cycleIndex == .logarithm {
      let fraction = step / firstCycleSteps
      let index = (log(1 - fraction * (1 - cycleMultiplier)) / log(cycleMultiplier)).rounded(.down)
      let length = pow(cycleMultiplier, index)
      return (index, (fraction - (1 - length) / (1 - cycleMultiplier)) / length)
    }
    let growth = log(cycleMultiplier)
    var index = (log1p(step / firstCycleSteps * (cycleMultiplier - 1)) / growth).rounded(.down)
    func start(_ index: Double) -> Double {
      // Close to 1 the difference would cancel; elsewhere the power is exact for whole multipliers, and e^x − 1 is not.
      let grown = cycleMultiplier < 1.01 ? expm1(index * growth) : pow(cycleMultiplier, index) - 1
      return firstCycleSteps * grown / (cycleMultiplier - 1)
    }
    // The logarithm lands beside the whole number at exact restarts; the cycles' starts decide. One cycle off is all it
    // can be, so this is no loop.
    if start(index) > step { index -= 1 }
    if start(index + 1) <= step { index += 1 }
    let progress = (step - start(index)) / (firstCycleSteps * pow(cycleMultiplier, index))
    return (index, min(max(progress, 0), 1))
  }

  static let definition = Definition(
    type: "cosine_restarts",
    summary: "Half cosine waves that start again at the top, each cycle_multiplier times as long as the last.",
    parameters: [
      .baseRate(), .endRate,
      .required("first_cycle_steps", .number(.positive), "the length of the first cycle in steps"),
      .number("cycle_multiplier", .atLeastOne, 1, "how many times as long each cycle is as the one before"),
      .number("peak_decay", .notNegative, 1, "the factor from one peak to the next"),
    ],
    formula: "end_lr + (base_lr·peak_decay^i − end_lr)·(1 + cos(π·(t − start_i)/length_i))/2",
    source: "Loshchilov and Hutter, ICLR 2017, arXiv:1608.03983",
    example: [
      "type": "cosine_restarts", "base_lr": 0.1, "first_cycle_steps": 2, "cycle_multiplier": 2, "peak_decay": 0.5,
    ]
  ) { arguments throws(SpecificationError) in
    CosineRestarts(
      baseRate: try arguments.number("base_lr"), endRate: try arguments.number("end_lr"),
      firstCycleSteps: try arguments.number("first_cycle_steps"),
      cycleMultiplier: try arguments.number("cycle_multiplier"), peakDecay: try arguments.number("peak_decay"))
  }
}
