import Experiments
import JSON
import Policies
import Schedules
import Testing

@Suite struct GridTests {
  private func grid(_ problem: JSONValue = "ravine", steps: Int = 500) throws -> Grid {
    Grid(
      problem: try ProblemCatalog.read(problem),
      optimizers: [
        .init(name: "plain") { PlainDescent($0) }, .init(name: "momentum") { PlainDescent($0, momentum: 0.9) },
      ],
      schedules: [
        .init(name: "constant", schedule: try schedule(["type": "constant", "base_lr": 1])),
        .init(name: "cosine", schedule: try schedule(["type": "cosine", "base_lr": 1, "total_steps": 500])),
        .init(name: "linear", schedule: try schedule(["type": "linear", "base_lr": 1, "total_steps": 500])),
      ],
      rates: [1e-4, 1e-3, 0.019, 0.021], steps: steps)
  }

  @Test func aCellIsTheExperimentOfItsPlace() throws {
    let grid = try grid()
    let result = grid.run()
    #expect(grid.count == 24 && result.cells.count == 24)
    for index in 0..<grid.count {
      let place = grid.place(index)
      let alone = Experiment(
        problem: grid.problem, schedule: grid.schedules[place.schedule].schedule, steps: 500,
        rateFactor: grid.rates[place.rate], recording: grid.recording,
        optimizer: grid.optimizers[place.optimizer].optimizer
      ).run()
      #expect(result.cells[index] == GridCell(place: place, run: alone))
    }
    let places = (0..<grid.count).map { grid.place($0) }
    #expect(Set(places.map { [$0.optimizer, $0.schedule, $0.rate] }).count == 24)
    #expect(grid.work == 24 * grid.experiment(0).work)
  }

  @Test func theBestCellIsNoWorseThanAnyOther() throws {
    let result = try grid().run()
    let best = try #require(result.best)
    #expect(best.score.isFinite)
    #expect(result.cells.allSatisfy { ($0?.score ?? .infinity) >= best.score })
    // Plain descent at a constant rate above the limit, 0.02, diverges and is never the best.
    #expect(result.cells[3]?.verdict.outcome == .diverged && result.cells[3]?.score == .infinity)
  }

  @Test func theBestOfAProblemWithValidationIsBestThere() throws {
    let result = try grid(["type": "polynomial_regression", "degree": 15], steps: 500).run()
    let best = try #require(result.best)
    #expect(
      result.cells.allSatisfy { ($0?.finalValidationLoss ?? .infinity) >= (best.finalValidationLoss ?? .infinity) })
  }

  @Test func whereAllDivergeThereIsNoBest() throws {
    var grid = try grid()
    grid.rates = [10, 100]
    #expect(grid.run().best == nil)
  }

  @Test func aCancelledGridKeepsWhatIsDone() throws {
    let grid = try grid()
    var done = 0
    let result = grid.run(isCancelled: { done >= 5 }, progress: { done = $0 })
    #expect(done == 5)
    #expect(result.cells.map { $0 != nil } == (0..<24).map { $0 < 5 })
    #expect(result.best != nil)
  }

  @Test func anEmptyGridIsOne() throws {
    var grid = try grid()
    grid.rates = []
    #expect(grid.count == 0 && grid.work == 0 && grid.run().best == nil)
  }
}

@Suite struct RangeTestRunTests {
  private func test(_ value: JSONValue) throws -> RangeTest {
    try #require(try RuleReader(baseRate: 0.1, groups: ["default"]).read(value) as? RangeTest)
  }

  @Test func theSuggestionsAreTheSessionsOwn() throws {
    let test = try test(["type": "range_test", "low": 1e-4, "high": 10, "steps": 200])
    let problem = try ProblemCatalog.read("two_moons")
    let run = RangeTestRun(test, on: problem) { PlainDescent($0) }
    // A session that is told the same losses says the same.
    var state = test.initialState
    for (step, loss) in run.curve.losses.enumerated() { test.reduce(&state, Report(step: step, value: loss)) }
    #expect(test.curve(state) == run.curve)
    #expect(test.curve(state).suggestions == run.curve.suggestions)
    #expect(state.hasDiverged == run.hasDiverged)
  }

  @Test func theTestStopsWhereTheLossDivergesSoonAfterTheLimit() throws {
    let test = try test(["type": "range_test", "low": 1e-5, "high": 10, "steps": 300, "smoothing": 0])
    let problem = try ProblemCatalog.read(["type": "bowl", "curvature": 100])
    let run = RangeTestRun(test, on: problem) { PlainDescent($0) }
    #expect(run.hasDiverged && run.steps < 300 && run.steps == run.curve.losses.count)
    #expect(try #require(run.curve.rates.last) > 0.02)
    let minimum = try #require(run.curve.suggestions.first { $0.name == "minimum" }?.rate)
    #expect(minimum < 0.02)
  }

  @Test func aSweepThatStaysLowEndsAtItsEnd() throws {
    let test = try test(["type": "range_test", "low": 1e-5, "high": 1e-3, "steps": 50, "spacing": "linear"])
    let problem = try ProblemCatalog.read("rosenbrock")
    let run = RangeTestRun(test, on: problem) { PlainDescent($0) }
    #expect(!run.hasDiverged && run.steps == 50 && !run.isCancelled)
    #expect(run.curve.rates.first == 1e-5 && run.curve.rates.last == 1e-3)
    #expect(run.curve.losses.first == problem.loss(at: problem.start))
  }

  @Test func aCancelledTestMakesNoMoreSteps() throws {
    let test = try test(["type": "range_test", "low": 1e-5, "high": 1e-3, "steps": 1000])
    var asked = 0
    let run = RangeTestRun(
      test, on: Rosenbrock(),
      isCancelled: {
        asked += 1
        return asked > 2
      }
    ) { PlainDescent($0) }
    #expect(run.isCancelled && run.steps == 512)
    #expect(RangeTestRun.work(test, on: Rosenbrock()) > 1000)
  }
}
