/// What is drawn on top of the bands: paths, their ends, minima; and the legend that says so.
extension ContourPicture {
  func addPath(_ index: Int, to markup: inout Markup) {
    let (name, line, _) = paths[index]
    guard !line.runs.isEmpty else { return }
    var data = Markup()
    for run in line.runs {
      for (number, place) in run.enumerated() {
        if number == 0 { data.addMove(x: place.x, y: place.y) } else { data.addLine(x: place.x, y: place.y) }
      }
      if run.count == 1 { data.add("h0") }
    }
    let isLeaving = line.end == .outside
    var arrows = Markup()
    for arrow in line.arrows(count: 3) { addArrow(to: arrow.tip, from: arrow.back, size: 5, &arrows) }
    if isLeaving, let run = line.runs.last, let tip = run.last,
      let back = run.last(where: { $0.distance(to: tip) >= 2 })
    {
      addArrow(to: tip, from: back, size: 8, &arrows)
    }
    let color = "class=\"curve-\(Palette.color(of: index))\" stroke=\"\(Palette.fallback(of: index))\""
    markup.add("<g fill=\"none\" stroke-linecap=\"round\" stroke-linejoin=\"round\"><title>")
    markup.add(text: name)
    markup.add("</title>\n<path class=\"casing\" stroke=\"#ffffff\" stroke-width=\"5\" d=\"")
    markup.add(data)
    markup.add(arrows)
    markup.add("\"/>\n<path \(color) stroke-width=\"2.5\"")
    let dashes = Palette.pathDashes(of: index)
    if !dashes.isEmpty { markup.add(" stroke-dasharray=\"\(dashes)\"") }
    markup.add(" d=\"")
    markup.add(data)
    markup.add("\"/>\n")
    if !arrows.bytes.isEmpty {
      markup.add("<path \(color) stroke-width=\"2\" d=\"")
      markup.add(arrows)
      markup.add("\"/>\n")
    }
    if let start = line.start { addRing(x: start.x, y: start.y, color, to: &markup) }
    if let end = line.tail {
      switch line.end {
      case .inside: addDot(x: end.x, y: end.y, color, to: &markup)
      case .lost: addCross(x: end.x, y: end.y, color, to: &markup)
      case .outside: break
      }
    }
    markup.add("</g>\n")
  }

  /// An arrowhead, unless it would stick out of the frame.
  private func addArrow(to tip: PathLine.Place, from back: PathLine.Place, size: Double, _ markup: inout Markup) {
    let length = back.distance(to: tip)
    guard length > 0 else { return }
    let (x, y) = ((tip.x - back.x) / length, (tip.y - back.y) / length)
    let ends = [-0.7, 0.7].map { side in
      (x: tip.x - size * (x - side * y), y: tip.y - size * (y + side * x))
    }
    guard ends.allSatisfy({ frame.box.contains(x: $0.x, y: $0.y) }) else { return }
    markup.addMove(x: ends[0].x, y: ends[0].y)
    markup.addLine(x: tip.x, y: tip.y)
    markup.addLine(x: ends[1].x, y: ends[1].y)
  }

  private func addRing(x: Double, y: Double, _ color: String, to markup: inout Markup) {
    markup.add("<g class=\"start\" fill=\"#ffffff\"><circle class=\"casing\" stroke=\"#ffffff\" stroke-width=\"6\"")
    addCenter(x: x, y: y, radius: 5, to: &markup)
    markup.add("<circle \(color) stroke-width=\"2.5\"")
    addCenter(x: x, y: y, radius: 5, to: &markup)
    markup.add("</g>\n")
  }

  private func addDot(x: Double, y: Double, _ color: String, to markup: inout Markup) {
    // A line without length and with round ends: a dot in the color of the line.
    for (look, size) in [("class=\"casing\" stroke=\"#ffffff\"", 13), (color, 9)] {
      markup.add("<path \(look) stroke-width=\"\(size)\" stroke-linecap=\"round\" d=\"")
      markup.addMove(x: x, y: y)
      markup.add("h0\"/>\n")
    }
  }

  private func addCross(x: Double, y: Double, _ color: String, to markup: inout Markup) {
    for (look, size) in [("class=\"casing\" stroke=\"#ffffff\"", 6), (color, 3)] {
      markup.add("<path \(look) stroke-width=\"\(size)\" d=\"")
      for (dx, dy) in [(-5.0, -5.0), (-5, 5)] {
        markup.addMove(x: x + dx, y: y + dy)
        markup.addLine(x: x - dx, y: y - dy)
      }
      markup.add("\"/>\n")
    }
  }

  private func addCenter(x: Double, y: Double, radius: Int, to markup: inout Markup) {
    markup.add(attribute: "cx", x)
    markup.add(attribute: "cy", y)
    markup.add(" r=\"\(radius)\"/>")
  }

  func addLegend(to markup: inout Markup) {
    guard !legend.entries.isEmpty else { return }
    let neutral = "class=\"limit-line\" stroke=\"#1f2328\""
    markup.add("<g font-size=\"12\" fill=\"none\" stroke-linecap=\"round\">\n")
    for ((key, name), entry) in zip(keys, legend.entries) {
      let middle = legendTop + entry.y + Legend.rowHeight / 2
      let left = Picture.margin + entry.x
      let center = left + Legend.sampleWidth / 2
      switch key {
      case .path(let index):
        markup.add(
          "<path class=\"curve-\(Palette.color(of: index))\" stroke=\"\(Palette.fallback(of: index))\" "
            + "stroke-width=\"2.5\" stroke-dasharray=\"\(Palette.pathDashes(of: index))\" d=\"")
        markup.addMove(x: left + 2, y: middle)
        markup.addStroke("H", to: left + Legend.sampleWidth - 2)
        markup.add("\"/>\n")
      case .start: addRing(x: center, y: middle, neutral, to: &markup)
      case .end: addDot(x: center, y: middle, neutral, to: &markup)
      case .lost: addCross(x: center, y: middle, neutral, to: &markup)
      case .minimum: markup.addStar(x: center, y: middle)
      case .hatching: markup.addHatching(Box(left: left + 4, top: middle - 7, width: 22, height: 14))
      }
      markup.add("<g fill=\"#1f2328\">")
      markup.addText(
        name, x: left + Legend.sampleWidth + Legend.gap, y: middle + 4, width: legend.nameWidth + 0.5,
        size: Picture.labelSize)
      markup.add("</g>\n")
    }
    markup.add("</g>\n")
  }

  /// The chart in words, for those who hear it.
  var description: String {
    func number(_ value: Double) -> String { DecimalNumber(value, significantDigits: 4).label }
    func place(_ point: Point) -> String { "\(number(point.x)), \(number(point.y))" }
    let (x, y) = (frame.xAxis, frame.yAxis)
    let area =
      "A contour chart of \(valueLabel) over \(xLabel) from \(number(x.low)) to \(number(x.high)) and \(yLabel) from "
      + "\(number(y.low)) to \(number(y.high))"
    var sentences: [String] = []
    let finite = field.values.indices.filter { !field.values[$0].isNaN }
    if let lowest = finite.min(by: { field.values[$0] < field.values[$1] }),
      let highest = finite.max(by: { field.values[$0] < field.values[$1] })
    {
      let at = Point(
        x: x.low + field.xs[lowest % field.columns] * (x.high - x.low),
        y: y.low + field.ys[lowest / field.columns] * (y.high - y.low))
      sentences.append(area + ".")
      sentences.append(
        "Values from \(number(field.values[lowest])), near \(place(at)), to \(number(field.values[highest])): the higher, the "
          + "further is the color from the background's.")
      sentences.append(
        levels.labels.isEmpty ? "No lines." : "Lines at \(levels.labels.joined(separator: ", ")).")
      let missing = field.values.count - finite.count
      if missing > 0 { sentences.append("Hatched where there is no finite value.") }
    } else {
      sentences.append(area + ", without finite values.")
    }
    if !minima.isEmpty {
      sentences.append("Minimum at \(minima.map(place).joined(separator: "; ")).")
    }
    for (name, line, points) in paths {
      let name = name.isEmpty ? "A path without a name" : name
      guard line.count > 0, let first = points.first else {
        sentences.append("\(name): no places.")
        continue
      }
      let last = points[line.count - 1]
      let end: String =
        switch line.end {
        case .inside: "to \(place(last))"
        case .outside: "and out of the picture, to \(place(last))"
        case .lost: "to \(place(last)), then values that are no numbers"
        }
      sentences.append("\(name): \(line.count) places, from \(place(first)) \(end).")
    }
    if missingPathCount > 0 { sentences.append("Not drawn: \(missingPathCount) more.") }
    return sentences.joined(separator: " ")
  }
}
