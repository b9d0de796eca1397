/// Values over a rectangle: for every one of `rows` times `columns` places a number, such as the loss of two parameters.
public struct Grid: Sendable {
  /// How many places there are side by side; 0 … ``largestSide``.
  public let columns: Int
  /// How many places there are one above the other; 0 … ``largestSide``.
  public let rows: Int
  /// Row by row, from the lowest row upwards, each from left to right. What is missing at the end counts as no number.
  public let values: [Double]

  /// The greatest number of columns and of rows.
  public static let largestSide = 1_000_000

  /// - Parameters:
  ///   - columns, rows: the size; numbers out of range are taken as the nearest within.
  ///   - values: row by row, from the lowest row upwards. They need not be finite.
  public init(columns: Int, rows: Int, values: [Double]) {
    self.columns = min(max(columns, 0), Self.largestSide)
    self.rows = min(max(rows, 0), Self.largestSide)
    self.values = values
  }

  /// A function at the places of a grid that spans a rectangle, with places on all four edges.
  ///
  /// - Parameters:
  ///   - columns, rows: the size; 2 … 4096, others are taken as the nearest.
  ///   - x, y: the rectangle.
  ///   - value: the value at a place.
  public init(columns: Int, rows: Int, x: Bounds, y: Bounds, value: (_ x: Double, _ y: Double) -> Double) {
    let (columns, rows) = (min(max(columns, 2), 4096), min(max(rows, 2), 4096))
    var values: [Double] = []
    values.reserveCapacity(columns * rows)
    for row in 0..<rows {
      let height = y.low + (y.high - y.low) * (Double(row) / Double(rows - 1))
      for column in 0..<columns {
        values.append(value(x.low + (x.high - x.low) * (Double(column) / Double(columns - 1)), height))
      }
    }
    self.init(columns: columns, rows: rows, values: values)
  }

  /// The value at a place counted from the lower left; no number where there is none.
  public subscript(column: Int, row: Int) -> Double {
    guard (0..<columns).contains(column), (0..<rows).contains(row) else { return .nan }
    let index = row * columns + column
    return index < values.count ? values[index] : .nan
  }
}

/// The ends of a range of values.
public struct Bounds: Sendable, Equatable {
  /// One end; −10³⁰⁰ … 10³⁰⁰.
  public var low: Double
  /// The other end; −10³⁰⁰ … 10³⁰⁰.
  public var high: Double

  /// - Parameters:
  ///   - low, high: the ends. Those that are no numbers are drawn as 0 and 1, a greater one as the upper end, and equal
  ///     ones a little apart.
  public init(_ low: Double, _ high: Double) {
    self.low = low
    self.high = high
  }

  /// The ends as they can be drawn.
  var ordered: Bounds {
    let low = low.isFinite ? min(max(low, -Axis.largest), Axis.largest) : 0
    let high = high.isFinite ? min(max(high, -Axis.largest), Axis.largest) : 1
    return Bounds(min(low, high), max(low, high))
  }
}
