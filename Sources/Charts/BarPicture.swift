/// A bar chart as an SVG document. All lengths are in pixels.
struct BarPicture {
  private struct Row {
    let label: String
    /// Nil where there is nothing to draw.
    let value: Double?
    /// What stands behind the bar.
    let text: String
  }

  private let title: String
  private let valueLabel: String
  private let rows: [Row]
  private let hiddenCount: Int
  private let width: Double
  private let height: Double
  /// Where the bars go.
  private let box: Box
  private let labelBaseline: Double
  /// What the bars span; with 0.
  private let span: (low: Double, high: Double)

  private static let rowHeight = 26.0
  private static let barHeight = 16.0

  init(of chart: BarChart) {
    title = safeText(chart.title, atMost: 300)
    valueLabel = safeText(chart.valueLabel, atMost: 100)
    rows = chart.bars.prefix(BarChart.largestBarCount).map { bar in
      let note = safeText(bar.note, atMost: 60)
      let number = bar.value.isFinite ? DecimalNumber(bar.value, significantDigits: 4).label : "no finite value"
      return Row(
        label: safeText(bar.label, atMost: 100),
        value: bar.value.isFinite ? min(max(bar.value, -Axis.largest), Axis.largest) : nil,
        text: note.isEmpty ? number : "\(number) (\(note))")
    }
    hiddenCount = chart.bars.count - rows.count
    width = Double(min(max(chart.width, 240), 4096))
    let values = rows.compactMap(\.value)
    span = (min(values.min() ?? 0, 0), max(values.max() ?? 0, 0))
    var top = title.isEmpty ? Picture.margin - 4 : Picture.margin + 24
    labelBaseline = top + Picture.labelSize
    if !valueLabel.isEmpty { top += 24 }
    func widest(_ texts: [String]) -> Double {
      texts.map { proportionalWidth($0) * Picture.labelSize }.max() ?? 0
    }
    let left = Picture.margin + min(widest(rows.map(\.label)), width * 0.35).rounded(.up) + 8
    let textWidth = min(widest(rows.map(\.text)), width * 0.3).rounded(.up)
    box = Box(
      left: left, top: top, width: width - left - 6 - textWidth - Picture.margin,
      height: Double(max(rows.count, 1)) * Self.rowHeight)
    height = box.bottom + 14
  }

  /// How far right a value is.
  private func x(_ value: Double) -> Double {
    let length = span.high - span.low
    return length > 0 ? box.left + min(max((value - span.low) / length, 0), 1) * box.width : box.left
  }

  func document() -> [UInt8] {
    var markup = Markup()
    let name = [title, valueLabel].first { !$0.isEmpty } ?? "A bar chart"
    markup.addDocumentStart(
      width: width, height: height, name: name, description: description,
      styleSheet: Palette.styleSheet + "\n" + Palette.barStyleSheet)
    markup.addHeading(title, width: width)
    markup.add("<g class=\"muted\" font-size=\"12\">\n")
    markup.addText(
      valueLabel, x: Picture.margin, y: labelBaseline, width: width - 2 * Picture.margin, size: Picture.labelSize)
    if rows.isEmpty {
      markup.addText(
        "nothing to draw", x: width / 2, y: box.middle + 4, anchor: "middle", width: width, size: Picture.labelSize)
    }
    markup.add("</g>\n<g font-size=\"12\">\n")
    for (index, row) in rows.enumerated() {
      let middle = box.top + (Double(index) + 0.5) * Self.rowHeight
      markup.addText(
        row.label, x: box.left - 8, y: middle + 4, anchor: "end", width: box.left - 8 - Picture.margin + 0.5,
        size: Picture.labelSize)
      var end = x(0)
      if let value = row.value {
        let (from, to) = (min(x(0), x(value)), max(x(0), x(value)))
        end = to
        markup.add("<rect class=\"bar\" fill=\"\(Palette.fallback(of: 0))\" rx=\"1.5\"")
        markup.add(
          Box(left: from, top: middle - Self.barHeight / 2, width: to - from, height: Self.barHeight))
        markup.add("/>\n")
      }
      markup.addText(
        row.text, x: end + 6, y: middle + 4, width: width - Picture.margin - end - 5.5, size: Picture.labelSize)
    }
    markup.add("</g>\n<path class=\"axis-line\" fill=\"none\" stroke=\"#8c959f\" d=\"")
    markup.addMove(x: x(0), y: box.top)
    markup.addStroke("V", to: box.bottom)
    markup.add("\"/>\n</svg>\n")
    return markup.bytes
  }

  /// The chart in words, for those who hear it: all the numbers, for there are few.
  private var description: String {
    guard !rows.isEmpty else { return "A bar chart without bars." }
    let name = valueLabel.isEmpty ? "A bar chart." : "A bar chart of \(valueLabel)."
    let values = rows.map { ($0.label.isEmpty ? "A bar without a name" : $0.label) + ": \($0.text)." }
    let hidden = hiddenCount > 0 ? ["Not drawn: \(hiddenCount) more."] : []
    return ([name] + values + hidden).joined(separator: " ")
  }
}
