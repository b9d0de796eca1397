import Foundation

/// One axis: which values it spans, and where its labels stand.
struct Axis: Sendable {
  /// A labeled place.
  struct Tick: Sendable {
    /// The value there; its logarithm on a logarithmic axis.
    let position: Double
    let label: String
  }

  let scale: Chart.Scale
  /// The lower end; its logarithm on a logarithmic axis.
  let low: Double
  /// The upper end, greater than `low`; its logarithm on a logarithmic axis.
  let high: Double
  /// Ascending, from `low` to `high`.
  let ticks: [Tick]
  /// Where finer lines go, without labels.
  let minorPositions: [Double]

  /// How far along the axis `value` lies, from 0 to 1. Values beyond the ends are at the ends.
  func fraction(of value: Double) -> Double {
    switch scale {
    case .linear: fraction(at: min(max(value, -Self.largest), Self.largest))
    case .logarithmic: value > 0 ? fraction(at: log10(value)) : 0
    }
  }

  /// How far along the axis a position lies, such as a tick's: from 0 to 1.
  func fraction(at position: Double) -> Double { min(max((position - low) / (high - low), 0), 1) }

  /// Beyond this, the difference of two values may not be finite.
  static let largest = 1e300
  /// Below this, a tenth of a difference may round to 0.
  private static let smallest = 1e-300

  /// The axis from the first value to the last, with as many labels as fit.
  ///
  /// - Parameters:
  ///   - length: the length of the axis, in the unit of `labelWidth`.
  ///   - labelWidth: how much room a label takes, with the gap to the next.
  ///   - isWhole: whether the values are counts, such as steps: a range of 1 or more then has no ticks between them.
  static func exact(
    from first: Double, to last: Double, length: Double, mostLabels: Int, isWhole: Bool = true,
    labelWidth: (String) -> Double
  ) -> Axis {
    var low = min(max(first, -largest), largest)
    var high = min(max(last, -largest), largest)
    let size = max(abs(low), abs(high))
    // A double has no more than about 16 digits to tell the ticks apart with.
    if high - low < max(smallest, size * 2e-15) {
      let margin = max(0.5, size * 2e-15)
      (low, high) = (low - margin, high + margin)
    }
    var axis = Axis(scale: .linear, low: low, high: high, ticks: [], minorPositions: [])
    for count in (3...max(3, mostLabels)).reversed() {
      var stride = TickStride(span: high - low, count: count)
      // There is no half step.
      if isWhole, stride.exponent < 0, high - low >= 1 { stride = TickStride(factor: 1, exponent: 0) }
      axis = Axis(scale: .linear, low: low, high: high, ticks: stride.ticks(from: low, to: high), minorPositions: [])
      guard axis.ticks.count > 1 else { break }
      let gap = (axis.ticks[1].position - axis.ticks[0].position) / (high - low) * length
      if axis.ticks.allSatisfy({ labelWidth($0.label) <= gap }) { break }
    }
    return axis
  }

  /// The axis of values spread evenly: it ends on ticks, and starts at 0 unless that would squeeze the
  /// curves into its upper half.
  static func rounded(from lowest: Double, to highest: Double, mostLabels: Int) -> Axis {
    var low = min(max(lowest, -largest), largest)
    var high = min(max(highest, -largest), largest)
    let size = max(abs(low), abs(high))
    if size < smallest {
      (low, high) = (min(low, 0), 1)
    } else if high - low < size * 1e-9 {
      // A constant, or one but for rounding: a line across a chart that starts at 0, not noise blown up.
      (low, high) = (min(low * 1.2, 0), max(high * 1.2, 0))
    } else if low > 0, low < high / 2 {
      low = 0
    } else if high < 0, high > low / 2 {
      high = 0
    }
    let stride = TickStride(span: high - low, count: max(2, mostLabels - 1))
    // A rounding error above a tick needs no further tick.
    let first = (low / stride.value + 1e-9).rounded(.down)
    let last = (high / stride.value - 1e-9).rounded(.up)
    let numbers = stride.numbers(from: first, to: last)
    guard let start = numbers.first, let end = numbers.last, start < end else {
      return Axis(scale: .linear, low: low, high: high, ticks: [], minorPositions: [])
    }
    let ticks = stride.ticks(numbers)
    return Axis(
      scale: .linear, low: stride.multiple(start), high: stride.multiple(end), ticks: ticks, minorPositions: [])
  }
}

/// The distance between two ticks: 1, 2 or 5 times a power of ten.
struct TickStride {
  /// 1, 2 or 5.
  let factor: Int
  let exponent: Int

  init(factor: Int, exponent: Int) {
    self.factor = factor
    self.exponent = exponent
  }

  /// The smallest one of which at most about `count` fit into `span`, which is 10⁻³⁰⁰ … 2·10³⁰⁰.
  init(span: Double, count: Int) {
    let least = span / Double(max(count, 1))
    let power = Int(exactly: log10(least).rounded(.down)) ?? 0
    let fraction = least / pow(10, Double(power))
    // The logarithm of a power of ten may land a hair beside it.
    switch fraction {
    case ...1.000_000_1: self.init(factor: 1, exponent: power)
    case ...2.000_000_1: self.init(factor: 2, exponent: power)
    case ...5.000_000_1: self.init(factor: 5, exponent: power)
    default: self.init(factor: 1, exponent: power + 1)
    }
  }

  var value: Double { multiple(1) }

  /// `number` strides. Rounded once for exponents of −22 to 22, so that 3 strides of 0.1 are 0.3.
  func multiple(_ number: Int) -> Double {
    let count = Double(number * factor)
    return exponent < 0 ? count / pow(10, Double(-exponent)) : count * pow(10, Double(exponent))
  }

  /// The whole numbers from `first` to `last`; none where there are more than a chart can need.
  func numbers(from first: Double, to last: Double) -> [Int] {
    // So that ten times as much is still a whole number that a double holds or nearly.
    guard abs(first) <= 1e17, abs(last) <= 1e17, first <= last, last - first <= 200,
      let start = Int(exactly: first), let end = Int(exactly: last)
    else { return [] }
    return Array(start...end)
  }

  /// The ticks at the given multiples.
  func ticks(_ numbers: [Int]) -> [Axis.Tick] {
    let labels = DecimalNumber.labels(numbers.map { DecimalNumber(digits: $0 * factor, exponent: exponent) })
    return zip(numbers, labels).map { Axis.Tick(position: multiple($0), label: $1) }
  }

  /// The ticks from `low` to `high`.
  func ticks(from low: Double, to high: Double) -> [Axis.Tick] {
    // A quotient may fall short of the whole number by a rounding error, so one more on each side is looked at.
    let inside = numbers(from: (low / value).rounded(.down) - 1, to: (high / value).rounded(.up) + 1)
    return ticks(inside.filter { multiple($0) >= low && multiple($0) <= high })
  }
}

extension Axis {
  /// Where a positive value is on a logarithmic axis.
  static func position(of value: Double) -> Double { log10(value) }

  /// Whether `value` is between the ends.
  func contains(_ value: Double) -> Bool {
    guard value.isFinite else { return false }
    switch scale {
    case .linear: return value >= low && value <= high
    // An end is made from a logarithm, which is rounded.
    case .logarithmic: return value > 0 && log10(value) >= low - 1e-9 && log10(value) <= high + 1e-9
    }
  }
}
