/// A loss to be minimized: small, seeded, and the same in every run.
public protocol Problem: Sendable {
  /// Where the training starts; its count is the number of parameters.
  var start: [Double] { get }

  /// The loss that step `step` sees, and its gradient: of that step's batch, or with that step's noise, where the problem
  /// has such. The same for the same step and the same parameters.
  ///
  /// - Parameters:
  ///   - parameters: as many as ``start`` has.
  ///   - step: the number of updates already made.
  ///   - gradient: is filled; as many elements.
  /// - Returns: the loss; not finite where the parameters have run away.
  func loss(at parameters: [Double], step: Int, gradient: inout [Double]) -> Double

  /// The loss over all of the training data, without noise.
  func loss(at parameters: [Double]) -> Double

  /// The loss over data that the training never sees; nil where the problem has none.
  func validationLoss(at parameters: [Double]) -> Double?

  /// The least loss that there is, where it is known.
  var leastLoss: Double? { get }

  /// The largest eigenvalue of a quadratic's curvature: gradient descent at a constant rate is stable below 2/λ. Nil
  /// where the curvature is not the same everywhere.
  var largestCurvature: Double? { get }

  /// The training loss of what the data was made with, noise and all: a model that stays far above it is too poor, or
  /// has not learned. Nil where nothing was made so.
  var truthLoss: Double? { get }

  /// Whether ``loss(at:step:gradient:)`` is of a batch or has noise, and so differs from ``loss(at:)``.
  var isStochastic: Bool { get }

  /// What one call of ``loss(at:step:gradient:)`` costs, in multiplications, roughly.
  var gradientCost: Double { get }

  /// What ``loss(at:)`` and ``validationLoss(at:)`` cost together, in multiplications, roughly.
  var lossCost: Double { get }

  /// The part of the plane that is worth drawing; nil where the problem has not two parameters.
  var view: PlaneBounds? { get }
}

extension Problem {
  public func validationLoss(at parameters: [Double]) -> Double? { nil }

  public var leastLoss: Double? { nil }

  public var largestCurvature: Double? { nil }

  public var truthLoss: Double? { nil }

  public var isStochastic: Bool { false }

  public var gradientCost: Double { Double(2 * start.count) }

  public var lossCost: Double { Double(2 * start.count) }

  public var view: PlaneBounds? { nil }
}
