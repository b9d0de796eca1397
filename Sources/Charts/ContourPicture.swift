/// A contour chart as an SVG document: where everything goes. All lengths are in pixels.
struct ContourPicture {
  let title: String
  let xLabel: String
  let yLabel: String
  let valueLabel: String
  let width: Double
  let height: Double
  let frame: Frame
  let field: ContourField
  let levels: ContourLevels
  let paths: [(name: String, line: PathLine, points: [Point])]
  let minima: [Point]
  let missingPathCount: Int
  /// What the legend explains, in its order.
  let keys: [(key: Key, name: String)]
  let legend: Legend
  let legendTop: Double
  private let regions: [[ContourField.Ring]]
  private let yLabelBaseline: Double
  private let hasBar: Bool

  /// What the legend may explain.
  enum Key {
    case path(Int)
    case start
    case end
    case lost
    case minimum
    case hatching

    /// That of a path is its own.
    var name: String {
      switch self {
      case .path: ""
      case .start: "start"
      case .end: "end"
      case .lost: "no number from here"
      case .minimum: "minimum"
      case .hatching: "no finite value"
      }
    }
  }

  /// How many columns and rows of values are looked at: about one for every four pixels.
  private static let largestSide = 160
  /// How many corners all lines together have.
  private static let largestCornerCount = 24_000
  private static let barWidth = 16.0

  init(of chart: ContourChart) {
    title = safeText(chart.title, atMost: 300)
    xLabel = safeText(chart.xLabel, atMost: 100)
    yLabel = safeText(chart.yLabel, atMost: 100)
    let asked = (width: min(max(chart.width, 240), 4096), height: min(max(chart.height, 160), 4096))
    width = Double(asked.width)

    // Noise has lines everywhere; seen from further away there are fewer.
    var side = Self.largestSide
    var field = ContourField(of: chart.grid, largestSide: side)
    var levels = ContourLevels(of: field.values.filter { !$0.isNaN }.sorted(), spacing: chart.spacing)
    var regions = Self.regions(of: field, levels)
    while regions.reduce(0, { $0 + $1.reduce(0) { $0 + $1.corners.count } }) > Self.largestCornerCount, side > 8 {
      side /= 2
      field = ContourField(of: chart.grid, largestSide: side)
      levels = ContourLevels(of: field.values.filter { !$0.isNaN }.sorted(), spacing: chart.spacing)
      regions = Self.regions(of: field, levels)
    }
    (self.field, self.levels, self.regions) = (field, levels, regions)
    let note: String =
      switch levels.spacing {
      case .logarithmic: " (log scale)"
      case .quantiles: " (uneven steps)"
      case .linear, .automatic: ""
      }
    valueLabel = safeText(chart.valueLabel, atMost: 100) + note

    minima = chart.minima.prefix(16).filter { $0.x.isFinite && $0.y.isFinite }
    let shown = chart.paths.prefix(ContourChart.largestPathCount)
    missingPathCount = chart.paths.count - shown.count
    let names = shown.map { safeText($0.name, atMost: 200) }
    var keys = names.indices.map { Key.path($0) }
    if !shown.isEmpty { keys += [.start, .end] }
    if shown.contains(where: { $0.points.contains { !$0.x.isFinite || !$0.y.isFinite } }) { keys.append(.lost) }
    if !minima.isEmpty { keys.append(.minimum) }
    if field.values.contains(where: \.isNaN) { keys.append(.hatching) }
    self.keys = keys.map { key in
      if case .path(let index) = key { (key, names[index]) } else { (key, key.name) }
    }
    legend = Legend(of: self.keys.map(\.name), width: width - 2 * Picture.margin)

    var top = title.isEmpty ? Picture.margin - 4 : Picture.margin + 24
    yLabelBaseline = top + Picture.labelSize
    if !yLabel.isEmpty || !valueLabel.isEmpty { top += 24 }
    let bottom = 24 + (xLabel.isEmpty ? 0 : 18) + legend.height + 12
    let plotHeight = max(Double(asked.height) - top - bottom, Double(asked.height) / 2)
    let (xBounds, yBounds) = (chart.xBounds.ordered, chart.yBounds.ordered)
    let yAxis = Axis.exact(
      from: yBounds.low, to: yBounds.high, length: plotHeight, mostLabels: min(max(3, Int(plotHeight / 36)), 20),
      isWhole: false
    ) { _ in 18 }
    let left = Picture.margin + Frame.labelWidth(of: yAxis) + 8
    let barLabels = levels.labels.map { proportionalWidth($0) * Picture.labelSize }.max() ?? 0
    let barRoom = 18 + Self.barWidth + 6 + barLabels + 12
    // In a narrow picture with long labels, the colors go without explanation.
    hasBar = !levels.values.isEmpty && width - left - barRoom >= 80
    let plotWidth = max(width - left - (hasBar ? barRoom : 24), 40)
    let xAxis = Axis.exact(
      from: xBounds.low, to: xBounds.high, length: plotWidth, mostLabels: min(max(3, Int(plotWidth / 64)), 20),
      isWhole: false
    ) { proportionalWidth($0) * Picture.labelSize + 16 }
    let frame = Frame(
      box: Box(left: left, top: top, width: plotWidth, height: plotHeight), xAxis: xAxis, yAxis: yAxis)
    self.frame = frame
    height = top + plotHeight + bottom
    legendTop = frame.box.bottom + 24 + (xLabel.isEmpty ? 0 : 18) + 10
    paths = zip(names, shown).map { ($0, PathLine($1.points, in: frame), $1.points) }
  }

  private static func regions(of field: ContourField, _ levels: ContourLevels) -> [[ContourField.Ring]] {
    guard levels.spacing == .logarithmic, let first = levels.values.first else {
      return levels.values.map { field.rings(at: $0) }
    }
    // Between two places a power of ten lies where it does on a logarithmic axis. What is below the lowest line is a
    // decade below it, so that a value of 0 does not draw lines near.
    let lowest = Axis.position(of: first) - 1
    let logarithms = field.mapped { $0 > 0 ? max(Axis.position(of: $0), lowest) : lowest }
    return levels.values.map { logarithms.rings(at: Axis.position(of: $0)) }
  }

  func document() -> [UInt8] {
    var markup = Markup()
    markup.addDocumentStart(
      width: width, height: height, name: title.isEmpty ? "\(valueLabel) by \(xLabel) and \(yLabel)" : title,
      description: description,
      styleSheet: [Palette.styleSheet, Palette.markStyleSheet, Palette.bandStyleSheet].joined(separator: "\n"))
    markup.addHeading(title, width: width)
    addBands(to: &markup)
    addHatching(to: &markup)
    addAxes(to: &markup)
    addBar(to: &markup)
    for index in paths.indices.reversed() { addPath(index, to: &markup) }
    for minimum in minima where frame.xAxis.contains(minimum.x) && frame.yAxis.contains(minimum.y) {
      let (x, y) = frame.place(of: minimum)
      markup.addStar(x: x, y: y)
    }
    addLegend(to: &markup)
    markup.add("</svg>\n")
    return markup.bytes
  }

  // MARK: Values

  /// Which of the bands' colors the values above a level have; 0 is what is below all.
  private func color(above index: Int) -> Int {
    levels.values.isEmpty ? 0 : index * (Palette.bandCount - 1) / levels.values.count
  }

  private func addBands(to markup: inout Markup) {
    addBand(0, to: &markup) { $0.addBox(frame.box) }
    for (index, rings) in regions.enumerated() {
      addBand(color(above: index + 1), to: &markup) { data in
        for ring in rings { addCorners(ring.corners, isClosed: true, to: &data) }
      }
    }
    markup.add("<path class=\"contour-line\" fill=\"none\" stroke=\"#1f2328\" stroke-opacity=\"0.35\" d=\"")
    for ring in regions.joined() {
      // A ring that is a line all around is closed; otherwise its parts are drawn one by one.
      guard let gap = ring.isLine.firstIndex(of: false) else {
        addCorners(ring.corners, isClosed: true, to: &markup)
        continue
      }
      var part: [(x: Double, y: Double)] = []
      for offset in 1...ring.corners.count {
        let index = (gap + offset) % ring.corners.count
        part.append(ring.corners[index])
        guard !ring.isLine[index] else { continue }
        if part.count > 1 { addCorners(part, isClosed: false, to: &markup) }
        part.removeAll()
      }
    }
    markup.add("\"/>\n")
  }

  private func addBand(_ color: Int, to markup: inout Markup, data: (inout Markup) -> Void) {
    markup.add("<path class=\"band-\(color)\" fill=\"\(Palette.bandFallback(color))\" fill-rule=\"evenodd\" d=\"")
    data(&markup)
    markup.add("\"/>\n")
  }

  private func addCorners(_ corners: [(x: Double, y: Double)], isClosed: Bool, to markup: inout Markup) {
    var last: (Int, Int)?
    for corner in corners {
      let (x, y) = (frame.x(corner.x), frame.y(corner.y))
      let place = (hundredths(x), hundredths(y))
      if let last, last == place { continue }
      if last == nil { markup.addMove(x: x, y: y) } else { markup.addLine(x: x, y: y) }
      last = place
    }
    if isClosed { markup.add("Z") }
  }

  /// Covers the squares with a corner without value, with slanted lines on top.
  private func addHatching(to markup: inout Markup) {
    guard field.values.contains(where: \.isNaN) else { return }
    markup.add("<path class=\"background\" fill=\"#ffffff\" d=\"")
    for row in 0..<field.rows - 1 {
      var column = 0
      while column < field.columns - 1 {
        let first = column
        while column < field.columns - 1, !field.isWhole(column: column, row: row) { column += 1 }
        if column > first {
          let (left, right) = (frame.x(field.xs[first]), frame.x(field.xs[column]))
          let (top, bottom) = (frame.y(field.ys[row + 1]), frame.y(field.ys[row]))
          markup.addBox(Box(left: left, top: top, width: right - left, height: bottom - top))
        }
        column += 1
      }
    }
    markup.add("\"/>\n<path class=\"muted-line\" fill=\"none\" stroke=\"#59636e\" d=\"")
    let box = frame.box
    let distance = max(8, (box.width + box.height) / 160)
    for offset in stride(from: distance / 2, to: box.width + box.height, by: distance) {
      addHatch(offset, to: &markup)
    }
    markup.add("\"/>\n")
  }

  /// The parts of one line, `offset` right of and below the upper left corner, that cross squares without value.
  private func addHatch(_ offset: Double, to markup: inout Markup) {
    let box = frame.box
    // The line goes up to the right: what it crosses, by how far right that is.
    var crossings = field.xs.map { $0 * box.width } + field.ys.map { offset - (1 - $0) * box.height }
    let (start, end) = (max(0, offset - box.height), min(box.width, offset))
    crossings = ([start, end] + crossings.filter { $0 > start && $0 < end }).sorted()
    var open: Double?
    func close(_ end: Double) {
      guard let start = open else { return }
      markup.addMove(x: box.left + start, y: box.top + offset - start)
      markup.addLine(x: box.left + end, y: box.top + offset - end)
      open = nil
    }
    for (from, to) in zip(crossings, crossings.dropFirst()) where to > from {
      let middle = (from + to) / 2
      let column = Self.interval(of: middle / box.width, in: field.xs)
      let row = Self.interval(of: 1 - (offset - middle) / box.height, in: field.ys)
      if field.isWhole(column: column, row: row) {
        close(from)
      } else if open == nil {
        open = from
      }
    }
    close(end)
  }

  /// Which interval between ascending places a value is in.
  private static func interval(of value: Double, in places: [Double]) -> Int {
    var (low, high) = (0, places.count - 2)
    while low < high {
      let middle = (low + high + 1) / 2
      if places[middle] <= value { low = middle } else { high = middle - 1 }
    }
    return low
  }

  // MARK: Axes, colors

  private func addAxes(to markup: inout Markup) {
    markup.add("<path class=\"axis-line\" fill=\"none\" stroke=\"#8c959f\" d=\"")
    markup.addMove(x: frame.box.right, y: frame.box.bottom)
    markup.addStroke("V", to: frame.box.top)
    markup.addStroke("H", to: frame.box.left)
    markup.add(frame.edges())
    markup.add("\"/>\n<g class=\"muted\" font-size=\"12\">\n")
    markup.addHeadings(left: yLabel, right: valueLabel, y: yLabelBaseline, width: width)
    frame.addTickLabels(width: width, to: &markup)
    markup.addText(
      xLabel, x: frame.box.center, y: frame.box.bottom + 37, anchor: "middle", width: frame.box.width,
      size: Picture.labelSize)
    markup.add("</g>\n")
  }

  /// The colors of the bands, with the values between them.
  private func addBar(to markup: inout Markup) {
    let count = levels.values.count + 1
    guard hasBar else { return }
    let left = frame.box.right + 18
    let step = frame.box.height / Double(count)
    for index in 0..<count {
      let box = Box(
        left: left, top: frame.box.bottom - Double(index + 1) * step, width: Self.barWidth, height: step)
      addBand(color(above: index), to: &markup) { $0.addBox(box) }
    }
    var lines = Markup()
    lines.addBox(Box(left: left, top: frame.box.top, width: Self.barWidth, height: frame.box.height))
    // As many labels as there is room for one below the other.
    let every = max(1, Int(exactly: (14 / step).rounded(.up)) ?? count)
    markup.add("<g class=\"muted\" font-size=\"12\">\n")
    for (index, label) in levels.labels.enumerated() {
      let y = frame.box.bottom - Double(index + 1) * step
      lines.addMove(x: left, y: y)
      lines.addStroke("H", to: left + Self.barWidth + (index % every == 0 ? 4 : 0))
      guard index % every == 0 else { continue }
      markup.addText(
        label, x: left + Self.barWidth + 6, y: y + 4, width: .infinity, size: Picture.labelSize)
    }
    markup.add("</g>\n<path class=\"axis-line\" fill=\"none\" stroke=\"#8c959f\" d=\"")
    markup.add(lines)
    markup.add("\"/>\n")
  }
}
