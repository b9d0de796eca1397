import Testing

@testable import Charts

@Suite struct TableTests {
  private let map = HeatMap(
    title: "Final loss", rows: ["constant", "cosine"], columns: ["0.01", "0.1", "1"],
    cells: [[.value(0.5), .value(0.02), .diverged], [.value(0.4), .value(0.01), .value(.infinity)]],
    rowLabel: "schedule", columnLabel: "rate")

  @Test func aHeatMapSaysWhatItShows() throws {
    let document = DocumentReader(map.svg())
    #expect(document.isWellFormed)
    #expect(try #require(document.elements.first).attributes["role"] == "img")
    #expect(document.elements.dropFirst().prefix(3).map(\.name) == ["title", "desc", "style"])
    for text in ["Final loss", "constant", "cosine", "0.01", "0.1", "1", "schedule", "rate", "0.02", "diverged"] {
      #expect(document.text.split(separator: "\n").contains { $0 == text }, "\(text)")
    }
    #expect(document.text.contains("The lowest, framed, is at cosine, 0.1."))
    #expect(document.text.contains("Diverged, cross-hatched: 2."))
    #expect(document.text.contains("cosine, 0.1: 0.01"))
  }

  @Test func everyCellHasAColorOrAPattern() {
    let document = DocumentReader(map.svg())
    #expect(document.elements.filter { $0.attributes["class"] == "cell" }.count == 4)
    // Two cells and the legend.
    #expect(document.elements.filter { $0.attributes["class"] == "muted-line" && $0.name == "path" }.count == 3)
    var incomplete = map
    incomplete.cells[1] = []
    let missing = DocumentReader(incomplete.svg())
    #expect(missing.elements.filter { $0.attributes["class"] == "muted-line" && $0.name == "rect" }.count == 4)
    #expect(missing.text.contains("Without a value: 3."))
  }

  @Test func theBestCellIsFramed() throws {
    func frames(_ map: HeatMap) -> [[String: String]] {
      DocumentReader(map.svg()).elements.map(\.attributes).filter { $0["class"] == "limit-line" }
    }
    let cells = DocumentReader(map.svg()).elements.map(\.attributes).filter { $0["class"] == "cell" }
    let frame = try #require(frames(map).first)
    #expect(frame["x"] == cells[3]["x"] && frame["y"] == cells[3]["y"])
    var highest = map
    highest.best = .highest
    #expect(frames(highest).first?["x"] == cells[0]["x"] && frames(highest).first?["y"] == cells[0]["y"])
    var none = map
    none.best = nil
    #expect(frames(none).isEmpty)
  }

  @Test func higherValuesAreLighterOnBothScales() {
    for scale in [Chart.Scale.linear, .logarithmic, nil] {
      let values = [1, 3.0, 9, 27, 50]
      let map = HeatMap(
        rows: ["row"], columns: values.map { "\($0)" }, cells: [values.map { .value($0) }], scale: scale)
      let shades = DocumentReader(map.svg()).elements.map(\.attributes).filter { $0["class"] == "cell" }
        .map { Palette.luminance(of: $0["fill"] ?? "") }
      #expect(zip(shades, shades.dropFirst()).allSatisfy(<))
      #expect(shades.count == 5)
    }
  }

  @Test func valuesStandInCellsWhereTheyFit() {
    func text(_ columns: Int) -> String {
      DocumentReader(
        HeatMap(
          rows: ["row"], columns: (0..<columns).map { "c\($0)" },
          cells: [(0..<columns).map { .value(0.123 + Double($0)) }]
        ).svg()
      ).text
    }
    #expect(text(3).split(separator: "\n").contains("1.123"))
    #expect(!text(60).split(separator: "\n").contains("1.123"))
  }

  @Test func bigTablesAreCutAndSayIt() {
    let side = 200
    let long = String(repeating: "<&\"", count: 1000)
    let map = HeatMap(
      title: long, rows: (0..<side).map { "\($0)" + long }, columns: (0..<side).map { "\($0)" + long },
      cells: (0..<side).map { row in (0..<side).map { .value(Double(row * $0)) } }, width: 4096, height: 4096)
    let bytes = map.svg()
    #expect(bytes.count < 2_000_000)
    #expect(DocumentReader(bytes).text.contains("Not drawn: 136 more rows. Not drawn: 136 more columns."))
  }

  @Test(arguments: 0..<100) func hostileInputNeverBreaksAHeatMap(_ seed: UInt64) {
    var generator = SeededGenerator(state: seed)
    let kinds: [HeatMap.Cell] = [
      .diverged, .missing, .value(0), .value(-1), .value(.nan), .value(.infinity), .value(.leastNonzeroMagnitude),
      .value(.greatestFiniteMagnitude), .value(-.greatestFiniteMagnitude), .value(1), .value(1 + 1e-15),
    ]
    let few = (0..<3).map { _ in kinds.randomElement(using: &generator) ?? .missing }
    let (rows, columns) = (Int.random(in: 0...40, using: &generator), Int.random(in: 0...40, using: &generator))
    let nasty = seed % 2 == 0 ? "name" : "<script>\u{0}\u{202E}&\"'\u{1B}[2J" + String(repeating: "學<", count: 500)
    let map = HeatMap(
      title: nasty, rows: (0..<rows).map { _ in nasty }, columns: (0..<columns).map { _ in nasty },
      cells: (0..<Int.random(in: 0...50, using: &generator)).map { _ in
        (0..<Int.random(in: 0...50, using: &generator)).map { _ in few.randomElement(using: &generator) ?? .missing }
      }, rowLabel: nasty, columnLabel: nasty, valueLabel: nasty,
      scale: [.linear, .logarithmic, nil].randomElement(using: &generator) ?? nil,
      best: [.lowest, .highest, nil].randomElement(using: &generator) ?? nil,
      width: [Int.min, 240, 800, Int.max].randomElement(using: &generator) ?? 0,
      height: [Int.min, 200, 560, Int.max].randomElement(using: &generator) ?? 0)
    checkHostile(map.svg(), atMost: 2_000_000)
  }

  @Test func barsAreAsLongAsTheirValues() {
    let chart = BarChart(
      title: "Cost",
      bars: [("sgd", 2), ("adam", 8), ("none", .nan), ("loss", -4)].map { BarChart.Bar(label: $0.0, value: $0.1) },
      valueLabel: "operations")
    let document = DocumentReader(chart.svg())
    let widths = document.elements.filter { $0.attributes["class"] == "bar" }
      .compactMap { Double($0.attributes["width"] ?? "") }
    #expect(widths.count == 3)
    #expect(abs(widths[1] / widths[0] - 4) < 0.01 && abs(widths[2] / widths[0] - 2) < 0.01)
    #expect(document.text.contains("A bar chart of operations. sgd: 2. adam: 8. none: no finite value. loss: -4."))
    #expect(document.elements.first?.attributes["role"] == "img")
  }

  @Test(arguments: 0..<100) func hostileInputNeverBreaksABarChart(_ seed: UInt64) {
    var generator = SeededGenerator(state: seed)
    let values: [Double] = [
      0, 1, -1, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, -.leastNonzeroMagnitude,
      .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
    ]
    let few = (0..<2).map { _ in values.randomElement(using: &generator) ?? 0 }
    let nasty = seed % 2 == 0 ? "name" : "<script>\u{0}\u{202E}&\"'" + String(repeating: "學<", count: 5000)
    let chart = BarChart(
      title: nasty,
      bars: (0..<Int.random(in: 0...99, using: &generator)).map { _ in
        BarChart.Bar(label: nasty, value: few.randomElement(using: &generator) ?? 0, note: nasty)
      }, valueLabel: nasty, width: [Int.min, 240, 800, Int.max].randomElement(using: &generator) ?? 0)
    checkHostile(chart.svg(), atMost: 500_000)
  }
}

@Suite struct PaletteTests {
  private func contrast(_ one: String, _ other: String) -> Double {
    let values = [Palette.luminance(of: one), Palette.luminance(of: other)].sorted()
    return (values[1] + 0.05) / (values[0] + 0.05)
  }

  /// The colors by name that a style sheet has on white, and on black.
  private func colors(_ styleSheet: String) -> [[String: String]] {
    let (light, dark) = (
      styleSheet.split(separator: "@media").first ?? "", styleSheet.split(separator: "@media").last ?? ""
    )
    return [light, dark].map { part in
      part.matches(of: /--([a-z0-9-]+):(#[0-9a-f]{6})/).reduce(into: [:]) { $0[String($1.1)] = String($1.2) }
    }
  }

  @Test func textCanBeReadOnEveryColorOfACell() {
    for step in 0...1000 {
      let shade = Palette.shade(Double(step) / 1000)
      #expect(contrast(shade, Palette.isDark(shade) ? "#ffffff" : "#000000") >= 4.5, "\(shade)")
    }
    #expect(Palette.shade(0) == "#00224e" && Palette.shade(1) == "#fee838")
    #expect(Palette.shade(-1) == Palette.shade(0) && Palette.shade(2) == Palette.shade(1))
  }

  @Test func shadesGetLighterAllTheWay() {
    let shades = (0...63).map { Palette.luminance(of: Palette.shade(Double($0) / 63)) }
    #expect(zip(shades, shades.dropFirst()).allSatisfy(<))
  }

  @Test func textAndLinesStandOutOnWhiteAndOnBlack() throws {
    for colors in colors(Palette.styleSheet) {
      let background = try #require(colors["background"])
      for name in ["text", "muted"] { #expect(contrast(try #require(colors[name]), background) >= 4.5) }
      for index in 0..<Palette.count { #expect(contrast(try #require(colors["curve-\(index)"]), background) >= 3) }
    }
  }

  @Test func bandsGoFromTheBackgroundAwayInStepsOfLightness() throws {
    let (sheets, roles) = (colors(Palette.bandStyleSheet), colors(Palette.styleSheet))
    for (bands, roles) in zip(sheets, roles) {
      let background = try #require(roles["background"])
      let contrasts = try (0..<Palette.bandCount).map { contrast(try #require(bands["band-\($0)"]), background) }
      #expect(zip(contrasts, contrasts.dropFirst()).allSatisfy(<))
      // The star of a minimum is seen wherever it is.
      for index in 0..<Palette.bandCount {
        #expect(contrast(try #require(bands["band-\(index)"]), try #require(roles["text"])) >= 3)
      }
    }
  }
}
