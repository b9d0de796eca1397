public import JSON

/// A learning-rate schedule: a value that knows the rate in force at every step.
///
/// A schedule is closed-form: the rate at step 10¹² costs what the rate at step 1 costs. It keeps no state, so it may
/// be evaluated at any step, in any order, from any thread.
public protocol Schedule: Sendable {
  /// The learning rate in force at `step`.
  ///
  /// - Parameter step: the number of optimizer updates already made; real-valued, at least 0 and at most 2⁵³.
  /// - Returns: the absolute learning rate that update number `step` (counted from 0) uses. Not finite where the formula
  ///   is not: past ``end``, and where a growing schedule leaves the range of a double.
  func rate(at step: Double) -> Double

  /// Fills `rates` with the rates at `start`, `start + stride`, `start + 2·stride`, …
  ///
  /// - Parameters:
  ///   - rates: the memory to fill; every element is written.
  ///   - start: the step of the first element.
  ///   - stride: the distance between two elements, in steps.
  func fill(_ rates: UnsafeMutableBufferPointer<Double>, from start: Double, stride: Double)

  /// The schedule in canonical types: a specification that reads back into a schedule with the same rates. Nil for the
  /// few compositions of torch that no canonical type describes.
  var form: JSONValue? { get }

  /// The last step at which the schedule has a rate; nil, as almost always, where it has one for ever.
  var end: ScheduleEnd? { get }

  /// Whether the rate is known to be finite at every step. False says nothing: whoever needs to know evaluates.
  var isAlwaysFinite: Bool { get }
}

/// Where a schedule stops having a rate, and why.
public struct ScheduleEnd: Sendable, Equatable {
  /// The last step that has a rate.
  public let lastStep: Double
  /// Why there is none after it, in words for the caller.
  public let reason: String

  public init(lastStep: Double, reason: String) {
    self.lastStep = lastStep
    self.reason = reason
  }
}

/// The largest step that a schedule can be asked for: up to here a double holds every whole number.
public let largestStep = 0x1p53

extension Schedule {
  /// Evaluates ``rate(at:)`` once an element. The step is computed by a multiplication, never by repeated addition, so
  /// that no rounding error accumulates along a long range.
  public func fill(_ rates: UnsafeMutableBufferPointer<Double>, from start: Double, stride: Double) {
    for index in rates.indices {
      rates[index] = rate(at: start + Double(index) * stride)
    }
  }

  public var end: ScheduleEnd? { nil }

  public var isAlwaysFinite: Bool { false }
}

/// How many whole periods fit into `step`, and what is left over.
///
/// The remainder is exact, and the count is corrected by it: a plain division rounds the step before a period's end up
/// to the end once steps are large.
func wholePeriods(in step: Double, of period: Double) -> (count: Double, remainder: Double) {
  let remainder = step.truncatingRemainder(dividingBy: period)
  return (((step - remainder) / period).rounded(), remainder)
}

/// How many of the ascending `boundaries` are at or below `step` (or, if not `inclusive`, below it): a binary search.
func passed(_ boundaries: [Double], at step: Double, inclusive: Bool = true) -> Int {
  var low = 0
  var high = boundaries.count
  while low < high {
    let middle = (low + high) / 2
    if inclusive ? boundaries[middle] <= step : boundaries[middle] < step { low = middle + 1 } else { high = middle }
  }
  return low
}
