/// A chart as an SVG document: where everything goes. All lengths are in pixels.
struct Picture {
  let chart: Chart
  let plot: Plot
  let title: String
  let xLabel: String
  let yLabel: (name: String, note: String)
  let names: [String]
  let xAxis: Axis
  let yAxis: Axis
  let legend: Legend
  let flags: [Flag]
  let width: Double
  let height: Double
  /// Where the curves go.
  let left: Double
  let top: Double
  let plotWidth: Double
  let plotHeight: Double
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
    xLabel = safeText(chart.xLabel, atMost: 100)
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
    yAxis = plot.yAxis(mostLabels: max(3, Int(room / 36)))
    let labelWidths = yAxis.ticks.map { proportionalWidth($0.label) * Self.labelSize }
    let left = Self.margin + (labelWidths.max() ?? 0).rounded(.up) + 8
    let plotWidth = width - left - 24
    xAxis = plot.xAxis(length: plotWidth, mostLabels: min(max(3, Int(plotWidth / 64)), 20)) {
      proportionalWidth($0) * Self.labelSize + 16
    }
    flags = Flag.placed(plot.markers, along: xAxis, left: left, plotWidth: plotWidth)
    let rows = flags.compactMap(\.row).max().map { $0 + 1 } ?? 0
    top += Double(rows) * Self.flagHeight
    self.left = left
    self.top = top
    self.plotWidth = plotWidth
    plotHeight = max(Double(asked.height) - top - bottom, Double(asked.height) / 2)
    height = top + plotHeight + bottom
  }

  func x(_ fraction: Double) -> Double { left + fraction * plotWidth }
  func y(_ fraction: Double) -> Double { top + (1 - fraction) * plotHeight }
  var right: Double { left + plotWidth }
  var bottom: Double { top + plotHeight }

  func document() -> [UInt8] {
    var markup = Markup()
    addHead(to: &markup)
    addGrid(to: &markup)
    addLabels(to: &markup)
    addFlags(to: &markup)
    addCurves(to: &markup)
    addLegend(to: &markup)
    markup.add("</svg>\n")
    return markup.bytes
  }

  private func addHead(to markup: inout Markup) {
    markup.add("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"anneal-chart\" role=\"img\"")
    markup.add(attribute: "width", width)
    markup.add(attribute: "height", height)
    markup.add(" viewBox=\"0 0 ")
    markup.add(hundredths: hundredths(width))
    markup.add(" ")
    markup.add(hundredths: hundredths(height))
    markup.add("\">\n<title>")
    markup.add(text: title.isEmpty ? "\(yLabel.name) by \(xLabel)" : title)
    markup.add("</title>\n<desc>")
    markup.add(text: description)
    markup.add("</desc>\n<style>\n")
    markup.add(Palette.styleSheet)
    markup.add("\n</style>\n<rect class=\"background\" width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n")
  }

  private func addGrid(to markup: inout Markup) {
    var grid: [String: Markup] = [:]
    func across(_ fraction: Double, _ kind: String) {
      grid[kind, default: Markup()].addMove(x: left, y: y(fraction))
      grid[kind, default: Markup()].addStroke("H", to: right)
    }
    for position in yAxis.minorPositions { across(yAxis.fraction(at: position), "fine") }
    for tick in yAxis.ticks { across(yAxis.fraction(at: tick.position), "grid") }
    for tick in xAxis.ticks {
      grid["grid", default: Markup()].addMove(x: x(xAxis.fraction(at: tick.position)), y: top)
      grid["grid", default: Markup()].addStroke("V", to: bottom)
      // Ticks stick out of the frame, so that they are seen beside the grid.
      grid["axis", default: Markup()].addMove(x: x(xAxis.fraction(at: tick.position)), y: bottom)
      grid["axis", default: Markup()].addStroke("V", to: bottom + 5)
    }
    for tick in yAxis.ticks {
      grid["axis", default: Markup()].addMove(x: left, y: y(yAxis.fraction(at: tick.position)))
      grid["axis", default: Markup()].addStroke("H", to: left - 5)
    }
    grid["axis", default: Markup()].addMove(x: left, y: top)
    grid["axis", default: Markup()].addStroke("V", to: bottom)
    grid["axis", default: Markup()].addStroke("H", to: right)
    for (kind, fallback) in [("fine", "#f0f2f4"), ("grid", "#e1e5e9"), ("axis", "#8c959f")] {
      guard let lines = grid[kind] else { continue }
      markup.add("<path class=\"\(kind)-line\" fill=\"none\" stroke=\"\(fallback)\" d=\"")
      markup.add(lines)
      markup.add("\"/>\n")
    }
  }

  private func addLabels(to markup: inout Markup) {
    if !title.isEmpty {
      markup.add("<g font-size=\"16\" font-weight=\"600\">")
      addText(
        title, x: Self.margin, y: Self.margin + 14, width: width - 2 * Self.margin, size: Self.titleSize * 1.13,
        to: &markup)
      markup.add("</g>\n")
    }
    markup.add("<g class=\"muted\" font-size=\"12\">\n")
    // The note says what the curves mean, so it is the name that gives way.
    let nameWidth = width - 2 * Self.margin - proportionalWidth(yLabel.note) * Self.labelSize
    let name = truncated(yLabel.name, to: max(nameWidth, 0) / Self.labelSize, measure: proportionalWidth)
    addText(name + yLabel.note, x: Self.margin, y: yLabelBaseline, width: .infinity, size: Self.labelSize, to: &markup)
    for tick in yAxis.ticks {
      addText(
        tick.label, x: left - 8, y: y(yAxis.fraction(at: tick.position)) + 4, anchor: "end", width: .infinity,
        size: Self.labelSize, to: &markup)
    }
    for tick in xAxis.ticks {
      // The outermost labels stay within the picture.
      let half = proportionalWidth(tick.label) * Self.labelSize / 2
      let center = min(max(x(xAxis.fraction(at: tick.position)), half + 2), width - half - 2)
      addText(
        tick.label, x: center, y: bottom + 19, anchor: "middle", width: .infinity, size: Self.labelSize, to: &markup)
    }
    addText(
      xLabel, x: left + plotWidth / 2, y: bottom + 37, anchor: "middle", width: plotWidth, size: Self.labelSize,
      to: &markup)
    if plot.total.isEmpty {
      addText(
        "nothing to draw", x: left + plotWidth / 2, y: top + plotHeight / 2, anchor: "middle", width: plotWidth,
        size: Self.labelSize, to: &markup)
    }
    markup.add("</g>\n")
  }

  /// Adds a line of text, shortened to `width`, with all of it in a tooltip where it is.
  func addText(
    _ text: String, x: Double, y: Double, anchor: String? = nil, width: Double, size: Double, to markup: inout Markup
  ) {
    guard !text.isEmpty else { return }
    let shown = truncated(text, to: width / size, measure: proportionalWidth)
    markup.add("<text")
    markup.add(attribute: "x", x)
    markup.add(attribute: "y", y)
    if let anchor { markup.add(" text-anchor=\"\(anchor)\"") }
    markup.add(">")
    if shown != text {
      markup.add("<title>")
      markup.add(text: text)
      markup.add("</title>")
    }
    markup.add(text: shown)
    markup.add("</text>\n")
  }
}

extension Markup {
  /// Appends the start of a line at a place in pixels, to the data of a path.
  mutating func addMove(x: Double, y: Double) {
    addStroke("M", to: x)
    add(" ")
    add(hundredths: hundredths(y))
  }

  /// Appends a line along an axis ("H", "V") to a place in pixels, to the data of a path.
  mutating func addStroke(_ command: String, to pixels: Double) {
    add(command)
    add(hundredths: hundredths(pixels))
  }

  /// Appends what another one holds.
  mutating func add(_ other: Markup) { add(bytes: other.bytes) }
}
