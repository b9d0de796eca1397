public import Schedules

/// A problem, an optimizer, a schedule and a number of steps: everything that decides how a training goes.
///
/// The same experiment gives the same run. It is a value, so many can run at once, each on a core of its own.
public struct Experiment: Sendable {
  public var problem: any Problem
  /// Makes the optimizer for so many parameters, its state empty.
  public var optimizer: @Sendable (_ parameterCount: Int) -> any Optimizer
  public var schedule: any Schedule
  /// What every rate of the schedule is multiplied with.
  public var rateFactor: Double
  /// How many updates are made.
  public var steps: Int
  public var recording: Recording
  /// A run has converged where its loss is above the least there is by at most this part of what it was at the start.
  public var tolerance: Double
  /// A run has diverged, and ends, where its loss is above the least there is by more than this many times what it was at
  /// the start, or is not finite. Where the least loss is unknown, 0 stands in.
  public static let divergence = 1e6

  /// - Parameters:
  ///   - problem: what is minimized.
  ///   - schedule: the rates.
  ///   - steps: how many updates are made; fewer than 0 are taken for 0.
  ///   - rateFactor: what every rate of the schedule is multiplied with.
  ///   - recording: which steps are kept.
  ///   - tolerance: how near to the least loss a run has converged, as a part of the distance at the start.
  ///   - optimizer: makes the optimizer for so many parameters.
  public init(
    problem: any Problem, schedule: any Schedule, steps: Int, rateFactor: Double = 1,
    recording: Recording = Recording(), tolerance: Double = 1e-6,
    optimizer: @escaping @Sendable (_ parameterCount: Int) -> any Optimizer
  ) {
    self.problem = problem
    self.optimizer = optimizer
    self.schedule = schedule
    self.rateFactor = rateFactor
    self.steps = max(steps, 0)
    self.recording = recording
    self.tolerance = tolerance
  }

  /// What the whole run costs at most, in multiplications, roughly: 10⁹ take about a second on one core.
  public var work: Double {
    Double(steps) * Self.updateCost(problem) + Double(min(recording.points, steps + 1)) * Self.pointCost(problem)
  }

  /// What an update costs: the optimizer and the schedule cost some tens of multiplications, whatever the problem.
  static func updateCost(_ problem: any Problem) -> Double {
    problem.gradientCost + 10 * Double(problem.start.count) + 30
  }

  /// What it costs to record a point.
  private static func pointCost(_ problem: any Problem) -> Double {
    problem.lossCost + 10 * Double(problem.start.count)
  }

  /// How many steps are made between two looks at whether the run is cancelled: some 10⁷ multiplications, and at most 256
  /// steps.
  static func stride(_ problem: any Problem) -> Int {
    Int(min(max(1e7 / (updateCost(problem) + pointCost(problem)), 1), 256))
  }

  /// Makes the updates.
  ///
  /// - Parameters:
  ///   - isCancelled: asked every 256 steps, or more often where steps are dear; true ends the run.
  ///   - progress: told the number of updates made, as often.
  public func run(isCancelled: () -> Bool = { false }, progress: (_ stepsDone: Int) -> Void = { _ in }) -> Run {
    run(problem, optimizer(problem.start.count), isCancelled, progress)
  }

  /// The loop, with the two protocols opened once. Nothing in it allocates but what is recorded.
  private func run(
    _ problem: some Problem, _ optimizer: some Optimizer, _ isCancelled: () -> Bool, _ progress: (Int) -> Void
  ) -> Run {
    var optimizer = optimizer
    var parameters = problem.start
    var gradient = [Double](repeating: 0, count: parameters.count)
    var previous = gradient
    let stride = Self.stride(problem)
    var rates = [Double](repeating: 0, count: stride)
    let recorded = recording.steps(of: steps)
    var trace: [TracePoint] = []
    trace.reserveCapacity(recorded.count)

    let startLoss = problem.loss(at: parameters)
    let limit = problem.largestCurvature.flatMap { optimizer.stableRate(curvature: $0) }
    var watch = Watch(
      startLoss: startLoss, leastLoss: problem.leastLoss, isStochastic: problem.isStochastic, steps: steps,
      tolerance: tolerance, stableRate: limit)
    var ending = Run.Ending.completed
    var step = 0
    steps: while step < steps {
      let count = min(stride, steps - step)
      if isCancelled() {
        ending = .cancelled
        break
      }
      progress(step)
      rates.withUnsafeMutableBufferPointer { buffer in
        schedule.fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]), from: Double(step), stride: 1)
      }
      for index in 0..<count {
        let rate = rates[index] * rateFactor
        let loss = problem.loss(at: parameters, step: step, gradient: &gradient)
        guard watch.see(loss, step: step, gradient: gradient, previous: previous) else {
          ending = .diverged
          break steps
        }
        guard rate.isFinite else {
          ending = .noRate
          break steps
        }
        watch.use(rate)
        let isRecorded = trace.count < recorded.count && recorded[trace.count] == step
        if isRecorded { trace.append(point(problem, at: parameters, step: step, exactLoss: loss)) }
        optimizer.update(&parameters, gradient: gradient, learningRate: rate)
        if isRecorded {
          trace[trace.count - 1].learningRate = rate
          trace[trace.count - 1].effectiveRates = EffectiveRates(optimizer.effectiveRates)
        }
        swap(&gradient, &previous)
        step += 1
      }
    }
    let last = point(problem, at: parameters, step: step, exactLoss: nil)
    if watch.hasDiverged(last.loss, step: step) { ending = .diverged }
    trace.append(last)
    progress(step)
    return watch.run(problem, ending: ending, trace: trace, parameters: parameters)
  }

  private func point(
    _ problem: some Problem, at parameters: [Double], step: Int, exactLoss: Double?
  ) -> TracePoint {
    var loss = exactLoss ?? .nan
    if exactLoss == nil || problem.isStochastic { loss = problem.loss(at: parameters) }
    return TracePoint(
      step: step, loss: loss, validationLoss: problem.validationLoss(at: parameters),
      position: parameters.count == 2 ? TracePoint.Position(x: parameters[0], y: parameters[1]) : nil)
  }
}
