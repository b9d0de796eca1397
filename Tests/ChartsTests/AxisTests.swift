import Testing

@testable import Charts

@Suite struct AxisTests {
  private func rates(_ low: Double, _ high: Double, _ count: Int = 8) -> Axis {
    .rounded(from: low, to: high, mostLabels: count)
  }

  private func logarithmic(_ low: Double, _ high: Double, _ count: Int = 8, hasOthers: Bool = false) -> Axis {
    .logarithmic(from: low, to: high, hasOthers: hasOthers, mostLabels: count)
  }

  private func steps(_ first: Double, _ last: Double, _ count: Int = 8) -> Axis {
    .exact(from: first, to: last, length: 100, mostLabels: count) { Double($0.count) }
  }

  @Test func labelsAreShort() {
    #expect(rates(0, 0.3).ticks.map(\.label) == ["0", "0.05", "0.1", "0.15", "0.2", "0.25", "0.3"])
    #expect(rates(0, 5e-4).ticks.map(\.label) == ["0", "1e-4", "2e-4", "3e-4", "4e-4", "5e-4"])
    #expect(steps(0, 1e6).ticks.map(\.label) == ["0", "200k", "400k", "600k", "800k", "1M"])
    #expect(steps(0, 3000, 4).ticks.map(\.label) == ["0", "1000", "2000", "3000"])
    #expect(steps(1_000_000, 1_000_003).ticks.map(\.label) == ["1000000", "1000001", "1000002", "1000003"])
    #expect(rates(0, 1e300, 4).ticks.map(\.label) == ["0", "5e299", "1e300"])
  }

  @Test func logarithmicLabelsAreDecades() {
    #expect(logarithmic(1e-5, 0.1).ticks.map(\.label) == ["1e-5", "1e-4", "0.001", "0.01", "0.1"])
    #expect(logarithmic(1e-5, 0.1).minorPositions.count == 32)
    #expect(logarithmic(1, 1e6).ticks.map(\.label) == ["1", "10", "100", "1000", "10k", "100k", "1M"])
    #expect(
      logarithmic(1e-300, 1).ticks.map(\.label) == ["1e-300", "1e-250", "1e-200", "1e-150", "1e-100", "1e-50", "1"])
  }

  @Test func aLogarithmicAxisOfLessThanADecadeHasLabelsToo() {
    #expect(logarithmic(0.02, 0.1).ticks.map(\.label) == ["0.02", "0.05", "0.1"])
    #expect(logarithmic(0.3, 0.8).ticks.map(\.label) == ["0.3", "0.5", "0.7"])
    #expect(logarithmic(0.1, 0.102, 5).ticks.map(\.label) == ["0.1", "0.1005", "0.101", "0.1015", "0.102"])
    #expect(logarithmic(0.1, 0.1).ticks.map(\.label) == ["0.05", "0.1", "0.2"])
  }

  @Test func ratesOfZeroHaveAStripBelowTheLowestOnALogarithmicAxis() {
    let axis = logarithmic(0.001, 1, hasOthers: true)
    #expect(axis.fraction(of: 0) == 0)
    #expect(axis.fraction(of: -1) == 0)
    #expect(axis.fraction(of: 0.001) > 0.05)
    #expect(Plot(of: Chart(series: [], yScale: .logarithmic)).yLabel("rate").note == " (log scale)")
    let zero = Chart(series: [Series(name: "", points: [Point(x: 0, y: 0)])], yScale: .logarithmic)
    #expect(Plot(of: zero).yLabel("rate").note == " (log scale; ≤ 0 on the lower edge)")
  }

  @Test func anAxisOfRatesStartsAtZeroUnlessThatSqueezesTheCurves() {
    #expect(rates(0.01, 0.1).low == 0)
    #expect(rates(0.09, 0.1).low == 0.09)
    #expect(rates(0.1, 0.1).low == 0)
    #expect(rates(-0.1, -0.1).high == 0)
    #expect(rates(0, 0).low == 0)
    #expect(rates(0.1, 0.1 + 1e-13).low == 0)
  }

  @Test func ticksAscendWithinTheAxisWhateverItSpans() {
    var generator = SeededGenerator(state: 3)
    func value() -> Double {
      let size = Double.random(in: -300...300, using: &generator)
      let wide = (Bool.random(using: &generator) ? 1 : -1) * pow10(size) * Double.random(in: 1...9, using: &generator)
      return Bool.random(using: &generator) ? wide : Double(Int.random(in: -10_000...10_000, using: &generator)) / 1000
    }
    for round in 0..<20_000 {
      let (one, other) = (value(), round % 7 == 0 ? value() * 1e-12 : value())
      let (low, high) = round % 5 == 0 ? (one, one + abs(one) * 1e-7) : (min(one, other), max(one, other))
      let count = Int.random(in: 2...20, using: &generator)
      var axes = [rates(low, high, count), steps(low, high, count)]
      if low > 0 { axes.append(logarithmic(low, high, count, hasOthers: round % 2 == 0)) }
      for axis in axes {
        let positions = axis.ticks.map(\.position)
        #expect(zip(positions, positions.dropFirst()).allSatisfy(<), "\(low) \(high)")
        #expect(positions.allSatisfy { axis.low <= $0 && $0 <= axis.high }, "\(low) \(high)")
        #expect(Set(axis.ticks.map(\.label)).count == positions.count, "\(low) \(high) \(axis.ticks.map(\.label))")
        #expect((1...30).contains(positions.count), "\(low) \(high) \(count) \(positions.count)")
        #expect(axis.ticks.allSatisfy { $0.label.count <= 18 }, "\(low) \(high) \(axis.ticks.map(\.label))")
        #expect(axis.low < axis.high)
      }
    }
  }

  private func pow10(_ exponent: Double) -> Double {
    Double("1e\(Int(exponent))") ?? 1
  }

  @Test(arguments: [
    (0, "0"), (0.1 + 0.2, "0.3"), (0.001, "0.001"), (0.00012345, "1.235e-4"), (1e-5, "1e-5"), (12345, "12.35k"),
    (1_000_000, "1M"), (.leastNonzeroMagnitude, "5e-324"), (1.7976931348623157e308, "1.798e308"), (-2500, "-2500"),
    (0x1p53, "9.007e15"),
    (2e9, "2B"), (99999, "100k"),
  ]) func aNumberInRunningTextHasFourDigits(_ value: Double, _ label: String) {
    #expect(DecimalNumber(value, significantDigits: 4).label == label)
  }

  @Test func coordinatesHaveAtMostTwoDecimals() {
    func text(_ hundredths: Int) -> String {
      var markup = Markup()
      markup.add(hundredths: hundredths)
      return String(decoding: markup.bytes, as: UTF8.self)
    }
    #expect([0, 5, 10, 123, 100, -7, 45_670].map(text) == ["0", "0.05", "0.1", "1.23", "1", "-0.07", "456.7"])
  }
}
