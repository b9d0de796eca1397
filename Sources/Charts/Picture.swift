/// A chart as an SVG document: where everything goes. All lengths are in pixels.
struct Picture {
  let chart: Chart
  let plot: Plot
  let title: String
  let xLabel: String
  let yLabel: (name: String, note: String)
  let names: [String]
  let legend: Legend
  let flags: [Flag]
  let width: Double
  let height: Double
  /// Where the curves go.
  let frame: Frame
  /// Where the label of the rates stands: its baseline.
  let yLabelBaseline: Double

  static let titleSize = 16.0
  static let labelSize = 12.0
  static let flagSize = 11.0
  static let flagHeight = 15.0
  static let margin = 16.0

  init(of chart: Chart) {
    self.chart = chart
    plot = Plot(of: chart)
    let title = safeText(chart.title, atMost: 300)
    self.title = title
    xLabel = plot.xLabel(safeText(chart.xLabel, atMost: 100))
    yLabel = plot.yLabel(safeText(chart.yLabel, atMost: 100))
    names = plot.series.map { safeText($0.name, atMost: 200) }
    let asked = (width: min(max(chart.width, 240), 4096), height: min(max(chart.height, 160), 4096))
    let width = Double(asked.width)
    self.width = width

    // A single curve that has the chart's name needs no legend.
    let hasLegend = names.count > 1 || names.contains { !$0.isEmpty && $0 != title }
    legend = Legend(of: hasLegend ? names : [], width: width - 2 * Self.margin)

    // How high the curves get depends on the flags above them, these on the width, and that on the labels of the rates;
    // so the labels are made for the height without flags, which is at most a few rows more.
    var top = title.isEmpty ? Self.margin - 4 : Self.margin + 24
    yLabelBaseline = top + Self.labelSize
    if !yLabel.name.isEmpty || !yLabel.note.isEmpty { top += 24 }
    let bottom = 24 + (xLabel.isEmpty ? 0 : 18) + legend.height + 12
    let room = max(Double(asked.height) - top - bottom, Double(asked.height) / 2)
    let yAxis = plot.yAxis(mostLabels: max(3, Int(room / 36)))
    let left = Self.margin + Frame.labelWidth(of: yAxis) + 8
    let plotWidth = width - left - 24
    let xAxis = plot.xAxis(length: plotWidth, mostLabels: min(max(3, Int(plotWidth / 64)), 20)) {
      proportionalWidth($0) * Self.labelSize + 16
    }
    flags = Flag.placed(plot.markers, along: xAxis, left: left, plotWidth: plotWidth)
    let rows = flags.compactMap(\.row).max().map { $0 + 1 } ?? 0
    top += Double(rows) * Self.flagHeight
    let plotHeight = max(Double(asked.height) - top - bottom, Double(asked.height) / 2)
    frame = Frame(
      box: Box(left: left, top: top, width: plotWidth, height: plotHeight), xAxis: xAxis, yAxis: yAxis)
    height = top + plotHeight + bottom
  }

  var xAxis: Axis { frame.xAxis }
  var yAxis: Axis { frame.yAxis }
  var left: Double { frame.box.left }
  var right: Double { frame.box.right }
  var top: Double { frame.box.top }
  var bottom: Double { frame.box.bottom }
  var plotWidth: Double { frame.box.width }
  var plotHeight: Double { frame.box.height }
  /// Whether there is more than curves and flags.
  var hasMarks: Bool { !plot.pointMarks.isEmpty || !plot.referenceLines.isEmpty }

  func document() -> [UInt8] {
    var markup = Markup()
    addHead(to: &markup)
    addGrid(to: &markup)
    addLabels(to: &markup)
    addFlags(to: &markup)
    if hasMarks { addReferenceLines(to: &markup) }
    addCurves(to: &markup)
    if hasMarks { addMarks(to: &markup) }
    addLegend(to: &markup)
    markup.add("</svg>\n")
    return markup.bytes
  }

  private func addHead(to markup: inout Markup) {
    markup.addDocumentStart(
      width: width, height: height, name: title.isEmpty ? "\(yLabel.name) by \(xLabel)" : title,
      description: description,
      styleSheet: hasMarks ? Palette.styleSheet + "\n" + Palette.markStyleSheet : Palette.styleSheet)
  }

  private func addGrid(to markup: inout Markup) {
    var grid: [String: Markup] = [:]
    func across(_ fraction: Double, _ kind: String) {
      grid[kind, default: Markup()].addMove(x: left, y: frame.y(fraction))
      grid[kind, default: Markup()].addStroke("H", to: right)
    }
    func upwards(_ fraction: Double, _ kind: String) {
      grid[kind, default: Markup()].addMove(x: frame.x(fraction), y: top)
      grid[kind, default: Markup()].addStroke("V", to: bottom)
    }
    for position in yAxis.minorPositions { across(yAxis.fraction(at: position), "fine") }
    for position in xAxis.minorPositions { upwards(xAxis.fraction(at: position), "fine") }
    for tick in yAxis.ticks { across(yAxis.fraction(at: tick.position), "grid") }
    for tick in xAxis.ticks { upwards(xAxis.fraction(at: tick.position), "grid") }
    grid["axis"] = frame.edges()
    for (kind, fallback) in [("fine", "#f0f2f4"), ("grid", "#e1e5e9"), ("axis", "#8c959f")] {
      guard let lines = grid[kind] else { continue }
      markup.add("<path class=\"\(kind)-line\" fill=\"none\" stroke=\"\(fallback)\" d=\"")
      markup.add(lines)
      markup.add("\"/>\n")
    }
  }

  private func addLabels(to markup: inout Markup) {
    markup.addHeading(title, width: width)
    markup.add("<g class=\"muted\" font-size=\"12\">\n")
    // The note says what the curves mean, so it is the name that gives way.
    let nameWidth = width - 2 * Self.margin - proportionalWidth(yLabel.note) * Self.labelSize
    let name = truncated(yLabel.name, to: max(nameWidth, 0) / Self.labelSize, measure: proportionalWidth)
    markup.addText(name + yLabel.note, x: Self.margin, y: yLabelBaseline, width: .infinity, size: Self.labelSize)
    frame.addTickLabels(width: width, to: &markup)
    markup.addText(
      xLabel, x: left + plotWidth / 2, y: bottom + 37, anchor: "middle", width: plotWidth, size: Self.labelSize)
    if plot.total.isEmpty {
      markup.addText(
        "nothing to draw", x: left + plotWidth / 2, y: top + plotHeight / 2, anchor: "middle", width: plotWidth,
        size: Self.labelSize)
    }
    markup.add("</g>\n")
  }
}
