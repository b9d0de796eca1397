/// A chart in characters: heading, curves in a frame with labels, legend.
struct TextChart {
  private let plot: Plot
  private let columns: Int
  private let rows: Int
  private let usesColor: Bool
  private let characters: Chart.Characters
  private let title: String
  private let heading: String
  private let names: [String]

  init(of chart: Chart, columns: Int, rows: Int, usesColor: Bool, characters: Chart.Characters) {
    plot = Plot(of: chart)
    self.columns = min(max(columns, 24), 500)
    self.rows = min(max(rows, 10), 200)
    self.usesColor = usesColor
    self.characters = characters
    func safe(_ text: String, _ limit: Int) -> String {
      let text = safeText(text, atMost: limit)
      guard characters == .ascii else { return text }
      return String(text.map { $0.isASCII ? $0 : $0 == "≤" ? "<" : $0 == "…" ? "~" : "?" })
    }
    title = safe(chart.title, 300)
    let (name, note) = plot.yLabel(safe(chart.yLabel, 100))
    heading =
      "\(name) by \(plot.xLabel(safe(chart.xLabel, 100)))"
      + (characters == .ascii ? note.replacing("≤ 0", with: "<= 0") : note)
    names = plot.series.map { safe($0.name, 200) }
  }

  func text() -> String {
    let legend = legendLines()
    let rules = ruleLine()
    let around = (title.isEmpty ? 0 : 1) + 1 + 2 + 1 + legend.count + (rules == nil ? 0 : 1)
    let plotRows = max(rows - around, 1)
    let yAxis = plot.yAxis(mostLabels: max(3, plotRows / 3))
    let labelWidth = min(yAxis.ticks.map { terminalWidth($0.label) }.max() ?? 0, columns / 3)
    let plotColumns = columns - labelWidth - 2
    let xAxis = plot.xAxis(length: Double(plotColumns), mostLabels: max(3, plotColumns / 8)) {
      Double(terminalWidth($0) + 2)
    }
    let canvas = drawn(xAxis: xAxis, yAxis: yAxis, columns: plotColumns, rows: plotRows)

    var lines = title.isEmpty ? [] : [shortened(title, to: columns)]
    lines.append(shortened(heading, to: columns))
    lines.append(spaces(labelWidth) + frame("┌") + String(repeating: frame("─"), count: plotColumns) + frame("┐"))
    var labels: [Int: String] = [:]
    for tick in yAxis.ticks {
      labels[plotRows - 1 - place(yAxis.fraction(at: tick.position), of: plotRows)] = tick.label
    }
    for row in 0..<plotRows {
      let label = shortened(labels[row] ?? "", to: labelWidth)
      let side = frame(labels[row] == nil ? "│" : "┤")
      lines.append(
        spaces(labelWidth - terminalWidth(label)) + label + side + colored(canvas.row(row)) + frame("│"))
    }
    lines += footer(xAxis: xAxis, labelWidth: labelWidth, plotColumns: plotColumns)
    if let rules { lines.append(rules) }
    return (lines + legend).joined(separator: "\n")
  }

  // MARK: Curves

  private func drawn(xAxis: Axis, yAxis: Axis, columns: Int, rows: Int) -> TextCanvas {
    var canvas = TextCanvas(columns: columns, rows: rows, characters: characters)
    for index in plot.series.indices {
      let runs = plot.runs(
        of: index, xAxis: xAxis, yAxis: yAxis, width: canvas.width - 1, height: canvas.height - 1,
        columns: canvas.width)
      // Letters some distance apart, and those of different curves in different columns.
      let distance = max(8, columns / 6)
      let offset = index * distance / max(names.count, 1) + distance / 3
      for run in runs {
        canvas.draw(run, curve: index, letter: letter(of: index)) { $0 % distance == offset % distance }
      }
    }
    for marker in visibleMarkers { canvas.drawRule(in: place(xAxis.fraction(of: marker.x), of: columns)) }
    for line in plot.referenceLines where yAxis.contains(line.y) {
      canvas.drawLevel(in: rows - 1 - place(yAxis.fraction(of: line.y), of: rows))
    }
    for mark in plot.pointMarks where xAxis.contains(mark.point.x) && yAxis.contains(mark.point.y) {
      canvas.drawMark(
        in: place(xAxis.fraction(of: mark.point.x), of: columns),
        row: rows - 1 - place(yAxis.fraction(of: mark.point.y), of: rows))
    }
    return canvas
  }

  /// Which of `count` characters in a row a fraction of it falls on.
  private func place(_ fraction: Double, of count: Int) -> Int {
    Int(exactly: (fraction * Double(count - 1)).rounded()) ?? 0
  }

  private var visibleMarkers: [Marker] {
    plot.markers.filter { $0.x.isFinite && $0.x >= plot.total.firstX && $0.x <= plot.total.lastX }
  }

  /// The foreground colors of every terminal, without black and white, one of which is the background.
  private static let colors = [36, 33, 35, 32, 31, 34]

  /// What tells a curve from the others besides its color; nil where the color is enough.
  private func letter(of index: Int) -> Character? {
    guard names.count > (usesColor ? Self.colors.count : 1) else { return nil }
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+#")
    return letters[index % letters.count]
  }

  private func colored(_ cells: [(character: Character, curve: Int?)]) -> String {
    guard usesColor else { return String(cells.map(\.character)) }
    var result = ""
    var current: Int?
    for (character, curve) in cells {
      if curve != current {
        result += curve.map { start(of: $0) } ?? Self.end
        current = curve
      }
      result.append(character)
    }
    return current == nil ? result : result + Self.end
  }

  private static let end = "\u{1B}[0m"
  private func start(of curve: Int) -> String { "\u{1B}[\(Self.colors[curve % Self.colors.count])m" }

  // MARK: Frame and labels

  private func frame(_ line: String) -> String {
    guard characters == .ascii else { return line }
    return switch line {
    case "─": "-"
    case "│": "|"
    default: "+"
    }
  }

  private func spaces(_ count: Int) -> String { String(repeating: " ", count: max(count, 0)) }

  private func shortened(_ text: String, to width: Int) -> String {
    let short = truncated(text, to: Double(width)) { Double(terminalWidth($0)) }
    return characters == .ascii ? short.replacing("…", with: "~") : short
  }

  /// The lower edge of the frame with its ticks, and the labels of the steps.
  private func footer(xAxis: Axis, labelWidth: Int, plotColumns: Int) -> [String] {
    var edge = Array(repeating: frame("─"), count: plotColumns)
    var labels = Array(repeating: " ", count: columns)
    var end = 0
    for tick in xAxis.ticks {
      let place = place(xAxis.fraction(at: tick.position), of: plotColumns)
      let start = min(max(labelWidth + 1 + place - tick.label.count / 2, 0), columns - tick.label.count)
      guard start >= end else { continue }
      edge[place] = frame("┬")
      for (index, character) in tick.label.enumerated() { labels[start + index] = String(character) }
      end = start + tick.label.count + 1
    }
    while labels.last == " " { labels.removeLast() }
    return [spaces(labelWidth) + frame("└") + edge.joined() + frame("┘"), labels.joined()]
  }

  /// A line for each curve, or several in a line where there are many, or some and how many more.
  private func legendLines() -> [String] {
    guard names.count > 1 else { return [] }
    let most = max(2, rows / 4)
    let narrowest = 16
    let across = min(max((names.count + most - 1) / most, 1), max(columns / narrowest, 1))
    let width = columns / across
    let shown = min(names.count, most * across)
    let lines = (shown + across - 1) / across
    return (0..<lines).map { line in
      var text = ""
      for index in line * across..<min((line + 1) * across, shown) {
        let isLast = index == shown - 1 && shown < names.count
        let name = isLast ? "and \(names.count - shown + 1) more" : names[index]
        let short = shortened(name, to: width - 5)
        text += (isLast ? "  " : sample(of: index)) + " " + short
        if index % across < across - 1 { text += spaces(width - 3 - terminalWidth(short)) }
      }
      return text
    }
  }

  /// Two characters of the line that a curve is drawn with.
  private func sample(of index: Int) -> String {
    let dots = characters == .ascii ? "*" : "⠶"
    let text = letter(of: index).map { (characters == .ascii ? String($0) : dots) + String($0) } ?? dots + dots
    return usesColor ? start(of: index) + text + Self.end : text
  }

  /// What the vertical lines are, the marks and the horizontal lines: a line for all of them.
  private func ruleLine() -> String? {
    guard rows > 11 else { return nil }
    func text(_ number: String, _ label: String) -> String {
      let label = safeText(label, atMost: 100)
      let shown = characters == .ascii ? String(label.map { $0.isASCII ? $0 : "?" }) : label
      return number + (shown.isEmpty ? "" : " " + shown)
    }
    func number(_ value: Double) -> String { DecimalNumber(value, significantDigits: 4).label }
    let kinds = [
      (
        TextCanvas.rule(characters),
        visibleMarkers.map { text(DecimalNumber($0.x, significantDigits: 16).label, $0.label) }
      ),
      (
        TextCanvas.mark(characters),
        plot.pointMarks.map { text("(\(number($0.point.x)), \(number($0.point.y)))", $0.label) }
      ),
      (TextCanvas.level(characters), plot.referenceLines.map { text(number($0.y), $0.label) }),
    ]
    let parts = kinds.filter { !$0.1.isEmpty }.map { "\($0.0) " + $0.1.joined(separator: ", ") }
    return parts.isEmpty ? nil : shortened(parts.joined(separator: "  "), to: columns)
  }
}
