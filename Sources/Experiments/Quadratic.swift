/// A quadratic bowl, ½·Σ λᵢ·xᵢ²: the loss whose stability is known in closed form.
public struct Quadratic: Problem {
  /// The curvatures along the axes, λᵢ > 0.
  public let curvatures: [Double]
  public let start: [Double]

  /// - Parameters:
  ///   - curvatures: the eigenvalues λᵢ of the curvature, each greater than 0.
  ///   - start: where the training starts; as many elements.
  public init(curvatures: [Double], start: [Double]) {
    precondition(curvatures.count == start.count, "a start has one element for each curvature")
    self.curvatures = curvatures
    self.start = start
  }

  public func loss(at parameters: [Double], step: Int, gradient: inout [Double]) -> Double {
    for index in parameters.indices { gradient[index] = curvatures[index] * parameters[index] }
    return loss(at: parameters)
  }

  public func loss(at parameters: [Double]) -> Double {
    zip(curvatures, parameters).reduce(0) { $0 + $1.0 * $1.1 * $1.1 } / 2
  }

  public var leastLoss: Double? { 0 }

  public var largestCurvature: Double? { curvatures.max() }
}
