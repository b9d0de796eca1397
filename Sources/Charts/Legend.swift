/// Which line is which: entries in columns of one width below the curves.
struct Legend {
  /// One line of the legend.
  struct Entry {
    /// The top left corner, from that of the legend.
    let x: Double
    let y: Double
  }

  let entries: [Entry]
  /// How much room names have in pixels; longer ones are shortened.
  let nameWidth: Double
  /// With the space above it; 0 for an empty one.
  let height: Double

  static let rowHeight = 20.0
  /// The sample of the line, and the space to the name.
  static let sampleWidth = 30.0
  static let gap = 8.0
  private static let space = 24.0

  /// - Parameter width: of the legend, in pixels.
  init(of names: [String], width: Double) {
    let before = Self.sampleWidth + Self.gap
    let widest = names.map { proportionalWidth($0) * Picture.labelSize }.max() ?? 0
    // A few columns, so that one long name does not leave the rest in a single one.
    var columnWidth = before + min(max(widest, 20), 230, max(width - before, 20)) + Self.space
    let most = Int(exactly: ((width + Self.space) / columnWidth).rounded(.down)) ?? 1
    let columns = max(1, min(most, names.count))
    // Longer names have what room is left over.
    columnWidth = max(columnWidth, min((width + Self.space) / Double(columns), before + widest + Self.space))
    nameWidth = columnWidth - before - Self.space
    let step = columnWidth
    entries = names.indices.map {
      Entry(x: Double($0 % columns) * step, y: Double($0 / columns) * Self.rowHeight)
    }
    let rows = (names.count + columns - 1) / columns
    height = names.isEmpty ? 0 : Double(rows) * Self.rowHeight + 10
  }
}

extension Picture {
  func addLegend(to markup: inout Markup) {
    guard !legend.entries.isEmpty else { return }
    let top = bottom + 24 + (xLabel.isEmpty ? 0 : 18) + 10
    markup.add("<g font-size=\"12\" stroke-width=\"2.5\" stroke-linecap=\"round\">\n")
    for (index, entry) in legend.entries.enumerated() {
      let middle = top + entry.y + Legend.rowHeight / 2
      markup.add("<path fill=\"none\"")
      addStroke(of: index, to: &markup)
      markup.add(" d=\"")
      markup.addMove(x: Self.margin + entry.x + 2, y: middle)
      markup.addStroke("H", to: Self.margin + entry.x + Legend.sampleWidth - 2)
      markup.add("\"/>")
      markup.addText(
        names[index], x: Self.margin + entry.x + Legend.sampleWidth + Legend.gap, y: middle + 4,
        width: legend.nameWidth + 0.5, size: Self.labelSize)
    }
    markup.add("</g>\n")
  }
}
