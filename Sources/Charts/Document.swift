/// What all pictures have in common: the head of the document, lines of text.
extension Markup {
  /// Appends the start of an SVG document: what it shows in words, its colors, its background.
  ///
  /// - Parameters:
  ///   - width, height: in pixels.
  ///   - name: what a screen reader says first.
  ///   - description: the picture in words.
  mutating func addDocumentStart(
    width: Double, height: Double, name: String, description: String, styleSheet: String
  ) {
    add("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"anneal-chart\" role=\"img\"")
    add(attribute: "width", width)
    add(attribute: "height", height)
    add(" viewBox=\"0 0 ")
    add(hundredths: hundredths(width))
    add(" ")
    add(hundredths: hundredths(height))
    add("\">\n<title>")
    add(text: name)
    add("</title>\n<desc>")
    add(text: description)
    add("</desc>\n<style>\n")
    add(styleSheet)
    add("\n</style>\n<rect class=\"background\" width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n")
  }

  /// Appends the heading, shortened to the width of the picture; nothing for an empty one.
  mutating func addHeading(_ title: String, width: Double) {
    guard !title.isEmpty else { return }
    add("<g font-size=\"16\" font-weight=\"600\">")
    addText(
      title, x: Picture.margin, y: Picture.margin + 14, width: width - 2 * Picture.margin,
      size: Picture.titleSize * 1.13)
    add("</g>\n")
  }

  /// Appends the names of what is left and right in one line; where both are long, each has half of it.
  ///
  /// - Parameter width: of the picture.
  mutating func addHeadings(left: String, right: String, y: Double, width: Double) {
    let room = width - 2 * Picture.margin - 8
    let (leftWidth, rightWidth) = (
      proportionalWidth(left) * Picture.labelSize, proportionalWidth(right) * Picture.labelSize
    )
    addText(
      left, x: Picture.margin, y: y, width: max(room / 2, room - rightWidth), size: Picture.labelSize)
    addText(
      right, x: width - Picture.margin, y: y, anchor: "end", width: max(room / 2, room - leftWidth),
      size: Picture.labelSize)
  }

  /// Appends a line of text, shortened to `width`, with all of it in a tooltip where it is.
  ///
  /// - Parameters:
  ///   - anchor: which part of the text stands at `x`: "middle", "end", or the start.
  ///   - attributes: further ones, as markup.
  mutating func addText(
    _ text: String, x: Double, y: Double, anchor: String? = nil, width: Double, size: Double, attributes: String = ""
  ) {
    guard !text.isEmpty else { return }
    let shown = truncated(text, to: width / size, measure: proportionalWidth)
    add("<text")
    add(attribute: "x", x)
    add(attribute: "y", y)
    if let anchor { add(" text-anchor=\"\(anchor)\"") }
    add(attributes)
    add(">")
    if shown != text {
      add("<title>")
      add(text: text)
      add("</title>")
    }
    add(text: shown)
    add("</text>\n")
  }

  /// Appends the start of a line at a place in pixels, to the data of a path.
  mutating func addMove(x: Double, y: Double) {
    addStroke("M", to: x)
    add(" ")
    add(hundredths: hundredths(y))
  }

  /// Appends a straight line to a place in pixels, to the data of a path.
  mutating func addLine(x: Double, y: Double) {
    addStroke("L", to: x)
    add(" ")
    add(hundredths: hundredths(y))
  }

  /// Appends a line along an axis ("H", "V") to a place in pixels, to the data of a path.
  mutating func addStroke(_ command: String, to pixels: Double) {
    add(command)
    add(hundredths: hundredths(pixels))
  }

  /// Appends a rectangle to the data of a path.
  mutating func addBox(_ box: Box) {
    addMove(x: box.left, y: box.top)
    addStroke("H", to: box.right)
    addStroke("V", to: box.bottom)
    addStroke("H", to: box.left)
    add("Z")
  }

  /// Appends ` x="" y="" width="" height=""`.
  mutating func add(_ box: Box) {
    add(attribute: "x", box.left)
    add(attribute: "y", box.top)
    add(attribute: "width", box.width)
    add(attribute: "height", box.height)
  }

  /// Appends a star of five points.
  mutating func addStar(x: Double, y: Double) {
    let corners: [(Double, Double)] = [
      (0, -9), (2.12, -2.91), (8.56, -2.78), (3.42, 1.11), (5.29, 7.28), (0, 3.6), (-5.29, 7.28), (-3.42, 1.11),
      (-8.56, -2.78), (-2.12, -2.91),
    ]
    add("<path class=\"star\" fill=\"#1f2328\" stroke=\"#ffffff\" stroke-width=\"1.5\" d=\"")
    for (index, corner) in corners.enumerated() {
      if index == 0 {
        addMove(x: x + corner.0, y: y + corner.1)
      } else {
        addLine(x: x + corner.0, y: y + corner.1)
      }
    }
    add("Z\"/>\n")
  }

  /// Appends a rectangle with slanted lines.
  mutating func addHatching(_ box: Box, isCrossed: Bool = false) {
    add("<path class=\"muted-line\" fill=\"none\" stroke=\"#59636e\" d=\"")
    addBox(box)
    // A large box has lines further apart, so that their number is bounded.
    let length = box.width + box.height
    for offset in stride(from: 7.0, to: length, by: max(7, length / 12)) {
      let (start, end) = (max(0, offset - box.height), min(box.width, offset))
      addMove(x: box.left + start, y: box.top + offset - start)
      addLine(x: box.left + end, y: box.top + offset - end)
      guard isCrossed else { continue }
      addMove(x: box.right - start, y: box.top + offset - start)
      addLine(x: box.right - end, y: box.top + offset - end)
    }
    add("\"/>\n")
  }

  /// Appends what another one holds.
  mutating func add(_ other: Markup) { add(bytes: other.bytes) }
}

/// A rectangle in pixels from the top left corner of the picture.
struct Box: Equatable {
  var left: Double
  var top: Double
  var width: Double
  var height: Double

  var right: Double { left + width }
  var bottom: Double { top + height }
  var middle: Double { top + height / 2 }
  var center: Double { left + width / 2 }

  func overlaps(_ other: Box) -> Bool {
    left < other.right && other.left < right && top < other.bottom && other.top < bottom
  }

  func contains(_ other: Box) -> Bool {
    left <= other.left && other.right <= right && top <= other.top && other.bottom <= bottom
  }

  /// The rectangle with its sides moved inwards.
  func inset(by distance: Double) -> Box {
    Box(left: left + distance, top: top + distance, width: width - 2 * distance, height: height - 2 * distance)
  }

  func contains(x: Double, y: Double) -> Bool { x >= left && x <= right && y >= top && y <= bottom }
}
