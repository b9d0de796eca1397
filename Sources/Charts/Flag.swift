/// A marker's place: a line from below the curves up to its label, like a flag.
struct Flag {
  let label: String
  /// In pixels from the left of the picture.
  let x: Double
  /// The row of its label, counted from the curves upwards; nil where no row has room.
  let row: Int?
  /// The left and right end of its label in pixels.
  let span: ClosedRange<Double>

  private static let rows = 3
  private static let gap = 4.0
  static let labelWidth = 110.0

  /// The flags of the markers within the axis. Labels stand right of their lines (left at the right end), in rows such
  /// that none overlaps another or is crossed by a line.
  static func placed(_ markers: ArraySlice<Marker>, along axis: Axis, left: Double, plotWidth: Double) -> [Flag] {
    let inside = markers.filter { axis.contains($0.x) }
    var flags: [Flag] = []
    // From right to left, so that each label goes above those that its own would cover.
    for marker in inside.sorted(by: { $0.x > $1.x }) {
      let label = safeText(marker.label, atMost: 100)
      let x = left + axis.fraction(of: marker.x) * plotWidth
      let length = min(proportionalWidth(label) * Picture.flagSize, labelWidth)
      let isAtTheEnd = x + gap + length > left + plotWidth + 20
      let span = isAtTheEnd ? (x - gap - length)...(x - gap) : (x + gap)...(x + gap + length)
      let row = label.isEmpty ? nil : (0..<rows).first { row in flags.allSatisfy { $0.leavesRoom(row, x, span) } }
      flags.append(Flag(label: label, x: x, row: row, span: span))
    }
    return flags
  }

  /// Whether a further flag with its label in `row` would neither cover nor cross this one.
  private func leavesRoom(_ row: Int, _ x: Double, _ span: ClosedRange<Double>) -> Bool {
    guard let own = self.row else { return true }
    if own == row { return span.upperBound + 8 < self.span.lowerBound || span.lowerBound > self.span.upperBound + 8 }
    return own < row ? !self.span.contains(x) : !span.contains(self.x)
  }
}

extension Picture {
  func addFlags(to markup: inout Markup) {
    guard !flags.isEmpty else { return }
    markup.add("<g class=\"muted\" font-size=\"11\">\n")
    for flag in flags {
      let lineTop = top - Double((flag.row ?? -1) + 1) * Self.flagHeight
      markup.add("<g><title>")
      markup.add(text: flag.label)
      markup.add("</title><path class=\"muted-line\" fill=\"none\" stroke=\"#59636e\" stroke-dasharray=\"3 3\" d=\"")
      markup.addMove(x: flag.x, y: lineTop + 2)
      markup.addStroke("V", to: bottom)
      markup.add("\"/>")
      if flag.row != nil {
        let isAtTheEnd = flag.span.upperBound < flag.x
        markup.addText(
          flag.label, x: isAtTheEnd ? flag.span.upperBound : flag.span.lowerBound, y: lineTop + 11,
          anchor: isAtTheEnd ? "end" : nil, width: Flag.labelWidth + 0.5, size: Self.flagSize)
      }
      markup.add("</g>\n")
    }
    markup.add("</g>\n")
  }
}
