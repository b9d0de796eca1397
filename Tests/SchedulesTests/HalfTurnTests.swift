import Foundation
import Testing

@testable import Schedules

/// The cosine that the cosine schedules share.
@Suite struct HalfTurnTests {
  @Test func itIsTheSystemsCosineToTheLastPlace() {
    var differing = 0
    let count = 400_000
    for index in 0...count {
      let x = Double(index) * 2 / Double(count)
      let (ours, theirs) = (cosineOfHalfTurns(x), cos(.pi * x))
      if ours == theirs { continue }
      differing += 1
      #expect(abs(ours - theirs) <= max(theirs.ulp, 0x1p-60), "\(x)")
    }
    #expect(differing < count / 20)
  }

  @Test func whereTheCurveTurnsItIsExact() {
    #expect([0, 1, 2].map { cosineOfHalfTurns($0) } == [1, -1, 1])
    #expect(1 + cosineOfHalfTurns(0.5) == 1)
    #expect(cosineOfHalfTurns(.leastNonzeroMagnitude) == 1)
  }

  @Test func itFallsWithoutAStepBack() {
    var last = 1.0
    for index in 1...100_000 {
      let next = cosineOfHalfTurns(Double(index) / 100_000)
      #expect(next <= last)
      last = next
    }
  }

  @Test(arguments: [1, 3, 4, 5, 99, 100, 101, 4096]) func filledManyAtATimeTheRatesAreTheSame(_ count: Int) {
    for (start, stride) in [(0.0, 1.0), (7, 3), (0.5, 0.25), (90, 1), (1e15, 12345)] {
      let schedule = Cosine(baseRate: 0.1, endRate: 1e-5, totalSteps: 97, after: .mirror)
      var rates = [Double](repeating: .nan, count: count)
      rates.withUnsafeMutableBufferPointer { schedule.fill($0, from: start, stride: stride) }
      #expect(rates == (0..<count).map { schedule.rate(at: start + Double($0) * stride) })
    }
  }
}
