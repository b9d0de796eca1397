import JSON
import Schedules

/// A rate for each parameter from the mean square of its recent gradients.
///
///     g ← g + weight_decay·θ
///     v ← alpha·v + (1 − alpha)·g²
///     ḡ ← ḡ + (1 − alpha)·(g − ḡ),  a = √(v − ḡ²) + eps        with centered
///     a = √v + eps                                              else
///     b ← momentum·b + g / a,  θ ← θ − lr·b                     with momentum
///     θ ← θ − lr·g / a                                          else
///
/// With rate 0.1, eps 0 and the gradient 2 all the time, θ falls by 1, 0.7089, 0.5802 and in the end by 0.1.
///
/// The effective rate is lr / a.
///
/// Source: Tieleman and Hinton, "Lecture 6.5: rmsprop", 2012; centered: Graves, arXiv:1308.0850; `torch.optim.RMSprop`.
public struct RMSprop: CountedOptimizer {
  /// The update of one parameter, with what all parameters share.
  private struct Rule {
    let square: SquareAverage
    let mean: Interpolation
    let eps: Double
    let weightDecay: Double
    let momentum: Double
    var learningRate = 0.0

    @inline(__always)
    func accumulate<Number: Arithmetic>(_ parameter: Number, _ gradient: Number, _ average: inout Number) -> Number {
      let gradient = weightDecay != 0 ? gradient + Number(weightDecay) * parameter : gradient
      average = square(average, gradient)
      return gradient
    }

    @inline(__always)
    func divisor<Number: Arithmetic>(_ average: Number) -> Number { average.squareRoot() + Number(eps) }

    @inline(__always)
    func divisor<Number: Arithmetic>(_ average: Number, _ mean: Number) -> Number { divisor(average - mean * mean) }

    @inline(__always)
    func step<Number: Arithmetic>(_ parameter: inout Number, _ gradient: Number, by divisor: Number) {
      parameter = parameter - Number(learningRate) * gradient / divisor
    }

    @inline(__always)
    func roll<Number: Arithmetic>(
      _ parameter: inout Number, _ gradient: Number, by divisor: Number, _ buffer: inout Number
    ) {
      buffer = buffer * Number(momentum) + gradient / divisor
      parameter = parameter - Number(learningRate) * buffer
    }

    @inline(__always)
    func move<Number: Arithmetic>(_ parameter: inout Number, _ gradient: Number, _ average: inout Number) {
      let gradient = accumulate(parameter, gradient, &average)
      step(&parameter, gradient, by: divisor(average))
    }

    @inline(__always)
    func move<Number: Arithmetic>(
      _ parameter: inout Number, _ gradient: Number, _ average: inout Number, mean: inout Number
    ) {
      let gradient = accumulate(parameter, gradient, &average)
      mean = self.mean(mean, gradient)
      step(&parameter, gradient, by: divisor(average, mean))
    }

    @inline(__always)
    func move<Number: Arithmetic>(
      _ parameter: inout Number, _ gradient: Number, _ average: inout Number, buffer: inout Number
    ) {
      let gradient = accumulate(parameter, gradient, &average)
      roll(&parameter, gradient, by: divisor(average), &buffer)
    }

    @inline(__always)
    func move<Number: Arithmetic>(
      _ parameter: inout Number, _ gradient: Number, _ average: inout Number, mean: inout Number, buffer: inout Number
    ) {
      let gradient = accumulate(parameter, gradient, &average)
      mean = self.mean(mean, gradient)
      roll(&parameter, gradient, by: divisor(average, mean), &buffer)
    }
  }

  private var rule: Rule
  private let isCentered: Bool
  private var squares: [Double]
  private var means: [Double]
  private var buffers: [Double]
  private var isFresh = true

  /// - Parameters:
  ///   - parameterCount: how many parameters it will update; not below 0.
  ///   - alpha: what is kept of the mean square; from 0 to 1.
  ///   - eps: is added to the root that is divided by; not below 0.
  ///   - weightDecay: the L2 penalty; not below 0.
  ///   - momentum: what is kept of the direction; not below 0.
  ///   - centered: whether the gradients' variance takes the place of their mean square.
  public init(
    parameterCount: Int, alpha: Double = 0.99, eps: Double = 1e-8, weightDecay: Double = 0, momentum: Double = 0,
    centered: Bool = false
  ) {
    rule = Rule(
      square: SquareAverage(decay: alpha), mean: Interpolation(weight: 1 - alpha), eps: eps, weightDecay: weightDecay,
      momentum: momentum)
    isCentered = centered
    squares = [Double](repeating: 0, count: parameterCount)
    means = centered ? squares : []
    buffers = momentum > 0 ? squares : []
  }

  public mutating func update(_ parameters: inout [Double], gradient: [Double], learningRate: Double) {
    isFresh = false
    rule.learningRate = learningRate
    let rule = rule
    switch (isCentered, rule.momentum > 0) {
    case (false, false): Experiments.update(&parameters, gradient, &squares) { rule.move(&$0, $1, &$2) }
    case (true, false):
      Experiments.update(&parameters, gradient, &squares, &means) { rule.move(&$0, $1, &$2, mean: &$3) }
    case (false, true):
      Experiments.update(&parameters, gradient, &squares, &buffers) { rule.move(&$0, $1, &$2, buffer: &$3) }
    case (true, true):
      Experiments.update(&parameters, gradient, &squares, &means, &buffers) {
        rule.move(&$0, $1, &$2, mean: &$3, buffer: &$4)
      }
    }
  }

  public var effectiveRates: [Double] {
    if isFresh { return squares }
    return isCentered
      ? zip(squares, means).map { rule.learningRate / rule.divisor($0, $1) }
      : squares.map { rule.learningRate / rule.divisor($0) }
  }

  public var cost: OptimizerCost {
    switch (isCentered, rule.momentum > 0) {
    case (false, false): OptimizerCost(stateArrays: 1) { rule.move(&$0, $1, &$2.first) }
    case (true, false): OptimizerCost(stateArrays: 2) { rule.move(&$0, $1, &$2.first, mean: &$2.second) }
    case (false, true): OptimizerCost(stateArrays: 2) { rule.move(&$0, $1, &$2.first, buffer: &$2.second) }
    case (true, true):
      OptimizerCost(stateArrays: 3) { rule.move(&$0, $1, &$2.first, mean: &$2.second, buffer: &$2.third) }
    }
  }

  static let definition = OptimizerDefinition(
    type: "rmsprop",
    summary: "Divides each parameter's rate by the root mean square of its recent gradients.",
    parameters: [
      .number("alpha", .fraction, 0.99, "what is kept of the mean square from one update to the next"),
      .epsilon(1e-8),
      .coupledDecay,
      .number("momentum", .notNegative, 0, "what is kept of the direction from one update to the next"),
      .flag("centered", false, "whether the variance of the gradients takes the place of their mean square"),
    ],
    formula:
      "g = gradient + weight_decay·θ; v = alpha·v + (1 − alpha)·g²; a = √(v, with centered less the mean's square) "
      + "+ eps; θ −= lr·g/a, with momentum θ −= lr·b, b = momentum·b + g/a",
    source: "Tieleman and Hinton, 2012; centered: Graves, arXiv:1308.0850; torch.optim.RMSprop",
    example: ["type": "rmsprop", "alpha": 0.9],
    defaultLearningRate: 1e-2
  ) { arguments throws(SpecificationError) in
    let alpha = try arguments.number("alpha")
    let eps = try arguments.number("eps")
    let weightDecay = try arguments.number("weight_decay")
    let momentum = try arguments.number("momentum")
    let centered = try arguments.flag("centered")
    return {
      RMSprop(
        parameterCount: $0, alpha: alpha, eps: eps, weightDecay: weightDecay, momentum: momentum, centered: centered)
    }
  }
}
