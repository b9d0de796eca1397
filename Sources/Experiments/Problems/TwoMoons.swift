import Foundation
import JSON
import Schedules

/// Two half moons that reach into each other, told apart by a network with one hidden layer: a loss that is not convex,
/// the smallest training that looks like a real one.
///
///     loss = mean(ln(1 + e^(−s·f(x)))),   f(x) = v·tanh(W·x + a) + b,   s = ±1 which moon x is from
///
/// With few points, much noise and many hidden units it overfits. The parameters: W row by row, a, v, b; the start is
/// normal, W with the deviation 1/√2 and v with 1/√hidden.
///
/// Sources: scikit-learn's `make_moons` for the points; LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, for the
/// start.
public struct TwoMoons: Problem {
  public let start: [Double]
  private let hidden: Int
  private let batch: Batch
  private let training: Points
  private let validation: Points

  /// Points, two coordinates each, and their labels, ±1.
  private struct Points: Sendable {
    var coordinates: [Double] = []
    var labels: [Double] = []

    init(count: Int, noise: Double, random: Random) {
      var random = random
      for index in 0..<count {
        let angle = Double.pi * random.unit()
        let isInner = index % 2 == 1
        coordinates.append((isInner ? 1 - cos(angle) : cos(angle)) + noise * random.normal())
        coordinates.append((isInner ? 0.5 - sin(angle) : sin(angle)) + noise * random.normal())
        labels.append(isInner ? 1 : -1)
      }
    }
  }

  /// - Parameters:
  ///   - samples: how many points the training has, at least 1.
  ///   - validationSamples: how many points the validation has, at least 1.
  ///   - noise: the standard deviation of the noise on the coordinates.
  ///   - hidden: how many hidden units, at least 1; the parameters are 4·hidden + 1.
  ///   - batchSize: how many points a step sees; nil: all.
  ///   - seed: chooses the points, the start and the batches.
  public init(
    samples: Int = 100, validationSamples: Int = 200, noise: Double = 0.2, hidden: Int = 8, batchSize: Int? = 16,
    seed: UInt64 = 0
  ) {
    self.hidden = hidden
    batch = Batch(count: samples, size: batchSize, seed: seed)
    training = Points(count: samples, noise: noise, random: Random(seed: seed, stream: Random.Stream.training))
    validation = Points(
      count: validationSamples, noise: noise, random: Random(seed: seed, stream: Random.Stream.validation))
    var random = Random(seed: seed, stream: Random.Stream.start)
    let inner = random.normals(2 * hidden).map { $0 * 0.5.squareRoot() }
    let outer = random.normals(hidden).map { $0 / Double(hidden).squareRoot() }
    start = inner + Array(repeating: 0, count: hidden) + outer + [0]
  }

  public func loss(at parameters: [Double], step: Int, gradient: inout [Double]) -> Double {
    for index in 0..<parameters.count { gradient[index] = 0 }
    let (bias, output) = (2 * hidden, 3 * hidden)
    let share = 1 / Double(batch.cost)
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: hidden) { activations in
      var sum = 0.0
      batch.forEach(step: step) { sample in
        let (x, y) = (training.coordinates[2 * sample], training.coordinates[2 * sample + 1])
        var value = parameters[4 * hidden]
        for unit in 0..<hidden {
          let activation = tanh(parameters[2 * unit] * x + parameters[2 * unit + 1] * y + parameters[bias + unit])
          activations[unit] = activation
          value += parameters[output + unit] * activation
        }
        let margin = training.labels[sample] * value
        sum += logisticLoss(margin)
        let slope = -share * training.labels[sample] * sigmoid(-margin)
        for unit in 0..<hidden {
          let activation = activations[unit]
          gradient[output + unit] += slope * activation
          let inner = slope * parameters[output + unit] * (1 - activation * activation)
          gradient[2 * unit] += inner * x
          gradient[2 * unit + 1] += inner * y
          gradient[bias + unit] += inner
        }
        gradient[4 * hidden] += slope
      }
      return sum * share
    }
  }

  /// What the network says of a point: positive for the inner moon.
  public func output(x: Double, y: Double, parameters: [Double]) -> Double {
    var value = parameters[4 * hidden]
    for unit in 0..<hidden {
      let inner = parameters[2 * unit] * x + parameters[2 * unit + 1] * y + parameters[2 * hidden + unit]
      value += parameters[3 * hidden + unit] * tanh(inner)
    }
    return value
  }

  private func loss(_ points: Points, _ parameters: [Double]) -> Double {
    var sum = 0.0
    for (index, label) in points.labels.enumerated() {
      let (x, y) = (points.coordinates[2 * index], points.coordinates[2 * index + 1])
      sum += logisticLoss(label * output(x: x, y: y, parameters: parameters))
    }
    return sum / Double(points.labels.count)
  }

  public func loss(at parameters: [Double]) -> Double { loss(training, parameters) }

  public func validationLoss(at parameters: [Double]) -> Double? { loss(validation, parameters) }

  public var isStochastic: Bool { batch.size != nil }

  public var gradientCost: Double { Double(batch.cost) * Double(30 * hidden + 40) }

  public var lossCost: Double {
    Double(training.labels.count + validation.labels.count) * Double(25 * hidden + 30)
  }

  static let definition = ProblemDefinition(
    type: "two_moons",
    summary: "Two half moons told apart by a small network: not convex, and it can overfit.",
    parameters: [
      .integer("samples", NumberRange(lower: 2, upper: 1000), 100, "how many points the training has"),
      .integer("validation_samples", NumberRange(lower: 1, upper: 1000), 200, "how many points the validation has"),
      .number("noise", NumberRange(lower: 0, upper: 2), 0.2, "the standard deviation of the noise on the points"),
      .integer("hidden", NumberRange(lower: 1, upper: 64), 8, "how many hidden units"),
      ProblemDefinition.batchSize(1000, 16), ProblemDefinition.seed,
    ],
    formula: "mean(ln(1 + e^(−s·f(x)))), f(x) = v·tanh(W·x + a) + b",
    source: "scikit-learn's make_moons; LeCun, Bottou, Orr and Müller, Efficient BackProp, 1998",
    example: ["type": "two_moons", "hidden": 16]
  ) { arguments throws(SpecificationError) in
    let samples = Int(try arguments.number("samples"))
    return TwoMoons(
      samples: samples, validationSamples: Int(try arguments.number("validation_samples")),
      noise: try arguments.number("noise"), hidden: Int(try arguments.number("hidden")),
      batchSize: try ProblemDefinition.batchSize(arguments, samples: samples),
      seed: try ProblemDefinition.seed(arguments))
  }
}
