/// The largest constant rates at which optimizers are stable on a quadratic.
///
/// From the roots of the recursion along the steepest axis, all of which must lie inside the unit circle. Adaptive
/// optimizers have no such limit of their own: what is stable for Adam depends on the gradients it has seen.
///
/// Sources: Polyak 1964 for momentum; Goh, "Why momentum really works", Distill 2017; Lessard, Recht and Packard,
/// arXiv:1408.3595, for Nesterov's form.
public enum StableRate {
  /// The limit of gradient descent as torch's `SGD` has it.
  ///
  ///     v ← β·v + (1 − dampening)·g,  x ← x − rate·v            stable below 2·(1 + β)/(λ·(1 − dampening))
  ///     Nesterov: x ← x − rate·(g + β·v)                         stable below 2·(1 + β)/(λ·(1 + 2β))
  ///
  /// - Parameters:
  ///   - curvature: λ, the largest curvature, greater than 0.
  ///   - momentum: β.
  ///   - dampening: below 1. Nesterov's form has none.
  ///   - isNesterov: whether it is Nesterov's form.
  ///   - weightDecay: is added to the gradient, and so to the curvature.
  /// - Returns: nil where no rate is stable, or the parameters are none that have been looked into.
  public static func gradientDescent(
    curvature: Double, momentum: Double = 0, dampening: Double = 0, isNesterov: Bool = false, weightDecay: Double = 0
  ) -> Double? {
    let curvature = curvature + weightDecay
    guard curvature > 0, momentum >= 0, momentum < 1, dampening < 1 else { return nil }
    if isNesterov {
      return dampening == 0 ? 2 * (1 + momentum) / (curvature * (1 + 2 * momentum)) : nil
    }
    // Without momentum torch never uses the dampening.
    if momentum == 0 { return 2 / curvature }
    return 2 * (1 + momentum) / (curvature * (1 - dampening))
  }
}
