import JSON
import Schedules

/// Stochastic gradient descent, with momentum and Nesterov's where they are asked for.
///
///     g ← g + weight_decay·θ
///     b ← momentum·b + (1 − dampening)·g        (b = g in the first update)
///     d = g + momentum·b with nesterov, b with momentum, else g
///     θ ← θ − lr·d
///
/// With rate 0.1, momentum 0.9 and the gradient 1 all the time, θ goes 0, −0.1, −0.29, −0.561, −0.9049.
///
/// The effective rate is lr: momentum changes what is moved by, not how far.
///
/// Source: Robbins and Monro, 1951; `torch.optim.SGD`. Its first update takes the gradient into b undampened.
public struct SGD: CountedOptimizer {
  /// The update of one parameter, with what all parameters share.
  private struct Rule {
    let momentum: Double
    let dampening: Double
    let gradientWeight: Double
    let weightDecay: Double
    let nesterov: Bool
    var learningRate = 0.0
    var isFirst = true

    @inline(__always)
    func decayed<Number: Arithmetic>(_ parameter: Number, _ gradient: Number) -> Number {
      weightDecay != 0 ? gradient + Number(weightDecay) * parameter : gradient
    }

    @inline(__always)
    func move<Number: Arithmetic>(_ parameter: inout Number, _ gradient: Number) {
      parameter = parameter - Number(learningRate) * decayed(parameter, gradient)
    }

    @inline(__always)
    func move<Number: Arithmetic>(_ parameter: inout Number, _ gradient: Number, _ buffer: inout Number) {
      let gradient = decayed(parameter, gradient)
      buffer = isFirst ? gradient : buffer * Number(momentum) + Number(gradientWeight) * gradient
      let direction = nesterov ? gradient + Number(momentum) * buffer : buffer
      parameter = parameter - Number(learningRate) * direction
    }
  }

  private var rule: Rule
  private var buffers: [Double]
  private let parameterCount: Int

  /// - Parameters:
  ///   - parameterCount: how many parameters it will update; not below 0.
  ///   - momentum: what is kept of the direction; not below 0.
  ///   - dampening: what is left out of a gradient that goes into the direction; any number.
  ///   - weightDecay: the L2 penalty; not below 0.
  ///   - nesterov: whether it looks ahead. torch then wants a momentum, and no dampening.
  public init(
    parameterCount: Int, momentum: Double = 0, dampening: Double = 0, weightDecay: Double = 0, nesterov: Bool = false
  ) {
    rule = Rule(
      momentum: momentum, dampening: dampening, gradientWeight: 1 - dampening, weightDecay: weightDecay,
      nesterov: nesterov)
    buffers = [Double](repeating: 0, count: momentum == 0 ? 0 : parameterCount)
    self.parameterCount = parameterCount
  }

  public mutating func update(_ parameters: inout [Double], gradient: [Double], learningRate: Double) {
    rule.learningRate = learningRate
    let rule = rule
    if rule.momentum == 0 {
      Experiments.update(&parameters, gradient) { rule.move(&$0, $1) }
    } else {
      Experiments.update(&parameters, gradient, &buffers) { rule.move(&$0, $1, &$2) }
    }
    self.rule.isFirst = false
  }

  public var effectiveRates: [Double] { [Double](repeating: rule.learningRate, count: parameterCount) }

  public func stableRate(curvature: Double) -> Double? {
    StableRate.gradientDescent(
      curvature: curvature, momentum: rule.momentum, dampening: rule.dampening, isNesterov: rule.nesterov,
      weightDecay: rule.weightDecay)
  }

  public var cost: OptimizerCost {
    var rule = rule
    rule.isFirst = false
    return rule.momentum == 0
      ? OptimizerCost(stateArrays: 0) { parameter, gradient, _ in rule.move(&parameter, gradient) }
      : OptimizerCost(stateArrays: 1) { rule.move(&$0, $1, &$2.first) }
  }

  static let plain = OptimizerDefinition(
    type: "sgd",
    summary: "Steps against the gradient; with momentum, against an average of the gradients.",
    parameters: [
      .number("momentum", .notNegative, 0, "what is kept of the direction from one update to the next"),
      .number("dampening", .any, 0, "what is left out of a gradient that goes into the direction"),
      .coupledDecay,
      .flag("nesterov", false, "whether the gradient is added to the direction once more: Nesterov's momentum"),
    ],
    formula: "g = gradient + weight_decay·θ; b = momentum·b + (1 − dampening)·g; "
      + "θ −= lr·(g + momentum·b with nesterov, b with momentum, else g)",
    source: "Robbins and Monro, 1951; torch.optim.SGD",
    example: "sgd",
    defaultLearningRate: 1e-3
  ) { arguments throws(SpecificationError) in
    let momentum = try arguments.number("momentum")
    let dampening = try arguments.number("dampening")
    let weightDecay = try arguments.number("weight_decay")
    let nesterov = try arguments.flag("nesterov")
    if nesterov && momentum == 0 {
      throw arguments.error("nesterov", "'nesterov' needs a 'momentum' greater than 0")
    }
    if nesterov && dampening != 0 {
      throw arguments.error("dampening", "'dampening' must be 0 where 'nesterov' is true")
    }
    return {
      SGD(
        parameterCount: $0, momentum: momentum, dampening: dampening, weightDecay: weightDecay, nesterov: nesterov)
    }
  }
}
