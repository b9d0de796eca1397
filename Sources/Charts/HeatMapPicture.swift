/// A heat map as an SVG document: where everything goes. All lengths are in pixels.
struct HeatMapPicture {
  private let title: String
  private let rows: [String]
  private let columns: [String]
  /// Row by row.
  private let cells: [HeatMap.Cell]
  private let hidden: (rows: Int, columns: Int)
  private let rowLabel: String
  private let columnLabel: String
  private let valueLabel: String
  private let best: Best?
  private let bestKind: HeatMap.Best?
  private let keys: [(key: Key, name: String)]
  private let legend: Legend
  private let width: Double
  private let height: Double
  private let box: Box
  private let colors: Axis
  private let headingBaseline: Double
  private let hasBar: Bool
  /// Whether the columns' names are slanted, for want of room.
  private let isSlanted: Bool
  private let columnLabelBaseline: Double

  /// The best value and where it is, which may be in several cells.
  private struct Best {
    let value: Double
    let indices: [Int]
  }

  private enum Key {
    case best
    case diverged
    case missing
  }

  private static let barWidth = 16.0
  private static let slope = 0.7071
  /// Tooltips are for tables small enough to point at a cell.
  private static let largestTooltipCount = 1024

  init(of map: HeatMap) {
    title = safeText(map.title, atMost: 300)
    let rows = map.rows.prefix(HeatMap.largestSide).map { safeText($0, atMost: 100) }
    let columns = map.columns.prefix(HeatMap.largestSide).map { safeText($0, atMost: 100) }
    (self.rows, self.columns) = (rows, columns)
    hidden = (map.rows.count - rows.count, map.columns.count - columns.count)
    rowLabel = safeText(map.rowLabel, atMost: 100)
    columnLabel = safeText(map.columnLabel, atMost: 100)
    let cells = rows.indices.flatMap { row in
      columns.indices.map { column -> HeatMap.Cell in
        guard row < map.cells.count, column < map.cells[row].count else { return .missing }
        if case .value(let value) = map.cells[row][column], !value.isFinite { return .diverged }
        return map.cells[row][column]
      }
    }
    self.cells = cells
    let values = cells.compactMap(\.number)
    bestKind = map.best
    let bestValue: Double? =
      switch map.best {
      case .lowest: values.min()
      case .highest: values.max()
      case nil: nil
      }
    best = bestValue.map { value in Best(value: value, indices: cells.indices.filter { cells[$0].number == value }) }

    let asked = (width: min(max(map.width, 240), 4096), height: min(max(map.height, 160), 4096))
    width = Double(asked.width)
    var keys: [(Key, String)] = []
    if let best, let first = best.indices.first {
      let place = Self.name(rows[first / columns.count], columns[first % columns.count])
      let more = best.indices.count > 1 ? " and \(best.indices.count - 1) more" : ""
      keys.append(
        (.best, "\(map.best == .highest ? "highest" : "lowest"): \(Self.label(best.value)) (\(place)\(more))"))
    }
    if cells.contains(.diverged) { keys.append((.diverged, "diverged")) }
    if cells.contains(.missing) { keys.append((.missing, "no value")) }
    self.keys = keys
    legend = Legend(of: keys.map(\.1), width: width - 2 * Picture.margin)

    var top = title.isEmpty ? Picture.margin - 4 : Picture.margin + 24
    headingBaseline = top + Picture.labelSize
    top += 24
    let isLogarithmic = Self.isLogarithmic(map.scale, values)
    let positive = values.filter { $0 > 0 }
    let hasOthers = isLogarithmic && positive.count < values.count
    valueLabel =
      safeText(map.valueLabel, atMost: 100)
      + (isLogarithmic ? hasOthers ? " (log scale; ≤ 0 at the lower end)" : " (log scale)" : "")

    // The labels of the colors are made for half the height, which is the least.
    let mostLabels = max(3, asked.height / 72)
    if isLogarithmic, let low = positive.min(), let high = positive.max() {
      colors = .logarithmic(from: low, to: high, hasOthers: hasOthers, mostLabels: mostLabels)
    } else {
      colors = .exact(
        from: values.min() ?? 0, to: values.max() ?? 1, length: Double(asked.height) / 2, mostLabels: mostLabels,
        isWhole: false
      ) { _ in 18 }
    }
    let barRoom = 18 + Self.barWidth + 6 + Frame.labelWidth(of: colors) + 12
    // In a narrow picture with long labels, the colors go without explanation.
    hasBar = !values.isEmpty && width - Picture.margin - 28 - barRoom >= 80
    let right = hasBar ? barRoom : 24
    let names = min(Self.width(of: rows), width * 0.3, max(width - Picture.margin - 8 - right - 80, 20))
    let left = Picture.margin + names.rounded(.up) + 8
    let plotWidth = width - left - right
    let widest = Self.width(of: columns)
    isSlanted = widest + 8 > plotWidth / Double(max(columns.count, 1))
    let labelHeight = isSlanted ? min(widest, 110) * Self.slope + 16 : 24
    let bottom = labelHeight + (columnLabel.isEmpty ? 0 : 18) + legend.height + 12
    let plotHeight = max(Double(asked.height) - top - bottom, Double(asked.height) / 2)
    box = Box(left: left, top: top, width: plotWidth, height: plotHeight)
    columnLabelBaseline = box.bottom + labelHeight + 13
    height = top + plotHeight + bottom
  }

  private static func isLogarithmic(_ scale: Chart.Scale?, _ values: [Double]) -> Bool {
    guard let low = values.min(), let high = values.max(), high > 0 else { return false }
    return scale.map { $0 == .logarithmic } ?? (low > 0 && high / low > 30)
  }

  private static func width(of labels: [String]) -> Double {
    labels.map { proportionalWidth($0) * Picture.labelSize }.max() ?? 0
  }

  private static func label(_ value: Double, digits: Int = 4) -> String {
    DecimalNumber(value, significantDigits: digits).label
  }

  private static func name(_ row: String, _ column: String) -> String {
    [row, column].filter { !$0.isEmpty }.map { safeText($0, atMost: 40) }.joined(separator: ", ")
  }

  private func cell(_ index: Int) -> Box {
    let (row, column) = (index / columns.count, index % columns.count)
    let size = (box.width / Double(columns.count), box.height / Double(rows.count))
    return Box(
      left: box.left + Double(column) * size.0, top: box.top + Double(row) * size.1, width: size.0, height: size.1
    ).inset(by: min(1, size.0 / 8, size.1 / 8))
  }

  func document() -> [UInt8] {
    var markup = Markup()
    let things = [rowLabel, columnLabel].filter { !$0.isEmpty }.joined(separator: " and ")
    markup.addDocumentStart(
      width: width, height: height,
      name: title.isEmpty ? valueLabel + (things.isEmpty ? "" : " by " + things) : title, description: description,
      styleSheet: [Palette.styleSheet, Palette.markStyleSheet, Palette.cellStyleSheet].joined(separator: "\n"))
    markup.addHeading(title, width: width)
    addLabels(to: &markup)
    addCells(to: &markup)
    addValues(to: &markup)
    addBar(to: &markup)
    addLegend(to: &markup)
    markup.add("</svg>\n")
    return markup.bytes
  }

  // MARK: Cells

  private func addCells(to markup: inout Markup) {
    let hasTooltips = cells.count <= Self.largestTooltipCount
    for (index, cell) in cells.enumerated() {
      let box = self.cell(index)
      if hasTooltips {
        markup.add("<g><title>")
        markup.add(text: Self.name(rows[index / columns.count], columns[index % columns.count]) + ": ")
        markup.add(text: cell.number.map { Self.label($0) } ?? (cell == .diverged ? "diverged" : "no value"))
        markup.add("</title>")
      }
      switch cell {
      case .value(let value):
        markup.add("<rect class=\"cell\" fill=\"\(Palette.shade(colors.fraction(of: value)))\"")
        markup.add(box)
        markup.add("/>")
      case .diverged: addDiverged(box, to: &markup)
      case .missing: addMissing(box, to: &markup)
      }
      markup.add(hasTooltips ? "</g>\n" : "\n")
    }
    guard let best else { return }
    // Many cells alike are no best ones.
    for index in best.indices.prefix(64) { addBest(self.cell(index), to: &markup) }
  }

  private func addDiverged(_ box: Box, to markup: inout Markup) { markup.addHatching(box, isCrossed: true) }

  private func addMissing(_ box: Box, to markup: inout Markup) {
    markup.add("<rect class=\"muted-line\" fill=\"none\" stroke=\"#59636e\" stroke-dasharray=\"2 3\"")
    markup.add(box.inset(by: 0.5))
    markup.add("/>")
  }

  /// A frame in two colors, which is seen on every color.
  private func addBest(_ box: Box, to markup: inout Markup) {
    for (look, width, inset) in [("casing\" stroke=\"#ffffff", 5.0, 1.5), ("limit-line\" stroke=\"#1f2328", 2.5, 0)] {
      markup.add("<rect class=\"\(look)\" fill=\"none\"")
      markup.add(attribute: "stroke-width", min(width, box.width / 4, box.height / 4))
      markup.add(box.inset(by: min(inset, box.width / 8, box.height / 8)))
      markup.add("/>\n")
    }
  }

  /// Writes the values into the cells, where all of them fit.
  private func addValues(to markup: inout Markup) {
    guard !cells.isEmpty else { return }
    let room = cell(0)
    let numbers = cells.map(\.number)
    for (digits, size) in [(4, 12.0), (3, 12), (3, 10), (2, 10)] {
      let labels = numbers.map { $0.map { Self.label($0, digits: digits) } ?? "" }
      let widest = labels.map { proportionalWidth($0) * size }.max() ?? 0
      guard widest + 8 <= room.width, size + 6 <= room.height else { continue }
      markup.add("<g text-anchor=\"middle\"")
      markup.add(attribute: "font-size", size)
      markup.add(">\n")
      for (index, label) in labels.enumerated() {
        let box = cell(index)
        guard let value = numbers[index] else {
          let word = cells[index] == .diverged ? "diverged" : ""
          if proportionalWidth(word) * size + 8 <= room.width {
            markup.addText(
              word, x: box.center, y: box.middle + size * 0.36, width: .infinity, size: size,
              attributes: " class=\"halo\" paint-order=\"stroke\" stroke=\"#ffffff\" stroke-width=\"3\"")
          }
          continue
        }
        let isDark = Palette.isDark(Palette.shade(colors.fraction(of: value)))
        markup.addText(
          label, x: box.center, y: box.middle + size * 0.36, width: .infinity, size: size,
          attributes: isDark ? " class=\"on-dark\" fill=\"#ffffff\"" : " class=\"on-light\" fill=\"#000000\"")
      }
      markup.add("</g>\n")
      return
    }
  }

  // MARK: Labels

  private func addLabels(to markup: inout Markup) {
    markup.add("<g class=\"muted\" font-size=\"12\">\n")
    markup.addHeadings(left: rowLabel, right: valueLabel, y: headingBaseline, width: width)
    markup.addText(
      columnLabel, x: box.center, y: columnLabelBaseline, anchor: "middle", width: box.width, size: Picture.labelSize)
    if cells.isEmpty {
      markup.addText(
        "nothing to draw", x: box.center, y: box.middle, anchor: "middle", width: box.width, size: Picture.labelSize)
    }
    let rowHeight = box.height / Double(max(rows.count, 1))
    for (index, name) in rows.enumerated() where index % Self.every(13, rowHeight) == 0 {
      markup.addText(
        name, x: box.left - 8, y: box.top + (Double(index) + 0.5) * rowHeight + 4, anchor: "end",
        width: box.left - 8 - Picture.margin + 0.5, size: Picture.labelSize)
    }
    let columnWidth = box.width / Double(max(columns.count, 1))
    for (index, name) in columns.enumerated() {
      let center = box.left + (Double(index) + 0.5) * columnWidth
      if !isSlanted {
        markup.addText(
          name, x: center, y: box.bottom + 17, anchor: "middle", width: .infinity, size: Picture.labelSize)
      } else if index % Self.every(16, columnWidth) == 0 {
        // The end of a slanted name is below its column; its start must not leave the picture.
        var turned = Markup()
        turned.add(" transform=\"rotate(-45 ")
        turned.add(hundredths: hundredths(center + 4))
        turned.add(" ")
        turned.add(hundredths: hundredths(box.bottom + 12))
        turned.add(")\"")
        markup.addText(
          name, x: center + 4, y: box.bottom + 12, anchor: "end", width: min(110, (center - 4) / Self.slope),
          size: Picture.labelSize, attributes: String(decoding: turned.bytes, as: UTF8.self))
      }
    }
    markup.add("</g>\n")
  }

  /// Of how many labels one is shown where each needs `room` and has `size`.
  private static func every(_ room: Double, _ size: Double) -> Int {
    max(1, Int(exactly: (room / max(size, 0.01)).rounded(.up)) ?? 1)
  }

  private func addBar(to markup: inout Markup) {
    guard hasBar else { return }
    let left = box.right + 18
    let count = 48
    let step = box.height / Double(count)
    for index in 0..<count {
      // Each reaches below the next, so that there are no seams.
      let bar = Box(
        left: left, top: box.bottom - Double(index + 1) * step, width: Self.barWidth,
        height: index == 0 ? step : step * 1.5)
      markup.add("<rect fill=\"\(Palette.shade((Double(index) + 0.5) / Double(count)))\"")
      markup.add(bar)
      markup.add("/>\n")
    }
    var lines = Markup()
    lines.addBox(Box(left: left, top: box.top, width: Self.barWidth, height: box.height))
    markup.add("<g class=\"muted\" font-size=\"12\">\n")
    for tick in colors.ticks {
      let y = box.bottom - colors.fraction(at: tick.position) * box.height
      lines.addMove(x: left + Self.barWidth, y: y)
      lines.addStroke("H", to: left + Self.barWidth + 4)
      markup.addText(tick.label, x: left + Self.barWidth + 6, y: y + 4, width: .infinity, size: Picture.labelSize)
    }
    markup.add("</g>\n<path class=\"axis-line\" fill=\"none\" stroke=\"#8c959f\" d=\"")
    markup.add(lines)
    markup.add("\"/>\n")
  }

  private func addLegend(to markup: inout Markup) {
    let top = columnLabelBaseline - 13 + (columnLabel.isEmpty ? 0 : 18) + 10
    markup.add("<g font-size=\"12\">\n")
    for ((key, name), entry) in zip(keys, legend.entries) {
      let left = Picture.margin + entry.x
      let middle = top + entry.y + Legend.rowHeight / 2
      let sample = Box(left: left + 4, top: middle - 7, width: 22, height: 14)
      switch key {
      case .best: addBest(sample, to: &markup)
      case .diverged: addDiverged(sample, to: &markup)
      case .missing: addMissing(sample, to: &markup)
      }
      markup.addText(
        name, x: left + Legend.sampleWidth + Legend.gap, y: middle + 4, width: legend.nameWidth + 0.5,
        size: Picture.labelSize)
    }
    markup.add("</g>\n")
  }

  // MARK: Words

  /// The table in words, for those who hear it.
  private var description: String {
    var sentences = [
      "A heat map of \(valueLabel): \(rows.count) rows\(rowLabel.isEmpty ? "" : " (\(rowLabel))") by "
        + "\(columns.count) columns\(columnLabel.isEmpty ? "" : " (\(columnLabel))")."
    ]
    let values = cells.compactMap(\.number)
    if let low = values.min(), let high = values.max() {
      sentences.append("Values from \(Self.label(low)), dark blue, to \(Self.label(high)), yellow.")
    } else {
      sentences.append("There are no values.")
    }
    if let best, let first = best.indices.first {
      let place = Self.name(rows[first / columns.count], columns[first % columns.count])
      let more = best.indices.count > 1 ? " and in \(best.indices.count - 1) more cells" : ""
      sentences.append("The \(bestKind == .highest ? "highest" : "lowest"), framed, is at \(place)\(more).")
    }
    let diverged = cells.count { $0 == .diverged }
    if diverged > 0 { sentences.append("Diverged, cross-hatched: \(diverged).") }
    let missing = cells.count { $0 == .missing }
    if missing > 0 { sentences.append("Without a value: \(missing).") }
    if hidden.rows > 0 { sentences.append("Not drawn: \(hidden.rows) more rows.") }
    if hidden.columns > 0 { sentences.append("Not drawn: \(hidden.columns) more columns.") }
    return sentences.joined(separator: " ")
  }
}

extension HeatMap.Cell {
  /// The value, if there is one.
  fileprivate var number: Double? {
    if case .value(let value) = self { value } else { nil }
  }
}
