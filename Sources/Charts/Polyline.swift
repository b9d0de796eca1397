/// A corner of a line, in whole units of a drawing: x to the right, y upwards.
struct Vertex: Equatable {
  var x: Int
  var y: Int
}

/// Thins out points while they come, from left to right: of each column of the drawing it keeps the first, the lowest,
/// the highest and the last, so that no spike vanishes however many points there are.
struct Polyline {
  private let isStaircase: Bool
  private let columnWidth: Double
  private var runs: [[Vertex]] = []
  private var run: [Vertex] = []
  private var column: Column?
  private var isInterrupted = false

  /// - Parameter columnWidth: how wide a column is, in units; greater than 0.
  init(isStaircase: Bool, columnWidth: Double) {
    self.isStaircase = isStaircase
    self.columnWidth = columnWidth
  }

  private struct Column {
    let number: Int
    let first: Vertex
    var last: Vertex
    var low: Vertex
    var high: Vertex
    var isLowBeforeHigh = true
  }

  /// Adds a point to the right of, or above or below, the one before.
  mutating func append(_ vertex: Vertex) {
    let number = Int(exactly: (Double(vertex.x) / columnWidth).rounded(.down)) ?? 0
    // A gap narrower than a column cannot be seen, and there may be a million of them.
    if var current = column, current.number == number {
      if vertex.y < current.low.y {
        current.low = vertex
        current.isLowBeforeHigh = false
      }
      if vertex.y > current.high.y {
        current.high = vertex
        current.isLowBeforeHigh = true
      }
      current.last = vertex
      column = current
    } else {
      flush()
      if isInterrupted { endRun() }
      column = Column(number: number, first: vertex, last: vertex, low: vertex, high: vertex)
    }
    isInterrupted = false
  }

  /// Leaves a gap between the point before and the next.
  mutating func interrupt() { isInterrupted = true }

  /// - Returns: the lines between the gaps; a single vertex is a point by itself.
  mutating func finished() -> [[Vertex]] {
    flush()
    endRun()
    return runs
  }

  private mutating func endRun() {
    if !run.isEmpty { runs.append(run) }
    run.removeAll()
  }

  private mutating func flush() {
    guard let done = column else { return }
    column = nil
    add(done.first)
    add(done.isLowBeforeHigh ? done.low : done.high)
    add(done.isLowBeforeHigh ? done.high : done.low)
    add(done.last)
  }

  private mutating func add(_ vertex: Vertex) {
    if isStaircase, let last = run.last { join(Vertex(x: vertex.x, y: last.y)) }
    join(vertex)
  }

  /// Lengthens the line, without a corner where it goes straight on along an axis.
  private mutating func join(_ vertex: Vertex) {
    guard let last = run.last else {
      run.append(vertex)
      return
    }
    if vertex == last { return }
    if run.count > 1 {
      let before = run[run.count - 2]
      let isLevel = before.y == last.y && last.y == vertex.y && (before.x < last.x) == (last.x < vertex.x)
      let isUpright = before.x == last.x && last.x == vertex.x && (before.y < last.y) == (last.y < vertex.y)
      if isLevel || isUpright { run.removeLast() }
    }
    run.append(vertex)
  }
}
