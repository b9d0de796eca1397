import Charts
import Testing

@Suite struct TextChartTests {
  private let curve = points(100) { 0.1 - $0 / 1000 }

  private func lines(_ text: String) -> [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

  @Test(arguments: [(24, 10), (40, 12), (80, 24), (500, 200), (61, 37)])
  func aTextChartHasTheAskedSize(_ columns: Int, _ rows: Int) {
    for count in [0, 1, 3, 8, 64, 70] {
      for characters in [Chart.Characters.braille, .ascii] {
        let chart = Chart(
          title: "title", series: (0..<count).map { Series(name: "curve number \($0)", points: curve) },
          markers: [Marker(x: 10, label: "restart")])
        let lines = lines(chart.text(columns: columns, rows: rows, characters: characters))
        #expect(lines.count == rows)
        #expect(lines.map(\.count).max() == columns, "\(count)")
      }
    }
  }

  @Test func aSizeBeyondTheLimitsIsTheNearest() {
    let chart = Chart(series: [Series(name: "a", points: curve)])
    #expect(lines(chart.text(columns: .min, rows: .min)).map(\.count).max() == 24)
    #expect(lines(chart.text(columns: .max, rows: .max)).count == 200)
  }

  @Test func asciiIsAscii() {
    let chart = Chart(
      title: "Über 學", series: (0..<9).map { Series(name: "γ\($0)", points: curve) }, xLabel: "Schritt …",
      yScale: .logarithmic,
      markers: [Marker(x: 1, label: "→")])
    #expect(chart.text(characters: .ascii).utf8.allSatisfy { $0 == 0x0A || 0x20..<0x7F ~= $0 })
  }

  @Test func aTerminalIsGivenNoCommandsFromNames() {
    let chart = Chart(
      title: "\u{1B}]0;owned\u{7}", series: (0..<2).map { _ in Series(name: "a\u{9B}2J\u{1B}[2J\n\r", points: curve) },
      xLabel: "\u{1B}[H", yLabel: "\u{8}\u{8}", markers: [Marker(x: 3, label: "\u{1B}c")])
    let text = chart.text(rows: 24)
    #expect(lines(text).count == 24)
    #expect(!text.unicodeScalars.contains { $0 != "\n" && ($0.value < 0x20 || (0x7F..<0xA0).contains($0.value)) })
  }

  @Test func colorsOnlyWhereAskedFor() {
    let chart = Chart(series: (0..<2).map { Series(name: "curve \($0)", points: curve) })
    #expect(!chart.text().contains("\u{1B}"))
    let colored = chart.text(usesColor: true)
    #expect(colored.contains("\u{1B}[36m"))
    // Every line leaves the terminal as it was.
    for line in lines(colored) where line.contains("\u{1B}") {
      #expect(line.split(separator: "\u{1B}").last?.hasPrefix("[0m") == true)
    }
    #expect(lines(colored).count == 24)
  }

  @Test func aFallingCurveFalls() {
    let text = Chart(series: [Series(name: "", points: curve)]).text(columns: 40, rows: 14, characters: .ascii)
    let places = lines(text).compactMap { line in
      line.firstIndex(of: "*").map { line.distance(from: line.startIndex, to: $0) }
    }
    #expect(places.count == 10)
    #expect(places == places.sorted())
  }

  @Test func curvesWithoutColorAreToldApartByLetters() {
    let chart = Chart(series: [
      Series(name: "one", points: curve), Series(name: "two", points: points(100) { $0 / 1000 }),
    ])
    let rows = lines(chart.text())
    #expect(rows[2...18].contains { $0.contains("A") } && rows[2...18].contains { $0.contains("B") })
    #expect(rows.suffix(2).map { $0.dropFirst(1).prefix(5) } == ["A one", "B two"])
  }
}
