import Glibc
import JSON
import Schedules

/// Adam that adapts its rates only once enough gradients have been seen to know their variance.
///
///     g ← g + weight_decay·θ, or θ ← (1 − lr·weight_decay)·θ where it is decoupled
///     m ← m + (1 − beta1)·(g − m)
///     v ← beta2·v + (1 − beta2)·g²
///     ρ∞ = 2 / (1 − beta2) − 1,  ρₜ = ρ∞ − 2·t·beta2ᵗ / (1 − beta2ᵗ),   t = 1, 2, …
///     r = √((ρₜ − 4)·(ρₜ − 2)·ρ∞ / ((ρ∞ − 4)·(ρ∞ − 2)·ρₜ))
///     θ ← θ − lr·m / (1 − beta1ᵗ) · r·√(1 − beta2ᵗ) / (√v + eps)        where ρₜ > 5
///     θ ← θ − lr·m / (1 − beta1ᵗ)                                        else
///
/// The effective rate is what m is multiplied with.
///
/// Source: Liu et al., "On the variance of the adaptive learning rate and beyond", arXiv:1908.03265; `torch.optim.RAdam`,
/// whose bound is 5 where the paper's is 4.
public struct RAdam: CountedOptimizer {
  /// The update of one parameter, with what all parameters share.
  private struct Rule {
    var averages: AdamAverages
    let eps: Double
    var learningRate = 0.0
    var meanCorrection = 1.0
    var squareCorrection = 1.0
    /// Nil where the variance is not known well enough.
    var rectification: Double?

    /// Written as a reciprocal and a product: so does torch divide a number by a tensor.
    @inline(__always)
    func adaptation<Number: Arithmetic>(_ square: Number) -> Number {
      Number(1) / (square.squareRoot() + Number(eps)) * Number(squareCorrection)
    }

    @inline(__always)
    func move<Number: Arithmetic>(
      _ parameter: inout Number, _ gradient: Number, _ mean: inout Number, _ square: inout Number
    ) {
      _ = averages.take(gradient, of: &parameter, &mean, &square)
      let change = mean / Number(meanCorrection) * Number(learningRate)
      if let rectification {
        parameter = parameter - change * adaptation(square) * Number(rectification)
      } else {
        parameter = parameter - change
      }
    }
  }

  private var rule: Rule
  private var means: [Double]
  private var squares: [Double]
  private var step = 0.0

  /// - Parameters:
  ///   - parameterCount: how many parameters it will update; not below 0.
  ///   - beta1: what is kept of the gradients' average; from 0 to below 1.
  ///   - beta2: what is kept of the squares' average; from 0 to below 1.
  ///   - eps: is added to the root that is divided by; not below 0.
  ///   - weightDecay: not below 0.
  ///   - decoupledWeightDecay: whether the weight decay shrinks the parameters or is part of the gradient.
  public init(
    parameterCount: Int, beta1: Double = 0.9, beta2: Double = 0.999, eps: Double = 1e-8, weightDecay: Double = 0,
    decoupledWeightDecay: Bool = false
  ) {
    rule = Rule(
      averages: AdamAverages(
        beta1: beta1, beta2: beta2, weightDecay: weightDecay, isDecoupled: decoupledWeightDecay), eps: eps)
    means = [Double](repeating: 0, count: parameterCount)
    squares = means
  }

  /// The length of the average that ρₜ comes to.
  private var finalLength: Double { 2 / (1 - rule.averages.beta2) - 1 }

  public mutating func update(_ parameters: inout [Double], gradient: [Double], learningRate: Double) {
    step += 1
    rule.averages.begin(learningRate: learningRate)
    rule.learningRate = learningRate
    rule.meanCorrection = 1 - pow(rule.averages.beta1, step)
    let kept = pow(rule.averages.beta2, step)
    let squareCorrection = 1 - kept
    rule.squareCorrection = pow(squareCorrection, 0.5)
    let final = finalLength
    let length = final - 2 * step * kept / squareCorrection
    let rectification = (length - 4) * (length - 2) * final / ((final - 4) * (final - 2) * length)
    rule.rectification = length > 5 ? pow(rectification, 0.5) : nil
    let rule = rule
    Experiments.update(&parameters, gradient, &means, &squares) { rule.move(&$0, $1, &$2, &$3) }
  }

  public var effectiveRates: [Double] {
    let rate = rule.learningRate / rule.meanCorrection
    return squares.map { square in
      rule.rectification.map { rate * rule.adaptation(square) * $0 } ?? rate
    }
  }

  public var cost: OptimizerCost {
    var rule = rule
    // Most updates are rectified, if any ever is.
    rule.rectification = finalLength > 5 ? 1 : nil
    return OptimizerCost(stateArrays: 2) { rule.move(&$0, $1, &$2.first, &$2.second) }
  }

  static let definition = OptimizerDefinition(
    type: "radam",
    summary: "Adam that adapts its rates only once enough gradients have been seen to know their variance.",
    parameters: [
      .beta("beta1", 0.9, "what is kept of the gradients' average from one update to the next"),
      .beta("beta2", 0.999, "what is kept of the squares' average from one update to the next"),
      .epsilon(1e-8),
      .number("weight_decay", .notNegative, 0, "added to the gradient, or shrinks the parameters where decoupled"),
      .decouples,
    ],
    formula: "m, v as in adam; ρ∞ = 2/(1 − beta2) − 1; ρₜ = ρ∞ − 2·t·beta2ᵗ/(1 − beta2ᵗ); where ρₜ > 5 "
      + "θ −= lr·m/(1 − beta1ᵗ)·√((ρₜ − 4)·(ρₜ − 2)·ρ∞/((ρ∞ − 4)·(ρ∞ − 2)·ρₜ))·√(1 − beta2ᵗ)/(√v + eps), "
      + "else θ −= lr·m/(1 − beta1ᵗ)",
    source: "Liu et al., arXiv:1908.03265; torch.optim.RAdam",
    example: ["type": "radam", "beta2": 0.99],
    defaultLearningRate: 1e-3
  ) { arguments throws(SpecificationError) in
    let beta1 = try arguments.number("beta1")
    let beta2 = try arguments.number("beta2")
    let eps = try arguments.number("eps")
    let weightDecay = try arguments.number("weight_decay")
    let decoupled = try arguments.flag("decoupled_weight_decay")
    return {
      RAdam(
        parameterCount: $0, beta1: beta1, beta2: beta2, eps: eps, weightDecay: weightDecay,
        decoupledWeightDecay: decoupled)
    }
  }
}
