import Foundation
import JSON
import Schedules

/// A quadratic, ½·xᵀHx, the loss whose stability is known in closed form; with noise on its gradient, if wanted.
///
///     loss(x) = ½·Σ λᵢ·(Rx)ᵢ²
///     R: turns of the planes of the neighboring coordinates (1, 2), (2, 3), …, each by the same angle
///
/// Gradient descent at a constant rate multiplies the part of x along the axis i with 1 − rate·λᵢ at each step: stable
/// below 2/λmax, and as slow as 1 − rate·λmin. With noise on the gradient it ends at a distance that grows with the rate.
///
/// Sources: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; the noisy quadratic model of
/// Zhang et al., arXiv:1907.04164.
public struct Quadratic: Problem {
  /// The curvatures along the axes, λᵢ > 0.
  public let curvatures: [Double]
  public private(set) var start: [Double]
  /// The standard deviation of the normal noise on every element of the gradient.
  public let noise: Double
  /// The angle of the turns, in degrees.
  public let rotation: Double
  private let seed: UInt64
  private let cosine: Double
  private let sine: Double

  /// - Parameters:
  ///   - curvatures: the eigenvalues λᵢ of the curvature, each greater than 0.
  ///   - start: where the training starts; as many elements. Left out: along each axis of the curvature as far as makes the
  ///     same loss, 1 along the flattest.
  ///   - rotation: the angle, in degrees, between the axes of the curvature and those of the parameters, if there are two.
  ///   - noise: the standard deviation of the noise on every element of the gradient, at least 0.
  ///   - seed: chooses the noise.
  public init(curvatures: [Double], start: [Double]? = nil, rotation: Double = 0, noise: Double = 0, seed: UInt64 = 0) {
    precondition(start.map { $0.count == curvatures.count } ?? true, "a start has one element for each curvature")
    self.curvatures = curvatures
    self.rotation = rotation
    self.noise = noise
    self.seed = seed
    cosine = cos(rotation * .pi / 180)
    sine = sin(rotation * .pi / 180)
    let least = curvatures.min() ?? 1
    self.start = start ?? []
    if start == nil {
      var point = curvatures.map { (least / $0).squareRoot() }
      if rotation != 0 { turnBack(&point) }
      self.start = point
    }
  }

  public func loss(at parameters: [Double], step: Int, gradient: inout [Double]) -> Double {
    let count = curvatures.count
    var sum = 0.0
    if rotation == 0 {
      for index in 0..<count {
        let slope = curvatures[index] * parameters[index]
        sum += slope * parameters[index]
        gradient[index] = slope
      }
    } else {
      for index in 0..<count { gradient[index] = parameters[index] }
      turn(&gradient)
      for index in 0..<count {
        let slope = curvatures[index] * gradient[index]
        sum += slope * gradient[index]
        gradient[index] = slope
      }
      turnBack(&gradient)
    }
    if noise > 0 {
      var random = Random(seed: seed, stream: UInt64(truncatingIfNeeded: step))
      for index in 0..<count { gradient[index] += noise * random.normal() }
    }
    return sum / 2
  }

  public func loss(at parameters: [Double]) -> Double {
    var turned = parameters
    if rotation != 0 { turn(&turned) }
    var sum = 0.0
    for index in curvatures.indices { sum += curvatures[index] * turned[index] * turned[index] }
    return sum / 2
  }

  private func turn(_ vector: inout [Double]) {
    for index in 0..<max(vector.count - 1, 0) {
      let (first, second) = (vector[index], vector[index + 1])
      vector[index] = cosine * first + sine * second
      vector[index + 1] = cosine * second - sine * first
    }
  }

  private func turnBack(_ vector: inout [Double]) {
    for index in (0..<max(vector.count - 1, 0)).reversed() {
      let (first, second) = (vector[index], vector[index + 1])
      vector[index] = cosine * first - sine * second
      vector[index + 1] = cosine * second + sine * first
    }
  }

  public var leastLoss: Double? { 0 }

  public var largestCurvature: Double? { curvatures.max() }

  public var isStochastic: Bool { noise > 0 }

  public var gradientCost: Double {
    let turns = rotation == 0 ? 0.0 : 8
    // A normal number is a logarithm, a cosine and a root.
    return Double(curvatures.count) * (2 + turns + (noise > 0 ? 50 : 0))
  }

  public var view: PlaneBounds? {
    guard start.count == 2 else { return nil }
    // A start near an axis must not make the picture a line.
    let least = max(abs(start[0]), abs(start[1]), 1e-3) / 10
    let (x, y) = (1.25 * max(abs(start[0]), least), 1.25 * max(abs(start[1]), least))
    return PlaneBounds(x: -x...x, y: -y...y)
  }
}

// MARK: On the wire

extension Quadratic {
  private static let shared: [Parameter] = [
    .optional(
      "start", .numbers(ProblemDefinition.coordinates),
      "where the training starts; left out: each axis has the same part of the loss, 1 along the flattest"),
    .number("noise", NumberRange(lower: 0, upper: 1e3), 0, "the standard deviation of the noise on the gradient"),
    ProblemDefinition.seed,
  ]

  static let bowl = ProblemDefinition(
    type: "bowl",
    summary: "A round bowl: as steep in every direction. What is stable is known in closed form.",
    parameters: [
      .integer("dimension", NumberRange(lower: 1, upper: 100), 2, "how many parameters"),
      .number("curvature", ProblemDefinition.curvature, 1, "λ, the curvature"),
    ] + shared,
    formula: "½·curvature·Σ xᵢ²; gradient descent is stable below 2/curvature",
    source: "Polyak 1964; with noise: Zhang et al., arXiv:1907.04164",
    example: ["type": "bowl", "curvature": 10]
  ) { arguments throws(SpecificationError) in
    let dimension = Int(try arguments.number("dimension"))
    return Quadratic(
      curvatures: Array(repeating: try arguments.number("curvature"), count: dimension),
      start: try ProblemDefinition.start(arguments, count: dimension),
      noise: try arguments.number("noise"), seed: try ProblemDefinition.seed(arguments))
  }

  static let ravine = ProblemDefinition(
    type: "ravine",
    summary: "A long valley with steep walls: the walls bound the rate, and the floor is slow at that rate.",
    parameters: [
      .number("condition_number", NumberRange(lower: 1, upper: 1e8), 100, "κ, the largest by the least curvature"),
      .integer("dimension", NumberRange(lower: 2, upper: 100), 2, "how many parameters"),
      .number("curvature", ProblemDefinition.curvature, 1, "the least curvature"),
      .number(
        "rotation", NumberRange(lower: -180, upper: 180), 0,
        "the angle, in degrees, by which the valley is turned against the axes"),
    ] + shared,
    formula: "½·Σ λᵢ·(Rx)ᵢ², λ from curvature to curvature·condition_number, spaced evenly by logarithm",
    source: "Polyak 1964; Goh, \"Why momentum really works\", Distill 2017; with noise: Zhang et al., arXiv:1907.04164",
    example: ["type": "ravine", "condition_number": 100]
  ) { arguments throws(SpecificationError) in
    let dimension = Int(try arguments.number("dimension"))
    let (least, condition) = (try arguments.number("curvature"), try arguments.number("condition_number"))
    return Quadratic(
      curvatures: (0..<dimension).map { index in
        index == dimension - 1
          ? least * condition : least * pow(condition, Double(index) / Double(dimension - 1))
      },
      start: try ProblemDefinition.start(arguments, count: dimension),
      rotation: try arguments.number("rotation"), noise: try arguments.number("noise"),
      seed: try ProblemDefinition.seed(arguments))
  }
}
