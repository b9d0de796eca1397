import Foundation

extension Axis {
  /// The axis of values spread by powers of ten, with as many labels as fit beside each other.
  ///
  /// - Parameters:
  ///   - length: the length of the axis, in the unit of `labelWidth`.
  ///   - labelWidth: how much room a label takes, with the gap to the next.
  static func logarithmic(
    from lowest: Double, to highest: Double, length: Double, mostLabels: Int, labelWidth: (String) -> Double
  ) -> Axis {
    var axis = Axis.logarithmic(from: lowest, to: highest, hasOthers: false, mostLabels: 3)
    for count in (3...max(3, mostLabels)).reversed() {
      axis = Axis.logarithmic(from: lowest, to: highest, hasOthers: false, mostLabels: count)
      // Ticks stand unevenly, so each gap is looked at with its own labels.
      let fits = zip(axis.ticks, axis.ticks.dropFirst()).allSatisfy { one, next in
        let gap = (next.position - one.position) / (axis.high - axis.low) * length
        return (labelWidth(one.label) + labelWidth(next.label)) / 2 <= gap
      }
      if fits { break }
    }
    return axis
  }

  /// The axis of values spread by powers of ten.
  ///
  /// - Parameters:
  ///   - lowest: the lowest positive value.
  ///   - highest: the highest value, at least `lowest`.
  ///   - hasOthers: whether there are values of 0 and below; they get a strip below the lowest positive one.
  static func logarithmic(from lowest: Double, to highest: Double, hasOthers: Bool, mostLabels: Int) -> Axis {
    var low = log10(lowest)
    var high = log10(highest)
    if high - low < 1e-9 { (low, high) = (low - 0.5, high + 0.5) }
    // Where the range is too narrow for 2 or 3 of 1, 2, … 9, ticks are chosen as on a linear axis, and stand unevenly.
    let isNarrow = high - low < 0.35 && low > -290 && high < 300
    if isNarrow {
      let margin = (high - low) * 0.05
      (low, high) = (low - margin, high + margin)
    } else {
      low = grid(from: low - 1, to: low + 1e-9).last?.position ?? low
      high = grid(from: high - 1e-9, to: high + 1).first?.position ?? high
    }
    let all = grid(from: low - 1e-9, to: high + 1e-9)
    let (ticks, minorPositions) =
      isNarrow
      ? narrowTicks(from: low, to: high, mostLabels: mostLabels)
      : high - low >= 2
        ? decades(all, span: high - low, mostLabels: mostLabels) : fewDecades(all, mostLabels: mostLabels)
    if hasOthers { low -= (high - low) * 0.08 }
    return Axis(scale: .logarithmic, low: low, high: high, ticks: ticks, minorPositions: minorPositions)
  }

  /// 1, 2, … 9 times a power of ten.
  struct GridLine {
    let factor: Int
    let exponent: Int
    var position: Double { Double(exponent) + log10(Double(factor)) }
    var tick: Tick { Tick(position: position, label: DecimalNumber(digits: factor, exponent: exponent).label) }
  }

  static func grid(from low: Double, to high: Double) -> [GridLine] {
    guard low < high, let first = Int(exactly: low.rounded(.down)), let last = Int(exactly: high.rounded(.up)) else {
      return []
    }
    return (first...last).flatMap { exponent in (1...9).map { GridLine(factor: $0, exponent: exponent) } }
      .filter { $0.position >= low && $0.position <= high }
  }

  private static func decades(
    _ lines: [GridLine], span: Double, mostLabels: Int
  ) -> (ticks: [Tick], minorPositions: [Double]) {
    let decades = lines.filter { $0.factor == 1 }
    let strides = [1, 2, 3, 4, 5, 10, 20, 50, 100, 200]
    func labeled(_ stride: Int) -> [GridLine] { decades.filter { $0.exponent % stride == 0 } }
    let stride = strides.first { labeled($0).count <= max(mostLabels, 2) } ?? 200
    // Finer lines help while they can be told apart: within the decades, or between the labeled ones.
    let finer = stride == 1 ? lines.filter { $0.factor > 1 } : decades.filter { $0.exponent % stride != 0 }
    return (labeled(stride).map(\.tick), stride > 10 || stride == 1 && span > 8 ? [] : finer.map(\.position))
  }

  private static func fewDecades(
    _ lines: [GridLine], mostLabels: Int
  ) -> (ticks: [Tick], minorPositions: [Double]) {
    let choices: [Set<Int>] = [[1, 2, 5], [1, 2, 3, 5, 7], [1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3], [1]]
    let labeled = choices.lazy.map { factors in lines.filter { factors.contains($0.factor) } }
      .first { (3...max(3, mostLabels)).contains($0.count) }
    // A very low chart: the ends alone.
    let chosen = labeled ?? [lines.first, lines.last].compactMap(\.self)
    let positions = Set(chosen.map(\.position))
    return (chosen.map(\.tick), lines.map(\.position).filter { !positions.contains($0) })
  }

  private static func narrowTicks(
    from low: Double, to high: Double, mostLabels: Int
  ) -> (ticks: [Tick], minorPositions: [Double]) {
    let (lowest, highest) = (pow(10, low), pow(10, high))
    let ticks = TickStride(span: highest - lowest, count: max(3, mostLabels)).ticks(from: lowest, to: highest)
    return (ticks.map { Tick(position: log10($0.position), label: $0.label) }, [])
  }
}
