/// A learning-rate schedule: a value that knows the rate in force at every step.
///
/// A schedule is closed-form: the rate at step 10¹² costs what the rate at step 1 costs. It keeps no state, so it may
/// be evaluated at any step, in any order, from any thread.
public protocol Schedule: Sendable {
  /// The learning rate in force at `step`.
  ///
  /// - Parameter step: the number of optimizer updates already made; real-valued, at least 0 and at most 2⁵³.
  /// - Returns: the absolute learning rate that update number `step` (counted from 0) uses.
  func rate(at step: Double) -> Double

  /// Fills `rates` with the rates at `start`, `start + stride`, `start + 2·stride`, …
  ///
  /// - Parameters:
  ///   - rates: the memory to fill; every element is written.
  ///   - start: the step of the first element.
  ///   - stride: the distance between two elements, in steps.
  func fill(_ rates: UnsafeMutableBufferPointer<Double>, from start: Double, stride: Double)
}

extension Schedule {
  /// Evaluates ``rate(at:)`` once an element. The step is computed by a multiplication, never by repeated addition, so
  /// that no rounding error accumulates along a long range.
  public func fill(_ rates: UnsafeMutableBufferPointer<Double>, from start: Double, stride: Double) {
    for index in rates.indices {
      rates[index] = rate(at: start + Double(index) * stride)
    }
  }
}
