import Experiments
import JSON
import Schedules
import Testing

@Suite struct RunTests {
  @Test func descentOnABowlIsAPower() throws {
    // x ← (1 − rate·λ)·x, and so the loss after t steps is ½·λ·(1 − rate·λ)^2t.
    let run = try experiment(["type": "bowl", "dimension": 1, "curvature": 4], rate: 0.05, steps: 40).run()
    #expect(run.trace.map(\.step) == Array(0...40))
    var x = 1.0
    for point in run.trace {
      #expect(abs(point.loss - 2 * x * x) <= 1e-12)
      x *= 1 - 0.05 * 4
    }
    #expect(run.ending == .completed && run.steps == 40 && run.bestStep == 40 && run.bestLoss == run.finalLoss)
    #expect(run.startLoss == 2 && run.largestRate == 0.05 && run.nonfiniteStep == nil)
  }

  @Test func theUpdateFromAPointUsesTheRateItShows() throws {
    let value: JSONValue = ["type": "linear", "base_lr": 1, "total_steps": 1000]
    let run = try experiment("ravine", rate: 0.01, steps: 1000, schedule: value).run()
    let rates = try schedule(value)
    for point in run.trace.dropLast() {
      #expect(point.learningRate == 0.01 * rates.rate(at: Double(point.step)))
      #expect(point.effectiveRates?.least == point.learningRate && point.effectiveRates?.largest == point.learningRate)
      #expect(point.position != nil)
    }
    #expect(run.trace.last?.learningRate == nil && run.trace.last?.effectiveRates == nil)
  }

  @Test(arguments: problems) func theSameExperimentGivesTheSameRun(_ value: JSONValue) throws {
    let (one, other) = (
      try experiment(value, rate: 0.01, steps: 300), try experiment(value, rate: 0.01, steps: 300)
    )
    #expect(one.run() == other.run())
  }

  @Test(arguments: problems) func theTraceHoldsTheExactLosses(_ value: JSONValue) throws {
    let experiment = try experiment(value, rate: 1e-3, steps: 200, recording: Recording(points: 20))
    let run = experiment.run()
    #expect(run.trace.last?.loss == experiment.problem.loss(at: run.parameters))
    #expect(run.trace.last?.loss == run.finalLoss)
    #expect(run.finalValidationLoss == experiment.problem.validationLoss(at: run.parameters))
    let start = experiment.problem.loss(at: experiment.problem.start)
    #expect(run.startLoss == start)
    #expect(abs((run.trace.first?.loss ?? 0) - start) <= 1e-12 * abs(start))
    #expect(run.trace.allSatisfy { $0.loss >= run.bestLoss })
  }

  @Test func theRecordingDoesNotChangeTheRun() throws {
    let ends = try [2, 7, 200].map { points in
      try experiment("two_moons", rate: 0.1, steps: 400, recording: Recording(points: points)).run().parameters
    }
    #expect(ends.allSatisfy { $0 == ends[0] })
  }

  @Test func aLossThatIsNotFiniteEndsTheRunAndIsNamed() throws {
    let run = try experiment("rosenbrock", rate: 1e200, steps: 1000).run()
    #expect(run.ending == .diverged && run.nonfiniteStep == 1 && run.steps == 1)
    #expect(run.trace.last?.step == 1)
    #expect(run.verdict.outcome == .diverged && run.verdict.step == 1)
    #expect(run.verdict.evidence.allSatisfy { $0.value.isFinite })
  }

  @Test func aRunEndsWhereItsScheduleDoes() throws {
    let run = try experiment(
      "bowl", rate: 1, steps: 1000, schedule: ["type": "expression", "formula": "0.01 / (t < 300)"]
    ).run()
    #expect(run.ending == .noRate && run.steps == 300 && run.trace.last?.step == 300)
    #expect(run.verdict.outcome == .unfinished)
  }

  @Test func aCancelledRunStopsWithinItsStride() throws {
    var (asked, told) = (0, [Int]())
    let run = try experiment("bowl", rate: 0.01, steps: 100_000).run(
      isCancelled: {
        asked += 1
        return asked > 3
      }, progress: { told.append($0) })
    #expect(run.ending == .cancelled && run.steps == 768 && run.verdict.outcome == .unfinished)
    #expect(told == [0, 256, 512, 768])
    #expect(run.finalLoss < run.startLoss)
  }

  @Test func noStepsAreARunToo() throws {
    for steps in [0, 1, 2, 3, 4, 5, 9] {
      let run = try experiment("bowl", rate: 0.1, steps: steps).run()
      #expect(run.steps == steps && run.trace.count == steps + 1)
    }
  }

  @Test func theWorkGrowsWithTheStepsAndTheBatch() throws {
    let small = try experiment(["type": "two_moons", "batch_size": 10], rate: 1, steps: 50_000).work
    #expect(try experiment(["type": "two_moons", "batch_size": 10], rate: 1, steps: 100_000).work > 1.5 * small)
    #expect(try experiment(["type": "two_moons", "batch_size": 100], rate: 1, steps: 50_000).work > 3 * small)
    let most: JSONValue = ["type": "two_moons", "batch_size": 1000, "samples": 1000, "hidden": 64]
    #expect(try experiment(most, rate: 1, steps: 1_000_000).work.isFinite)
  }
}

@Suite struct RecordingTests {
  @Test(arguments: Recording.Spacing.allCases) func theFirstAndTheLastAreKeptAndNoMoreThanWanted(
    _ spacing: Recording.Spacing
  ) throws {
    for points in [-1, 2, 3, 4, 10, 64, 200] {
      for steps in [0, 1, 2, 3, 5, 64, 200, 777, 10_000, 1_000_000] {
        let run = try experiment(
          ["type": "bowl", "dimension": 1], rate: 0, steps: min(steps, 1000),
          recording: Recording(points: points, spacing: spacing)
        ).run()
        let kept = run.trace.map(\.step)
        #expect(kept.first == 0 && kept.last == min(steps, 1000))
        #expect(kept.count <= max(points, 2))
        #expect(zip(kept, kept.dropFirst()).allSatisfy { $0 < $1 })
        #expect(kept.count >= min(max(points, 2), min(steps, 1000) + 1) * 2 / 3, "\(points) points of \(steps) steps")
      }
    }
  }

  @Test func theSpacingIsWhatItSays() throws {
    func kept(_ spacing: Recording.Spacing) throws -> [Int] {
      try experiment("bowl", rate: 0, steps: 1000, recording: Recording(points: 41, spacing: spacing)).run().trace.map(
        \.step)
    }
    #expect(try kept(.even) == Array(stride(from: 0, through: 1000, by: 25)))
    let logarithmic = try kept(.logarithmic)
    #expect(logarithmic.prefix(6) == [0, 1, 2, 3, 4, 5])
    #expect(logarithmic.filter { $0 > 500 }.count < 6)
    #expect(try kept(.mixed).prefix(4) == [0, 1, 2, 3] && kept(.mixed).filter { $0 > 500 }.count >= 10)
  }
}
