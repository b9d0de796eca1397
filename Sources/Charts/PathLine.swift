/// The way of an optimizer as it can be drawn: cut at the edges of the frame and thinned out. In pixels.
struct PathLine {
  /// How the way ends.
  enum End: Equatable {
    /// At a place within the frame.
    case inside
    /// Outside the frame.
    case outside
    /// Before a place that is no number.
    case lost
  }

  /// A place in pixels.
  struct Place: Equatable {
    var x: Double
    var y: Double

    func distance(to other: Place) -> Double {
      let (width, height) = (other.x - x, other.y - y)
      return (width * width + height * height).squareRoot()
    }
  }

  /// The parts within the frame, in their order.
  private(set) var runs: [[Place]] = []
  /// Where it starts; nil where that is not within the frame.
  private(set) var start: Place?
  private(set) var end = End.inside
  /// The last place within the frame, where the mark of its end goes; nil where there is none.
  private(set) var tail: Place?
  /// The number of places until the end.
  private(set) var count = 0

  /// How many corners a path has at most.
  static let largestCount = 1500
  /// Closer places look like one.
  private static let leastDistance = 0.4

  init(_ points: [Point], in frame: Frame) {
    var last: Place?
    for point in points {
      guard point.x.isFinite, point.y.isFinite else {
        end = .lost
        break
      }
      count += 1
      let place = Self.place(of: point, in: frame)
      let isInside = frame.box.contains(x: place.x, y: place.y)
      if let last {
        add(from: last, to: place, within: frame.box)
      } else if isInside {
        start = place
        runs.append([place])
      }
      last = place
      end = isInside ? .inside : .outside
    }
    // The last place is never thinned out.
    if let last, frame.box.contains(x: last.x, y: last.y), let tail = runs.last?.last, tail != last {
      runs[runs.count - 1].append(last)
    }
    tail = runs.last?.last
    thin()
  }

  /// The place of a point, however far outside of the frame.
  private static func place(of point: Point, in frame: Frame) -> Place {
    func fraction(_ value: Double, _ axis: Axis) -> Double {
      let value = min(max(value, -Axis.largest), Axis.largest)
      // Far outside, only the side matters; so far, and the differences stay exact enough.
      return min(max((value - axis.low) / (axis.high - axis.low), -1e6), 1e6)
    }
    return Place(x: frame.x(fraction(point.x, frame.xAxis)), y: frame.y(fraction(point.y, frame.yAxis)))
  }

  /// Adds the part of a straight line that is within the box (Liang and Barsky, 1984).
  private mutating func add(from start: Place, to end: Place, within box: Box) {
    let (width, height) = (end.x - start.x, end.y - start.y)
    var (first, last) = (0.0, 1.0)
    for (direction, distance) in [
      (-width, start.x - box.left), (width, box.right - start.x), (-height, start.y - box.top),
      (height, box.bottom - start.y),
    ] {
      if direction == 0 {
        if distance < 0 { return }
      } else if direction < 0 {
        first = max(first, distance / direction)
      } else {
        last = min(last, distance / direction)
      }
    }
    guard first <= last else { return }
    func place(_ part: Double) -> Place {
      // Rounding must not lead out of the box.
      Place(
        x: min(max(start.x + part * width, box.left), box.right),
        y: min(max(start.y + part * height, box.top), box.bottom))
    }
    let (from, to) = (first > 0 ? place(first) : start, last < 1 ? place(last) : end)
    if first > 0 || runs.isEmpty { runs.append([from]) }
    // A place that leaves the frame is kept, so that the line reaches the edge.
    if let tail = runs[runs.count - 1].last, tail.distance(to: to) >= Self.leastDistance || last < 1 {
      runs[runs.count - 1].append(to)
    }
  }

  private mutating func thin() {
    var distance = 1.0
    while runs.reduce(0, { $0 + $1.count }) > Self.largestCount, distance < 20 {
      runs = runs.map { run in
        var kept: [Place] = []
        for (index, place) in run.enumerated() {
          if let tail = kept.last, index < run.count - 1, tail.distance(to: place) < distance { continue }
          kept.append(place)
        }
        return kept
      }
      distance *= 2
    }
    // A way that jumps about: the first of its corners, or of its parts.
    var left = Self.largestCount
    runs = runs.compactMap { run in
      let kept = run.count > left ? Array(run.prefix(max(left, 0))) : run
      left -= kept.count
      return kept.isEmpty ? nil : kept
    }
  }

  /// Where arrowheads go and which way they point: at most `count`, evenly along the way.
  func arrows(count: Int) -> [(tip: Place, back: Place)] {
    let length = runs.reduce(0) { $0 + Self.length(of: $1) }
    // A short way has its dots.
    let number = min(count, Int(exactly: (length / 50).rounded(.down)) ?? 0)
    guard number > 0 else { return [] }
    var wanted = (1...number).map { length * Double($0) / Double(number + 1) }[...]
    var arrows: [(tip: Place, back: Place)] = []
    var passed = 0.0
    for run in runs {
      for (index, (from, to)) in zip(run, run.dropFirst()).enumerated() {
        let length = from.distance(to: to)
        while let next = wanted.first, passed + length >= next, length > 0 {
          wanted.removeFirst()
          let part = min(max((next - passed) / length, 0), 1)
          let tip = Place(x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part)
          // The direction over some pixels: a single step may go anywhere.
          let back = run[...index].last { $0.distance(to: tip) >= 8 } ?? run[0]
          if back.distance(to: tip) >= 2 { arrows.append((tip, back)) }
        }
        passed += length
      }
    }
    return arrows
  }

  private static func length(of run: [Place]) -> Double {
    zip(run, run.dropFirst()).reduce(0) { $0 + $1.0.distance(to: $1.1) }
  }
}
