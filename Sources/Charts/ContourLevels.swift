import Foundation

/// The values at which a contour chart has its lines, ascending.
struct ContourLevels {
  let values: [Double]
  let labels: [String]
  let spacing: ContourChart.Spacing

  /// How many lines there are at most.
  static let largestCount = 12

  /// - Parameter sorted: all finite values, ascending, within ±10³⁰⁰.
  init(of sorted: [Double], spacing: ContourChart.Spacing) {
    guard let low = sorted.first, let high = sorted.last, high - low > max(abs(low), abs(high)) * 1e-9,
      high - low > 1e-300
    else {
      self.init(ticks: [], spacing: .linear)
      return
    }
    let base = Self.lowestPositive(of: sorted, outOf: 500)
    let middle = sorted[sorted.count / 2]
    let chosen: ContourChart.Spacing =
      switch spacing {
      case .automatic:
        if low >= 0, let share = Self.lowestPositive(of: sorted, outOf: 20), high / share >= 50 {
          .logarithmic
        } else if min(middle - low, high - middle) < (high - low) * 0.1 {
          .quantiles
        } else {
          .linear
        }
      case .logarithmic: base == nil ? .linear : .logarithmic
      case .linear, .quantiles: spacing
      }
    var ticks: [(value: Double, label: String)] = []
    switch chosen {
    case .logarithmic: if let base { ticks = Self.decades(from: base, to: high) }
    case .quantiles: ticks = Self.quantiles(of: sorted)
    case .linear, .automatic: break
    }
    ticks = ticks.filter { $0.value > low && $0.value < high }
    // A narrow range has no powers of ten, and one value nearly everywhere no shares.
    if ticks.count < 2 {
      let even = TickStride(span: high - low, count: 9).ticks(from: low, to: high)
      self.init(
        ticks: even.map { ($0.position, $0.label) }.filter { $0.0 > low && $0.0 < high }, spacing: .linear)
    } else {
      self.init(ticks: ticks, spacing: chosen)
    }
  }

  private init(ticks: [(value: Double, label: String)], spacing: ContourChart.Spacing) {
    values = ticks.prefix(Self.largestCount).map(\.value)
    labels = ticks.prefix(Self.largestCount).map(\.label)
    self.spacing = spacing
  }

  /// The lowest positive value that at least one of so many parts of the area is below: a single low value does not
  /// stretch the scale.
  private static func lowestPositive(of sorted: [Double], outOf parts: Int) -> Double? {
    guard let first = sorted.firstIndex(where: { $0 > 0 }) else { return nil }
    return sorted[min(max(first, sorted.count / parts), sorted.count - 1)]
  }

  private static func decades(from low: Double, to high: Double) -> [(value: Double, label: String)] {
    let lines = Axis.grid(from: log10(low) - 1e-9, to: log10(high) + 1e-9)
    let factors: [Set<Int>] = [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]]
    let choices =
      factors.lazy.map { factors in lines.filter { factors.contains($0.factor) } }
      + [2, 3, 5, 10, 20, 50, 100].lazy.map { stride in
        lines.filter { $0.factor == 1 && $0.exponent % stride == 0 }
      }
    let chosen = choices.first { $0.count <= largestCount } ?? []
    return chosen.map { (DecimalNumber(digits: $0.factor, exponent: $0.exponent).value, $0.tick.label) }
  }

  private static func quantiles(of sorted: [Double]) -> [(value: Double, label: String)] {
    var result: [(value: Double, label: String)] = []
    for part in 1..<10 {
      let number = DecimalNumber(sorted[sorted.count * part / 10], significantDigits: 2)
      guard number.value.isFinite, number.value > result.last?.value ?? -.infinity else { continue }
      result.append((number.value, number.label))
    }
    return result
  }
}
