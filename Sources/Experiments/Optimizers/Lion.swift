import JSON
import Schedules

/// Moves each parameter by the rate itself, in the direction of an average of the gradients.
///
///     θ ← (1 − lr·weight_decay)·θ
///     c = beta1·m + (1 − beta1)·g
///     θ ← θ − lr·sign(c)
///     m ← beta2·m + (1 − beta2)·g
///
/// With rate 0.1 and any constant gradient, θ moves by 0.1 in every update; without a gradient, not at all.
///
/// The effective rate is lr / |c|: what c, the average that is moved by, was in effect multiplied with. 0 where c is 0.
///
/// Source: Chen et al., "Symbolic discovery of optimization algorithms", arXiv:2302.06675, and the authors' code for torch,
/// whose defaults these are; torch itself has no Lion. optax.lion is the same but for its weight decay of 0.001.
public struct Lion: CountedOptimizer {
  /// The update of one parameter, with what all parameters share.
  private struct Rule {
    let beta1: Double
    let beta2: Double
    let weightDecay: Double
    let gradientWeight: Double
    let newGradientWeight: Double
    var shrinking = 1.0
    var learningRate = 0.0

    init(beta1: Double, beta2: Double, weightDecay: Double) {
      self.beta1 = beta1
      self.beta2 = beta2
      self.weightDecay = weightDecay
      gradientWeight = 1 - beta1
      newGradientWeight = 1 - beta2
    }

    /// - Returns: c, of which the direction was taken.
    @inline(__always)
    func move<Number: Arithmetic>(_ parameter: inout Number, _ gradient: Number, _ mean: inout Number) -> Number {
      if weightDecay != 0 { parameter = parameter * Number(shrinking) }
      let mixture = mean * Number(beta1) + gradient * Number(gradientWeight)
      parameter = parameter - Number(learningRate) * mixture.direction
      mean = mean * Number(beta2) + gradient * Number(newGradientWeight)
      return mixture
    }
  }

  private var rule: Rule
  private var means: [Double]
  /// For ``effectiveRates`` alone, and no part of the state: the next update does not look at it.
  private var lastMixtures: [Double]

  /// - Parameters:
  ///   - parameterCount: how many parameters it will update; not below 0.
  ///   - beta1: the average's part in the direction; from 0 to below 1.
  ///   - beta2: what is kept of the average; from 0 to below 1.
  ///   - weightDecay: shrinks the parameters; not below 0.
  public init(parameterCount: Int, beta1: Double = 0.9, beta2: Double = 0.99, weightDecay: Double = 0) {
    rule = Rule(beta1: beta1, beta2: beta2, weightDecay: weightDecay)
    means = [Double](repeating: 0, count: parameterCount)
    lastMixtures = means
  }

  public mutating func update(_ parameters: inout [Double], gradient: [Double], learningRate: Double) {
    rule.learningRate = learningRate
    rule.shrinking = 1 - learningRate * rule.weightDecay
    let rule = rule
    Experiments.update(&parameters, gradient, &means, &lastMixtures) { $3 = rule.move(&$0, $1, &$2) }
  }

  public var effectiveRates: [Double] { lastMixtures.map { $0 == 0 ? 0 : rule.learningRate / $0.magnitude } }

  public var cost: OptimizerCost { OptimizerCost(stateArrays: 1) { _ = rule.move(&$0, $1, &$2.first) } }

  static let definition = OptimizerDefinition(
    type: "lion",
    summary: "Moves every parameter by the rate itself, in the direction of an average of the gradients.",
    parameters: [
      .beta("beta1", 0.9, "the average's part in the direction"),
      .beta("beta2", 0.99, "what is kept of the average from one update to the next"),
      .number("weight_decay", .notNegative, 0, "an update shrinks the parameters by lr·weight_decay"),
    ],
    formula: "θ −= lr·weight_decay·θ; θ −= lr·sign(beta1·m + (1 − beta1)·g); m = beta2·m + (1 − beta2)·g",
    source: "Chen et al., arXiv:2302.06675, and the authors' code",
    example: ["type": "lion", "weight_decay": 0.1],
    defaultLearningRate: 1e-4
  ) { arguments throws(SpecificationError) in
    let beta1 = try arguments.number("beta1")
    let beta2 = try arguments.number("beta2")
    let weightDecay = try arguments.number("weight_decay")
    return { Lion(parameterCount: $0, beta1: beta1, beta2: beta2, weightDecay: weightDecay) }
  }
}
