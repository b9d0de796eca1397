import Foundation

/// One of torch's schedulers, as a process on the optimizer's current rate.
///
/// torch keeps no curve: each `step()` changes the rate that the optimizer happens to hold. Alone that is the textbook
/// curve; in a composition it is not, because members see each other's rates. So a scheduler is described by what it
/// does to the current rate x, in closed form, and a composition lowers it to a canonical schedule from the rate that
/// it finds. Facts: the source of torch 2.13, `torch/optim/lr_scheduler.py`.
///
/// `base` is what torch keeps as `base_lrs`: the optimizer's `initial_lr` when the scheduler was constructed.
protocol TorchScheduler: Sendable {
  /// The rate after the constructor, which makes an initial step at the scheduler's own step 0.
  func first(_ x: Double, base: Double) -> Double

  /// The rate after a step to the own step 0 that torch does not recognize as initial: what happens to the members of
  /// a composition that is itself the first member of a `SequentialLR`.
  func again(_ x: Double, base: Double) -> Double

  /// The rate at a milestone of `SequentialLR`, which calls the library's closed form at 0. Nil where that divides by zero.
  func restart(base: Double) -> Double?

  /// The curve on the scheduler's own clock, from the rate x at its step 0.
  func schedule(from x: Double, base: Double) -> any Schedule

  var role: TorchRole { get }

  /// The scheduler once all of the composition are constructed, the last `OneCycleLR` with these levels.
  func settled(_ levels: TorchOneCycleLevels) -> any TorchScheduler
}

extension TorchScheduler {
  func settled(_ levels: TorchOneCycleLevels) -> any TorchScheduler { self }
}

/// What a scheduler does to a rate that another member of a `ChainedScheduler` has changed.
enum TorchRole {
  /// It multiplies.
  case factor(any TorchFactor)
  /// `CosineAnnealingLR` multiplies what is above its minimum, and adds a part of its base rate at each restart.
  case cosine(TorchCosineAnnealing)
  /// It overwrites.
  case absolute
}

/// A scheduler that only multiplies.
protocol TorchFactor: Sendable {
  /// The product of the factors of the own steps after `start`, up to and including `end`.
  func factor(after start: Double, through end: Double) -> Double

  /// The last own step that has a factor other than 1; infinite where they never cease.
  var lastChange: Double { get }
}

extension TorchScheduler where Self: TorchFactor {
  var role: TorchRole { .factor(self) }
}

struct TorchConstant: TorchScheduler, TorchFactor {
  let factor: Double
  let totalIters: Double

  func first(_ x: Double, base: Double) -> Double { x * factor }
  func again(_ x: Double, base: Double) -> Double { x * factor }
  func restart(base: Double) -> Double? { totalIters == 0 ? base : base * factor }

  func schedule(from x: Double, base: Double) -> any Schedule {
    // With 0 iterations the step that would undo the factor never comes, so it stays for ever.
    if totalIters == 0 { return Constant(baseRate: x) }
    if factor == 0 {
      return Ended(
        schedule: Constant(baseRate: x), lastStep: totalIters - 1,
        reason: "torch.ConstantLR with factor 0 divides by zero at total_iters")
    }
    return PiecewiseConstant(boundaries: [totalIters], values: [x, x / factor])
  }

  func factor(after start: Double, through end: Double) -> Double {
    start < totalIters && totalIters <= end ? 1 / factor : 1
  }
  var lastChange: Double { totalIters }
}

struct TorchLinear: TorchScheduler, TorchFactor {
  let startFactor: Double
  let endFactor: Double
  let totalIters: Double

  func first(_ x: Double, base: Double) -> Double { x * startFactor }
  func again(_ x: Double, base: Double) -> Double { x * startFactor }
  func restart(base: Double) -> Double? { totalIters == 0 ? nil : base * startFactor }

  func schedule(from x: Double, base: Double) -> any Schedule {
    // With 0 iterations there is no step on which to leave the start factor.
    if totalIters == 0 { return Constant(baseRate: x) }
    return Linear(baseRate: x, endRate: x * (endFactor / startFactor), totalSteps: totalIters)
  }

  func factor(after start: Double, through end: Double) -> Double {
    if start >= totalIters { return 1 }
    func value(_ step: Double) -> Double { startFactor + (endFactor - startFactor) * min(step / totalIters, 1) }
    return value(end) / value(start)
  }
  var lastChange: Double { totalIters }
}

struct TorchStep: TorchScheduler, TorchFactor {
  let stepSize: Double
  let gamma: Double

  func first(_ x: Double, base: Double) -> Double { x }
  func again(_ x: Double, base: Double) -> Double { x }
  func restart(base: Double) -> Double? { base }
  func schedule(from x: Double, base: Double) -> any Schedule { Step(baseRate: x, stepSize: stepSize, gamma: gamma) }

  func factor(after start: Double, through end: Double) -> Double {
    pow(gamma, wholePeriods(in: end, of: stepSize).count - wholePeriods(in: start, of: stepSize).count)
  }
  var lastChange: Double { .infinity }
}

struct TorchMultiStep: TorchScheduler, TorchFactor {
  let milestones: [Double]
  let gamma: Double

  func first(_ x: Double, base: Double) -> Double { x * pow(gamma, Double(passed(milestones, at: 0))) }
  func again(_ x: Double, base: Double) -> Double { first(x, base: base) }
  func restart(base: Double) -> Double? { first(base, base: base) }

  func schedule(from x: Double, base: Double) -> any Schedule {
    MultiStep(baseRate: x, milestones: milestones.filter { $0 > 0 }, gamma: gamma)
  }

  func factor(after start: Double, through end: Double) -> Double {
    pow(gamma, Double(passed(milestones, at: end) - passed(milestones, at: start)))
  }
  var lastChange: Double { milestones.last ?? 0 }
}

struct TorchExponential: TorchScheduler, TorchFactor {
  let gamma: Double

  func first(_ x: Double, base: Double) -> Double { x }
  func again(_ x: Double, base: Double) -> Double { x * gamma }
  func restart(base: Double) -> Double? { base }
  func schedule(from x: Double, base: Double) -> any Schedule { Exponential(baseRate: x, gamma: gamma) }
  func factor(after start: Double, through end: Double) -> Double { pow(gamma, end - start) }
  var lastChange: Double { .infinity }
}

struct TorchPolynomial: TorchScheduler, TorchFactor {
  let totalIters: Double
  let power: Double

  func first(_ x: Double, base: Double) -> Double { x }
  func again(_ x: Double, base: Double) -> Double { x * pow(1 / (1 + 1 / totalIters), power) }
  func restart(base: Double) -> Double? { totalIters == 0 ? nil : base }

  func schedule(from x: Double, base: Double) -> any Schedule {
    // With 0 iterations every step is past the end, where torch leaves the rate alone.
    if totalIters == 0 { return Constant(baseRate: x) }
    return Polynomial(baseRate: x, totalSteps: totalIters, power: power)
  }

  func factor(after start: Double, through end: Double) -> Double {
    if start >= totalIters { return 1 }
    return pow((1 - min(end / totalIters, 1)) / (1 - start / totalIters), power)
  }
  var lastChange: Double { totalIters }
}

struct TorchCosineAnnealing: TorchScheduler {
  let halfPeriod: Double
  let minimum: Double

  func first(_ x: Double, base: Double) -> Double { x }
  func again(_ x: Double, base: Double) -> Double { stepped(x, to: 0, base: base) }
  func restart(base: Double) -> Double? { base }
  var role: TorchRole { .cosine(self) }

  func schedule(from x: Double, base: Double) -> any Schedule {
    let wave = Cosine(baseRate: base, endRate: minimum, totalSteps: halfPeriod, after: .mirror)
    if x == base { return wave }
    // The first half wave falls from the rate that was found; the climb after it is computed from the base rate.
    let fall = Cosine(baseRate: x, endRate: minimum, totalSteps: halfPeriod)
    return ScheduleSequence(schedules: [fall, Shift(by: halfPeriod + 1, schedule: wave)], boundaries: [halfPeriod + 1])
  }

  /// How much of the way from minimum to peak the plain curve stands at `step`: 1 at 0, exactly 0 at odd half periods.
  func height(at step: Double) -> Double {
    (1 + cos(.pi * (step.truncatingRemainder(dividingBy: 2 * halfPeriod) / halfPeriod))) / 2
  }

  /// The recursion of torch's `get_lr`: one step, from the rate x to the own step `step`.
  func stepped(_ x: Double, to step: Double, base: Double) -> Double {
    if (step - 1 - halfPeriod).truncatingRemainder(dividingBy: 2 * halfPeriod) == 0 {
      return x + (base - minimum) * (1 - cos(.pi / halfPeriod)) / 2
    }
    return height(at: step) / height(at: step - 1) * (x - minimum) + minimum
  }
}

/// The three rates that `OneCycleLR` keeps in the optimizer, where the next one overwrites them.
struct TorchOneCycleLevels: Sendable {
  let initial: Double
  let peak: Double
  let final: Double
}

/// `OneCycleLR`: overwrites the rate, by the levels that it finds in the optimizer.
struct TorchOneCycle: TorchScheduler {
  var levels: TorchOneCycleLevels
  let totalSteps: Double
  let pctStart: Double
  let anneal: OneCycle.Anneal
  let threePhase: Bool

  var curve: OneCycle {
    OneCycle(
      low: levels.initial, peak: levels.peak, final: levels.final, totalSteps: totalSteps, pctStart: pctStart,
      anneal: anneal, threePhase: threePhase, convention: .torch)
  }

  func first(_ x: Double, base: Double) -> Double { curve.rate(at: 0) }
  func again(_ x: Double, base: Double) -> Double { curve.rate(at: 0) }
  func restart(base: Double) -> Double? { curve.rate(at: 0) }
  func schedule(from x: Double, base: Double) -> any Schedule { curve }
  var role: TorchRole { .absolute }

  func settled(_ levels: TorchOneCycleLevels) -> any TorchScheduler {
    var settled = self
    settled.levels = levels
    return settled
  }
}

/// `CosineAnnealingWarmRestarts` and `CyclicLR`: whatever rate they find, they overwrite it.
struct TorchAbsolute: TorchScheduler {
  /// The curve, given the base rate.
  let curve: @Sendable (_ base: Double) -> any Schedule

  func first(_ x: Double, base: Double) -> Double { curve(base).rate(at: 0) }
  func again(_ x: Double, base: Double) -> Double { first(x, base: base) }
  func restart(base: Double) -> Double? { first(base, base: base) }
  func schedule(from x: Double, base: Double) -> any Schedule { curve(base) }
  var role: TorchRole { .absolute }
}
