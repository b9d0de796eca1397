import Policies

/// What one rank reported of one metric at one step.
struct RankValue: Sendable, Equatable {
  var rank: Int
  var value: Double
  /// The weight in the mean.
  var samples: Double
}

/// One metric at one step.
struct Entry: Sendable, Equatable {
  var step: Int
  /// The value of the leader, or of all ranks once it is closed.
  var value: Double
  var vector: [Double]?
  /// In a quorum: who has reported, by rank.
  var ranks: [RankValue]?
  var isClosed: Bool
}

/// The last reports of one metric by step, and which steps before them were reported.
struct Series: Sendable, Equatable {
  let name: String
  var entries: [Entry] = []
  var known = Intervals()

  /// Where the step is, or where it would have to stand.
  func position(_ step: Int) -> (index: Int, isThere: Bool) {
    guard let last = entries.last, last.step >= step else { return (entries.count, false) }
    if last.step == step { return (entries.count - 1, true) }
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].step < step { low = middle + 1 } else { high = middle }
    }
    return (low, low < entries.count && entries[low].step == step)
  }
}

/// A set of whole numbers as intervals, of bounded size: where there are too many, the oldest gaps are forgotten.
struct Intervals: Sendable, Equatable {
  static let largestCount = 64

  /// Ascending, with gaps between them.
  private(set) var ranges: [ClosedRange<Int>] = []

  init(_ ranges: [ClosedRange<Int>] = []) { self.ranges = ranges }

  func contains(_ value: Int) -> Bool {
    for range in ranges.reversed() {
      if value > range.upperBound { return false }
      if value >= range.lowerBound { return true }
    }
    return false
  }

  mutating func insert(_ value: Int) {
    var index = ranges.count
    while index > 0, ranges[index - 1].lowerBound > value { index -= 1 }
    if index > 0, ranges[index - 1].contains(value) { return }
    let joinsBefore = index > 0 && ranges[index - 1].upperBound == value - 1
    let joinsAfter = index < ranges.count && ranges[index].lowerBound == value + 1
    switch (joinsBefore, joinsAfter) {
    case (true, true):
      ranges[index - 1] = ranges[index - 1].lowerBound...ranges[index].upperBound
      ranges.remove(at: index)
    case (true, false): ranges[index - 1] = ranges[index - 1].lowerBound...value
    case (false, true): ranges[index] = value...ranges[index].upperBound
    case (false, false): ranges.insert(value...value, at: index)
    }
    if ranges.count > Self.largestCount {
      ranges[1] = ranges[0].lowerBound...ranges[1].upperBound
      ranges.removeFirst()
    }
  }
}

extension SessionSpecification.Aggregate {
  /// One value of all ranks': any that is not finite makes it so. Ranks come in their order, so that the sum does not
  /// depend on the order of arrival.
  func value(_ values: [RankValue]) -> Double {
    if let bad = values.first(where: { !$0.value.isFinite }) { return bad.value }
    switch self {
    case .sum: return values.reduce(0) { $0 + $1.value }
    case .min: return values.reduce(.infinity) { Swift.min($0, $1.value) }
    case .max: return values.reduce(-.infinity) { Swift.max($0, $1.value) }
    case .median:
      let sorted = values.map(\.value).sorted()
      let middle = sorted.count / 2
      return sorted.count % 2 == 1 ? sorted[middle] : sorted[middle - 1] / 2 + sorted[middle] / 2
    case .mean:
      let weight = values.reduce(0) { $0 + $1.samples }
      return values.reduce(0) { $0 + $1.value * ($1.samples / weight) }
    }
  }
}
