/// A rectangle of the plane of two parameters.
public struct PlaneBounds: Sendable, Equatable {
  public var x: ClosedRange<Double>
  public var y: ClosedRange<Double>

  public init(x: ClosedRange<Double>, y: ClosedRange<Double>) {
    self.x = x
    self.y = y
  }

  /// The rectangle, widened so that it holds the points too, with a twentieth to spare.
  ///
  /// - Parameters:
  ///   - points: those that are not finite are left out.
  ///   - most: the rectangle grows to at most this many times its width and its height on either side: a path that runs
  ///     away must not make the rest of the picture a dot.
  public func including(_ points: [(x: Double, y: Double)], most: Double = 2) -> PlaneBounds {
    PlaneBounds(
      x: Self.widened(x, by: points.map(\.x), most: most), y: Self.widened(y, by: points.map(\.y), most: most))
  }

  private static func widened(_ range: ClosedRange<Double>, by values: [Double], most: Double) -> ClosedRange<Double> {
    let width = range.upperBound - range.lowerBound
    var (low, high) = (range.lowerBound, range.upperBound)
    for value in values where value.isFinite {
      if value < range.lowerBound { low = min(low, value - width / 20) }
      if value > range.upperBound { high = max(high, value + width / 20) }
    }
    return max(low, range.lowerBound - most * width)...min(high, range.upperBound + most * width)
  }
}

/// The loss on a grid of the plane, for a contour chart.
public struct LossSurface: Sendable, Equatable {
  public let bounds: PlaneBounds
  public let columns: Int
  public let rows: Int
  /// The loss row by row, from the least y to the greatest, and from the least x to the greatest in each. May hold values
  /// that are not finite.
  public let losses: [Double]

  /// Samples the exact training loss.
  ///
  /// - Parameters:
  ///   - problem: has two parameters.
  ///   - bounds: the rectangle; its edges are sampled too. Left out: the problem's own view.
  ///   - columns: how many values of x, at least 2.
  ///   - rows: how many values of y, at least 2.
  /// - Returns: nil where the problem has not two parameters.
  public init?(of problem: any Problem, bounds: PlaneBounds? = nil, columns: Int = 80, rows: Int = 60) {
    guard problem.start.count == 2, let bounds = bounds ?? problem.view else { return nil }
    self.bounds = bounds
    self.columns = max(columns, 2)
    self.rows = max(rows, 2)
    var losses: [Double] = []
    losses.reserveCapacity(self.columns * self.rows)
    var point = [0.0, 0.0]
    for row in 0..<self.rows {
      point[1] = Self.coordinate(row, of: self.rows, in: bounds.y)
      for column in 0..<self.columns {
        point[0] = Self.coordinate(column, of: self.columns, in: bounds.x)
        losses.append(problem.loss(at: point))
      }
    }
    self.losses = losses
  }

  /// The x of a column.
  public func x(_ column: Int) -> Double { Self.coordinate(column, of: columns, in: bounds.x) }

  /// The y of a row.
  public func y(_ row: Int) -> Double { Self.coordinate(row, of: rows, in: bounds.y) }

  public subscript(row row: Int, column column: Int) -> Double { losses[row * columns + column] }

  private static func coordinate(_ index: Int, of count: Int, in range: ClosedRange<Double>) -> Double {
    let part = Double(index) / Double(count - 1)
    return range.lowerBound * (1 - part) + range.upperBound * part
  }
}
