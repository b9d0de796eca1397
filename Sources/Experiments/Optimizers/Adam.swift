import Glibc
import JSON
import Schedules

/// Moves by an average of the gradients, divided by the root of an average of their squares; both corrected for their start.
///
///     g ← g + weight_decay·θ                             where it is coupled: Adam
///     θ ← (1 − lr·weight_decay)·θ                        where it is decoupled: AdamW
///     m ← m + (1 − beta1)·(g − m)
///     v ← beta2·v + (1 − beta2)·g²
///     v ← the largest v so far, in the divisor alone     with amsgrad
///     θ ← θ − lr / (1 − beta1ᵗ) · m / (√v / √(1 − beta2ᵗ) + eps),   t = 1, 2, …
///
/// With rate 0.1, eps 0 and any constant gradient, θ moves by 0.1 in every update.
///
/// The effective rate is lr / (1 − beta1ᵗ) / (√v / √(1 − beta2ᵗ) + eps).
///
/// Source: Kingma and Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980; Loshchilov and Hutter, "Decoupled
/// weight decay regularization", arXiv:1711.05101; amsgrad: Reddi, Kale and Kumar, arXiv:1904.09237; `torch.optim.Adam`.
public struct Adam: CountedOptimizer {
  /// The update of one parameter, with what all parameters share.
  private struct Rule {
    var averages: AdamAverages
    let eps: Double
    var stepSize = 0.0
    var correction = 1.0

    @inline(__always)
    func divisor<Number: Arithmetic>(_ square: Number) -> Number {
      square.squareRoot() / Number(correction) + Number(eps)
    }

    @inline(__always)
    func move<Number: Arithmetic>(
      _ parameter: inout Number, _ gradient: Number, _ mean: inout Number, _ square: inout Number
    ) {
      _ = averages.take(gradient, of: &parameter, &mean, &square)
      parameter = parameter - Number(stepSize) * mean / divisor(square)
    }

    @inline(__always)
    func move<Number: Arithmetic>(
      _ parameter: inout Number, _ gradient: Number, _ mean: inout Number, _ square: inout Number,
      _ largest: inout Number
    ) {
      _ = averages.take(gradient, of: &parameter, &mean, &square)
      largest = Number.larger(largest, square)
      parameter = parameter - Number(stepSize) * mean / divisor(largest)
    }
  }

  private var rule: Rule
  private let amsgrad: Bool
  private var means: [Double]
  private var squares: [Double]
  private var largestSquares: [Double]
  private var step = 0.0

  /// - Parameters:
  ///   - parameterCount: how many parameters it will update; not below 0.
  ///   - beta1: what is kept of the gradients' average; from 0 to below 1.
  ///   - beta2: what is kept of the squares' average; from 0 to below 1.
  ///   - eps: is added to the root that is divided by; not below 0.
  ///   - weightDecay: not below 0. `torch.optim.AdamW` has 0.01 where nothing is said.
  ///   - amsgrad: whether the largest average of the squares is divided by, so that no rate ever rises again.
  ///   - decoupledWeightDecay: whether the weight decay shrinks the parameters (AdamW) or is part of the gradient (Adam).
  public init(
    parameterCount: Int, beta1: Double = 0.9, beta2: Double = 0.999, eps: Double = 1e-8, weightDecay: Double = 0,
    amsgrad: Bool = false, decoupledWeightDecay: Bool = false
  ) {
    rule = Rule(
      averages: AdamAverages(
        beta1: beta1, beta2: beta2, weightDecay: weightDecay, isDecoupled: decoupledWeightDecay), eps: eps)
    self.amsgrad = amsgrad
    means = [Double](repeating: 0, count: parameterCount)
    squares = means
    largestSquares = amsgrad ? means : []
  }

  public mutating func update(_ parameters: inout [Double], gradient: [Double], learningRate: Double) {
    step += 1
    rule.averages.begin(learningRate: learningRate)
    rule.stepSize = learningRate / (1 - pow(rule.averages.beta1, step))
    // A power, as in torch: it may differ from the square root in the last bit.
    rule.correction = pow(1 - pow(rule.averages.beta2, step), 0.5)
    let rule = rule
    if amsgrad {
      Experiments.update(&parameters, gradient, &means, &squares, &largestSquares) { rule.move(&$0, $1, &$2, &$3, &$4) }
    } else {
      Experiments.update(&parameters, gradient, &means, &squares) { rule.move(&$0, $1, &$2, &$3) }
    }
  }

  public var effectiveRates: [Double] {
    (amsgrad ? largestSquares : squares).map { step == 0 ? 0 : rule.stepSize / rule.divisor($0) }
  }

  public var cost: OptimizerCost {
    amsgrad
      ? OptimizerCost(stateArrays: 3) { rule.move(&$0, $1, &$2.first, &$2.second, &$2.third) }
      : OptimizerCost(stateArrays: 2) { rule.move(&$0, $1, &$2.first, &$2.second) }
  }

  static let coupled = OptimizerDefinition(
    type: "adam",
    summary: "Moves by the average gradient over the root of the average square, both corrected for their start.",
    parameters: parameters(.coupledDecay),
    formula: "g = gradient + weight_decay·θ; m = beta1·m + (1 − beta1)·g; v = beta2·v + (1 − beta2)·g²; "
      + "θ −= lr·m/(1 − beta1ᵗ)/(√(v/(1 − beta2ᵗ)) + eps)",
    source: "Kingma and Ba, arXiv:1412.6980; amsgrad: Reddi, Kale and Kumar, arXiv:1904.09237; torch.optim.Adam",
    example: ["type": "adam", "beta2": 0.99],
    defaultLearningRate: 1e-3,
    maker(decoupled: false))

  static func parameters(_ weightDecay: Parameter) -> [Parameter] {
    [
      .beta("beta1", 0.9, "what is kept of the gradients' average from one update to the next"),
      .beta("beta2", 0.999, "what is kept of the squares' average from one update to the next"),
      .epsilon(1e-8),
      weightDecay,
      .flag("amsgrad", false, "whether the largest average of the squares so far is divided by"),
    ]
  }

  static func maker(
    decoupled: Bool
  ) -> @Sendable (Arguments) throws(SpecificationError) -> OptimizerDefinition.Maker {
    { (arguments) throws(SpecificationError) in
      let beta1 = try arguments.number("beta1")
      let beta2 = try arguments.number("beta2")
      let eps = try arguments.number("eps")
      let weightDecay = try arguments.number("weight_decay")
      let amsgrad = try arguments.flag("amsgrad")
      return {
        Adam(
          parameterCount: $0, beta1: beta1, beta2: beta2, eps: eps, weightDecay: weightDecay, amsgrad: amsgrad,
          decoupledWeightDecay: decoupled)
      }
    }
  }
}
