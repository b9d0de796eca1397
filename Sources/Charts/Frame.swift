/// Where a plot stands in a picture, with its axes. All lengths are in pixels.
struct Frame {
  let box: Box
  let xAxis: Axis
  let yAxis: Axis

  func x(_ fraction: Double) -> Double { box.left + fraction * box.width }
  func y(_ fraction: Double) -> Double { box.top + (1 - fraction) * box.height }

  /// The place of a point; beyond an axis it is on the edge.
  func place(of point: Point) -> (x: Double, y: Double) {
    (x(xAxis.fraction(of: point.x)), y(yAxis.fraction(of: point.y)))
  }

  /// The left and the lower edge with their ticks, as the data of a path. Ticks stick out, so that they are seen beside
  /// a grid.
  func edges() -> Markup {
    var lines = Markup()
    for tick in xAxis.ticks {
      lines.addMove(x: x(xAxis.fraction(at: tick.position)), y: box.bottom)
      lines.addStroke("V", to: box.bottom + 5)
    }
    for tick in yAxis.ticks {
      lines.addMove(x: box.left, y: y(yAxis.fraction(at: tick.position)))
      lines.addStroke("H", to: box.left - 5)
    }
    lines.addMove(x: box.left, y: box.top)
    lines.addStroke("V", to: box.bottom)
    lines.addStroke("H", to: box.right)
    return lines
  }

  /// Adds the labels of the ticks.
  ///
  /// - Parameter width: of the picture; the outermost labels stay within.
  func addTickLabels(width: Double, to markup: inout Markup) {
    for tick in yAxis.ticks {
      markup.addText(
        tick.label, x: box.left - 8, y: y(yAxis.fraction(at: tick.position)) + 4, anchor: "end", width: .infinity,
        size: Picture.labelSize)
    }
    for tick in xAxis.ticks {
      let half = proportionalWidth(tick.label) * Picture.labelSize / 2
      let center = min(max(x(xAxis.fraction(at: tick.position)), half + 2), width - half - 2)
      markup.addText(
        tick.label, x: center, y: box.bottom + 19, anchor: "middle", width: .infinity, size: Picture.labelSize)
    }
  }

  /// How much room the labels of a vertical axis take on its left.
  static func labelWidth(of axis: Axis) -> Double {
    (axis.ticks.map { proportionalWidth($0.label) * Picture.labelSize }.max() ?? 0).rounded(.up)
  }
}
