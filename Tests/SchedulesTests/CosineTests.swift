import Schedules
import Testing

@Suite struct CosineTests {
  @Test func followsTheWorkedExample() {
    let schedule = Cosine(baseRate: 1, totalSteps: 4)
    let expected = [1, 0.853553390593, 0.5, 0.146446609407, 0, 0]
    for (step, value) in expected.enumerated() {
      #expect(abs(schedule.rate(at: Double(step)) - value) < 1e-12)
    }
  }

  @Test func mirrorsPastTheEndWhenAsked() {
    let schedule = Cosine(baseRate: 1, totalSteps: 4, after: .mirror)
    #expect(abs(schedule.rate(at: 6) - 0.5) < 1e-12)
    #expect(abs(schedule.rate(at: 8e12) - 1) < 1e-12)
  }
}
