public import Schedules

/// Every rate with every schedule with every optimizer, on one problem.
///
/// Each cell is an experiment of its own, so a caller may spread them over cores: ``count``, ``experiment(_:)``,
/// ``GridResult``. ``run(isCancelled:progress:)`` makes them one after the other.
public struct Grid: Sendable {
  public struct OptimizerChoice: Sendable {
    /// What the axis of a chart calls it.
    public var name: String
    /// Makes the optimizer for so many parameters, its state empty.
    public var optimizer: @Sendable (_ parameterCount: Int) -> any Optimizer

    public init(name: String, optimizer: @escaping @Sendable (_ parameterCount: Int) -> any Optimizer) {
      self.name = name
      self.optimizer = optimizer
    }
  }

  public struct ScheduleChoice: Sendable {
    public var name: String
    /// A schedule of factors: its rates are multiplied with the grid's.
    public var schedule: any Schedule

    public init(name: String, schedule: any Schedule) {
      self.name = name
      self.schedule = schedule
    }
  }

  /// A cell's place on the three axes.
  public struct Place: Sendable, Equatable {
    public var optimizer: Int
    public var schedule: Int
    public var rate: Int
  }

  public var problem: any Problem
  public var optimizers: [OptimizerChoice]
  public var schedules: [ScheduleChoice]
  /// What the schedules' rates are multiplied with.
  public var rates: [Double]
  public var steps: Int
  public var recording: Recording
  public var tolerance: Double

  public init(
    problem: any Problem, optimizers: [OptimizerChoice], schedules: [ScheduleChoice], rates: [Double], steps: Int,
    recording: Recording = Recording(points: 64), tolerance: Double = 1e-6
  ) {
    self.problem = problem
    self.optimizers = optimizers
    self.schedules = schedules
    self.rates = rates
    self.steps = steps
    self.recording = recording
    self.tolerance = tolerance
  }

  /// How many cells there are.
  public var count: Int { optimizers.count * schedules.count * rates.count }

  /// What all cells cost at most: see ``Experiment/work``.
  public var work: Double { count == 0 ? 0 : Double(count) * experiment(0).work }

  /// Where cell `index` stands: the rates run fastest, then the schedules, then the optimizers.
  ///
  /// - Parameter index: from 0 to below ``count``.
  public func place(_ index: Int) -> Place {
    let (rest, rate) = index.quotientAndRemainder(dividingBy: rates.count)
    let (optimizer, schedule) = rest.quotientAndRemainder(dividingBy: schedules.count)
    return Place(optimizer: optimizer, schedule: schedule, rate: rate)
  }

  /// The experiment of cell `index`, from 0 to below ``count``.
  public func experiment(_ index: Int) -> Experiment {
    let place = place(index)
    return Experiment(
      problem: problem, schedule: schedules[place.schedule].schedule, steps: steps, rateFactor: rates[place.rate],
      recording: recording, tolerance: tolerance, optimizer: optimizers[place.optimizer].optimizer)
  }

  /// Runs every cell, one after the other.
  ///
  /// - Parameters:
  ///   - isCancelled: asked every 256 steps, or more often; true ends the grid, and the cells that are left stay empty.
  ///   - progress: told the number of cells done after each.
  public func run(isCancelled: () -> Bool = { false }, progress: (_ cellsDone: Int) -> Void = { _ in }) -> GridResult {
    var result = GridResult(count: count)
    for index in 0..<count {
      if isCancelled() { break }
      let run = experiment(index).run(isCancelled: isCancelled)
      if run.ending == .cancelled { break }
      result.cells[index] = GridCell(place: place(index), run: run)
      progress(index + 1)
    }
    return result
  }
}

/// What a grid keeps of one run.
public struct GridCell: Sendable, Equatable {
  public let place: Grid.Place
  public let ending: Run.Ending
  /// How many updates were made.
  public let steps: Int
  /// May be not finite.
  public let finalLoss: Double
  public let finalValidationLoss: Double?
  public let bestLoss: Double
  public let verdict: Verdict

  public init(place: Grid.Place, run: Run) {
    self.place = place
    ending = run.ending
    steps = run.steps
    finalLoss = run.finalLoss
    finalValidationLoss = run.finalValidationLoss
    bestLoss = run.bestLoss
    verdict = run.verdict
  }

  /// What cells are ranked by: the validation loss at the end, where there is one, or the training loss. Infinite for a
  /// run that diverged or is not finished.
  public var score: Double {
    if verdict.outcome == .diverged || verdict.outcome == .unfinished { return .infinity }
    let score = finalValidationLoss ?? finalLoss
    return score.isFinite ? score : .infinity
  }
}

/// The cells of a grid, in the grid's order.
public struct GridResult: Sendable, Equatable {
  /// One for each cell; nil where it was not run.
  public var cells: [GridCell?]

  /// All cells empty: a caller that spreads the runs over cores fills them in.
  public init(count: Int) { cells = Array(repeating: nil, count: count) }

  /// The cell with the least ``GridCell/score``; of equals, that which converged first, then the first. Nil where every run
  /// diverged or was not made.
  public var best: GridCell? {
    var best: GridCell?
    for case let cell? in cells where cell.score.isFinite {
      guard let other = best else {
        best = cell
        continue
      }
      let (step, otherStep) = (cell.verdict.step ?? .max, other.verdict.step ?? .max)
      if cell.score < other.score || cell.score == other.score && step < otherStep { best = cell }
    }
    return best
  }
}
