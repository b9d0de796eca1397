import JSON
import Schedules

/// A rate for each parameter that falls with the squares of all gradients that it has seen.
///
///     g ← g + weight_decay·θ
///     s ← s + g²        (s = initial_accumulator_value at the start)
///     θ ← θ − lr / (1 + (t − 1)·lr_decay) · g / (√s + eps),   t = 1, 2, …
///
/// With rate 1, eps 0 and the gradient 2 all the time, θ falls by 1, 1/√2, 1/√3, 1/2, 1/√5.
///
/// The effective rate is lr / (1 + (t − 1)·lr_decay) / (√s + eps).
///
/// Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization", 2011;
/// `torch.optim.Adagrad`.
public struct AdaGrad: CountedOptimizer {
  /// The update of one parameter, with what all parameters share.
  private struct Rule {
    let lrDecay: Double
    let weightDecay: Double
    let eps: Double
    var rate = 0.0

    @inline(__always)
    func divisor<Number: Arithmetic>(_ sum: Number) -> Number { sum.squareRoot() + Number(eps) }

    @inline(__always)
    func move<Number: Arithmetic>(_ parameter: inout Number, _ gradient: Number, _ sum: inout Number) {
      let gradient = weightDecay != 0 ? gradient + Number(weightDecay) * parameter : gradient
      sum = sum + gradient * gradient
      parameter = parameter - Number(rate) * gradient / divisor(sum)
    }
  }

  private var rule: Rule
  private var sums: [Double]
  private var step = 0.0

  /// - Parameters:
  ///   - parameterCount: how many parameters it will update; not below 0.
  ///   - lrDecay: how fast the rate falls by itself; not below 0.
  ///   - weightDecay: the L2 penalty; not below 0.
  ///   - initialAccumulatorValue: what the sums start from; not below 0.
  ///   - eps: is added to the root that is divided by; not below 0.
  public init(
    parameterCount: Int, lrDecay: Double = 0, weightDecay: Double = 0, initialAccumulatorValue: Double = 0,
    eps: Double = 1e-10
  ) {
    rule = Rule(lrDecay: lrDecay, weightDecay: weightDecay, eps: eps)
    sums = [Double](repeating: initialAccumulatorValue, count: parameterCount)
  }

  public mutating func update(_ parameters: inout [Double], gradient: [Double], learningRate: Double) {
    step += 1
    rule.rate = learningRate / (1 + (step - 1) * rule.lrDecay)
    let rule = rule
    Experiments.update(&parameters, gradient, &sums) { rule.move(&$0, $1, &$2) }
  }

  public var effectiveRates: [Double] { sums.map { step == 0 ? 0 : rule.rate / rule.divisor($0) } }

  public var cost: OptimizerCost { OptimizerCost(stateArrays: 1) { rule.move(&$0, $1, &$2.first) } }

  static let definition = OptimizerDefinition(
    type: "adagrad",
    summary: "Each parameter's rate falls with the squares of all the gradients that it has seen.",
    parameters: [
      .number("lr_decay", .notNegative, 0, "how fast the rate falls by itself: lr / (1 + (t − 1)·lr_decay)"),
      .coupledDecay,
      .number("initial_accumulator_value", .notNegative, 0, "what the sums of squares start from"),
      .epsilon(1e-10),
    ],
    formula: "g = gradient + weight_decay·θ; s += g²; θ −= lr/(1 + (t − 1)·lr_decay)·g/(√s + eps)",
    source: "Duchi, Hazan and Singer, 2011; torch.optim.Adagrad",
    example: "adagrad",
    defaultLearningRate: 1e-2
  ) { arguments throws(SpecificationError) in
    let lrDecay = try arguments.number("lr_decay")
    let weightDecay = try arguments.number("weight_decay")
    let start = try arguments.number("initial_accumulator_value")
    let eps = try arguments.number("eps")
    return {
      AdaGrad(
        parameterCount: $0, lrDecay: lrDecay, weightDecay: weightDecay, initialAccumulatorValue: start, eps: eps)
    }
  }
}
