import Experiments
import JSON
import Schedules
import Testing

@Suite struct VerdictTests {
  @Test(
    arguments: [
      (0.5, .converged), (0.99, .converged), (1.01, .diverged), (2, .diverged),
    ] as [(Double, Verdict.Outcome)])
  func descentOnABowlIsStableBelowTwoByTheCurvature(part: Double, outcome: Verdict.Outcome) throws {
    for curvature in [0.01, 1, 250] {
      let verdict = try experiment(
        ["type": "bowl", "curvature": .number(curvature)], rate: part * 2 / curvature, steps: 1000
      ).run().verdict
      #expect(verdict.outcome == outcome)
      #expect(verdict.agreesWithTheory == true)
      #expect(verdict["stability_limit"] == 2 / curvature)
      #expect(verdict["steps_above_limit"].map { $0 > 0 } == (part > 1))
    }
  }

  @Test func atTheLimitItselfTheLossIsTossedFromSideToSide() throws {
    let verdict = try experiment("bowl", rate: 2, steps: 1000).run().verdict
    #expect(verdict.outcome == .oscillating && verdict["reversals"] == 1)
    #expect(verdict.agreesWithTheory == nil)
  }

  @Test(arguments: [0, 0.5, 0.9, 0.99]) func momentumMovesTheLimit(_ momentum: Double) throws {
    let limit = 2 * (1 + momentum) / 100
    for (part, outcome) in [(0.98, Verdict.Outcome.converged), (1.02, .diverged)] {
      let verdict = try experiment("ravine", rate: part * limit, steps: 4000, momentum: momentum).run().verdict
      #expect(verdict.outcome == outcome, "\(part) of the limit")
      #expect(verdict.agreesWithTheory == true)
    }
  }

  @Test func nesterovsLimitIsWhereItsRecursionLeavesTheUnitCircle() {
    for momentum in [0, 0.3, 0.9, 0.99] {
      guard let limit = StableRate.gradientDescent(curvature: 5, momentum: momentum, isNesterov: true) else {
        Issue.record("there is a limit")
        continue
      }
      for (part, isStable) in [(0.99, true), (1.01, false)] {
        // torch's form: v ← β·v + g, x ← x − rate·(g + β·v).
        var (x, velocity) = (1.0, 0.0)
        for _ in 0..<20_000 where abs(x) < 1e100 {
          let gradient = 5 * x
          velocity = momentum * velocity + gradient
          x -= part * limit * (gradient + momentum * velocity)
        }
        #expect((abs(x) < 1) == isStable, "momentum \(momentum), \(part) of the limit")
      }
    }
  }

  @Test func dampeningAndWeightDecayMoveTheLimit() {
    for (dampening, decay) in [(0.5, 0.0), (0, 3), (0.9, 1)] {
      guard
        let limit = StableRate.gradientDescent(
          curvature: 5, momentum: 0.8, dampening: dampening, weightDecay: decay)
      else {
        Issue.record("there is a limit")
        continue
      }
      for (part, isStable) in [(0.99, true), (1.01, false)] {
        var (x, velocity) = (1.0, 0.0)
        for _ in 0..<20_000 where abs(x) < 1e100 {
          velocity = 0.8 * velocity + (1 - dampening) * (5 + decay) * x
          x -= part * limit * velocity
        }
        #expect((abs(x) < 1) == isStable, "dampening \(dampening), weight decay \(decay)")
      }
    }
  }

  @Test func whereTheoryIsSilentSoIsTheVerdict() {
    #expect(StableRate.gradientDescent(curvature: 1, momentum: 1) == nil)
    #expect(StableRate.gradientDescent(curvature: 0) == nil)
    #expect(StableRate.gradientDescent(curvature: 1, momentum: 0.5, dampening: 0.5, isNesterov: true) == nil)
  }

  @Test func aWarmUpThroughTheLimitIsNoPrediction() throws {
    let verdict = try experiment(
      "bowl", rate: 1, steps: 200, schedule: ["type": "linear", "base_lr": 2.2, "total_steps": 100]
    ).run().verdict
    #expect(verdict.agreesWithTheory == nil)
    #expect(verdict["steps_above_limit"] == 10)
    #expect(verdict.outcome == .converged)
  }

  @Test func theStepOfConvergenceIsTheFirstFromWhichTheLossStaysDown() throws {
    let experiment = try experiment(["type": "bowl", "dimension": 1], rate: 0.1, steps: 500)
    let verdict = experiment.run().verdict
    // The loss shrinks by 0.81 a step: 0.81^n ≤ 10⁻⁶ first at n = 66.
    #expect(verdict.outcome == .converged && verdict.step == 66)
  }

  @Test func aRavineIsSlowAsItsConditionSays() throws {
    let verdict = try experiment(["type": "ravine", "condition_number": 10_000], rate: 0.00019, steps: 1000).run()
      .verdict
    #expect(verdict.outcome == .slow)
    // (1 − rate)^2n of what is left, 0.34, has to come down to 10⁻⁶.
    let left = try #require(verdict["steps_left"])
    #expect(abs(left - 33_500) < 500)
    #expect(try #require(verdict["slope"]) < 0)
  }

  @Test func aRateThatIsTooSmallOrFallsTooSoonStalls() throws {
    #expect(try experiment("ravine", rate: 1e-7, steps: 1000).run().verdict.outcome == .stalled)
    let early = try experiment(
      "bowl", rate: 0.1, steps: 1000, schedule: ["type": "exponential", "base_lr": 1, "gamma": 0.9]
    ).run().verdict
    #expect(early.outcome == .stalled && early.words.contains("the rate has fallen"))
  }

  @Test func aSaddleHoldsATrainingThatStartsOnItsRidge() throws {
    let ridge: JSONValue = ["type": "saddle", "start": [1, 0]]
    #expect(try experiment(ridge, rate: 0.1, steps: 1000).run().verdict.outcome == .stalled)
    #expect(try experiment("saddle", rate: 0.1, steps: 1000).run().verdict.outcome == .converged)
  }

  @Test func aGrowingLossThatWasNotStoppedHasDivergedToo() throws {
    let run = try experiment("bowl", rate: 2.02, steps: 60).run()
    #expect(run.ending == .completed && run.verdict.outcome == .diverged && run.verdict.step == 1)
  }

  @Test func rosenbrocksValleyIsBouncedInAtTooLargeARate() throws {
    #expect(try experiment("rosenbrock", rate: 1e-3, steps: 20_000).run().verdict.outcome == .converged)
    #expect(try experiment("rosenbrock", rate: 2e-3, steps: 20_000).run().verdict.outcome == .oscillating)
    #expect(try experiment("rosenbrock", rate: 1e-2, steps: 20_000).run().verdict.outcome == .diverged)
  }

  @Test func degreeOneUnderfitsAndDegreeFifteenMostlyOverfits() throws {
    func verdict(_ degree: Double, _ seed: Int) throws -> Verdict {
      try experiment(
        ["type": "polynomial_regression", "degree": .number(degree), "seed": .number(Double(seed)), "samples": 25],
        rate: 0.1, steps: 4000
      ).run().verdict
    }
    var overfit = 0
    for seed in 0..<10 {
      let low = try verdict(1, seed)
      #expect(low.outcome == .underfit, "seed \(seed)")
      #expect(try #require(low["final_loss"]) >= 1.5 * #require(low["truth_loss"]))
      let high = try verdict(15, seed)
      if high.outcome != .overfit { continue }
      overfit += 1
      #expect(try #require(high["final_gap"]) > #require(high["gap_there"]))
      #expect(try #require(high["final_loss"]) < #require(high["training_loss_there"]))
      #expect(try #require(high.step) < 4000)
    }
    // Now and then a sample is so lucky that the flat directions help.
    #expect(overfit >= 8)
  }

  @Test func manyPointsAreNotOverfitted() throws {
    let verdict = try experiment(
      ["type": "polynomial_regression", "degree": 7, "samples": 500], rate: 0.3, steps: 500
    ).run().verdict
    #expect(verdict.outcome == .converged)
  }

  @Test func aSmallNetworkOverfitsFewNoisyPoints() throws {
    let few: JSONValue = ["type": "two_moons", "samples": 30, "noise": 0.4, "hidden": 32, "batch_size": 30]
    #expect(try experiment(few, rate: 0.5, steps: 3000).run().verdict.outcome == .overfit)
  }

  @Test(arguments: 0..<4) func noiseKeepsAConstantRateAboveTheLeastLoss(_ seed: Int) throws {
    let bowl: JSONValue = ["type": "bowl", "noise": 1, "seed": .number(Double(seed))]
    let (large, small) = (
      try experiment(bowl, rate: 0.2, steps: 10_000).run().verdict,
      try experiment(bowl, rate: 0.02, steps: 10_000).run().verdict
    )
    #expect(large.outcome == .noisyPlateau && small.outcome == .noisyPlateau)
    // The level is ½·dimension·rate·σ²/(2 − rate·λ), in the mean.
    #expect(abs(try #require(large["level"]) - 0.2 / 1.8) < 0.08)
    #expect(abs(try #require(small["level"]) - 0.02 / 1.98) < 0.008)
  }

  @Test(arguments: 0..<3) func aFallingRateEndsLowerThanAConstantOneUnderNoise(_ seed: Int) throws {
    let problem: JSONValue = ["type": "noisy_logistic_regression", "seed": .number(Double(seed))]
    let constant = try experiment(problem, rate: 2, steps: 5000).run()
    let falling = try experiment(
      problem, rate: 2, steps: 5000, schedule: ["type": "cosine", "base_lr": 1, "total_steps": 5000]
    ).run()
    #expect(constant.verdict.outcome == .noisyPlateau)
    #expect(falling.finalLoss < constant.finalLoss)
  }

  @Test(arguments: problems) func everyRunHasAVerdictInWordsWithFiniteEvidence(_ value: JSONValue) throws {
    for rate in [0, 1e-9, 1e-3, 0.1, 3, 1e5] {
      for steps in [0, 1, 5, 40, 400] {
        let verdict = try experiment(value, rate: rate, steps: steps).run().verdict
        #expect(!verdict.words.isEmpty && !verdict.evidence.isEmpty)
        let digits = verdict.words.split { !$0.isNumber }.map(\.count)
        #expect(digits.allSatisfy { $0 <= 6 }, "\(verdict.words)")
        #expect(verdict.evidence.allSatisfy { $0.value.isFinite })
        #expect(Set(verdict.evidence.map(\.name)).count == verdict.evidence.count)
      }
    }
  }
}
