/// What is counted while a run goes on: a few numbers a step, for the summary and the verdict.
struct Watch {
  let startLoss: Double
  let leastLoss: Double?
  let isStochastic: Bool
  let steps: Int
  let tolerance: Double
  let stableRate: Double?

  /// Above this loss a run has diverged.
  private let ceiling: Double
  /// At or below this loss a run has converged; nil where the least loss is unknown.
  let convergedLoss: Double?
  /// The first step of the last quarter, and of its second half.
  private let tailStart: Int
  private let tailMiddle: Int

  private(set) var bestLoss: Double
  private(set) var bestStep = 0
  private(set) var nonfiniteStep: Int?
  /// The last step whose loss was too high to have converged.
  private(set) var lastAbove = -1
  private(set) var largestRate = 0.0
  private(set) var rateCount = 0
  private(set) var unstableCount = 0
  private(set) var lastRate = 0.0
  /// The losses that the steps of the last quarter saw, its first and its second half.
  private(set) var early = Moments()
  private(set) var late = Moments()
  /// How many steps of the last quarter were seen.
  private(set) var tailCount = 0
  /// In the last quarter: how often the loss rose, and how often the gradient turned by more than a right angle.
  private(set) var rises = 0
  private(set) var reversals = 0
  private var lastLoss = Double.infinity
  private(set) var firstSquare = 0.0
  private(set) var lastSquare = 0.0

  init(
    startLoss: Double, leastLoss: Double?, isStochastic: Bool, steps: Int, tolerance: Double, stableRate: Double?
  ) {
    self.startLoss = startLoss
    self.leastLoss = leastLoss
    self.isStochastic = isStochastic
    self.steps = steps
    self.tolerance = tolerance
    self.stableRate = stableRate
    let least = leastLoss ?? 0
    // A start at the very minimum has no distance of its own to measure by, and noise drives it away from there.
    let distance = max(abs(startLoss - least), isStochastic ? 1 : 1e-12)
    ceiling = least + Experiment.divergence * distance
    convergedLoss = leastLoss.map { $0 + tolerance * max(startLoss - $0, 0) }
    tailStart = steps - steps / 4
    tailMiddle = steps - steps / 8
    bestLoss = startLoss
  }

  /// Takes the loss and the gradient of a step.
  ///
  /// - Returns: false where the run has diverged.
  mutating func see(_ loss: Double, step: Int, gradient: [Double], previous: [Double]) -> Bool {
    if hasDiverged(loss, step: step) { return false }
    if !isStochastic { weigh(loss, step: step) }
    if step >= tailStart {
      var (product, square) = (0.0, 0.0)
      for index in 0..<gradient.count {
        product += gradient[index] * previous[index]
        square += gradient[index] * gradient[index]
      }
      lastSquare = square
      if product < 0 { reversals += 1 }
      if loss > lastLoss { rises += 1 }
      tailCount += 1
      if step < tailMiddle { early.add(loss) } else { late.add(loss) }
    }
    if step == 0 { firstSquare = gradient.reduce(0) { $0 + $1 * $1 } }
    lastLoss = loss
    return true
  }

  /// Whether the loss is past every bound; where it is not finite, the step is remembered.
  mutating func hasDiverged(_ loss: Double, step: Int) -> Bool {
    if !loss.isFinite && nonfiniteStep == nil { nonfiniteStep = step }
    return !(loss <= ceiling)
  }

  /// Takes an exact loss.
  private mutating func weigh(_ loss: Double, step: Int) {
    if loss < bestLoss {
      bestLoss = loss
      bestStep = step
    }
    if let convergedLoss, loss > convergedLoss { lastAbove = step }
  }

  /// Takes the rate of an update.
  mutating func use(_ rate: Double) {
    largestRate = max(largestRate, rate)
    lastRate = rate
    rateCount += 1
    if let stableRate, rate > stableRate { unstableCount += 1 }
  }

  /// The summary and the verdict.
  ///
  /// - Parameter trace: at least one point, the last of them the end.
  mutating func run(_ problem: some Problem, ending: Run.Ending, trace: [TracePoint], parameters: [Double]) -> Run {
    for point in trace where isStochastic || point.step == trace.last?.step { weigh(point.loss, step: point.step) }
    let last = trace.last
    if isStochastic {
      // What the recorded points say of the last quarter has no noise of the batches in it.
      (early, late) = (Moments(), Moments())
      for point in trace where point.step >= tailStart {
        if point.step < tailMiddle { early.add(point.loss) } else { late.add(point.loss) }
      }
    }
    var run = Run(
      trace: trace, ending: ending, steps: last?.step ?? 0, startLoss: startLoss, finalLoss: last?.loss ?? startLoss,
      finalValidationLoss: last?.validationLoss, bestLoss: bestLoss, bestStep: bestStep, nonfiniteStep: nonfiniteStep,
      largestRate: largestRate, parameters: parameters, verdict: Verdict(.unfinished, words: ""))
    run.verdict = Judge(watch: self, run: run, truthLoss: problem.truthLoss).verdict
    return run
  }
}

/// Count, mean and variance of a series, by Welford's method.
struct Moments {
  private(set) var count = 0
  private(set) var mean = 0.0
  private var squares = 0.0

  mutating func add(_ value: Double) {
    count += 1
    let distance = value - mean
    mean += distance / Double(count)
    squares += distance * (value - mean)
  }

  /// The variance of the mean, as if the values were independent.
  var errorSquare: Double { count < 2 ? 0 : squares / Double(count - 1) / Double(count) }
}
