import Glibc
import JSON
import Schedules

/// Adam with Nesterov's momentum, whose strength is warmed up.
///
///     g ← g + weight_decay·θ, or θ ← (1 − lr·weight_decay)·θ where it is decoupled
///     μₜ = beta1·(1 − ½·0.96^(t·momentum_decay)),   t = 1, 2, …
///     m ← m + (1 − beta1)·(g − m)
///     v ← beta2·v + (1 − beta2)·g²
///     a = √(v / (1 − beta2ᵗ)) + eps
///     θ ← θ − lr·(1 − μₜ) / (1 − μ₁⋯μₜ) · g / a
///     θ ← θ − lr·μₜ₊₁ / (1 − μ₁⋯μₜ₊₁) · m / a
///
/// The effective rate is lr / a: the rest weighs the gradient and m into the one average that is moved by.
///
/// Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016; `torch.optim.NAdam`. torch keeps μ₁⋯μₜ in single
/// precision unless doubles are its default: here it is a double.
public struct NAdam: CountedOptimizer {
  /// The update of one parameter, with what all parameters share.
  private struct Rule {
    var averages: AdamAverages
    let eps: Double
    var correction = 1.0
    /// The rates of the gradient and of the average, less than 0.
    var gradientRate = 0.0
    var meanRate = 0.0

    @inline(__always)
    func divisor<Number: Arithmetic>(_ square: Number) -> Number {
      (square / Number(correction)).squareRoot() + Number(eps)
    }

    @inline(__always)
    func move<Number: Arithmetic>(
      _ parameter: inout Number, _ gradient: Number, _ mean: inout Number, _ square: inout Number
    ) {
      let gradient = averages.take(gradient, of: &parameter, &mean, &square)
      let divisor = divisor(square)
      parameter = parameter + Number(gradientRate) * gradient / divisor
      parameter = parameter + Number(meanRate) * mean / divisor
    }
  }

  private var rule: Rule
  private let momentumDecay: Double
  private var means: [Double]
  private var squares: [Double]
  private var momentumProduct = 1.0
  private var learningRate = 0.0
  private var step = 0.0

  /// - Parameters:
  ///   - parameterCount: how many parameters it will update; not below 0.
  ///   - beta1: what is kept of the gradients' average; from 0 to below 1.
  ///   - beta2: what is kept of the squares' average; from 0 to below 1.
  ///   - eps: is added to the root that is divided by; not below 0.
  ///   - weightDecay: not below 0.
  ///   - momentumDecay: how fast the momentum is warmed up; not below 0.
  ///   - decoupledWeightDecay: whether the weight decay shrinks the parameters or is part of the gradient.
  public init(
    parameterCount: Int, beta1: Double = 0.9, beta2: Double = 0.999, eps: Double = 1e-8, weightDecay: Double = 0,
    momentumDecay: Double = 4e-3, decoupledWeightDecay: Bool = false
  ) {
    rule = Rule(
      averages: AdamAverages(
        beta1: beta1, beta2: beta2, weightDecay: weightDecay, isDecoupled: decoupledWeightDecay), eps: eps)
    self.momentumDecay = momentumDecay
    means = [Double](repeating: 0, count: parameterCount)
    squares = means
  }

  private func momentum(_ step: Double) -> Double { rule.averages.beta1 * (1 - 0.5 * pow(0.96, step * momentumDecay)) }

  public mutating func update(_ parameters: inout [Double], gradient: [Double], learningRate: Double) {
    step += 1
    self.learningRate = learningRate
    rule.averages.begin(learningRate: learningRate)
    rule.correction = 1 - pow(rule.averages.beta2, step)
    let momentum = momentum(step)
    let nextMomentum = self.momentum(step + 1)
    momentumProduct *= momentum
    rule.gradientRate = -learningRate * (1 - momentum) / (1 - momentumProduct)
    rule.meanRate = -learningRate * nextMomentum / (1 - momentumProduct * nextMomentum)
    let rule = rule
    Experiments.update(&parameters, gradient, &means, &squares) { rule.move(&$0, $1, &$2, &$3) }
  }

  public var effectiveRates: [Double] { squares.map { step == 0 ? 0 : learningRate / rule.divisor($0) } }

  public var cost: OptimizerCost { OptimizerCost(stateArrays: 2) { rule.move(&$0, $1, &$2.first, &$2.second) } }

  static let definition = OptimizerDefinition(
    type: "nadam",
    summary: "Adam with Nesterov's momentum, whose strength is warmed up.",
    parameters: [
      .beta("beta1", 0.9, "what is kept of the gradients' average from one update to the next"),
      .beta("beta2", 0.999, "what is kept of the squares' average from one update to the next"),
      .epsilon(1e-8),
      .number("weight_decay", .notNegative, 0, "added to the gradient, or shrinks the parameters where decoupled"),
      .number("momentum_decay", .notNegative, 4e-3, "how fast the momentum is warmed up"),
      .decouples,
    ],
    formula: "μₜ = beta1·(1 − ½·0.96^(t·momentum_decay)); m, v as in adam; a = √(v/(1 − beta2ᵗ)) + eps; "
      + "θ −= lr·((1 − μₜ)·g/(1 − μ₁⋯μₜ) + μₜ₊₁·m/(1 − μ₁⋯μₜ₊₁))/a",
    source: "Dozat, Incorporating Nesterov momentum into Adam, 2016; torch.optim.NAdam",
    example: ["type": "nadam", "momentum_decay": 0.01],
    defaultLearningRate: 2e-3
  ) { arguments throws(SpecificationError) in
    let beta1 = try arguments.number("beta1")
    let beta2 = try arguments.number("beta2")
    let eps = try arguments.number("eps")
    let weightDecay = try arguments.number("weight_decay")
    let momentumDecay = try arguments.number("momentum_decay")
    let decoupled = try arguments.flag("decoupled_weight_decay")
    return {
      NAdam(
        parameterCount: $0, beta1: beta1, beta2: beta2, eps: eps, weightDecay: weightDecay,
        momentumDecay: momentumDecay, decoupledWeightDecay: decoupled)
    }
  }
}
