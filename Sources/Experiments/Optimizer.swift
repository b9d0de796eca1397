/// How an optimizer turns gradients into updates of the parameters: a rule and its state for one vector of parameters.
///
/// The update is that of the implementation in torch with `foreach=False`, operation by operation: what torch rounds is
/// rounded here. Equal to the last bit, that is, where torch's kernels do not fuse a product and a sum (those for AVX do) and
/// its roots are rounded correctly (those from MKL are not always).
public protocol Optimizer: Sendable {
  /// Makes one update.
  ///
  /// - Parameters:
  ///   - parameters: the parameters; changed in place. As many as the optimizer was made for.
  ///   - gradient: the gradient of the loss at the parameters; as many elements.
  ///   - learningRate: the rate in force, from the schedule.
  mutating func update(_ parameters: inout [Double], gradient: [Double], learningRate: Double)

  /// The rate that each parameter had in the last update: what its gradient, or the average of its gradients that the
  /// optimizer moves by, was multiplied with. Equal for all under SGD; what AdaGrad, RMSprop and Adam adapt. The learning
  /// rate's unit. Before the first update: zeros.
  var effectiveRates: [Double] { get }

  /// The constant rate below which the optimizer is stable on a quadratic, where theory knows it: ``StableRate`` holds the
  /// formulas. Nil, the default, says nothing.
  ///
  /// - Parameter curvature: the quadratic's largest curvature, greater than 0.
  func stableRate(curvature: Double) -> Double?
}

extension Optimizer {
  public func stableRate(curvature: Double) -> Double? { nil }
}
