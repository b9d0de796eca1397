import Experiments
import JSON
import Testing

/// What every optimizer promises, and the examples that its documentation works out.
@Suite struct OptimizerTests {
  /// The parameter after each of some updates from 0, with the gradient always the same.
  private static func walk(
    _ optimizer: some Optimizer, rate: Double, gradient: Double, updates: Int
  ) -> [Double] {
    var optimizer = optimizer
    var parameters = [0.0]
    return (0..<updates).map { _ in
      optimizer.update(&parameters, gradient: [gradient], learningRate: rate)
      return parameters[0]
    }
  }

  private static func expect(
    _ values: [Double], near expected: [Double], _ location: SourceLocation = #_sourceLocation
  ) {
    let isNear = zip(values, expected).allSatisfy { ($0 - $1).magnitude < 1e-4 * max(1e-2, $1.magnitude) }
    #expect(values.count == expected.count && isNear, "\(values), not \(expected)", sourceLocation: location)
  }

  @Test func theWorkedExamplesAreRight() {
    Self.expect(
      Self.walk(SGD(parameterCount: 1, momentum: 0.9), rate: 0.1, gradient: 1, updates: 4),
      near: [-0.1, -0.29, -0.561, -0.9049])
    let half = 0.5.squareRoot()
    Self.expect(
      Self.walk(AdaGrad(parameterCount: 1, eps: 0), rate: 1, gradient: 2, updates: 3),
      near: [-1, -1 - half, -1 - half - 1 / 3.0.squareRoot()])
    Self.expect(
      Self.walk(RMSprop(parameterCount: 1, eps: 0), rate: 0.1, gradient: 2, updates: 3),
      near: [-1, -1.7089, -2.2891])
    Self.expect(
      Self.walk(Adam(parameterCount: 1, eps: 0), rate: 0.1, gradient: 7, updates: 3), near: [-0.1, -0.2, -0.3])
    Self.expect(
      Self.walk(Lion(parameterCount: 1), rate: 0.1, gradient: 7, updates: 3), near: [-0.1, -0.2, -0.3])
    Self.expect(
      Self.walk(Adadelta(parameterCount: 1), rate: 1, gradient: 1, updates: 3),
      near: [-0.0031623, -0.0064067, -0.0097075])
  }

  @Test(arguments: OptimizerCatalog.types) func theEffectiveRatesAreZeroBeforeTheFirstUpdate(_ type: String) throws {
    let optimizer = try OptimizerCatalog.read(.string(type)).optimizer(parameterCount: 3)
    #expect(optimizer.effectiveRates == [0, 0, 0])
  }

  @Test func theEffectiveRateIsWhatTheGradientWasMultipliedWith() throws {
    // Without averages of the gradient: the change is the effective rate times the gradient.
    for text in [
      ["type": "sgd"], ["type": "adagrad", "lr_decay": 0.1], ["type": "rmsprop"], ["type": "adadelta"],
      ["type": "adam", "beta1": 0], ["type": "adam", "beta1": 0, "amsgrad": true], ["type": "radam", "beta1": 0],
      ["type": "nadam", "beta1": 0], ["type": "lion", "beta1": 0],
    ] as [JSONValue] {
      var optimizer = try OptimizerCatalog.read(text).optimizer(parameterCount: 2)
      var parameters = [1.0, -2]
      for step in 1...20 {
        let before = parameters
        let gradient = [Double(step), -0.1 / Double(step)]
        optimizer.update(&parameters, gradient: gradient, learningRate: 0.1 / Double(step))
        for index in 0..<2 {
          let change = before[index] - parameters[index]
          let expected = optimizer.effectiveRates[index] * gradient[index]
          #expect((change - expected).magnitude <= 1e-14 + 1e-9 * expected.magnitude, "\(text), update \(step)")
        }
      }
    }
  }

  @Test func theEffectiveRateOfAMovingAverageIsThatOfTheAverage() {
    // Under a constant gradient Adam's average is (1 − beta1ᵗ)·g, and it moves by the effective rate times that.
    var adam = Adam(parameterCount: 1)
    var parameters = [0.0]
    for step in 1...5 {
      let before = parameters[0]
      adam.update(&parameters, gradient: [3], learningRate: 0.1)
      var kept = 1.0
      for _ in 0..<step { kept *= 0.9 }
      #expect((before - parameters[0] - adam.effectiveRates[0] * (1 - kept) * 3).magnitude < 1e-12)
    }
    var lion = Lion(parameterCount: 2)
    var pair = [0.0, 0]
    lion.update(&pair, gradient: [4, 0], learningRate: 0.1)
    #expect((lion.effectiveRates[0] - 0.1 / 0.4).magnitude < 1e-12)
    #expect(lion.effectiveRates[1] == 0)
    #expect(pair[1] == 0)
  }

  @Test func gradientDescentIsStableBelowItsLimitAndNotAbove() throws {
    let values: [JSONValue] = [
      "sgd", "momentum", "nesterov", ["type": "sgd", "weight_decay": 3],
      ["type": "momentum", "momentum": 0.5, "dampening": 0.3, "weight_decay": 1],
      ["type": "nesterov", "momentum": 0.3, "weight_decay": 1],
    ]
    for value in values {
      let specification = try OptimizerCatalog.read(value)
      let limit = try #require(specification.optimizer(parameterCount: 1).stableRate(curvature: 20))
      for (factor, isStable) in [(0.98, true), (1.02, false)] {
        var optimizer = specification.optimizer(parameterCount: 1)
        var parameters = [1.0]
        for _ in 0..<3000 {
          optimizer.update(&parameters, gradient: [20 * parameters[0]], learningRate: limit * factor)
        }
        #expect((parameters[0].magnitude < 1e-6) == isStable, "\(value) at \(factor) of \(limit)")
        #expect(isStable || parameters[0].magnitude > 1e6 || parameters[0].isNaN, "\(value)")
      }
    }
    #expect(try OptimizerCatalog.read("adam").optimizer(parameterCount: 1).stableRate(curvature: 1) == nil)
  }

  @Test(arguments: OptimizerCatalog.types) func numbersThatAreNotFiniteStopNothing(_ type: String) throws {
    for poison in [Double.nan, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude] {
      for rate in [0.1, 0, .nan, .infinity, 1e308] {
        var optimizer = try OptimizerCatalog.read(.string(type)).optimizer(parameterCount: 2)
        var parameters = [1.0, poison]
        for gradient in [[1, 1], [poison, poison], [-poison, 0], [1, 1]] {
          optimizer.update(&parameters, gradient: gradient, learningRate: rate)
        }
        #expect(optimizer.effectiveRates.count == 2)
      }
      var optimizer = try OptimizerCatalog.read(.string(type)).optimizer(parameterCount: 1)
      var parameters = [1.0]
      optimizer.update(&parameters, gradient: [.nan], learningRate: 0.1)
      #expect(parameters[0].isNaN, "a gradient that is no number shows in the parameters")
    }
  }

  @Test(arguments: OptimizerCatalog.types) func aCopyGoesItsOwnWay(_ type: String) throws {
    var optimizer = try OptimizerCatalog.read(.string(type)).optimizer(parameterCount: 1)
    var parameters = [1.0]
    optimizer.update(&parameters, gradient: [1], learningRate: 0.1)
    var disturbed = optimizer
    var copy = optimizer
    var copied = parameters
    var elsewhere = parameters
    disturbed.update(&elsewhere, gradient: [-5], learningRate: 0.1)
    optimizer.update(&parameters, gradient: [2], learningRate: 0.1)
    copy.update(&copied, gradient: [2], learningRate: 0.1)
    #expect(copied == parameters)
    #expect(copy.effectiveRates == optimizer.effectiveRates)
    #expect(elsewhere != parameters)
  }

  @Test(arguments: OptimizerCatalog.types) func noParametersAreNoTrouble(_ type: String) throws {
    var optimizer = try OptimizerCatalog.read(.string(type)).optimizer(parameterCount: 0)
    var parameters: [Double] = []
    optimizer.update(&parameters, gradient: [], learningRate: 0.1)
    #expect(parameters.isEmpty && optimizer.effectiveRates.isEmpty)
  }
}
