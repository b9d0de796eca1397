/// What Adam, NAdam and RAdam share: averages of the gradients and of their squares, and the two kinds of weight decay.
struct AdamAverages {
  let beta1: Double
  private let mean: Interpolation
  private let square: SquareAverage
  private let weightDecay: Double
  private let isDecoupled: Bool
  /// What a decoupled weight decay leaves of a parameter.
  private var shrinking = 1.0

  var beta2: Double { square.decay }

  init(beta1: Double, beta2: Double, weightDecay: Double, isDecoupled: Bool) {
    self.beta1 = beta1
    mean = Interpolation(weight: 1 - beta1)
    square = SquareAverage(decay: beta2)
    self.weightDecay = weightDecay
    self.isDecoupled = isDecoupled
  }

  /// Before an update at that rate.
  mutating func begin(learningRate: Double) { shrinking = 1 - learningRate * weightDecay }

  /// Takes a parameter's gradient into its averages; shrinks the parameter where the weight decay is decoupled.
  ///
  /// - Returns: the gradient, with the weight decay where that is a part of it.
  @inline(__always)
  func take<Number: Arithmetic>(
    _ gradient: Number, of parameter: inout Number, _ mean: inout Number, _ square: inout Number
  ) -> Number {
    var gradient = gradient
    if weightDecay != 0 {
      if isDecoupled {
        parameter = parameter * Number(shrinking)
      } else {
        gradient = gradient + Number(weightDecay) * parameter
      }
    }
    mean = self.mean(mean, gradient)
    square = self.square(square, gradient)
    return gradient
  }
}
