import Charts
import Testing

@Suite struct MarkTests {
  @Test func aPowerLawIsStraightOnTwoLogarithmicAxes() throws {
    let curve = (0...12).map { Point(x: 1e-6 * double(4, $0), y: 3 * double(16, $0)) }
    let chart = Chart(series: [Series(name: "loss", points: curve)], xScale: .logarithmic, yScale: .logarithmic)
    let corners = places(try #require(DocumentReader(chart.svg()).curves.last))
    #expect(corners.count == 13)
    for (corner, next) in zip(corners, corners.dropFirst()) {
      #expect(abs(next.x - corner.x - (corners[12].x - corners[0].x) / 12) < 0.02)
      #expect(abs(next.y - corner.y - (corners[12].y - corners[0].y) / 12) < 0.02)
    }
  }

  @Test func aLogarithmicHorizontalAxisHasDecadesAndFinerLinesAndSaysSo() {
    let curve = [Point(x: 1e-5, y: 1), Point(x: 10, y: 2)]
    let document = DocumentReader(Chart(series: [Series(name: "", points: curve)], xScale: .logarithmic).svg())
    let lines = Set(document.text.split(separator: "\n").map(String.init))
    #expect(lines.isSuperset(of: ["1e-5", "1e-4", "0.001", "0.01", "0.1", "1", "10", "step (log scale)"]))
    #expect(document.elements.contains { $0.attributes["class"] == "fine-line" })
    let narrow = Chart(
      series: [Series(name: "", points: [Point(x: 0.02, y: 1), Point(x: 1, y: 2)])], xScale: .logarithmic)
    let labels = Set(DocumentReader(narrow.svg()).text.split(separator: "\n").map(String.init))
    #expect(labels.isSuperset(of: ["0.02", "0.05", "0.1", "0.2", "0.5", "1"]))
  }

  @Test func aPlaceOfZeroOrBelowIsAGapOnALogarithmicHorizontalAxis() throws {
    let curve = [Point(x: 0, y: 9), Point(x: -1, y: 9), Point(x: 1, y: 1), Point(x: 10, y: 2)]
    let document = DocumentReader(Chart(series: [Series(name: "", points: curve)], xScale: .logarithmic).svg())
    #expect(places(try #require(document.curves.last)).count == 2)
    #expect(document.text.contains("from 1 to 10."))
  }

  @Test func ratesBetweenWholeNumbersHaveTicksBetweenThem() {
    let rates = Chart(series: [Series(name: "", points: [Point(x: 0.1, y: 1), Point(x: 1.7, y: 2)])])
    #expect(DocumentReader(rates.svg()).text.split(separator: "\n").contains("0.6"))
    let steps = Chart(series: [Series(name: "", points: [Point(x: 0, y: 1), Point(x: 2, y: 2)])])
    #expect(!DocumentReader(steps.svg()).text.split(separator: "\n").contains("0.5"))
  }

  @Test func aMarkedPointIsOnTheCurveAndNamed() throws {
    let chart = Chart(
      series: [Series(name: "loss", points: points(11) { $0 })],
      pointMarks: [PointMark(Point(x: 5, y: 5), label: "suggested rate"), PointMark(Point(x: 99, y: 5), label: "away")])
    let document = DocumentReader(chart.svg())
    let rings = document.elements.filter { $0.attributes["class"] == "mark" }
    #expect(rings.count == 1)
    let ring = try #require(rings.first)
    let curve = places(try #require(document.curves.last))
    // The curve is straight, so its middle is between its ends.
    #expect(abs((Double(ring.attributes["cx"] ?? "") ?? 0) - (curve[0].x + curve[curve.count - 1].x) / 2) < 0.02)
    #expect(abs((Double(ring.attributes["cy"] ?? "") ?? 0) - (curve[0].y + curve[curve.count - 1].y) / 2) < 0.02)
    #expect(document.text.contains("Marked at 5, 5: suggested rate."))
  }

  @Test func aLineNearTheCurvesIsShownAndOneFarAwayIsNamedOnly() {
    func document(_ y: Double, _ scale: Chart.Scale) -> DocumentReader {
      DocumentReader(
        Chart(
          series: [Series(name: "rate", points: points(11) { 0.1 + $0 / 100 })], yScale: scale,
          referenceLines: [ReferenceLine(y: y, label: "limit")]
        ).svg())
    }
    for scale in [Chart.Scale.linear, .logarithmic] {
      #expect(document(0.3, scale).elements.contains { $0.attributes["class"] == "limit-line" })
      let far = document(1e9, scale)
      #expect(!far.elements.contains { $0.attributes["class"] == "limit-line" })
      #expect(far.text.contains("↑ limit: 1B"))
      #expect(far.text.contains("A line at 1B: limit."))
    }
    #expect(!document(.nan, .linear).text.contains("limit"))
  }

  @Test func labelsOfMarksDoNotOverlap() {
    let marks = (0..<40).map { PointMark(Point(x: Double($0 % 7), y: Double($0 % 5)), label: "mark number \($0)") }
    let chart = Chart(
      series: [Series(name: "", points: points(8) { $0 })], pointMarks: marks,
      referenceLines: (0..<9).map { ReferenceLine(y: 1 + Double($0) / 9, label: "line \($0)") })
    let labels = DocumentReader(chart.svg()).elements.filter { $0.attributes["class"] == "halo" }.map {
      (x: Double($0.attributes["x"] ?? "") ?? 0, y: Double($0.attributes["y"] ?? "") ?? 0)
    }
    #expect(labels.count > 10)
    for (index, one) in labels.enumerated() {
      for other in labels[(index + 1)...] { #expect(abs(one.y - other.y) >= 13.9 || abs(one.x - other.x) > 30) }
    }
  }

  @Test func textChartsShowMarksAndLinesToo() {
    let chart = Chart(
      series: [Series(name: "", points: points(11) { $0 })], xScale: .logarithmic,
      pointMarks: [PointMark(Point(x: 2, y: 9), label: "here")], referenceLines: [ReferenceLine(y: 4, label: "limit")])
    let text = chart.text(columns: 60, rows: 20, characters: .ascii)
    #expect(text.contains("@ (2, 9) here  = 4 limit"))
    #expect(text.contains("====="))
    #expect(text.contains("step (log scale)"))
  }

  @Test func aChartWithoutMarksHasNoRulesForThem() {
    #expect(!String(decoding: Chart(series: []).svg(), as: UTF8.self).contains("halo"))
  }

  private func double(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { result, _ in result * base }
  }
}
