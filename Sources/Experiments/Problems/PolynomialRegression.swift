import Foundation
import JSON
import Schedules

/// A polynomial through noisy points of a sine: too low a degree underfits, too high a degree overfits in time.
///
///     loss(w) = ½·mean((Σ wₖ·φₖ(x) − y)²),   y = sin(π·x) + noise·n,   x uniform in −1 … 1
///     φₖ = √(2k + 1)·Pₖ, Legendre's polynomials, of mean square 1
///
/// In this basis the curvature is near 1 as long as there are many more points than parameters, so that gradient descent
/// gets somewhere; with few points the directions that fit the noise are the flat ones, learned last: stopping early helps.
///
/// Sources: Bishop, "Pattern Recognition and Machine Learning", 1.1, the sine; Advani and Saxe, arXiv:1710.03667, on what
/// is learned when.
public struct PolynomialRegression: Problem {
  /// The degree of the polynomial that is fitted.
  public let degree: Int
  public let start: [Double]
  public let leastLoss: Double?
  public let largestCurvature: Double?
  public let truthLoss: Double?
  private let batch: Batch
  private let training: Points
  private let validation: Points

  /// Points and their values of the basis, row by row.
  private struct Points: Sendable {
    var targets: [Double] = []
    var features: [Double] = []
    /// The mean square of the noise on the targets.
    var noise = 0.0

    init(count: Int, degree: Int, noise: Double, random: Random) {
      var random = random
      for _ in 0..<count {
        let x = random.uniform(-1...1)
        let disturbance = noise * random.normal()
        targets.append(sin(.pi * x) + disturbance)
        features.append(contentsOf: PolynomialRegression.basis(at: x, degree: degree))
        self.noise += disturbance * disturbance / Double(count)
      }
    }

    func residual(_ index: Int, _ parameters: [Double]) -> Double {
      let row = index * parameters.count
      var sum = -targets[index]
      for column in 0..<parameters.count { sum += features[row + column] * parameters[column] }
      return sum
    }

    func loss(_ parameters: [Double]) -> Double {
      var sum = 0.0
      for index in targets.indices {
        let residual = residual(index, parameters)
        sum += residual * residual
      }
      return sum / Double(2 * targets.count)
    }

    /// What is left of the targets when the features, made orthogonal to each other by Gram and Schmidt's method, twice for
    /// the sake of rounding, are taken out of them. The normal equations would square how nearly they depend on each other.
    func leastLoss(columns: Int) -> Double {
      var basis: [[Double]] = []
      for column in 0..<columns {
        var vector = targets.indices.map { features[$0 * columns + column] }
        let before = Self.product(vector, vector).squareRoot()
        for _ in 0..<2 {
          for other in basis { Self.remove(other, from: &vector) }
        }
        let after = Self.product(vector, vector).squareRoot()
        if after > 1e-10 * before { basis.append(vector.map { $0 / after }) }
      }
      var rest = targets
      for vector in basis { Self.remove(vector, from: &rest) }
      return Self.product(rest, rest) / Double(2 * targets.count)
    }

    private static func product(_ a: [Double], _ b: [Double]) -> Double {
      var sum = 0.0
      for index in a.indices { sum += a[index] * b[index] }
      return sum
    }

    private static func remove(_ unit: [Double], from vector: inout [Double]) {
      let part = product(unit, vector)
      for index in vector.indices { vector[index] -= part * unit[index] }
    }
  }

  /// - Parameters:
  ///   - degree: of the polynomial, at least 0.
  ///   - samples: how many points the training has, at least 1.
  ///   - validationSamples: how many points the validation has, at least 1.
  ///   - noise: the standard deviation of the noise on the targets.
  ///   - batchSize: how many points a step sees; nil: all.
  ///   - seed: chooses the points.
  public init(
    degree: Int, samples: Int = 20, validationSamples: Int = 200, noise: Double = 0.3, batchSize: Int? = nil,
    seed: UInt64 = 0
  ) {
    self.degree = degree
    start = Array(repeating: 0, count: degree + 1)
    training = Points(
      count: samples, degree: degree, noise: noise, random: Random(seed: seed, stream: Random.Stream.training))
    validation = Points(
      count: validationSamples, degree: degree, noise: noise,
      random: Random(seed: seed, stream: Random.Stream.validation))
    batch = Batch(count: samples, size: batchSize, seed: seed)
    truthLoss = training.noise / 2
    var curvature = SymmetricMatrix(size: degree + 1)
    for index in 0..<samples {
      let row = training.features[(index * (degree + 1))..<((index + 1) * (degree + 1))]
      curvature.add(1 / Double(samples), times: row)
    }
    // A batch has a curvature of its own.
    largestCurvature = batchSize == nil ? curvature.eigen().values.max() : nil
    leastLoss = training.leastLoss(columns: degree + 1)
  }

  /// √(2k + 1)·Pₖ(x) for k from 0 to `degree`, by Bonnet's recursion.
  static func basis(at x: Double, degree: Int) -> [Double] {
    var values = [1.0, x]
    for k in 1..<max(degree, 1) {
      values.append((Double(2 * k + 1) * x * values[k] - Double(k) * values[k - 1]) / Double(k + 1))
    }
    return (0...degree).map { values[$0] * Double(2 * $0 + 1).squareRoot() }
  }

  public func loss(at parameters: [Double], step: Int, gradient: inout [Double]) -> Double {
    let count = parameters.count
    for index in 0..<count { gradient[index] = 0 }
    let share = 1 / Double(batch.cost)
    var sum = 0.0
    batch.forEach(step: step) { sample in
      let residual = training.residual(sample, parameters)
      sum += residual * residual
      let row = sample * count
      for column in 0..<count { gradient[column] += share * residual * training.features[row + column] }
    }
    return sum * share / 2
  }

  public func loss(at parameters: [Double]) -> Double { training.loss(parameters) }

  public func validationLoss(at parameters: [Double]) -> Double? { validation.loss(parameters) }

  /// What the fitted polynomial says at `x`.
  public func prediction(at x: Double, parameters: [Double]) -> Double {
    zip(Self.basis(at: x, degree: degree), parameters).reduce(0) { $0 + $1.0 * $1.1 }
  }

  public var isStochastic: Bool { batch.size != nil }

  public var gradientCost: Double { Double(batch.cost) * Double(2 * start.count + (batch.size == nil ? 0 : 5)) }

  public var lossCost: Double { Double(training.targets.count + validation.targets.count) * Double(start.count) }

  public var view: PlaneBounds? { start.count == 2 ? PlaneBounds(x: -1...1, y: -1...1.5) : nil }

  static let definition = ProblemDefinition(
    type: "polynomial_regression",
    summary: "A polynomial through noisy points of a sine: a low degree underfits, a high degree overfits in time.",
    parameters: [
      .integer("degree", NumberRange(lower: 0, upper: 30), 9, "the degree of the polynomial"),
      .integer("samples", NumberRange(lower: 1, upper: 1000), 20, "how many points the training has"),
      .integer("validation_samples", NumberRange(lower: 1, upper: 1000), 200, "how many points the validation has"),
      .number("noise", NumberRange(lower: 0, upper: 10), 0.3, "the standard deviation of the noise on the points"),
      ProblemDefinition.batchSize(1000), ProblemDefinition.seed,
    ],
    formula: "½·mean((Σ wₖ·φₖ(x) − y)²), y = sin(π·x) + noise, φ Legendre's polynomials of mean square 1",
    source: "Bishop, Pattern Recognition and Machine Learning, 1.1; Advani and Saxe, arXiv:1710.03667",
    example: ["type": "polynomial_regression", "degree": 15]
  ) { arguments throws(SpecificationError) in
    let samples = Int(try arguments.number("samples"))
    return PolynomialRegression(
      degree: Int(try arguments.number("degree")), samples: samples,
      validationSamples: Int(try arguments.number("validation_samples")), noise: try arguments.number("noise"),
      batchSize: try ProblemDefinition.batchSize(arguments, samples: samples),
      seed: try ProblemDefinition.seed(arguments))
  }
}
