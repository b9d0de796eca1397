/// Finds room for labels beside the things they name, within a frame and off each other.
struct LabelPlacer {
  /// A label's place: the left end of its baseline, and the room it takes.
  struct Place {
    let x: Double
    let baseline: Double
    let width: Double
  }

  private let frame: Box
  private var taken: [Box] = []
  static let size = 11.0
  /// Longer labels are shortened.
  private static let largestWidth = 260.0

  /// - Parameter frame: where labels may stand.
  init(within frame: Box) { self.frame = frame }

  /// Keeps labels off a place.
  mutating func take(_ box: Box) { taken.append(box) }

  /// A place for a label beside a point: right of it, left of it, above or below; nil where none is free.
  mutating func place(_ label: String, besideX x: Double, y: Double, distance: Double) -> Place? {
    let width = width(of: label)
    return firstFree(
      [
        (x + distance, y - 14), (x - distance - width, y - 14), (x + distance, y + 1), (x - distance - width, y + 1),
        (x - width / 2, y - distance - 15), (x - width / 2, y + distance),
      ], width)
  }

  /// A place for a label on a horizontal line: above it or below, at the right end or the left; nil where none is free.
  mutating func place(_ label: String, along y: Double) -> Place? {
    let width = width(of: label)
    let (left, right) = (frame.left + 6, frame.right - 6 - width)
    return firstFree(
      [(right, y - 16), (right, y + 2), (left, y - 16), (left, y + 2), (frame.center - width / 2, y - 16)], width)
  }

  private func width(of label: String) -> Double {
    min(proportionalWidth(label) * Self.size, Self.largestWidth, frame.width - 12)
  }

  private mutating func firstFree(_ corners: [(x: Double, y: Double)], _ width: Double) -> Place? {
    for corner in corners {
      let box = Box(left: corner.x, top: corner.y, width: width, height: 14)
      guard frame.contains(box), !taken.contains(where: box.overlaps) else { continue }
      taken.append(box)
      return Place(x: box.left, baseline: box.top + 11, width: width)
    }
    return nil
  }
}

extension Markup {
  /// Appends a label with a border in the color of the background, which keeps it readable on top of curves.
  mutating func addLabel(_ label: String, at place: LabelPlacer.Place) {
    addText(
      label, x: place.x, y: place.baseline, width: place.width + 0.5, size: LabelPlacer.size,
      attributes: " class=\"halo\" paint-order=\"stroke\" stroke=\"#ffffff\" stroke-width=\"3\"")
  }
}
