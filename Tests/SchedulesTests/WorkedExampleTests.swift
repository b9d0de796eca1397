import Schedules
import Testing

/// The examples in the documentation of each schedule, and its edges.
@Suite struct WorkedExampleTests {
  private func expect(_ schedule: any Schedule, _ rates: [Double], at steps: [Double]? = nil) {
    for (step, rate) in zip(steps ?? rates.indices.map(Double.init), rates) {
      #expect(abs(schedule.rate(at: step) - rate) < 5e-5, "step \(step)")
    }
  }

  @Test func linear() { expect(Linear(baseRate: 1, totalSteps: 4), [1, 0.75, 0.5, 0.25, 0, 0]) }

  @Test func step() {
    expect(Step(baseRate: 1, stepSize: 2, gamma: 0.5), [1, 1, 0.5, 0.5, 0.25, 0.25])
  }

  @Test func stepBoundariesAreExactFarOut() {
    let schedule = Step(baseRate: 1, stepSize: 30, gamma: -1)
    // 2⁵³ − 2 is a multiple of 30; the sign tells the parity of the count.
    let boundary = 9_007_199_254_740_990.0
    #expect(boundary.truncatingRemainder(dividingBy: 30) == 0)
    #expect(schedule.rate(at: boundary) == -schedule.rate(at: boundary - 1))
  }

  @Test func multiStep() {
    expect(MultiStep(baseRate: 1, milestones: [3, 1], gamma: 0.1), [1, 0.1, 0.1, 0.01, 0.01, 0.01])
    expect(MultiStep(baseRate: 1, milestones: [1, 1], gamma: 0.1), [1, 0.01])
  }

  @Test func piecewiseConstant() {
    expect(PiecewiseConstant(boundaries: [2], values: [1, 0.5]), [1, 1, 0.5, 0.5])
    expect(PiecewiseConstant(boundaries: [2], values: [1, 0.5], side: .left), [1, 1, 1, 0.5])
  }

  @Test func exponential() {
    expect(Exponential(baseRate: 1, gamma: 0.5), [1, 0.5, 0.25, 0.125, 0.0625])
    expect(Exponential(baseRate: 1, decayConstant: 0.5), [1, 0.6065, 0.3679, 0.2231, 0.1353])
    expect(Exponential(baseRate: 1, decayRate: 0.25, decaySteps: 2), [1, 0.5, 0.25, 0.125])
    expect(Exponential(baseRate: 1, decayRate: 0.25, decaySteps: 2, staircase: true), [1, 1, 0.25, 0.25, 0.0625])
  }

  @Test func inverseTime() {
    expect(InverseTime(baseRate: 1, decayRate: 1, decaySteps: 2), [1, 0.66667, 0.5, 0.4, 0.33333])
    expect(InverseTime(baseRate: 1, decayRate: 1, decaySteps: 2, staircase: true), [1, 1, 0.5, 0.5, 0.33333])
  }

  @Test func polynomial() {
    expect(Polynomial(baseRate: 1, totalSteps: 4, power: 2), [1, 0.5625, 0.25, 0.0625, 0, 0])
    let cyclic = Polynomial(baseRate: 1, endRate: 0.2, totalSteps: 2, cycle: true)
    expect(cyclic, [1, 0.6, 0.2, 0.4, 0.2, 0.33333])
  }

  @Test func cosineRestarts() {
    let schedule = CosineRestarts(baseRate: 1, firstCycleSteps: 2, cycleMultiplier: 2, peakDecay: 0.5)
    expect(schedule, [1, 0.5, 0.5, 0.4268, 0.25, 0.0732, 0.25])
  }

  @Test func cosineRestartsAreExactWhereLogarithmsAreNot() {
    for multiplier in 2...10 {
      let schedule = CosineRestarts(baseRate: 1, firstCycleSteps: 10, cycleMultiplier: Double(multiplier))
      var start = 0.0
      var length = 10.0
      while start + length < 0x1p53 {
        #expect(schedule.rate(at: start) == 1, "multiplier \(multiplier), step \(start)")
        start += length
        length *= Double(multiplier)
      }
    }
  }

  @Test func cyclic() {
    let schedule = Cyclic(baseRate: 0.1, maxRate: 1, stepSizeUp: 2, stepSizeDown: 3, mode: .triangular2)
    expect(schedule, [0.1, 0.55, 1, 0.7, 0.4, 0.1, 0.325, 0.55])
    expect(Cyclic(baseRate: 0, maxRate: 1, stepSizeUp: 2, mode: .expRange, gamma: 0.5), [0, 0.25, 0.25, 0.0625, 0])
  }

  @Test func oneCycle() {
    expect(OneCycle(maxRate: 1, totalSteps: 10, anneal: .linear), [0.04, 0.36, 0.68, 1, 0.85714])
    expect(OneCycle(maxRate: 1, totalSteps: 10), [0.04, 0.28, 0.76, 1, 0.9505, 0.8117])
    let threePhases = OneCycle(maxRate: 1, totalSteps: 10, anneal: .linear, threePhase: true)
    expect(threePhases, [0.04, 1, 0.04, 0.000004, 0.000004], at: [0, 3, 6, 10, 1000])
    expect(OneCycle(maxRate: 1, totalSteps: 10, pctStart: 0), [1, 0.000004], at: [0, 10])
    expect(OneCycle(maxRate: 1, totalSteps: 10, pctStart: 1), [0.04], at: [0])
  }

  @Test func inverseSquareRoot() {
    expect(InverseSquareRoot(baseRate: 1, timescale: 4, shift: 4), [1, 0.8944, 0.8165, 0.7559, 0.7071])
  }

  @Test func warmup() {
    let decay = Linear(baseRate: 1, totalSteps: 4)
    expect(Warmup(warmupSteps: 2, then: decay), [0, 0.5, 1, 0.75, 0.5, 0.25])
    expect(Warmup(warmupSteps: 2, shape: .cosine, then: decay), [0, 0.5, 1], at: [0, 1, 2])
    expect(Warmup(warmupSteps: 2, startFactor: 0.01, shape: .exponential, then: decay), [0.01, 0.1, 1])
    expect(Warmup(warmupSteps: 2, startFactor: 0.1, shape: .constant, then: decay), [0.1, 0.1, 1])
    expect(Warmup(warmupSteps: 0, then: decay), [1, 0.75])
  }

  @Test func clampShiftAndSum() {
    let line = Linear(baseRate: 1, totalSteps: 4)
    expect(Clamp(line, lower: 0.3, upper: 0.8), [0.8, 0.75, 0.5, 0.3, 0.3])
    expect(Shift(by: 2, schedule: line), [0.5, 0.25, 0, 0, 0])
    expect(Shift(by: -2, schedule: line), [1, 1, 1, 0.75, 0.5])
    expect(ScheduleSum(schedules: [Constant(baseRate: 0.1), line]), [1.1, 0.85, 0.6, 0.35, 0.1])
  }

  @Test func sequenceAndProduct() {
    let ramp = Linear(baseRate: 0, endRate: 1, totalSteps: 2)
    let decay = Exponential(baseRate: 1, gamma: 0.5)
    expect(ScheduleSequence(schedules: [ramp, decay], boundaries: [2]), [0, 0.5, 1, 0.5, 0.25])
    let halved = Linear(baseRate: 0.5, endRate: 1, totalSteps: 2)
    expect(ScheduleProduct(schedules: [halved, decay]), [0.5, 0.375, 0.25, 0.125, 0.0625])
  }

  /// The examples of the literature's forms, from 1 to 0 in 4 steps.
  @Test func rampsOfEveryShape() {
    func ramp(_ kind: Shape.Kind, _ change: (inout Shape) -> Void = { _ in }) -> Ramp {
      var shape = Shape(kind)
      change(&shape)
      return Ramp(baseRate: 1, endRate: 0, totalSteps: 4, shape: shape)
    }
    expect(ramp(.linear), [1, 0.75, 0.5, 0.25, 0, 0])
    expect(ramp(.cosine), [1, 0.8536, 0.5, 0.1464, 0, 0])
    expect(ramp(.polynomial) { $0.power = 2 }, [1, 0.5625, 0.25, 0.0625, 0])
    expect(ramp(.power) { $0.power = 2 }, [1, 0.9375, 0.75, 0.4375, 0])
    expect(ramp(.sqrt), [1, 0.5, 0.2929, 0.134, 0])
    expect(ramp(.oneMinusSqrt), [1, 0.866, 0.7071, 0.5, 0])
    // (0.5^p − 0.5)/0.5.
    expect(ramp(.normalizedExponential), [1, 0.6818, 0.4142, 0.1892, 0])
    expect(
      ramp(.tanh) {
        $0.lowerBound = -7
        $0.upperBound = 3
      }, [1, 0.9999, 0.982, 0.2689, 0.0025])
    expect(ramp(.rex), [1, 0.8571, 0.6667, 0.4, 0])
    expect(ramp(.rex) { $0.beta = 0.9 }, [1, 0.9677, 0.9091, 0.7692, 0])
    expect(ramp(.cosine) { $0.kDecay = 2 }, [1, 0.9904, 0.8536, 0.4025, 0])
    expect(ramp(.constant), [1, 1, 1, 1, 0])
    // DeepSpeed's warm-up has arrived one step early.
    expect(Ramp(baseRate: 0, endRate: 1, totalSteps: 4, shape: Shape(.logarithmic)), [0, 0.5, 0.7925, 1, 1])
    expect(Ramp(baseRate: 1, endRate: 0.01, totalSteps: 4, shape: Shape(.exponential)), [1, 0.3162, 0.1, 0.0316, 0.01])
  }

  @Test func noamAndPower() {
    expect(Noam(modelSize: 64, warmupSteps: 2), [0, 0.0442, 0.0884, 0.0722, 0.0625, 0.0559])
    expect(Power(baseRate: 1, exponent: -0.5, maxRate: 0.8), [0.8, 0.8, 0.7071, 0.5774, 0.5])
    expect(Sigmoid(baseRate: 1, gamma: 1, center: 2), [0.8808, 0.7311, 0.5, 0.2689, 0.1192])
  }

  @Test func pointsAndTables() {
    expect(PiecewiseLinear(points: [(0, 0), (2, 1), (4, 0.2)]), [0, 0.5, 1, 0.6, 0.2, 0.2])
    expect(RateTable(values: [1, 0.5, 0.2]), [1, 0.5, 0.2, 0.2])
    expect(RateTable(values: [1, 0.5], after: .repeat), [1, 0.5, 1, 0.5])
    expect(RateTable(values: [1, 0.5], interpolation: .linear), [1, 0.75, 0.5, 0.5], at: [0, 0.5, 1, 1.5])
  }

  @Test func combinators() {
    let line = Linear(baseRate: 1, totalSteps: 4)
    expect(Clamp(line, lower: 0.3, upper: 0.8), [0.8, 0.75, 0.5, 0.3, 0.3])
    expect(Shift(by: 2, schedule: line), [0.5, 0.25, 0, 0])
    expect(Shift(by: -2, schedule: line), [1, 1, 1, 0.75, 0.5])
    expect(Stretch(by: 2, schedule: line), [1, 0.875, 0.75, 0.625])
    expect(Stretch(speed: 2, schedule: line), [1, 0.5, 0])
    expect(Quantize(every: 2, schedule: line), [1, 1, 0.5, 0.5, 0])
    expect(Hold(until: 2, schedule: line), [1, 0.75, 0.5, 0.5, 0.5])
    expect(Hold(from: 1, schedule: line), [0.75, 0.75, 0.5])
    expect(
      Repeat(period: 2, decay: 0.5, schedule: Linear(baseRate: 1, totalSteps: 2)), [1, 0.5, 0.5, 0.25, 0.25, 0.125])
    expect(
      Repeat(period: 2, count: 2, finalRate: 0.1, schedule: Linear(baseRate: 1, totalSteps: 2)), [1, 0.5, 1, 0.5, 0.1])
    expect(Extreme(of: [Constant(baseRate: 0.6), line], isHighest: false), [0.6, 0.6, 0.5, 0.25, 0])
    expect(Extreme(of: [Constant(baseRate: 0.6), line], isHighest: true), [1, 0.75, 0.6, 0.6])
    expect(ScheduleSum(schedules: [Constant(baseRate: 0.1), line]), [1.1, 0.85, 0.6, 0.35, 0.1])
    expect(Scale(by: 0.5, schedule: line), [0.5, 0.375, 0.25, 0.125, 0])
  }

  @Test func noiseIsTheSameInAnyOrderAndWithinItsLimit() {
    let calm = Constant(baseRate: 1)
    let noise = Noise(schedule: calm, seed: 7, standardDeviation: 0.5, limit: 0.2, from: 10, until: 900)
    let forward = (0..<1000).map { noise.rate(at: Double($0)) }
    for step in (0..<1000).reversed() { #expect(noise.rate(at: Double(step)) == forward[step]) }
    #expect(forward[..<10].allSatisfy { $0 == 1 } && forward[900...].allSatisfy { $0 == 1 })
    #expect(forward.allSatisfy { abs($0 - 1) <= 0.2 })
    #expect(Set(forward[10..<900]).count > 800)
    #expect(Noise(schedule: calm, seed: 8, standardDeviation: 0.5, limit: 0.2).rate(at: 20) != noise.rate(at: 20))
    let mean = forward[10..<900].reduce(0, +) / 890
    #expect(abs(mean - 1) < 0.02)
  }

  @Test func aWarmUpMeetsWhatFollowsWithoutAJump() {
    for shape in Warmup.Shape.allCases where shape != .constant {
      for length in [1.0, 5, 100, 12_345] {
        let warmup = Warmup(
          warmupSteps: length, startFactor: 0.01, shape: shape, then: Cosine(baseRate: 0.1, totalSteps: 50))
        #expect(abs(warmup.rate(at: length.nextDown) - warmup.rate(at: length)) < 1e-9, "\(shape), \(length)")
      }
    }
  }
}
