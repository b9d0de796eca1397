/// Values at the crossings of a grid, and the lines of equal value between them (marching squares).
struct ContourField {
  /// At least 2.
  let columns: Int
  let rows: Int
  /// Where the columns are, from 0 to 1.
  let xs: [Double]
  /// Where the rows are, from 0 to 1, upwards.
  let ys: [Double]
  /// Row by row; no number where there is no value.
  let values: [Double]

  /// - Parameter largestSide: of how many columns and rows the values are taken at most; at least 2.
  init(of grid: Grid, largestSide: Int) {
    func chosen(_ count: Int) -> [Int] {
      // A single column is drawn as two alike.
      if count < 2 { return [0, 0] }
      if count <= largestSide { return Array(0..<count) }
      return (0..<largestSide).map { $0 * (count - 1) / (largestSide - 1) }
    }
    func places(_ indices: [Int], _ count: Int) -> [Double] {
      count < 2 ? [0, 1] : indices.map { Double($0) / Double(count - 1) }
    }
    let (columnIndices, rowIndices) = (chosen(grid.columns), chosen(grid.rows))
    columns = columnIndices.count
    rows = rowIndices.count
    xs = places(columnIndices, grid.columns)
    ys = places(rowIndices, grid.rows)
    values = rowIndices.flatMap { row in
      columnIndices.map { column in
        let value = grid[column, row]
        return value.isFinite ? min(max(value, -Axis.largest), Axis.largest) : .nan
      }
    }
  }

  private init(columns: Int, rows: Int, xs: [Double], ys: [Double], values: [Double]) {
    self.columns = columns
    self.rows = rows
    self.xs = xs
    self.ys = ys
    self.values = values
  }

  /// The same places with other values.
  func mapped(_ transform: (Double) -> Double) -> ContourField {
    ContourField(columns: columns, rows: rows, xs: xs, ys: ys, values: values.map { $0.isNaN ? $0 : transform($0) })
  }

  /// Whether all four corners of the square right of and above a place have values.
  func isWhole(column: Int, row: Int) -> Bool {
    let index = row * columns + column
    return ![index, index + 1, index + columns, index + columns + 1].contains { values[$0].isNaN }
  }

  /// A closed line around a region of values of at least a level, the region on its left.
  struct Ring {
    /// From 0 to 1 each, y upwards.
    var corners: [(x: Double, y: Double)] = []
    /// Whether the side from the corner to the next is a line of equal value; otherwise it is the edge of the grid, or
    /// close to a place without value.
    var isLine: [Bool] = []
  }

  /// The rings around all regions of values of at least `level`. All around the grid the values count as lower, and
  /// places without value as higher; filled by the even-odd rule, they cover the regions.
  func rings(at level: Double) -> [Ring] {
    // The grid with a margin of one place: every line is closed.
    let width = columns + 2
    let height = rows + 2
    func value(_ column: Int, _ row: Int) -> Double? {
      guard (1...columns).contains(column), (1...rows).contains(row) else { return nil }
      return values[(row - 1) * columns + column - 1]
    }
    // Each edge of the grid is crossed at most once, so a ring is a chain of edges.
    let uprightOffset = width * height
    var next = [Int32](repeating: -1, count: 2 * width * height)
    var isLine = [Bool](repeating: false, count: 2 * width * height)
    var isInside = [Bool](repeating: false, count: width * height)
    for row in 1...rows {
      for column in 1...columns {
        let value = values[(row - 1) * columns + column - 1]
        isInside[row * width + column] = value.isNaN || value >= level
      }
    }
    for row in 0..<height - 1 {
      for column in 0..<width - 1 {
        let index = row * width + column
        let form =
          (isInside[index] ? 1 : 0) + (isInside[index + 1] ? 2 : 0) + (isInside[index + width + 1] ? 4 : 0)
          + (isInside[index + width] ? 8 : 0)
        guard form != 0, form != 15 else { continue }
        let bottom = index
        let top = index + width
        let left = uprightOffset + index
        let right = uprightOffset + index + 1
        var isReal = false
        if (1..<columns).contains(column), (1..<rows).contains(row) {
          isReal = isWhole(column: column - 1, row: row - 1)
        }
        func join(_ start: Int, _ end: Int) {
          next[start] = Int32(truncatingIfNeeded: end)
          isLine[start] = isReal
        }
        switch form {
        case 1: join(bottom, left)
        case 2: join(right, bottom)
        case 3: join(right, left)
        case 4: join(top, right)
        case 6: join(top, bottom)
        case 7: join(top, left)
        case 8: join(left, top)
        case 9: join(bottom, top)
        case 11: join(right, top)
        case 12: join(left, right)
        case 13: join(bottom, right)
        case 14: join(left, bottom)
        default:
          // A saddle: whether the two higher corners are joined is seen from the mean of all four.
          let corners = [(0, 0), (1, 0), (1, 1), (0, 1)].map { value(column + $0.0, row + $0.1) ?? level }
          let isJoined = corners.reduce(0) { $0 + ($1.isNaN ? level : $1) / 4 } >= level
          switch (form, isJoined) {
          case (5, true):
            join(top, left)
            join(bottom, right)
          case (5, false):
            join(bottom, left)
            join(top, right)
          case (_, true):
            join(left, bottom)
            join(right, top)
          case (_, false):
            join(right, bottom)
            join(left, top)
          }
        }
      }
    }
    func place(_ edge: Int) -> (x: Double, y: Double) {
      let index = edge % uprightOffset
      let (column, row) = (index % width, index / width)
      let isUpright = edge >= uprightOffset
      let (otherColumn, otherRow) = isUpright ? (column, row + 1) : (column + 1, row)
      let part = Self.part(from: value(column, row), to: value(otherColumn, otherRow), level)
      func x(_ column: Int) -> Double { xs[min(max(column - 1, 0), columns - 1)] }
      func y(_ row: Int) -> Double { ys[min(max(row - 1, 0), rows - 1)] }
      return (x(column) + (x(otherColumn) - x(column)) * part, y(row) + (y(otherRow) - y(row)) * part)
    }
    var rings: [Ring] = []
    for start in next.indices where next[start] >= 0 {
      var ring = Ring()
      var edge = start
      while next[edge] >= 0 {
        ring.corners.append(place(edge))
        ring.isLine.append(isLine[edge])
        let following = Int(next[edge])
        next[edge] = -1
        edge = following
      }
      rings.append(ring)
    }
    return rings
  }

  /// How far along an edge the level lies; the margin (nil) leaves it to the other end.
  private static func part(from start: Double?, to end: Double?, _ level: Double) -> Double {
    guard let start else { return 1 }
    guard let end else { return 0 }
    if start.isNaN || end.isNaN { return 0.5 }
    // Values are within ±10³⁰⁰ and on two sides of the level, so the difference is finite and not 0.
    return min(max((level - start) / (end - start), 0), 1)
  }
}
