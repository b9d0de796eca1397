import Foundation
import Schedules

/// Which steps of a run are kept: always the first and the last, and between them no more than are wanted.
public struct Recording: Sendable, Equatable {
  public enum Spacing: String, Sendable, CaseIterable {
    /// As far from each other everywhere: the end of the run is seen as well as its start.
    case even
    /// Ever farther from each other: the start, where the most happens, is seen in full.
    case logarithmic
    /// Half of the points each way.
    case mixed
  }

  /// The most points that are kept, at least 2.
  public var points: Int
  public var spacing: Spacing

  /// - Parameters:
  ///   - points: the most points that are kept; fewer than 2 are taken for 2.
  ///   - spacing: how they are spread.
  public init(points: Int = 200, spacing: Spacing = .mixed) {
    self.points = max(points, 2)
    self.spacing = spacing
  }

  /// The steps that are kept of a run of `steps` updates, ascending, from 0 to `steps`.
  func steps(of steps: Int) -> [Int] {
    if steps < points { return Array(0...max(steps, 0)) }
    var chosen: [Int]
    switch spacing {
    case .even: chosen = Self.even(points, steps)
    case .logarithmic: chosen = Self.logarithmic(points, steps)
    case .mixed:
      // The two share some steps, and there may be one too many.
      chosen = Array(Set(Self.even(points / 2 + 1, steps) + Self.logarithmic(points - points / 2, steps))).sorted()
      while chosen.count > points { chosen.remove(at: chosen.count - 2) }
    }
    return chosen
  }

  private static func even(_ points: Int, _ steps: Int) -> [Int] {
    let distance = Double(steps) / Double(max(points - 1, 1))
    return (0..<max(points, 2)).map { $0 == max(points, 2) - 1 ? steps : whole(Double($0) * distance) }
  }

  /// The number without its fraction; steps beyond 2⁵³ are no different from it.
  private static func whole(_ step: Double) -> Int { Int(min(step, largestStep)) }

  /// 0, then powers of one base up to `steps`, each at least one after the one before: the count is what was asked for.
  private static func logarithmic(_ points: Int, _ steps: Int) -> [Int] {
    var chosen = [0]
    for index in 1..<max(points, 2) {
      let part = points <= 2 ? 1 : Double(index - 1) / Double(points - 2)
      let step = whole(pow(Double(steps), part).rounded())
      let next = min(max(step, (chosen.last ?? 0) + 1), steps)
      if next > chosen.last ?? 0 { chosen.append(next) }
    }
    if chosen.last != steps { chosen.append(steps) }
    return chosen
  }
}
