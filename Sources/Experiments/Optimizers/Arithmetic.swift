/// The arithmetic that updates are made of.
///
/// An update is written over it once: over doubles it moves the parameters, over ``CountedNumber`` it counts its operations.
/// Swift never contracts a product and a sum into one operation, so each of these rounds once.
package protocol Arithmetic {
  init(_ value: Double)

  static func + (left: Self, right: Self) -> Self
  static func - (left: Self, right: Self) -> Self
  static func * (left: Self, right: Self) -> Self
  static func / (left: Self, right: Self) -> Self
  func squareRoot() -> Self

  /// The larger of the two; NaN where one is NaN, as `torch.maximum` has it.
  static func larger(_ left: Self, _ right: Self) -> Self

  /// −1, 0 or 1; NaN of NaN.
  var direction: Self { get }
}

extension Double: Arithmetic {
  @inline(__always)
  package static func larger(_ left: Double, _ right: Double) -> Double {
    right > left || right.isNaN ? right : left
  }

  @inline(__always)
  package var direction: Double { self > 0 ? 1 : self < 0 ? -1 : self }
}

/// An average that forgets: from `start` toward `end` by a part of the way, rounded as `torch.lerp` rounds.
struct Interpolation: Sendable {
  /// The part of the way.
  let weight: Double
  private let rest: Double

  init(weight: Double) {
    self.weight = weight
    rest = 1 - weight
  }

  @inline(__always)
  func callAsFunction<Number: Arithmetic>(_ start: Number, _ end: Number) -> Number {
    weight < 0.5 ? start + Number(weight) * (end - start) : end - (end - start) * Number(rest)
  }
}

/// An average of squares that forgets, as torch's `mul_(decay).addcmul_(x, x, value: 1 - decay)` rounds it.
struct SquareAverage: Sendable {
  /// What is kept of the average.
  let decay: Double
  private let weight: Double

  init(decay: Double) {
    self.decay = decay
    weight = 1 - decay
  }

  @inline(__always)
  func callAsFunction<Number: Arithmetic>(_ average: Number, _ value: Number) -> Number {
    average * Number(decay) + Number(weight) * value * value
  }
}

// MARK: All parameters, one after the other

/// Calls `move` for each parameter, with its gradient.
@inline(__always)
func update(_ parameters: inout [Double], _ gradient: [Double], _ move: (inout Double, Double) -> Void) {
  precondition(gradient.count == parameters.count, "a gradient has one element for each parameter")
  var parameters = parameters.mutableSpan
  let gradient = gradient.span
  for index in 0..<parameters.count { move(&parameters[index], gradient[index]) }
}

/// Calls `move` for each parameter, with its gradient and its value in `state`.
@inline(__always)
func update(
  _ parameters: inout [Double], _ gradient: [Double], _ state: inout [Double],
  _ move: (inout Double, Double, inout Double) -> Void
) {
  precondition(state.count == parameters.count, "an optimizer is made for as many parameters as it updates")
  var state = state.mutableSpan
  var index = 0
  update(&parameters, gradient) { parameter, slope in
    move(&parameter, slope, &state[index])
    index &+= 1
  }
}

/// Calls `move` for each parameter, with its gradient and its values in the two arrays of the state.
@inline(__always)
func update(
  _ parameters: inout [Double], _ gradient: [Double], _ first: inout [Double], _ second: inout [Double],
  _ move: (inout Double, Double, inout Double, inout Double) -> Void
) {
  precondition(second.count == parameters.count, "an optimizer is made for as many parameters as it updates")
  var second = second.mutableSpan
  var index = 0
  update(&parameters, gradient, &first) { parameter, slope, state in
    move(&parameter, slope, &state, &second[index])
    index &+= 1
  }
}

/// Calls `move` for each parameter, with its gradient and its values in the three arrays of the state.
@inline(__always)
func update(
  _ parameters: inout [Double], _ gradient: [Double], _ first: inout [Double], _ second: inout [Double],
  _ third: inout [Double], _ move: (inout Double, Double, inout Double, inout Double, inout Double) -> Void
) {
  precondition(third.count == parameters.count, "an optimizer is made for as many parameters as it updates")
  var third = third.mutableSpan
  var index = 0
  update(&parameters, gradient, &first, &second) { parameter, slope, one, two in
    move(&parameter, slope, &one, &two, &third[index])
    index &+= 1
  }
}
