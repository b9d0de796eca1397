import Foundation

extension Picture {
  /// The lines within the axis, from the top, and what is said of those beyond.
  private var lines: (inside: [(y: Double, label: String)], beyond: [(isAbove: Bool, label: String)]) {
    var inside: [(y: Double, label: String)] = []
    var beyond: [(isAbove: Bool, label: String)] = []
    for line in plot.referenceLines {
      let label = safeText(line.label, atMost: 100)
      if yAxis.contains(line.y) {
        inside.append((frame.y(yAxis.fraction(of: line.y)), label))
      } else {
        let number = DecimalNumber(line.y, significantDigits: 4).label
        let isAbove = line.y > plot.total.highestY
        beyond.append((isAbove, (isAbove ? "↑ " : "↓ ") + (label.isEmpty ? number : "\(label): \(number)")))
      }
    }
    return (inside.sorted { $0.y < $1.y }, beyond)
  }

  /// The marks that have a place, with their labels.
  private var marks: [(x: Double, y: Double, label: String)] {
    plot.pointMarks.filter { xAxis.contains($0.point.x) && yAxis.contains($0.point.y) }.map { mark in
      let (x, y) = frame.place(of: mark.point)
      return (x, y, safeText(mark.label, atMost: 100))
    }
  }

  /// Adds the horizontal lines themselves: below the curves.
  func addReferenceLines(to markup: inout Markup) {
    guard !lines.inside.isEmpty else { return }
    markup.add(
      "<g class=\"limit-line\" fill=\"none\" stroke=\"#1f2328\" stroke-width=\"1.5\" stroke-dasharray=\"8 3 2 3\">\n")
    for line in lines.inside {
      markup.add("<g><title>")
      markup.add(text: line.label)
      markup.add("</title><path d=\"")
      markup.addMove(x: left, y: line.y)
      markup.addStroke("H", to: right)
      markup.add("\"/></g>\n")
    }
    markup.add("</g>\n")
  }

  /// Adds the marks of points, and all labels: above the curves.
  func addMarks(to markup: inout Markup) {
    var placer = LabelPlacer(within: frame.box)
    let marks = marks
    for mark in marks { placer.take(Box(left: mark.x - 6, top: mark.y - 6, width: 12, height: 12)) }
    markup.add("<g font-size=\"11\">\n")
    for mark in marks {
      markup.add("<g><title>")
      markup.add(text: mark.label)
      markup.add("</title><circle class=\"mark\" fill=\"#ffffff\" stroke=\"#1f2328\" stroke-width=\"2\"")
      markup.add(attribute: "cx", mark.x)
      markup.add(attribute: "cy", mark.y)
      markup.add(" r=\"5\"/>")
      if let place = placer.place(mark.label, besideX: mark.x, y: mark.y, distance: 9) {
        markup.addLabel(mark.label, at: place)
      }
      markup.add("</g>\n")
    }
    for line in lines.inside {
      if let place = placer.place(line.label, along: line.y) { markup.addLabel(line.label, at: place) }
    }
    for line in lines.beyond {
      let edge = line.isAbove ? top - 2 : bottom + 2
      if let place = placer.place(line.label, along: edge) { markup.addLabel(line.label, at: place) }
    }
    markup.add("</g>\n")
  }

  /// The marks and the lines in words.
  var markSentences: [String] {
    func number(_ value: Double) -> String { DecimalNumber(value, significantDigits: 4).label }
    let points = plot.pointMarks.prefix(8).map { mark in
      let label = safeText(mark.label, atMost: 100)
      return "Marked at \(number(mark.point.x)), \(number(mark.point.y))" + (label.isEmpty ? "." : ": \(label).")
    }
    let lines = plot.referenceLines.prefix(8).map { line in
      let label = safeText(line.label, atMost: 100)
      return "A line at \(number(line.y))" + (label.isEmpty ? "." : ": \(label).")
    }
    return points + lines
  }
}
