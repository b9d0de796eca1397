import Experiments
import Testing

@Suite struct QuadraticTests {
  @Test func theGradientIsTheSlopeOfTheLoss() {
    let problem = Quadratic(curvatures: [1, 100], start: [1, -1])
    var gradient = [0.0, 0.0]
    #expect(problem.loss(at: [0.5, -0.25], step: 0, gradient: &gradient) == 3.25)
    #expect(gradient == [0.5, -25])
    #expect(problem.largestCurvature == 100)
  }
}
