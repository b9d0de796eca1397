import Foundation

/// What a picture and a text chart have in common: the curves that are drawn, and what they span.
struct Plot {
  let series: ArraySlice<Series>
  let markers: ArraySlice<Marker>
  /// Those that have a place within the axes' scales; whether it is within the axes is seen when they are known.
  let pointMarks: [PointMark]
  let referenceLines: [ReferenceLine]
  /// What is known of each series, in their order.
  let extents: [Extent]
  /// What all series together span.
  let total: Extent
  /// The values that the vertical axis shows: those of the series, and the lines that do not squeeze them.
  let shownY: (lowest: Double, lowestPositive: Double, highest: Double)
  let xScale: Chart.Scale
  let yScale: Chart.Scale

  init(of chart: Chart) {
    series = chart.series.prefix(Chart.largestSeriesCount)
    markers = chart.markers.prefix(Chart.largestMarkerCount)
    let (xScale, yScale) = (chart.xScale, chart.yScale)
    (self.xScale, self.yScale) = (xScale, yScale)
    pointMarks = chart.pointMarks.prefix(Chart.largestMarkerCount).filter {
      Self.hasPlace($0.point.x, on: xScale) && Self.hasPlace($0.point.y, on: yScale)
    }
    referenceLines = chart.referenceLines.prefix(Chart.largestReferenceLineCount).filter {
      Self.hasPlace($0.y, on: yScale)
    }
    extents = series.map { Extent(of: $0.points, xScale: xScale) }
    let total = extents.reduce(into: Extent(of: [], xScale: xScale)) { $0.include($1) }
    self.total = total
    shownY = referenceLines.reduce(
      into: (total.lowestY, total.lowestPositiveY, total.highestY)
    ) { shown, line in
      guard Self.leavesRoom(line.y, for: total, on: yScale) else { return }
      shown = (min(shown.0, line.y), line.y > 0 ? min(shown.1, line.y) : shown.1, max(shown.2, line.y))
    }
  }

  /// Whether a value has a place along an axis of the scale.
  private static func hasPlace(_ value: Double, on scale: Chart.Scale) -> Bool {
    value.isFinite && (scale == .linear || value > 0)
  }

  /// Whether an axis that also shows `value` leaves the curves a third of its length, or loses no more than two decades.
  private static func leavesRoom(_ value: Double, for total: Extent, on scale: Chart.Scale) -> Bool {
    if total.isEmpty { return true }
    switch scale {
    case .linear:
      let low = max(min(total.lowestY, 0), -Axis.largest)
      let high = min(max(total.highestY, 0), Axis.largest)
      if low == high { return abs(value) < 10 }
      return value >= low - 2 * (high - low) && value <= high + 2 * (high - low)
    case .logarithmic:
      guard total.highestY > 0 else { return true }
      let (low, high) = (log10(total.lowestPositiveY), log10(total.highestY))
      let room = max(2, high - low)
      return log10(value) >= low - room && log10(value) <= high + room
    }
  }

  /// What the points of a curve span.
  struct Extent {
    /// Of all points, also of those without a value: a curve that ends early is seen to.
    private(set) var firstX = Double.infinity
    private(set) var lastX = -Double.infinity
    private(set) var lowestY = Double.infinity
    private(set) var highestY = -Double.infinity
    private(set) var lowestPositiveY = Double.infinity
    private(set) var isAscending = true
    /// Whether no point is between two whole numbers, as with steps.
    private(set) var isWhole = true

    init(of points: [Point], xScale: Chart.Scale) {
      for point in points where Plot.hasPlace(point.x, on: xScale) {
        if point.x != point.x.rounded() { isWhole = false }
        if point.x < lastX { isAscending = false }
        firstX = min(firstX, point.x)
        lastX = max(lastX, point.x)
        guard point.y.isFinite else { continue }
        lowestY = min(lowestY, point.y)
        highestY = max(highestY, point.y)
        if point.y > 0 { lowestPositiveY = min(lowestPositiveY, point.y) }
      }
    }

    mutating func include(_ other: Extent) {
      firstX = min(firstX, other.firstX)
      lastX = max(lastX, other.lastX)
      lowestY = min(lowestY, other.lowestY)
      highestY = max(highestY, other.highestY)
      lowestPositiveY = min(lowestPositiveY, other.lowestPositiveY)
      isWhole = isWhole && other.isWhole
    }

    /// Whether there is nothing to draw.
    var isEmpty: Bool { lowestY > highestY }
  }

  /// Whether some values have no place on the axis.
  var hasValuesBelowTheAxis: Bool { yScale == .logarithmic && total.lowestY <= 0 }

  func yAxis(mostLabels: Int) -> Axis {
    switch yScale {
    case .linear where shownY.lowest > shownY.highest: .rounded(from: 0, to: 1, mostLabels: mostLabels)
    case .linear: .rounded(from: shownY.lowest, to: shownY.highest, mostLabels: mostLabels)
    case .logarithmic where shownY.highest > 0:
      .logarithmic(
        from: shownY.lowestPositive, to: shownY.highest, hasOthers: hasValuesBelowTheAxis, mostLabels: mostLabels)
    case .logarithmic:
      .logarithmic(from: 0.1, to: 1, hasOthers: hasValuesBelowTheAxis, mostLabels: mostLabels)
    }
  }

  func xAxis(length: Double, mostLabels: Int, labelWidth: (String) -> Double) -> Axis {
    let isEmpty = total.firstX > total.lastX
    switch xScale {
    case .linear:
      return .exact(
        from: isEmpty ? 0 : total.firstX, to: isEmpty ? 1 : total.lastX, length: length, mostLabels: mostLabels,
        isWhole: total.isWhole, labelWidth: labelWidth)
    case .logarithmic:
      return .logarithmic(
        from: isEmpty ? 0.1 : total.firstX, to: isEmpty ? 1 : total.lastX, length: length, mostLabels: mostLabels,
        labelWidth: labelWidth)
    }
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
      points = points.filter { Self.hasPlace($0.x, on: xScale) }.sorted { $0.x < $1.x }
    }
    var line = Polyline(isStaircase: curve.isStaircase, columnWidth: Double(max(width, 1)) / Double(max(columns, 1)))
    for point in points {
      guard Self.hasPlace(point.x, on: xScale), point.y.isFinite else {
        line.interrupt()
        continue
      }
      // The fractions are from 0 to 1, so neither conversion fails.
      let x = Int(exactly: (xAxis.fraction(of: point.x) * Double(width)).rounded()) ?? 0
      let y = Int(exactly: (yAxis.fraction(of: point.y) * Double(height)).rounded()) ?? 0
      line.append(Vertex(x: x, y: y))
    }
    return line.finished()
  }

  /// The label of the horizontal axis, with the scale where it is not linear.
  func xLabel(_ label: String) -> String {
    xScale == .linear ? label : label + (label.isEmpty ? "log scale" : " (log scale)")
  }

  /// The label of the vertical axis, with the scale where it is not linear.
  func yLabel(_ label: String) -> (name: String, note: String) {
    guard yScale == .logarithmic else { return (label, "") }
    return (label, hasValuesBelowTheAxis ? " (log scale; ≤ 0 on the lower edge)" : " (log scale)")
  }
}
