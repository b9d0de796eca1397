import JSON
import Schedules

/// A rate for each parameter from the ratio of its recent updates to its recent gradients.
///
///     g ← g + weight_decay·θ
///     v ← rho·v + (1 − rho)·g²
///     d = √(u + eps) / √(v + eps) · g
///     u ← rho·u + (1 − rho)·d²
///     θ ← θ − lr·d
///
/// With rate 1, eps 1e-6 and the gradient 1 all the time, θ falls by 0.003162, 0.003244, 0.003301.
///
/// The effective rate is lr·√(u + eps) / √(v + eps).
///
/// Source: Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701; `torch.optim.Adadelta`.
public struct Adadelta: CountedOptimizer {
  /// The update of one parameter, with what all parameters share.
  private struct Rule {
    let square: SquareAverage
    let eps: Double
    let weightDecay: Double
    var learningRate = 0.0

    /// - Returns: what the gradient was multiplied with, but for the rate.
    @inline(__always)
    func move<Number: Arithmetic>(
      _ parameter: inout Number, _ gradient: Number, _ square: inout Number, _ delta: inout Number
    ) -> Number {
      let gradient = weightDecay != 0 ? gradient + Number(weightDecay) * parameter : gradient
      square = self.square(square, gradient)
      let ratio = (delta + Number(eps)).squareRoot() / (square + Number(eps)).squareRoot()
      let change = ratio * gradient
      delta = self.square(delta, change)
      parameter = parameter - Number(learningRate) * change
      return ratio
    }
  }

  private var rule: Rule
  private var squares: [Double]
  private var deltas: [Double]
  /// For ``effectiveRates`` alone, and no part of the state: the next update does not look at it.
  private var lastRatios: [Double]

  /// - Parameters:
  ///   - parameterCount: how many parameters it will update; not below 0.
  ///   - rho: what is kept of the two averages of squares; from 0 to 1.
  ///   - eps: is added under both roots; not below 0. With 0 nothing ever moves.
  ///   - weightDecay: the L2 penalty; not below 0.
  public init(parameterCount: Int, rho: Double = 0.9, eps: Double = 1e-6, weightDecay: Double = 0) {
    rule = Rule(square: SquareAverage(decay: rho), eps: eps, weightDecay: weightDecay)
    squares = [Double](repeating: 0, count: parameterCount)
    deltas = squares
    lastRatios = squares
  }

  public mutating func update(_ parameters: inout [Double], gradient: [Double], learningRate: Double) {
    rule.learningRate = learningRate
    let rule = rule
    Experiments.update(&parameters, gradient, &squares, &deltas, &lastRatios) { $4 = rule.move(&$0, $1, &$2, &$3) }
  }

  public var effectiveRates: [Double] { lastRatios.map { rule.learningRate * $0 } }

  public var cost: OptimizerCost {
    OptimizerCost(stateArrays: 2) { _ = rule.move(&$0, $1, &$2.first, &$2.second) }
  }

  static let definition = OptimizerDefinition(
    type: "adadelta",
    summary: "Each parameter's rate is the ratio of its recent updates to its recent gradients.",
    parameters: [
      .number("rho", .fraction, 0.9, "what is kept of both averages of squares from one update to the next"),
      .number("eps", .notNegative, 1e-6, "is added under both roots; the first updates are of its root's size"),
      .coupledDecay,
    ],
    formula: "g = gradient + weight_decay·θ; v = rho·v + (1 − rho)·g²; d = √(u + eps)/√(v + eps)·g; "
      + "u = rho·u + (1 − rho)·d²; θ −= lr·d",
    source: "Zeiler, arXiv:1212.5701; torch.optim.Adadelta",
    example: ["type": "adadelta", "rho": 0.95],
    defaultLearningRate: 1
  ) { arguments throws(SpecificationError) in
    let rho = try arguments.number("rho")
    let eps = try arguments.number("eps")
    let weightDecay = try arguments.number("weight_decay")
    return { Adadelta(parameterCount: $0, rho: rho, eps: eps, weightDecay: weightDecay) }
  }
}
