import Dispatch
import Foundation
import Measures
import Testing

@Suite struct MeasuresTests {
  @Test func aDurationFallsIntoTheFirstBucketThatIsNotBelowIt() {
    let histogram = Histogram(HistogramBounds([0.001, 0.01, 0.1]))
    for seconds in [0, 0.001, 0.0011, 0.01, 0.05, 0.1, 0.2, 7] { histogram.observe(seconds) }
    let reading = histogram.reading
    #expect(reading.counts == [2, 2, 2, 2])
    #expect(reading.count == 8)
    #expect(abs(reading.sum - 7.3621) < 1e-6)
  }

  @Test(arguments: [Double.nan, -1, .infinity, -.infinity, 1e300])
  func aDurationThatIsNoneHarmsNothing(_ seconds: Double) {
    let histogram = Histogram(.requests)
    histogram.observe(seconds)
    #expect(histogram.reading.count == 1)
    #expect(histogram.reading.sum == 0)
  }

  @Test func countersLoseNothingBetweenThreads() {
    let counters = Counters(count: 3)
    let counter = Counter()
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for _ in 0..<1000 {
        counters.add(2, at: 1)
        counter.add()
      }
    }
    #expect((0..<3).map { counters[$0] } == [0, 16_000, 0])
    #expect(counter.value == 8000)
  }

  @Test func anIndexThatIsNoneCountsNothing() {
    let counters = Counters(count: 2)
    counters.add(1, at: -1)
    counters.add(1, at: 2)
    #expect([-1, 0, 1, 2].map { counters[$0] } == [0, 0, 0, 0])
  }

  @Test func bucketsAreWrittenWithThoseBelowThem() {
    let histogram = Histogram(HistogramBounds([0.0001, 1]))
    for seconds in [0.5, 0.25, 3] { histogram.observe(seconds) }
    var page = Exposition()
    page.family("a_seconds", .histogram, "How long.")
    page.samples(histogram.reading, [(name: "route", value: "/x")])
    #expect(
      String(decoding: page.text, as: UTF8.self) == """
        # HELP a_seconds How long.
        # TYPE a_seconds histogram
        a_seconds_bucket{route="/x",le="0.0001"} 0
        a_seconds_bucket{route="/x",le="1"} 2
        a_seconds_bucket{route="/x",le="+Inf"} 3
        a_seconds_sum{route="/x"} 3.75
        a_seconds_count{route="/x"} 3

        """)
  }

  @Test func labelsHelpAndNumbersAreWrittenAsTheFormatWants() {
    var page = Exposition()
    page.family("a", .gauge, "One \\ two\nthree \"four\".")
    page.sample(1, [(name: "x", value: "a\\b\"c\nd"), (name: "y", value: "é")])
    page.sample(Double.infinity)
    page.sample(-Double.infinity)
    page.sample(Double.nan)
    page.sample(0.5)
    #expect(
      String(decoding: page.text, as: UTF8.self) == #"""
        # HELP a One \\ two\nthree "four".
        # TYPE a gauge
        a{x="a\\b\"c\nd",y="é"} 1
        a +Inf
        a -Inf
        a NaN
        a 0.5

        """#)
  }

  @Test func theKernelTellsOfThisProcess() throws {
    let figures = ProcessFigures()
    #expect(try #require(figures.residentBytes) > 1 << 20)
    let virtual = try #require(figures.virtualBytes)
    #expect(try #require(figures.residentBytes) <= virtual)
    #expect(try #require(figures.cpuSeconds) >= 0)
    let age = Date().timeIntervalSince1970 - (try #require(figures.startTime))
    #expect(age > -2 && age < 86_400)
    let open = try #require(figures.openDescriptors)
    let maximum = try #require(figures.maximumDescriptors)
    #expect(open >= 3 && open <= Int(clamping: maximum))
  }
}
