import Foundation

/// Cycles of which each is a constant factor longer than the one before, found by a step without counting through them.
struct Cycles: Sendable {
  /// How the cycle of a step is found.
  enum Index: String, Sendable, CaseIterable {
    /// By the cycles' starts.
    case exact
    /// By rounding a logarithm down, as Keras and timm do in 64 bits: it lands just below the whole number at some
    /// restarts (multiplier 3, step 121 · first), which then show the end of the cycle before.
    case logarithm
  }

  let first: Double
  let multiplier: Double
  var indexing = Index.exact

  /// The cycle that `step` lies in, and how much of it has passed, from 0 to below 1.
  func position(at step: Double) -> (index: Double, progress: Double) {
    if multiplier == 1 {
      let (count, remainder) = wholePeriods(in: step, of: first)
      return (count, remainder / first)
    }
    if indexing == .logarithm {
      let fraction = step / first
      let index = (log(1 - fraction * (1 - multiplier)) / log(multiplier)).rounded(.down)
      let length = pow(multiplier, index)
      return (index, (fraction - (1 - length) / (1 - multiplier)) / length)
    }
    let growth = log(multiplier)
    var index = (log1p(step / first * (multiplier - 1)) / growth).rounded(.down)
    // The logarithm lands beside the whole number at exact restarts; the cycles' starts decide. One cycle off is all it
    // can be, so this is no loop.
    if start(index) > step { index -= 1 }
    if start(index + 1) <= step { index += 1 }
    let progress = (step - start(index)) / (first * pow(multiplier, index))
    return (index, min(max(progress, 0), 1))
  }

  /// Cycles that become shorter add up to a finite time.
  var end: ScheduleEnd? {
    if multiplier >= 1 { return nil }
    return ScheduleEnd(
      lastStep: (first / (1 - multiplier)).nextDown,
      reason: "cycles that become shorter by the factor \(numberText(multiplier)) run out there")
  }

  /// The first step of the cycle `index`.
  func start(_ index: Double) -> Double {
    if multiplier == 1 { return first * index }
    // Close to 1 the difference would cancel; elsewhere the power is exact for whole multipliers, and e^x − 1 is not.
    let grown = abs(multiplier - 1) < 0.01 ? expm1(index * log(multiplier)) : pow(multiplier, index) - 1
    return first * grown / (multiplier - 1)
  }
}
