/// Values over two parameters as bands and lines of equal value, seen from above, with the paths that optimizers took.
///
/// Every chart can be drawn: an empty grid, a single value, values that are no numbers, paths that leave the rectangle.
/// The size of the picture is bounded whatever the input.
public struct ContourChart: Sendable {
  /// The way of an optimizer: the places it came by, in their order.
  public struct Path: Sendable {
    /// What the legend says. Any text: what a document could take for a command is dropped.
    public var name: String
    /// The places, `x` and `y` being the two parameters. The path ends before the first that is no number, with a cross
    /// in place of its dot. What lies beyond the bounds is cut off, and an arrow points there if the path ends there.
    public var points: [Point]

    public init(name: String, points: [Point]) {
      self.name = name
      self.points = points
    }
  }

  /// How the values at which lines are drawn are chosen.
  public enum Spacing: Sendable {
    /// Evenly where that shows the form; by powers of ten where the values are positive and span more than a factor of
    /// 50, but for the lowest twentieth; by shares of the area where most of them are close together.
    case automatic
    /// Evenly.
    case linear
    /// By powers of ten, or 1, 2, 5 between them. Evenly where no value is positive.
    case logarithmic
    /// So that about as much of the area lies between any two.
    case quantiles
  }

  /// The heading; may be empty.
  public var title: String
  /// The values: the first is that of the lower ends of both bounds, the last that of the upper ends. Where one is not
  /// finite, its surroundings are hatched. Values beyond ±10³⁰⁰ count as that.
  public var grid: Grid
  /// What the grid spans from left to right.
  public var xBounds: Bounds
  /// What the grid spans from below upwards.
  public var yBounds: Bounds
  /// The first ``largestPathCount`` are drawn, the first of them on top.
  public var paths: [Path]
  /// Where the values are lowest, if that is known; marked with a star. The first 16 are drawn.
  public var minima: [Point]
  /// What the horizontal parameter is called.
  public var xLabel: String
  /// What the vertical parameter is called.
  public var yLabel: String
  /// What the values are called.
  public var valueLabel: String
  /// How the values at which lines are drawn are chosen.
  public var spacing: Spacing
  /// The width of the picture in pixels, 240 … 4096; others are drawn with the nearest.
  public var width: Int
  /// The height of the picture in pixels, 160 … 4096; others are drawn with the nearest. The picture grows higher where
  /// a long legend would leave less than half of it.
  public var height: Int

  /// How many paths one chart shows.
  public static let largestPathCount = 12

  public init(
    title: String = "", grid: Grid, xBounds: Bounds, yBounds: Bounds, paths: [Path] = [], minima: [Point] = [],
    xLabel: String = "x", yLabel: String = "y", valueLabel: String = "loss", spacing: Spacing = .automatic,
    width: Int = 800, height: Int = 560
  ) {
    self.title = title
    self.grid = grid
    self.xBounds = xBounds
    self.yBounds = yBounds
    self.paths = paths
    self.minima = minima
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.valueLabel = valueLabel
    self.spacing = spacing
    self.width = width
    self.height = height
  }

  /// The chart as one standalone SVG document in UTF-8, light or dark as the reader's system is; at most about a
  /// megabyte.
  ///
  /// Of a larger grid, at most 160 columns and rows are looked at, evenly spread, and fewer where the lines would be all
  /// over the place. A path is thinned to at most 1500 corners.
  public func svg() -> [UInt8] { ContourPicture(of: self).document() }
}
