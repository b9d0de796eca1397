import Foundation
import JSON

/// Makes the verdict out of what was counted.
struct Judge {
  let watch: Watch
  let run: Run
  let truthLoss: Double?

  var verdict: Verdict {
    var verdict = outcome
    verdict.evidence =
      Verdict(
        verdict.outcome, words: "",
        evidence: [
          ("start_loss", run.startLoss), ("final_loss", run.finalLoss), ("best_loss", run.bestLoss),
          ("best_step", Double(run.bestStep)), ("least_loss", watch.leastLoss),
        ]
      ).evidence + verdict.evidence
    return withTheory(verdict)
  }

  private var outcome: Verdict {
    switch run.ending {
    case .cancelled:
      return Verdict(.unfinished, step: run.steps, words: "cancelled after \(run.steps) of \(watch.steps) steps")
    case .noRate:
      return Verdict(.unfinished, step: run.steps, words: "the schedule has no rate for step \(run.steps)")
    case .diverged: return diverged
    case .completed: break
    }
    if isRising { return rising }
    return underfit ?? overfit ?? converged ?? oscillating ?? slow ?? plateau
  }

  // MARK: What the last quarter looks like

  private var least: Double { watch.leastLoss ?? 0 }

  /// How much the loss fell from the seventh to the last eighth of the steps; nil for a run too short for it.
  private var drop: Double? {
    let needed = watch.isStochastic ? 2 : 1
    if watch.late.count < needed || watch.early.count < needed { return nil }
    return watch.early.mean - watch.late.mean
  }

  /// What noise may have made of the drop: three standard errors, as if the recorded points, which are far from
  /// each other, were independent.
  private var doubt: Double {
    watch.isStochastic ? 3 * (watch.early.errorSquare + watch.late.errorSquare).squareRoot() : 0
  }

  /// The mean of the exact losses recorded in the third quarter: what falls in the last one fell before it too.
  private var before: Double? {
    let losses = run.trace.filter { $0.step >= watch.steps / 2 && $0.step < watch.steps - watch.steps / 4 }.map(\.loss)
    return losses.isEmpty ? nil : losses.reduce(0, +) / Double(losses.count)
  }

  private var isFalling: Bool {
    guard let drop else { return run.finalLoss < run.startLoss }
    if drop <= doubt || watch.isStochastic && watch.early.mean > before ?? .infinity { return false }
    if watch.leastLoss != nil { return drop > 0.01 * (watch.early.mean - least) }
    return drop > 0.005 * (run.startLoss - watch.late.mean)
  }

  private var isRising: Bool {
    let margin = watch.isStochastic ? 0.1 : 1e-3
    let isAbove = run.finalLoss - least > (1 + margin) * (run.startLoss - least)
    guard let drop else { return isAbove }
    return isAbove && -drop > doubt
  }

  private var tailCount: Int { watch.tailCount }

  /// Whether the schedule has come to its end: the last rate is at most a hundredth of the largest.
  private var hasRateEnded: Bool { watch.lastRate <= 0.01 * run.largestRate }

  /// The exact losses recorded in the last quarter.
  private var tail: [Double] { run.trace.filter { $0.step >= watch.steps - watch.steps / 4 }.map(\.loss) }

  /// The largest difference of exact losses in the last quarter; nil where fewer than three were recorded.
  private var spread: Double? {
    let losses = tail
    guard losses.count >= 3, let least = losses.min(), let most = losses.max() else { return nil }
    return most - least
  }

  /// The mean of them.
  private var level: Double {
    let losses = tail
    return losses.isEmpty ? run.finalLoss : losses.reduce(0, +) / Double(losses.count)
  }

  // MARK: The outcomes

  private var diverged: Verdict {
    let words =
      run.nonfiniteStep == nil
      ? "diverged: by step \(run.steps) the loss had grown more than \(text(Experiment.divergence))-fold"
      : "diverged: the loss was not finite at step \(run.steps)"
    return Verdict(
      .diverged, step: run.steps, words: words,
      evidence: [
        ("largest_rate", run.largestRate), ("nonfinite_step", run.nonfiniteStep.map { Double($0) }),
        ("last_finite_loss", run.trace.last { $0.loss.isFinite }?.loss),
      ])
  }

  private var rising: Verdict {
    // The point after the last that was not above the start.
    let after = run.trace.lastIndex { $0.loss <= run.startLoss }.map { min($0 + 1, run.trace.count - 1) } ?? 0
    let step = run.trace[after].step
    return Verdict(
      .diverged, step: step,
      words:
        "diverging: above its start from step \(step) on, and rising; the loss is \(text(run.finalLoss)) at the end",
      evidence: [("largest_rate", run.largestRate), ("rise", drop.map { -$0 })])
  }

  private var overfit: Verdict? {
    let points = watch.isStochastic ? smoothed : run.trace
    guard let end = points.last, let final = end.validationLoss,
      let low = points.min(by: { ($0.validationLoss ?? .infinity) < ($1.validationLoss ?? .infinity) }),
      let least = low.validationLoss, low.step < end.step
    else { return nil }
    guard final > 1.1 * least, end.loss < 0.99 * low.loss else { return nil }
    let means = watch.isStochastic ? " (means over neighboring points)" : ""
    return Verdict(
      .overfit, step: low.step,
      words: "overfit: the validation loss was least, \(text(least)), at step \(low.step) and is \(text(final)) at the "
        + "end, while the training loss fell from \(text(low.loss)) to \(text(end.loss))\(means); stop there",
      evidence: [
        ("least_validation_loss", least), ("final_validation_loss", final), ("training_loss_there", low.loss),
        ("gap_there", least - low.loss), ("final_gap", final - end.loss),
      ])
  }

  /// The trace with each loss the mean over a tenth of the points around it: noise alone makes least values.
  private var smoothed: [TracePoint] {
    let reach = max(run.trace.count / 20, 2)
    return run.trace.indices.map { index in
      let window = run.trace[max(index - reach, 0)...min(index + reach, run.trace.count - 1)]
      var point = run.trace[index]
      point.loss = window.reduce(0) { $0 + $1.loss } / Double(window.count)
      if point.validationLoss != nil {
        point.validationLoss = window.reduce(0) { $0 + ($1.validationLoss ?? 0) } / Double(window.count)
      }
      return point
    }
  }

  private var underfit: Verdict? {
    guard let truth = truthLoss, run.finalLoss >= 1.5 * truth,
      run.finalLoss - truth > 0.01 * (run.startLoss - truth), !isFalling || isNearLeast,
      // Where the model could do better, it is the training that is to blame.
      watch.leastLoss.map({ $0 >= 1.5 * truth }) ?? true, isNearLeast || watch.leastLoss == nil
    else { return nil }
    return Verdict(
      .underfit,
      words: "underfit: the training loss stays at \(text(run.finalLoss)), and the noise in the data explains only "
        + "\(text(truth)) of it; the model is too poor, and no rate helps",
      evidence: [
        ("truth_loss", truth), ("final_validation_loss", run.finalValidationLoss),
        ("final_gap", run.finalValidationLoss.map { $0 - run.finalLoss }),
      ])
  }

  /// Whether the end is within a hundredth of the start's distance from the least loss.
  private var isNearLeast: Bool {
    watch.leastLoss.map { run.finalLoss - $0 <= 0.01 * (run.startLoss - $0) } ?? false
  }

  private var converged: Verdict? {
    if let bound = watch.convergedLoss {
      guard run.finalLoss <= bound else { return nil }
      // Of steps that see a batch only the recorded losses are exact, and so the step is the next recorded one.
      let step = run.trace.first { $0.step > watch.lastAbove }?.step ?? run.steps
      let first = watch.isStochastic ? step : min(watch.lastAbove + 1, run.steps)
      return Verdict(
        .converged, step: first,
        words: "converged at step \(first): from there on the loss is within \(text(bound - least)) of the least, "
          + text(least),
        evidence: [("tolerance", bound - least), ("distance", run.finalLoss - least)])
    }
    guard drop != nil, !isFalling, run.finalLoss < run.startLoss else { return nil }
    let fall = run.startLoss - run.finalLoss
    let slope = watch.firstSquare > 0 ? (watch.lastSquare / watch.firstSquare).squareRoot() : 0
    let isSettled = watch.isStochastic ? (spread.map { $0 <= 0.01 * fall } ?? false) : slope <= 1e-3
    guard isSettled else { return nil }
    return Verdict(
      .converged,
      words: "converged: the loss has fallen from \(text(run.startLoss)) to \(text(run.finalLoss)) and is flat",
      evidence: [("drop", drop), ("spread", spread), ("gradient_ratio", slope)])
  }

  private var oscillating: Verdict? {
    guard !watch.isStochastic, tailCount >= 8 else { return nil }
    let (reversals, rises) = (Double(watch.reversals) / Double(tailCount), Double(watch.rises) / Double(tailCount))
    guard reversals >= 0.5 || rises >= 0.25 else { return nil }
    let what =
      reversals >= 0.5
      ? "the gradient changed sides in \(percent(reversals)) of the last \(tailCount) steps"
      : "the loss rose in \(percent(rises)) of the last \(tailCount) steps"
    let trend = isFalling ? ", though the loss still falls" : ""
    return Verdict(
      .oscillating,
      words:
        "oscillating: \(what)\(trend); the rate is too large for the steepest direction, or the momentum too great",
      evidence: [("reversals", reversals), ("rises", rises), ("drop", drop), ("distance", distance)])
  }

  private var distance: Double? { watch.leastLoss.map { run.finalLoss - $0 } }

  private var slow: Verdict? {
    guard isFalling else { return nil }
    let slope = drop.map { -$0 * 8 / Double(max(watch.steps, 1)) }
    // At the pace of the last quarter, if the distance goes on to shrink by the same factor.
    var left: Double?
    if !hasRateEnded, let bound = watch.convergedLoss, let drop, watch.late.mean > least, bound > least {
      let factor = watch.late.mean - least + drop
      left = log((run.finalLoss - least) / (bound - least)) / log(factor / (watch.late.mean - least))
      left = left.map { ($0 * Double(watch.steps / 8)).rounded(.up) }
    }
    var words = "slow: the loss is \(text(run.finalLoss)) and still falls"
    if let slope { words += " by \(text(-slope)) a step" }
    if hasRateEnded { words += ", though the rate has come down to \(text(watch.lastRate)): more steps would help" }
    if let left, left.isFinite { words += "; at this pace it takes about \(text(left)) more steps" }
    if let truthLoss, run.finalLoss > 1.5 * truthLoss {
      words += "; so far it underfits, the noise in the data explains \(text(truthLoss))"
    }
    return Verdict(
      .slow, words: words,
      evidence: [("slope", slope), ("steps_left", left), ("distance", distance), ("truth_loss", truthLoss)])
  }

  /// Flat and not there: noise, or too small a rate, or a trap.
  private var plateau: Verdict {
    let reference = distance ?? (run.startLoss - run.finalLoss)
    let above =
      distance.map { distance in
        ", \(text(distance)) above the least"
          + (run.startLoss > least
            ? " (\(text(100 * distance / (run.startLoss - least))) % of the start's distance)" : "")
      } ?? ""
    if watch.isStochastic, !hasRateEnded, spread.map({ $0 > 0.05 * reference }) ?? true {
      return Verdict(
        .noisyPlateau,
        words: "noisy plateau: the loss varies by \(text(spread ?? 0)) around \(text(level))\(above), and "
          + "falls no more; the noise of the steps keeps it there, and a smaller rate would bring it down",
        evidence: [("level", level), ("spread", spread), ("drop", drop), ("distance", distance)])
    }
    let cause =
      hasRateEnded
      ? "; the rate has fallen to \(text(watch.lastRate)), too small to move it farther"
      : "; the rate is too small, or the place is flat"
    return Verdict(
      .stalled, words: "stalled: the loss stays at \(text(run.finalLoss))\(above)\(cause)",
      evidence: [("drop", drop), ("distance", distance), ("last_rate", watch.lastRate)])
  }

  // MARK: Theory

  /// The limit of stability beside the rates that were used, and whether the run did what the theory says of them.
  private func withTheory(_ verdict: Verdict) -> Verdict {
    guard let limit = watch.stableRate, watch.rateCount > 0 else { return verdict }
    var verdict = verdict
    verdict.evidence =
      verdict.evidence.filter { $0.name != "largest_rate" }
      + Verdict(
        .unfinished, words: "",
        evidence: [
          ("stability_limit", limit), ("largest_rate", run.largestRate),
          ("steps_above_limit", Double(watch.unstableCount)),
        ]
      ).evidence
    let hasDiverged = verdict.outcome == .diverged
    var words = "the largest rate was \(text(run.largestRate)), the limit of stability is \(text(limit))"
    if watch.unstableCount == 0 && run.largestRate < limit {
      verdict.agreesWithTheory = !hasDiverged
      words += hasDiverged ? ": below it a run ought not to diverge" : ", as theory says"
    } else if watch.unstableCount == watch.rateCount && verdict.outcome != .unfinished {
      verdict.agreesWithTheory = hasDiverged
      words += hasDiverged ? ", as theory says" : ": above it a run ought to diverge, given enough steps"
    } else if watch.unstableCount > 0 {
      words += ", and \(watch.unstableCount) of \(watch.rateCount) steps were above it"
    }
    verdict.words += ". For this optimizer and curvature: \(words)"
    return verdict
  }

  // MARK: Numbers in words

  private func percent(_ part: Double) -> String { "\(text((part * 100).rounded())) %" }

  /// The number with three significant digits.
  private func text(_ value: Double) -> String {
    if !value.isFinite { return value.isNaN ? "not a number" : "infinite" }
    if value == 0 { return "0" }
    let exponent = floor(log10(abs(value)))
    if exponent >= -5 && exponent < 6 {
      // Whole numbers and these powers of ten are exact, and one division of them is rounded once.
      let power = pow(10, max(2 - exponent, 0))
      return JSONWriter.text(.number((value * power).rounded() / power))
    }
    let digits = (value / pow(10, exponent) * 100).rounded() / 100
    // The least numbers of all have no power of ten to be divided by.
    return digits.isFinite && digits != 0 ? "\(JSONWriter.text(.number(digits)))e\(Int(exponent))" : "about 0"
  }
}
