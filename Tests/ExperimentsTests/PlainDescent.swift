import Experiments
import JSON
import Schedules

/// Gradient descent with momentum, as plain as can be: what the runner's tests update with.
struct PlainDescent: Optimizer {
  let momentum: Double
  private var velocity: [Double]
  private(set) var effectiveRates: [Double]

  init(_ count: Int, momentum: Double = 0) {
    self.momentum = momentum
    velocity = Array(repeating: 0, count: count)
    effectiveRates = velocity
  }

  mutating func update(_ parameters: inout [Double], gradient: [Double], learningRate: Double) {
    for index in parameters.indices {
      velocity[index] = momentum * velocity[index] + gradient[index]
      parameters[index] -= learningRate * velocity[index]
      effectiveRates[index] = learningRate
    }
  }

  func stableRate(curvature: Double) -> Double? {
    StableRate.gradientDescent(curvature: curvature, momentum: momentum)
  }
}

/// The schedule of a specification.
func schedule(_ value: JSONValue) throws -> any Schedule { try SpecificationReader().read(value).rate }

/// Plain descent on a problem of the catalog; the rates are those of `schedule` times `rate`.
func experiment(
  _ problem: JSONValue, rate: Double, steps: Int, momentum: Double = 0,
  schedule value: JSONValue = ["type": "constant", "base_lr": 1], recording: Recording = Recording()
) throws -> Experiment {
  Experiment(
    problem: try ProblemCatalog.read(problem), schedule: try schedule(value), steps: steps, rateFactor: rate,
    recording: recording
  ) { PlainDescent($0, momentum: momentum) }
}
