import Foundation

/// What a picture and a text chart have in common: the curves that are drawn, and what they span.
struct Plot {
  let series: ArraySlice<Series>
  let markers: ArraySlice<Marker>
  /// What is known of each series, in their order.
  let extents: [Extent]
  /// What all series together span.
  let total: Extent
  let yScale: Chart.Scale

  init(of chart: Chart) {
    series = chart.series.prefix(Chart.largestSeriesCount)
    markers = chart.markers.prefix(Chart.largestMarkerCount)
    yScale = chart.yScale
    extents = series.map { Extent(of: $0.points) }
    total = extents.reduce(into: Extent(of: [])) { $0.include($1) }
  }

  /// What the points of a curve span.
  struct Extent {
    /// Of all points, also of those without a rate: a curve that ends early is seen to.
    private(set) var firstStep = Double.infinity
    private(set) var lastStep = -Double.infinity
    private(set) var lowestRate = Double.infinity
    private(set) var highestRate = -Double.infinity
    private(set) var lowestPositiveRate = Double.infinity
    private(set) var isAscending = true

    init(of points: [Point]) {
      for point in points where point.step.isFinite {
        if point.step < lastStep { isAscending = false }
        firstStep = min(firstStep, point.step)
        lastStep = max(lastStep, point.step)
        guard point.rate.isFinite else { continue }
        lowestRate = min(lowestRate, point.rate)
        highestRate = max(highestRate, point.rate)
        if point.rate > 0 { lowestPositiveRate = min(lowestPositiveRate, point.rate) }
      }
    }

    mutating func include(_ other: Extent) {
      firstStep = min(firstStep, other.firstStep)
      lastStep = max(lastStep, other.lastStep)
      lowestRate = min(lowestRate, other.lowestRate)
      highestRate = max(highestRate, other.highestRate)
      lowestPositiveRate = min(lowestPositiveRate, other.lowestPositiveRate)
    }

    /// Whether there is nothing to draw.
    var isEmpty: Bool { lowestRate > highestRate }
  }

  /// Whether some rates have no place on the axis.
  var hasRatesBelowTheAxis: Bool { yScale == .logarithmic && total.lowestRate <= 0 }

  func yAxis(mostLabels: Int) -> Axis {
    switch yScale {
    case .linear where total.isEmpty: .ofRates(from: 0, to: 1, mostLabels: mostLabels)
    case .linear: .ofRates(from: total.lowestRate, to: total.highestRate, mostLabels: mostLabels)
    case .logarithmic where total.highestRate > 0:
      .logarithmic(
        from: total.lowestPositiveRate, to: total.highestRate, hasOthers: hasRatesBelowTheAxis, mostLabels: mostLabels)
    case .logarithmic:
      .logarithmic(from: 0.1, to: 1, hasOthers: hasRatesBelowTheAxis, mostLabels: mostLabels)
    }
  }

  func xAxis(length: Double, mostLabels: Int, labelWidth: (String) -> Double) -> Axis {
    let isEmpty = total.firstStep > total.lastStep
    return .ofSteps(
      from: isEmpty ? 0 : total.firstStep, to: isEmpty ? 1 : total.lastStep, length: length, mostLabels: mostLabels,
      labelWidth: labelWidth)
  }

  /// The runs of a series between its gaps, in whole units of a drawing.
  ///
  /// - Parameters:
  ///   - width, height: the size of the drawing in its units.
  ///   - columns: into how many columns it is divided; of each, the first, the lowest, the highest and the last point
  ///     are kept.
  func runs(
    of index: Int, xAxis: Axis, yAxis: Axis, width: Int, height: Int, columns: Int
  ) -> [[Vertex]] {
    let curve = series[index]
    var points = curve.points
    if !extents[index].isAscending {
      points = points.filter(\.step.isFinite).sorted { $0.step < $1.step }
    }
    var line = Polyline(isStaircase: curve.isStaircase, columnWidth: Double(max(width, 1)) / Double(max(columns, 1)))
    for point in points {
      guard point.step.isFinite, point.rate.isFinite else {
        line.interrupt()
        continue
      }
      // The fractions are from 0 to 1, so neither conversion fails.
      let x = Int(exactly: (xAxis.fraction(of: point.step) * Double(width)).rounded()) ?? 0
      let y = Int(exactly: (yAxis.fraction(of: point.rate) * Double(height)).rounded()) ?? 0
      line.append(Vertex(x: x, y: y))
    }
    return line.finished()
  }

  /// The rates' label, with the scale where it is not linear.
  func yLabel(_ label: String) -> (name: String, note: String) {
    guard yScale == .logarithmic else { return (label, "") }
    return (label, hasRatesBelowTheAxis ? " (log scale; ≤ 0 on the lower edge)" : " (log scale)")
  }
}
