/// The upper bounds of a histogram's buckets, in seconds; what is longer than all of them is counted too.
public struct HistogramBounds: Sendable {
  public let seconds: [Double]

  /// - Parameter seconds: ascending.
  public init(_ seconds: [Double]) { self.seconds = seconds }

  /// From 100 µs, which most requests stay under, to the longest wait for other ranks and beyond.
  public static let requests = HistogramBounds([
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60,
  ])

  /// From a fast drive's fsync to a stalled one's.
  public static let commits = HistogramBounds([
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ])

  /// How many numbers a histogram keeps: one for each bucket, one for what is longer, and the sum.
  public var numbers: Int { seconds.count + 2 }

  /// The bucket that a duration falls into: the first whose bound is not below it.
  @inline(__always) public func bucket(_ duration: Double) -> Int {
    var index = 0
    while index < seconds.count && duration > seconds[index] { index += 1 }
    return index
  }
}

/// How often something took how long.
public final class Histogram: Sendable {
  public let bounds: HistogramBounds
  private let counters: Counters

  public init(_ bounds: HistogramBounds) {
    self.bounds = bounds
    counters = Counters(count: bounds.numbers)
  }

  /// - Parameter seconds: at least 0.
  public func observe(_ seconds: Double) {
    counters.add(1, at: bounds.bucket(seconds))
    counters.add(nanoseconds(seconds), at: bounds.seconds.count + 1)
  }

  public var reading: HistogramReading {
    var reading = HistogramReading(bounds)
    reading.add(counters, from: 0)
    return reading
  }
}

/// A histogram's numbers at one moment.
public struct HistogramReading: Sendable, Equatable {
  public let bounds: [Double]
  /// How many fell into each bucket alone; the last is for what was longer than all bounds.
  public private(set) var counts: [UInt64]
  private var nanoseconds: UInt64 = 0

  public init(_ bounds: HistogramBounds) {
    self.bounds = bounds.seconds
    counts = [UInt64](repeating: 0, count: bounds.seconds.count + 1)
  }

  public var count: UInt64 { counts.reduce(0, &+) }

  /// Seconds of all together.
  public var sum: Double { Double(nanoseconds) / 1e9 }

  /// Adds what is kept in `counters` from `start` on: the buckets' counts, then the sum in nanoseconds.
  public mutating func add(_ counters: Counters, from start: Int) {
    for index in counts.indices { counts[index] &+= counters[start + index] }
    nanoseconds &+= counters[start + counts.count]
  }
}

/// A duration as histograms add it up; 0 for one that is none.
@inline(__always) public func nanoseconds(_ seconds: Double) -> UInt64 {
  seconds > 0 && seconds < 1e9 ? UInt64(seconds * 1e9) : 0
}
