import Experiments
import JSON
import Schedules
import Testing

/// One problem of each type, and what its parameters change.
let problems: [JSONValue] =
  ProblemCatalog.definitions.map(\.example) + [
    ["type": "ravine", "dimension": 7, "rotation": 30, "condition_number": 50],
    ["type": "ravine", "rotation": -45], ["type": "bowl", "dimension": 1],
    ["type": "polynomial_regression", "degree": 0], ["type": "polynomial_regression", "degree": 1, "batch_size": 5],
    ["type": "noisy_logistic_regression", "batch_size": 200, "condition_number": 100, "dimension": 1],
    ["type": "two_moons", "hidden": 3, "samples": 20, "batch_size": 20],
  ]

@Suite struct ProblemTests {
  /// A point near the start, the same in every run.
  private func point(_ problem: any Problem) -> [Double] {
    problem.start.enumerated().map { $0.element + 0.3 * Double(($0.offset * 7) % 5 - 2) + 0.05 }
  }

  @Test(arguments: problems) func theGradientIsTheSlopeOfTheLoss(_ value: JSONValue) throws {
    let problem = try ProblemCatalog.read(value)
    let point = point(problem)
    var gradient = point.map { _ in Double.nan }
    var unused = gradient
    let step = 17
    let loss = problem.loss(at: point, step: step, gradient: &gradient)
    #expect(loss.isFinite)
    for index in point.indices {
      let width = 1e-5
      var (before, after) = (point, point)
      before[index] -= width
      after[index] += width
      let low = problem.loss(at: before, step: step, gradient: &unused)
      let high = problem.loss(at: after, step: step, gradient: &unused)
      let slope = (high - low) / (2 * width)
      #expect(abs(slope - gradient[index]) <= 1e-6 * max(1, abs(slope)), "parameter \(index)")
    }
  }

  @Test(arguments: problems) func aProblemIsTheSameEveryTime(_ value: JSONValue) throws {
    let (one, other) = (try ProblemCatalog.read(value), try ProblemCatalog.read(value))
    #expect(one.start == other.start)
    let point = point(one)
    var (first, second) = (point, point)
    for step in [0, 1, 999_999] {
      #expect(
        one.loss(at: point, step: step, gradient: &first) == other.loss(at: point, step: step, gradient: &second))
      #expect(first == second)
    }
    #expect(one.validationLoss(at: point) == other.validationLoss(at: point))
  }

  @Test(arguments: problems) func aStepSeesTheTrainingLossUnlessItIsStochastic(_ value: JSONValue) throws {
    let problem = try ProblemCatalog.read(value)
    let point = point(problem)
    var gradient = point
    let seen = (0..<8).map { problem.loss(at: point, step: $0, gradient: &gradient) }
    let exact = problem.loss(at: point)
    if problem.isStochastic {
      #expect(Set(seen).count > 1)
    } else {
      #expect(seen.allSatisfy { abs($0 - exact) <= 1e-12 * abs(exact) })
    }
  }

  @Test(
    arguments: [
      (["type": "polynomial_regression", "batch_size": 3], ["type": "polynomial_regression"]),
      (
        ["type": "noisy_logistic_regression", "batch_size": 3],
        ["type": "noisy_logistic_regression", "batch_size": 200]
      ),
      (["type": "two_moons", "batch_size": 3], ["type": "two_moons", "batch_size": 100]),
      (["type": "bowl", "noise": 0.5], ["type": "bowl"]),
    ] as [(JSONValue, JSONValue)])
  func theMeanOverManyStepsIsTheExactGradient(noisy: JSONValue, exact: JSONValue) throws {
    let (noisy, exact) = (try ProblemCatalog.read(noisy), try ProblemCatalog.read(exact))
    #expect(noisy.isStochastic && !exact.isStochastic)
    let point = point(noisy)
    var (gradient, mean, square) = (point, point.map { _ in 0.0 }, point.map { _ in 0.0 })
    let steps = 5000
    for step in 0..<steps {
      _ = noisy.loss(at: point, step: step, gradient: &gradient)
      for index in gradient.indices {
        mean[index] += gradient[index] / Double(steps)
        square[index] += gradient[index] * gradient[index] / Double(steps)
      }
    }
    _ = exact.loss(at: point, step: 0, gradient: &gradient)
    for index in gradient.indices {
      let error = (max(square[index] - mean[index] * mean[index], 0) / Double(steps)).squareRoot()
      #expect(abs(mean[index] - gradient[index]) <= 5 * error + 1e-12, "parameter \(index)")
    }
  }

  @Test(arguments: problems) func noPointIsBelowTheLeastLoss(_ value: JSONValue) throws {
    let problem = try ProblemCatalog.read(value)
    guard let least = problem.leastLoss else { return }
    #expect(problem.loss(at: problem.start) >= least)
    #expect(problem.loss(at: point(problem)) >= least)
  }

  @Test func theMinimaAreWhereTheySay() {
    #expect(Rosenbrock().loss(at: [1, 1]) == 0)
    #expect(Saddle().loss(at: [0, 2.0.squareRoot()]) < 1e-30)
    #expect(Saddle().loss(at: [0, 0]) == 1)
    var gradient = [1.0, 1]
    _ = Saddle().loss(at: [0, 0], step: 0, gradient: &gradient)
    #expect(gradient == [0, 0])
  }

  @Test func aTurnedRavineHasTheSameCurvatures() throws {
    // ½·(cos, sin)·H·(cos, sin)ᵀ along the turned axes is half of each curvature.
    let problem = Quadratic(curvatures: [1, 100], start: [1, 1], rotation: 90)
    #expect(abs(problem.loss(at: [0, 1]) - 0.5) < 1e-12)
    #expect(abs(problem.loss(at: [1, 0]) - 50) < 1e-12)
  }

  @Test func theLargestCurvatureOfARegressionIsWhatItsGradientSays() {
    let problem = PolynomialRegression(degree: 6, samples: 15)
    // The power method on differences of gradients, which are linear.
    var (zero, vector, image) = (problem.start, problem.start, problem.start)
    _ = problem.loss(at: problem.start, step: 0, gradient: &zero)
    vector[0] = 1
    vector[3] = 0.5
    var size = 0.0
    for _ in 0..<2000 {
      _ = problem.loss(at: vector, step: 0, gradient: &image)
      for index in image.indices { image[index] -= zero[index] }
      size = image.reduce(0) { $0 + $1 * $1 }.squareRoot()
      vector = image.map { $0 / size }
    }
    #expect(abs(size - (problem.largestCurvature ?? 0)) < 1e-8 * size)
  }

  @Test func aPolynomialOfALowDegreeCannotReachTheTruthAndOneOfAHighDegreeCan() throws {
    let (low, high) = (PolynomialRegression(degree: 1), PolynomialRegression(degree: 15))
    let (truth, other) = (try #require(low.truthLoss), try #require(high.truthLoss))
    #expect(truth == other, "the degree does not change the data")
    #expect(try #require(low.leastLoss) > 1.5 * truth)
    #expect(try #require(high.leastLoss) < 0.7 * truth)
  }

  @Test func aMoreFlexiblePolynomialFitsNoWorse() throws {
    var before = Double.infinity
    for degree in 0...30 {
      let least = try #require(PolynomialRegression(degree: degree, samples: 25).leastLoss)
      #expect(least <= before * (1 + 1e-9) + 1e-9, "degree \(degree)")
      before = least
    }
  }

  @Test func newtonsLeastLossIsWhereALongDescentEnds() throws {
    let problem = LogisticRegression(batchSize: nil)
    var (point, gradient) = (problem.start, problem.start)
    for _ in 0..<5000 {
      _ = problem.loss(at: point, step: 0, gradient: &gradient)
      for index in point.indices { point[index] -= gradient[index] }
    }
    let least = try #require(problem.leastLoss)
    #expect(problem.loss(at: point) >= least - 1e-14)
    #expect(problem.loss(at: point) - least < 1e-10)
  }
}

@Suite struct ProblemCatalogTests {
  @Test func theBareNameIsTheProblemWithItsDefaults() throws {
    for type in ProblemCatalog.types {
      let (bare, object) = (
        try ProblemCatalog.read(.string(type)), try ProblemCatalog.read(["type": .string(type)])
      )
      #expect(bare.start == object.start)
    }
  }

  @Test(
    arguments: [
      ("\"ravin\"", "", "ravine"), ("{\"type\":\"Rosenbrok\"}", "/type", "rosenbrock"),
      ("{\"type\":\"ravine\",\"condition_nmber\":3}", "/condition_nmber", "condition_number"),
      ("{\"type\":\"ravine\",\"condition_number\":0.5}", "/condition_number", nil),
      ("{\"type\":\"ravine\",\"condition_number\":\"3\"}", "/condition_number", nil),
      ("{\"type\":\"two_moons\",\"hidden\":1e9}", "/hidden", nil), ("{\"type\":\"bowl\",\"start\":[1]}", "/start", nil),
      ("{\"type\":\"bowl\",\"start\":[1,\"x\"]}", "/start/1", nil), ("{\"type\":3}", "/type", nil),
      ("{}", "/type", nil),
      ("[]", "", nil), ("{\"type\":\"two_moons\",\"samples\":10,\"batch_size\":11}", "/batch_size", nil),
    ] as [(String, String, String?)]) func whatIsWrongIsNamed(text: String, pointer: String, suggestion: String?) throws
  {
    let value = try JSONReader.read(Array(text.utf8))
    let error = #expect(throws: SpecificationError.self) { try ProblemCatalog.read(value) }
    #expect(error?.pointer.description == pointer)
    #expect(error?.suggestion == suggestion)
  }

  @Test(arguments: ProblemCatalog.types) func everyParameterIsBounded(_ type: String) throws {
    let definition = try #require(ProblemCatalog[type])
    for parameter in definition.parameters {
      for number in [-1e300, 1e300] {
        let value = JSONValue.object(JSONObject([("type", .string(type)), (parameter.name, .number(number))]))
        #expect(throws: SpecificationError.self, "\(parameter.name)") { try ProblemCatalog.read(value) }
      }
      #expect(!parameter.summary.isEmpty)
    }
    #expect(!definition.formula.isEmpty && !definition.source.isEmpty && !definition.summary.isEmpty)
  }
}

@Suite struct PlaneTests {
  @Test func aSurfaceHoldsTheLossAtItsPoints() throws {
    let problem = Rosenbrock()
    let surface = try #require(LossSurface(of: problem, columns: 9, rows: 5))
    #expect(surface.losses.count == 45)
    #expect(surface.x(0) == -2 && surface.x(8) == 2 && surface.y(0) == -1 && surface.y(4) == 3)
    for row in 0..<5 {
      for column in 0..<9 {
        #expect(surface[row: row, column: column] == problem.loss(at: [surface.x(column), surface.y(row)]))
      }
    }
    #expect(LossSurface(of: Quadratic(curvatures: [1], start: [1])) == nil)
  }

  @Test(arguments: problems) func aViewHoldsTheStart(_ value: JSONValue) throws {
    let problem = try ProblemCatalog.read(value)
    #expect((problem.view != nil) == (problem.start.count == 2))
    guard let view = problem.view else { return }
    #expect(view.x.contains(problem.start[0]) && view.y.contains(problem.start[1]))
  }

  @Test func aPathThatRunsAwayDoesNotWidenTheViewWithoutEnd() {
    let bounds = PlaneBounds(x: 0...1, y: 0...1)
    #expect(bounds.including([(0.5, 0.5)]) == bounds)
    #expect(bounds.including([(-1, 0.5)]) == PlaneBounds(x: -1.05...1, y: 0...1))
    #expect(bounds.including([(1e30, .nan), (.infinity, -1e30)]) == PlaneBounds(x: 0...3, y: -2...1))
  }
}
