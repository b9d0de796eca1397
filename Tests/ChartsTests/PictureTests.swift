import Charts
import Testing

@Suite struct PictureTests {
  @Test func curvesOfTheSameNumberShareTheirColorAndDifferInTheirDashes() {
    let line = points(5) { $0 }
    let chart = Chart(
      series: [
        Series(name: "a", points: line, color: 3), Series(name: "b", points: line, isDashed: true, color: 3),
        Series(name: "c", points: line), Series(name: "d", points: line, color: -1),
      ])
    let document = DocumentReader(chart.svg())
    let curves = document.elements.filter { ($0.attributes["class"] ?? "").hasPrefix("curve-") && $0.name == "g" }
    // The last is drawn first.
    #expect(curves.map { $0.attributes["class"] } == ["curve-0", "curve-2", "curve-3", "curve-3"])
    #expect(curves.map { $0.attributes["stroke-dasharray"] == nil } == [true, true, false, true])
  }

  @Test func aPictureIsWellFormedAndSaysWhatItShows() throws {
    let chart = Chart(
      title: "Two",
      series: [
        Series(name: "cosine", points: points(100) { 0.1 - $0 / 1000 }),
        Series(name: "constant", points: points(100) { _ in 0.05 }),
      ], markers: [Marker(x: 50, label: "restart")])
    let document = DocumentReader(chart.svg())
    #expect(document.isWellFormed)
    let root = try #require(document.elements.first)
    #expect(root.name == "svg")
    #expect(root.attributes["role"] == "img")
    #expect(root.attributes["viewBox"] == "0 0 800 450")
    #expect(document.elements.dropFirst().prefix(3).map(\.name) == ["title", "desc", "style"])
    for text in ["Two", "cosine", "constant", "restart", "step", "learning rate"] {
      #expect(document.text.contains(text))
    }
    #expect(document.text.contains("cosine: from 0.001 to 0.1."))
  }

  @Test func aPictureRefersToNothingOutsideAndRunsNothing() {
    let text = String(
      decoding: Chart(title: "t", series: [Series(name: "s", points: points(9) { $0 })]).svg(), as: UTF8.self)
    for word in ["<script", "href", "url(", "@import", "onload"] { #expect(!text.contains(word)) }
    #expect(text.contains("prefers-color-scheme:dark"))
  }

  @Test func textFromOutsideIsTextOnly() {
    let nasty = "<script>alert('1')</script> & \"quoted\" \u{0}\u{1B}[31m\u{8}\u{FFFE}\u{202E}\u{85} ]]> 學習率 👩‍👩‍👧"
    let chart = Chart(
      title: nasty, series: [Series(name: nasty, points: points(9) { $0 }), Series(name: nasty + "2", points: [])],
      xLabel: nasty, yLabel: nasty, markers: [Marker(x: 3, label: nasty)])
    let bytes = chart.svg()
    let document = DocumentReader(bytes)
    #expect(document.isWellFormed)
    #expect(document.count("script") == 0)
    #expect(!bytes.contains { $0 < 0x20 && $0 != 0x0A })
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;quoted&quot;"))
    for scalar in ["\u{FFFE}", "\u{202E}", "\u{85}"] { #expect(!text.contains(scalar)) }
  }

  @Test func textOfAnyLengthIsBounded() {
    let long = String(repeating: "a\u{301}<", count: 100_000)
    let chart = Chart(
      title: long, series: (0..<64).map { _ in Series(name: long, points: points(2) { $0 }) }, xLabel: long,
      yLabel: long, markers: (0..<500).map { Marker(x: Double($0) / 500, label: long) })
    let bytes = chart.svg()
    #expect(DocumentReader(bytes).isWellFormed)
    #expect(bytes.count < 500_000)
    #expect(chart.text(columns: 80, rows: 24).utf8.count < 20_000)
  }

  @Test func aMillionPointsMakeASmallPicture() {
    var generator = SeededGenerator(state: 1)
    let noise = points(1_000_000) { _ in Double.random(in: 0...1, using: &generator) }
    for isStaircase in [false, true] {
      let bytes = Chart(series: [Series(name: "noise", points: noise, isStaircase: isStaircase)]).svg()
      #expect(bytes.count < 100_000)
    }
    let many = Chart(
      series: (0..<200).map { Series(name: "\($0)", points: Array(noise[($0 * 5000)..<($0 * 5000 + 5000)])) },
      width: 4096, height: 4096
    ).svg()
    #expect(many.count < 3_000_000)
    #expect(String(decoding: many, as: UTF8.self).contains("Not drawn: 136 more."))
  }

  @Test(arguments: [0, 1, 123_456, 777_777, 999_999]) func oneSpikeAmongAMillionPointsIsDrawn(_ place: Int) throws {
    for (spike, isStaircase) in [(1.0, false), (0.0, false), (1.0, true)] {
      var curve = points(1_000_000) { _ in 0.5 }
      curve[place].y = spike
      let chart = Chart(series: [
        Series(name: "", points: curve, isStaircase: isStaircase),
        Series(name: "full", points: [Point(x: 0, y: 0), Point(x: 9, y: 1)]),
      ])
      let path = try #require(DocumentReader(chart.svg()).curves.last)
      let heights = ordinates(path)
      // From the middle to an edge: half of the curves' room.
      let range = (heights.max() ?? 0) - (heights.min() ?? 0)
      #expect(range > 100, "\(place) \(spike) \(isStaircase)")
    }
  }

  @Test func aStaircaseFallsUpright() throws {
    let steps = [Point(x: 0, y: 1), Point(x: 5, y: 0.1), Point(x: 10, y: 0.1)]
    let paths = DocumentReader(Chart(series: [Series(name: "", points: steps, isStaircase: true)]).svg()).curves
    #expect(paths.contains { $0.wholeMatch(of: /M[\d.]+ [\d.]+H[\d.]+V[\d.]+H[\d.]+/) != nil })
  }

  @Test func aRateThatIsNoNumberIsAGap() {
    let gap = points(11) { $0 == 5 ? .nan : $0 }
    let paths = DocumentReader(Chart(series: [Series(name: "", points: gap)]).svg()).curves
    #expect(paths.contains { $0.contains("L") && $0.count { $0 == "M" } == 2 })
  }

  @Test func pointsInAnyOrderMakeTheSameCurve() {
    let curve = points(500) { ($0 / 50).rounded(.down) }
    var generator = SeededGenerator(state: 2)
    let shuffled = curve.shuffled(using: &generator)
    #expect(
      Chart(series: [Series(name: "a", points: curve)]).svg()
        == Chart(series: [Series(name: "a", points: shuffled)]).svg())
  }

  @Test func sixtyFourCurvesAllLookDifferent() {
    let chart = Chart(series: (0..<64).map { Series(name: "\($0)", points: points(2) { $0 }) })
    let looks = DocumentReader(chart.svg()).elements.filter { $0.name == "g" }.compactMap { element in
      element.attributes["class"].map { "\($0) \(element.attributes["stroke-dasharray"] ?? "")" }
    }.filter { $0.hasPrefix("curve-") }
    #expect(looks.count == 64)
    #expect(Set(looks).count == 64)
  }

  @Test(arguments: 0..<300) func hostileInputNeverBreaksAPicture(_ seed: UInt64) {
    let chart = hostileChart(seed)
    let bytes = chart.svg()
    let document = DocumentReader(bytes)
    #expect(document.isWellFormed)
    #expect(withoutStyle(bytes).firstMatch(of: /\b(nan|inf|infinity)\b/.ignoresCase()) == nil)
    for path in document.paths { #expect(path.wholeMatch(of: /[MLHVh0-9. -]*/) != nil) }
    #expect(path(within: document))
    for characters in [Chart.Characters.braille, .ascii] {
      let text = chart.text(columns: 40, rows: 12, usesColor: seed % 2 == 0, characters: characters)
      #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count == 12)
      #expect(text.firstMatch(of: /\b(nan|inf|infinity)\b/.ignoresCase()) == nil)
    }
  }

  /// Whether all paths stay within the picture.
  private func path(within document: DocumentReader) -> Bool {
    guard let height = document.elements.first?.attributes["height"].flatMap({ Double($0) }) else { return false }
    return document.paths.allSatisfy { ordinates($0).allSatisfy { (0...height).contains($0) } }
  }

  private func hostileChart(_ seed: UInt64) -> Chart {
    var generator = SeededGenerator(state: seed)
    let extremes: [Double] = [
      0, -0.0, 1, -1, 0.1, 1e-300, 1e300, -1e300, .leastNonzeroMagnitude, -.leastNonzeroMagnitude,
      .leastNormalMagnitude, .greatestFiniteMagnitude,
      -.greatestFiniteMagnitude, .nan, .infinity, -.infinity, 0x1p53, 0x1p53 - 1, 1e-9, 0.30000000000000004,
    ]
    // Few kinds of values in a chart, so that constants and narrow ranges come up too.
    let kinds = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
      extremes[Int.random(in: 0..<extremes.count, using: &generator)]
    }
    func value() -> Double {
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: Double(bitPattern: generator.next())
      case 1: Double(Int.random(in: 0...1000, using: &generator))
      default: kinds.randomElement(using: &generator) ?? 0
      }
    }
    let series = (0..<Int.random(in: 0...4, using: &generator)).map { number in
      Series(
        name: "curve \(number)",
        points: (0..<Int.random(in: 0...30, using: &generator)).map { _ in Point(x: value(), y: value()) },
        isStaircase: Bool.random(using: &generator), isDashed: Bool.random(using: &generator))
    }
    return Chart(
      title: seed % 3 == 0 ? "" : "title", series: series,
      yScale: Bool.random(using: &generator) ? .linear : .logarithmic,
      width: [Int.min, 0, 300, 800, Int.max].randomElement(using: &generator) ?? 0,
      height: [Int.min, 0, 200, 450, Int.max].randomElement(using: &generator) ?? 0,
      markers: (0..<Int.random(in: 0...5, using: &generator)).map { _ in Marker(x: value(), label: "mark") })
  }
}
