import Foundation
import JSON
import Schedules

/// Logistic regression on generated points, part of whose labels are wrong, a batch at a time: a convex loss whose steps
/// are noisy, so that a constant rate never comes to rest.
///
///     loss(w, b) = mean(ln(1 + e^(−s·(w·x + b)))) + ½·l2·|w|²,   s = ±1 the label
///     x normal, the feature i scaled by κ^(−½·i/(d − 1));  s = the sign of v·x, wrong with the probability label_noise
///
/// Sources: Robbins and Monro, "A stochastic approximation method", 1951, on why rates have to fall; Bottou, Curtis and
/// Nocedal, arXiv:1606.04838, section 4.
public struct LogisticRegression: Problem {
  public let start: [Double]
  public let leastLoss: Double?
  private let decay: Double
  private let batch: Batch
  private let training: Points
  private let validation: Points

  /// Points row by row, and their labels, ±1.
  private struct Points: Sendable {
    var features: [Double] = []
    var labels: [Double] = []

    init(count: Int, direction: [Double], scales: [Double], labelNoise: Double, random: Random) {
      var random = random
      for _ in 0..<count {
        var product = 0.0
        for (weight, scale) in zip(direction, scales) {
          let feature = random.normal()
          product += weight * feature
          features.append(scale * feature)
        }
        let isWrong = random.unit() < labelNoise
        labels.append((product >= 0) != isWrong ? 1 : -1)
      }
    }

    /// The label times what the model says: positive where it is right.
    func margin(_ index: Int, _ parameters: [Double]) -> Double {
      let dimension = parameters.count - 1
      let row = index * dimension
      var sum = parameters[dimension]
      for column in 0..<dimension { sum += features[row + column] * parameters[column] }
      return labels[index] * sum
    }

    func loss(_ parameters: [Double]) -> Double {
      var sum = 0.0
      for index in labels.indices { sum += logisticLoss(margin(index, parameters)) }
      return sum / Double(labels.count)
    }
  }

  /// - Parameters:
  ///   - dimension: how many features a point has, at least 1; the parameters are one more.
  ///   - samples: how many points the training has, at least 1; the validation has as many.
  ///   - labelNoise: the part of the labels that is wrong, from 0 to 0.5.
  ///   - conditionNumber: κ, how unequally the features are scaled, at least 1.
  ///   - decay: l2, greater than 0: without it the least loss may be infinitely far away.
  ///   - batchSize: how many points a step sees; nil: all.
  ///   - seed: chooses the points and the batches.
  public init(
    dimension: Int = 5, samples: Int = 200, labelNoise: Double = 0.1, conditionNumber: Double = 1, decay: Double = 1e-3,
    batchSize: Int? = 16, seed: UInt64 = 0
  ) {
    start = Array(repeating: 0, count: dimension + 1)
    self.decay = decay
    batch = Batch(count: samples, size: batchSize, seed: seed)
    var random = Random(seed: seed, stream: Random.Stream.start)
    let direction = random.normals(dimension)
    let scales = (0..<dimension).map { index in
      pow(conditionNumber, -0.5 * Double(index) / Double(max(dimension - 1, 1)))
    }
    training = Points(
      count: samples, direction: direction, scales: scales, labelNoise: labelNoise,
      random: Random(seed: seed, stream: Random.Stream.training))
    validation = Points(
      count: samples, direction: direction, scales: scales, labelNoise: labelNoise,
      random: Random(seed: seed, stream: Random.Stream.validation))
    leastLoss = Self.leastLoss(training, decay: decay, dimension: dimension)
  }

  public func loss(at parameters: [Double], step: Int, gradient: inout [Double]) -> Double {
    let dimension = parameters.count - 1
    for index in 0..<dimension { gradient[index] = decay * parameters[index] }
    gradient[dimension] = 0
    let share = 1 / Double(batch.cost)
    var sum = 0.0
    batch.forEach(step: step) { sample in
      let margin = training.margin(sample, parameters)
      sum += logisticLoss(margin)
      let slope = -share * training.labels[sample] * sigmoid(-margin)
      let row = sample * dimension
      for column in 0..<dimension { gradient[column] += slope * training.features[row + column] }
      gradient[dimension] += slope
    }
    return sum * share + Self.penalty(parameters, decay)
  }

  public func loss(at parameters: [Double]) -> Double { training.loss(parameters) + Self.penalty(parameters, decay) }

  public func validationLoss(at parameters: [Double]) -> Double? { validation.loss(parameters) }

  private static func penalty(_ parameters: [Double], _ decay: Double) -> Double {
    var sum = 0.0
    for index in 0..<(parameters.count - 1) { sum += parameters[index] * parameters[index] }
    return decay * sum / 2
  }

  /// By Newton's method, each step halved until the loss falls; nil where it has not arrived after 50 steps.
  private static func leastLoss(_ points: Points, decay: Double, dimension: Int) -> Double? {
    var parameters = [Double](repeating: 0, count: dimension + 1)
    func loss(_ parameters: [Double]) -> Double { points.loss(parameters) + penalty(parameters, decay) }
    var current = loss(parameters)
    for _ in 0..<50 {
      var curvature = SymmetricMatrix(size: dimension + 1)
      var gradient = [Double](repeating: 0, count: dimension + 1)
      for index in 0..<dimension {
        gradient[index] = decay * parameters[index]
        curvature[index, index] = decay
      }
      let share = 1 / Double(points.labels.count)
      for index in points.labels.indices {
        let row = points.features[(index * dimension)..<((index + 1) * dimension)] + [1]
        let wrong = sigmoid(-points.margin(index, parameters))
        curvature.add(share * wrong * (1 - wrong), times: row[...])
        for (column, value) in row.enumerated() { gradient[column] -= share * points.labels[index] * wrong * value }
      }
      let direction = curvature.solve(gradient)
      var (length, next, lower) = (1.0, parameters, current)
      repeat {
        next = zip(parameters, direction).map { $0 - length * $1 }
        lower = loss(next)
        length /= 2
      } while !(lower < current) && length > 1e-6
      if !(lower < current) { return current }
      let fall = current - lower
      (parameters, current) = (next, lower)
      if fall <= 1e-14 * current { return current }
    }
    return nil
  }

  public var isStochastic: Bool { batch.size != nil }

  public var gradientCost: Double { Double(batch.cost) * Double(2 * start.count + 30) }

  public var lossCost: Double { 2 * Double(training.labels.count) * Double(start.count + 30) }

  public var view: PlaneBounds? { start.count == 2 ? PlaneBounds(x: -4...4, y: -4...4) : nil }

  static let definition = ProblemDefinition(
    type: "noisy_logistic_regression",
    summary: "A convex loss in noisy steps: generated points, some labels wrong, a batch at a time.",
    parameters: [
      .integer("dimension", NumberRange(lower: 1, upper: 20), 5, "how many features a point has"),
      .integer("samples", NumberRange(lower: 2, upper: 2000), 200, "how many points; as many again for validation"),
      .number("label_noise", NumberRange(lower: 0, upper: 0.5), 0.1, "the part of the labels that is wrong"),
      .number(
        "condition_number", NumberRange(lower: 1, upper: 1e6), 1, "how unequally the features are scaled, squared"),
      .number("l2", NumberRange(lower: 1e-6, upper: 10), 1e-3, "the penalty on the squared weights"),
      ProblemDefinition.batchSize(2000, 16), ProblemDefinition.seed,
    ],
    formula: "mean(ln(1 + e^(−s·(w·x + b)))) + ½·l2·|w|²",
    source: "Robbins and Monro 1951; Bottou, Curtis and Nocedal, arXiv:1606.04838",
    example: ["type": "noisy_logistic_regression", "batch_size": 4]
  ) { arguments throws(SpecificationError) in
    let samples = Int(try arguments.number("samples"))
    return LogisticRegression(
      dimension: Int(try arguments.number("dimension")), samples: samples,
      labelNoise: try arguments.number("label_noise"), conditionNumber: try arguments.number("condition_number"),
      decay: try arguments.number("l2"), batchSize: try ProblemDefinition.batchSize(arguments, samples: samples),
      seed: try ProblemDefinition.seed(arguments))
  }
}

/// 1 / (1 + e^−x), without an overflow.
func sigmoid(_ x: Double) -> Double {
  let part = exp(-abs(x))
  return (x >= 0 ? 1 : part) / (1 + part)
}

/// ln(1 + e^−margin), without an overflow.
func logisticLoss(_ margin: Double) -> Double { max(-margin, 0) + log1p(exp(-abs(margin))) }
