import Testing

@testable import Charts

@Suite struct ContourTests {
  private func randomField(_ seed: UInt64, holes: Bool) -> ContourField {
    var generator = SeededGenerator(state: seed)
    let columns = Int.random(in: 2...12, using: &generator)
    let rows = Int.random(in: 2...12, using: &generator)
    let values = (0..<columns * rows).map { _ -> Double in
      let value = Double.random(in: -1...1, using: &generator)
      return holes && Int.random(in: 0..<8, using: &generator) == 0 ? .nan : value
    }
    return ContourField(of: Grid(columns: columns, rows: rows, values: values), largestSide: 160)
  }

  @Test(arguments: 0..<100) func aLineLiesBetweenTheValuesItSeparates(_ seed: UInt64) {
    let field = randomField(seed, holes: seed % 2 == 0)
    for level in [-0.7, 0, 0.1, 0.9] {
      for ring in field.rings(at: level) {
        for (index, isLine) in ring.isLine.enumerated() where isLine {
          for corner in [ring.corners[index], ring.corners[(index + 1) % ring.corners.count]] {
            // Each corner is on an edge of the grid, where the value is the level.
            let column = corner.x * Double(field.columns - 1)
            let row = corner.y * Double(field.rows - 1)
            #expect(abs(interpolated(field, column, row) - level) < 1e-9, "\(seed) \(level)")
          }
        }
      }
    }
  }

  @Test(arguments: 0..<100) func aPlaceIsWithinTheBandOfItsValue(_ seed: UInt64) {
    let field = randomField(seed, holes: seed % 2 == 0)
    for level in [-0.7, 0, 0.1, 0.9] {
      let rings = field.rings(at: level)
      for row in 1..<max(field.rows - 1, 1) {
        for column in 1..<max(field.columns - 1, 1) {
          let value = field.values[row * field.columns + column]
          guard !value.isNaN else { continue }
          let isInside = isInside(rings, x: field.xs[column], y: field.ys[row])
          #expect(isInside == (value >= level), "\(seed) \(level) \(column) \(row)")
        }
      }
    }
  }

  /// The value between four places; one of both coordinates is a whole number but for rounding.
  private func interpolated(_ field: ContourField, _ column: Double, _ row: Double) -> Double {
    func value(_ column: Double, _ row: Double) -> Double {
      field.values[Int(row.rounded()) * field.columns + Int(column.rounded())]
    }
    if abs(column - column.rounded()) < 1e-9 {
      let (low, part) = (row.rounded(.down), row - row.rounded(.down))
      return part == 0 ? value(column, low) : value(column, low) * (1 - part) + value(column, low + 1) * part
    }
    let (low, part) = (column.rounded(.down), column - column.rounded(.down))
    return value(low, row) * (1 - part) + value(low + 1, row) * part
  }

  private func isInside(_ rings: [ContourField.Ring], x: Double, y: Double) -> Bool {
    var isInside = false
    for ring in rings {
      for (one, next) in zip(ring.corners, ring.corners.dropFirst() + ring.corners.prefix(1))
      where (one.y > y) != (next.y > y) {
        if x < one.x + (y - one.y) / (next.y - one.y) * (next.x - one.x) { isInside.toggle() }
      }
    }
    return isInside
  }

  @Test func levelsAreRoundNumbersBetweenTheLowestAndTheHighest() {
    let bowl = (0...1000).map { Double($0) / 100 }
    #expect(ContourLevels(of: bowl, spacing: .automatic).labels == ["2", "4", "6", "8"])
    let wide = (0...1000).map { 0.001 * Double($0) * Double($0) * Double($0) }
    let levels = ContourLevels(of: wide, spacing: .automatic)
    #expect(levels.spacing == .logarithmic)
    #expect((5...12).contains(levels.values.count))
    for spacing in [ContourChart.Spacing.automatic, .linear, .logarithmic, .quantiles] {
      for values in [bowl, wide, wide.map { -$0 }.reversed(), bowl.map { $0 - 5 }] {
        let levels = ContourLevels(of: values, spacing: spacing)
        #expect((1...12).contains(levels.values.count))
        #expect(zip(levels.values, levels.values.dropFirst()).allSatisfy(<))
        #expect(levels.values.allSatisfy { $0 > values[0] && $0 < values[values.count - 1] })
      }
      #expect(ContourLevels(of: [3, 3, 3], spacing: spacing).values.isEmpty)
      #expect(ContourLevels(of: [], spacing: spacing).values.isEmpty)
    }
  }

  private let bounds = Bounds(-2, 2)
  private func bowl(_ paths: [ContourChart.Path] = []) -> ContourChart {
    ContourChart(
      title: "Bowl", grid: Grid(columns: 41, rows: 41, x: bounds, y: bounds) { x, y in x * x + y * y }, xBounds: bounds,
      yBounds: bounds, paths: paths, minima: [Point(x: 0, y: 0)])
  }

  @Test func aContourChartSaysWhatItShows() throws {
    let document = DocumentReader(
      bowl([ContourChart.Path(name: "sgd", points: [Point(x: 1, y: 1), Point(x: 0.5, y: 0.25)])]).svg())
    #expect(document.isWellFormed)
    #expect(try #require(document.elements.first).attributes["role"] == "img")
    #expect(document.elements.dropFirst().prefix(3).map(\.name) == ["title", "desc", "style"])
    for text in ["Bowl", "sgd", "start", "end", "minimum", "Values from 0, near 0, 0, to 8"] {
      #expect(document.text.contains(text))
    }
    #expect(document.text.contains("sgd: 2 places, from 1, 1 to 0.5, 0.25."))
  }

  @Test func theLineOfEqualValueAroundAMinimumIsClosedAndRound() {
    let field = ContourField(of: bowl().grid, largestSide: 160)
    let rings = field.rings(at: 1)
    // The edge of the grid, and the hole of what is lower.
    #expect(rings.count == 2)
    for ring in rings where ring.isLine.allSatisfy({ $0 }) {
      for corner in ring.corners {
        let (x, y) = (corner.x * 4 - 2, corner.y * 4 - 2)
        #expect(abs(x * x + y * y - 1) < 0.01)
      }
    }
  }

  @Test(arguments: 0..<100) func aPathStaysWithinTheFrame(_ seed: UInt64) throws {
    var generator = SeededGenerator(state: seed)
    let way = (0..<Int.random(in: 0...3000, using: &generator)).map { _ in
      Point(x: value(&generator), y: value(&generator))
    }
    let box = Box(left: 50, top: 30, width: 300, height: 200)
    func axis(_ low: Double, _ high: Double) -> Axis {
      .exact(from: low, to: high, length: 100, mostLabels: 5) { _ in 10 }
    }
    let line = PathLine(way, in: Frame(box: box, xAxis: axis(-2, 2), yAxis: axis(-1e9, 1e9)))
    #expect(line.runs.allSatisfy { run in run.allSatisfy { box.contains(x: $0.x, y: $0.y) } })
    #expect(line.runs.reduce(0) { $0 + $1.count } <= PathLine.largestCount)
  }

  private func value(_ generator: inout SeededGenerator) -> Double {
    switch Int.random(in: 0..<40, using: &generator) {
    case 0: Double(bitPattern: generator.next())
    case 1: 1e300
    case 2: -1.7976931348623157e308
    case 3...5: 0
    default: Double.random(in: -3...3, using: &generator)
    }
  }

  @Test func aPathEndsWithADotAnArrowOrACross() {
    let box = Box(left: 0, top: 0, width: 100, height: 100)
    let axis = Axis.exact(from: 0, to: 10, length: 100, mostLabels: 5) { _ in 10 }
    let frame = Frame(box: box, xAxis: axis, yAxis: axis)
    func line(_ points: [(Double, Double)]) -> PathLine { PathLine(points.map { Point(x: $0.0, y: $0.1) }, in: frame) }
    #expect(line([(1, 1), (2, 2)]).end == .inside)
    let leaving = line([(1, 1), (21, 1)])
    #expect(leaving.end == .outside)
    #expect(leaving.runs == [[PathLine.Place(x: 10, y: 90), PathLine.Place(x: 100, y: 90)]])
    let lost = line([(1, 1), (2, 2), (.nan, 0), (3, 3)])
    #expect(lost.end == .lost)
    #expect(lost.count == 2)
    let returning = line([(5, 5), (5, 15), (15, 15), (15, 5), (5, 5)])
    #expect(returning.runs.count == 2)
    #expect(line([]).runs.isEmpty)
    #expect(line([(-5, -5), (-5, 50)]).runs.isEmpty)
  }

  @Test func pathsAreToldApartByPatternsToo() {
    let way = [Point(x: 1, y: 1), Point(x: -1, y: 0)]
    let document = DocumentReader(bowl((0..<10).map { ContourChart.Path(name: "\($0)", points: way) }).svg())
    let legend = document.elements.filter {
      $0.attributes["class"]?.hasPrefix("curve-") == true && $0.attributes["stroke-dasharray"] != nil
        && $0.attributes["stroke-width"] == "2.5" && $0.attributes["fill"] == nil
    }
    #expect(Set(legend.map { $0.attributes["stroke-dasharray"] ?? "" }).count == 10)
  }

  @Test func whereThereIsNoValueItIsHatched() {
    let grid = Grid(columns: 20, rows: 20, x: bounds, y: bounds) { x, y in x > 1 ? .infinity : x + y }
    let chart = ContourChart(grid: grid, xBounds: bounds, yBounds: bounds)
    let document = DocumentReader(chart.svg())
    #expect(document.text.contains("no finite value"))
    #expect(document.text.contains("Hatched where there is no finite value."))
    #expect(document.elements.filter { $0.name == "path" && $0.attributes["class"] == "muted-line" }.count == 2)
    #expect(!DocumentReader(bowl().svg()).text.contains("no finite value"))
  }

  @Test func noiseOnALargeGridMakesABoundedPicture() {
    var generator = SeededGenerator(state: 9)
    let noise = (0..<500 * 500).map { index in
      index % 7 == 0 ? .nan : Double.random(in: 0...1, using: &generator)
    }
    let way = (0..<100_000).map { _ in
      Point(x: Double.random(in: -4...4, using: &generator), y: Double.random(in: -4...4, using: &generator))
    }
    let chart = ContourChart(
      grid: Grid(columns: 500, rows: 500, values: noise), xBounds: bounds, yBounds: bounds,
      paths: (0..<50).map { ContourChart.Path(name: "\($0)", points: way) }, width: 4096, height: 4096)
    let bytes = chart.svg()
    #expect(bytes.count < 1_500_000)
    #expect(DocumentReader(bytes).isWellFormed)
    #expect(String(decoding: bytes, as: UTF8.self).contains("Not drawn: 38 more."))
  }

  @Test(arguments: 0..<100) func hostileInputNeverBreaksAContourChart(_ seed: UInt64) {
    var generator = SeededGenerator(state: seed)
    let extremes: [Double] = [
      0, 1, -1, 1e300, -1e300, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .nan,
      .infinity, -.infinity,
    ]
    let kinds = (0..<3).map { _ in extremes.randomElement(using: &generator) ?? 0 }
    func value() -> Double {
      Bool.random(using: &generator)
        ? kinds.randomElement(using: &generator) ?? 0 : Double.random(in: -3...3, using: &generator)
    }
    let columns = [0, 1, 2, 3, 9, .max, .min].randomElement(using: &generator) ?? 0
    let rows = [0, 1, 2, 5, -1].randomElement(using: &generator) ?? 0
    let count = [0, 1, 10, 45].randomElement(using: &generator) ?? 0
    let nasty = seed % 2 == 0 ? "name" : "<script>\u{0}\u{202E}&\"'" + String(repeating: "\u{1F600}<", count: 5000)
    let chart = ContourChart(
      title: nasty, grid: Grid(columns: columns, rows: rows, values: (0..<count).map { _ in value() }),
      xBounds: Bounds(value(), value()), yBounds: Bounds(value(), value()),
      paths: (0..<Int.random(in: 0...14, using: &generator)).map { _ in
        ContourChart.Path(
          name: nasty, points: (0..<Int.random(in: 0...9, using: &generator)).map { _ in Point(x: value(), y: value()) }
        )
      }, minima: (0..<3).map { _ in Point(x: value(), y: value()) }, xLabel: nasty, yLabel: nasty, valueLabel: nasty,
      spacing: [.automatic, .linear, .logarithmic, .quantiles].randomElement(using: &generator) ?? .automatic,
      width: [Int.min, 240, 800, Int.max].randomElement(using: &generator) ?? 0,
      height: [Int.min, 200, 560, Int.max].randomElement(using: &generator) ?? 0)
    checkHostile(chart.svg(), atMost: 1_500_000)
  }
}
