extension Picture {
  /// At most how many columns a curve is thinned to. Four points a column.
  private var columns: Int {
    let pixels = Int(exactly: plotWidth.rounded()) ?? 1
    return max(1, min(pixels, 1000, 30_000 / max(plot.series.count, 1)))
  }

  func addCurves(to markup: inout Markup) {
    markup.add("<g fill=\"none\" stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\">\n")
    // The first curve is the one that matters most, so it is drawn over the others.
    for index in plot.series.indices.reversed() {
      let runs = plot.runs(
        of: index, xAxis: xAxis, yAxis: yAxis, width: hundredths(plotWidth), height: hundredths(plotHeight),
        columns: columns)
      guard !runs.isEmpty else { continue }
      markup.add("<g")
      addStroke(of: index, to: &markup)
      markup.add("><title>")
      markup.add(text: names[index])
      markup.add("</title><path d=\"")
      for run in runs { addRun(run, to: &markup) }
      markup.add("\"/>")
      // A point by itself is a dot of the line's width, hard to see if there are but a few.
      let dots = runs.lazy.filter { $0.count == 1 }.compactMap(\.first)
      if runs.count <= 100 {
        for dot in dots { addDot(dot, color: Palette.fallback(of: style(of: index)), to: &markup) }
      }
      markup.add("</g>\n")
    }
    markup.add("</g>\n")
  }

  /// Adds the attributes that tell a curve from the others.
  func addStroke(of index: Int, to markup: inout Markup) {
    let style = style(of: index)
    markup.add(" class=\"curve-\(Palette.color(of: style))\" stroke=\"\(Palette.fallback(of: style))\"")
    let dashes = Palette.dashes(of: style, isDashed: plot.series[index].isDashed)
    if !dashes.isEmpty { markup.add(" stroke-dasharray=\"\(dashes)\"") }
  }

  /// The number that a curve has its color and its pattern by.
  private func style(of index: Int) -> Int { max(plot.series[index].color ?? index, 0) }

  private func addRun(_ run: [Vertex], to markup: inout Markup) {
    guard var last = run.first else { return }
    markup.add("M")
    addPlace(of: last, to: &markup)
    // Round ends make a dot of a line without length.
    if run.count == 1 { markup.add("h0") }
    for vertex in run.dropFirst() {
      if vertex.y == last.y {
        markup.add("H")
        markup.add(hundredths: hundredths(left) + vertex.x)
      } else if vertex.x == last.x {
        markup.add("V")
        markup.add(hundredths: hundredths(bottom) - vertex.y)
      } else {
        markup.add("L")
        addPlace(of: vertex, to: &markup)
      }
      last = vertex
    }
  }

  private func addPlace(of vertex: Vertex, to markup: inout Markup) {
    markup.add(hundredths: hundredths(left) + vertex.x)
    markup.add(" ")
    markup.add(hundredths: hundredths(bottom) - vertex.y)
  }

  private func addDot(_ vertex: Vertex, color: String, to markup: inout Markup) {
    markup.add("<path stroke-width=\"7\" stroke-dasharray=\"none\" d=\"M")
    addPlace(of: vertex, to: &markup)
    markup.add("h0\"/>")
  }

  /// The chart in words, for those who hear it.
  var description: String {
    let scale = chart.yScale == .logarithmic ? "logarithmic" : "linear"
    guard !plot.total.isEmpty else { return "A line chart of \(yLabel.name) by \(xLabel), without values." }
    func number(_ value: Double) -> String { DecimalNumber(value, significantDigits: 4).label }
    var sentences = [
      "A line chart of \(yLabel.name) (\(scale) scale) by \(xLabel) from \(number(plot.total.firstX)) to "
        + "\(number(plot.total.lastX))."
    ]
    let longest = 8
    for (name, extent) in zip(names, plot.extents).prefix(longest) {
      let name = name.isEmpty ? "A curve without a name" : name
      sentences.append(
        extent.isEmpty
          ? "\(name): no values." : "\(name): from \(number(extent.lowestY)) to \(number(extent.highestY)).")
    }
    if names.count > longest { sentences.append("And \(names.count - longest) more.") }
    let missing = chart.series.count - names.count
    if missing > 0 { sentences.append("Not drawn: \(missing) more.") }
    sentences += markSentences
    return sentences.joined(separator: " ")
  }
}
