import Foundation
import Schedules

/// Seeded random numbers: the same seed gives the same problem on every machine, as far as its log and cos agree.
struct Random {
  private var bits: SplitMix

  /// - Parameters:
  ///   - seed: chooses the numbers.
  ///   - stream: numbers of different streams have nothing to do with each other: the data, the start, each step.
  init(seed: UInt64, stream: UInt64) {
    // Two rounds: neighboring seeds and neighboring streams are far apart.
    var first = SplitMix(state: seed)
    var second = SplitMix(state: first.next() ^ stream)
    bits = SplitMix(state: second.next())
  }

  /// A number from 0 to below 1.
  mutating func unit() -> Double { bits.unit() }

  /// A number from `range.lowerBound` to below `range.upperBound`.
  mutating func uniform(_ range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * bits.unit()
  }

  /// A whole number from 0 to below `count`, which is at least 1.
  mutating func index(_ count: Int) -> Int { min(Int(bits.unit() * Double(count)), count - 1) }

  /// A standard normal number, by Box and Muller's transformation (1958); its twin is thrown away.
  mutating func normal() -> Double {
    let radius = (-2 * log(1 - bits.unit())).squareRoot()
    return radius * cos(2 * .pi * bits.unit())
  }

  mutating func normals(_ count: Int) -> [Double] { (0..<count).map { _ in normal() } }

  /// The streams that are no step's: steps are counted from 0.
  enum Stream {
    static let training = UInt64.max
    static let validation = UInt64.max - 1
    static let start = UInt64.max - 2
  }
}
