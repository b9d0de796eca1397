/// One point of a curve.
public struct Point: Sendable, Equatable {
  /// The step, in optimizer updates; −10³⁰⁰ … 10³⁰⁰. Where it is not finite, the curve has a gap.
  public var step: Double
  /// The learning rate at that step. Where it is not finite, the curve has a gap.
  public var rate: Double

  public init(step: Double, rate: Double) {
    self.step = step
    self.rate = rate
  }
}

/// One curve.
public struct Series: Sendable {
  /// What the legend says. Any text: what a document or a terminal could take for a command is dropped.
  public var name: String
  /// The points, best in ascending order of their steps; others are sorted first. Any number of them.
  public var points: [Point]
  /// Whether a rate holds until the next point, so that the curve is a staircase; otherwise points are joined straight.
  public var isStaircase: Bool
  /// Whether the line is dashed, as for a plan beside what happened.
  public var isDashed: Bool

  public init(name: String, points: [Point], isStaircase: Bool = false, isDashed: Bool = false) {
    self.name = name
    self.points = points
    self.isStaircase = isStaircase
    self.isDashed = isDashed
  }
}

/// A step worth pointing out: a restart, an override. Drawn as a vertical line with a short label.
public struct Marker: Sendable, Equatable {
  /// The step. A marker outside the steps of all curves is not drawn.
  public var step: Double
  /// What happened there, in a word or two. Left out where labels would collide, and then still in the tooltip.
  public var label: String

  public init(step: Double, label: String) {
    self.step = step
    self.label = label
  }
}

/// Curves of learning rates over steps, to be drawn as a picture (``svg()``) or in a terminal
/// (``text(columns:rows:usesColor:characters:)``).
///
/// Every chart can be drawn: without curves, with values from 5·10⁻³²⁴ to 1.8·10³⁰⁸, with gaps. The size of the answer
/// does not grow with the number of points beyond what can be seen.
public struct Chart: Sendable {
  /// How rates are spread along the vertical axis.
  public enum Scale: Sendable {
    /// Evenly. Rates beyond ±10³⁰⁰ are drawn at the edge.
    case linear
    /// By powers of ten. Rates of 0 and below have no place there: they are drawn on the lower edge, and the
    /// axis says so.
    case logarithmic
  }

  /// The heading; may be empty.
  public var title: String
  /// The curves. The first ``largestSeriesCount`` are drawn.
  public var series: [Series]
  /// What the steps are called.
  public var xLabel: String
  /// What the rates are called.
  public var yLabel: String
  public var yScale: Scale
  /// The width of the picture in pixels, 240 … 4096; others are drawn with the nearest.
  public var width: Int
  /// The height of the picture in pixels, 160 … 4096; others are drawn with the nearest. The picture grows higher where
  /// a long legend would leave the curves less than half of it.
  public var height: Int
  /// The first ``largestMarkerCount`` are drawn.
  public var markers: [Marker]

  /// How many curves one chart shows.
  public static let largestSeriesCount = 64
  /// How many markers one chart shows.
  public static let largestMarkerCount = 100

  public init(
    title: String = "", series: [Series], xLabel: String = "step", yLabel: String = "learning rate",
    yScale: Scale = .linear, width: Int = 800, height: Int = 450, markers: [Marker] = []
  ) {
    self.title = title
    self.series = series
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.yScale = yScale
    self.width = width
    self.height = height
    self.markers = markers
  }

  /// The chart as a picture: one standalone SVG document in UTF-8, light or dark as the reader's system is.
  ///
  /// A curve is thinned to at most 4000 points, all curves together to 120 000; the first, the lowest, the highest and
  /// the last of every column are kept. A column is a pixel wide, or a few in wide pictures and with many curves.
  public func svg() -> [UInt8] { Picture(of: self).document() }

  /// The characters that a text chart is made of.
  public enum Characters: Sendable {
    /// Eight dots a character, in a frame of lines: for any terminal that shows Unicode.
    case braille
    /// Letters and signs of US-ASCII alone.
    case ascii
  }

  /// The chart in characters, for a terminal with a fixed-width font.
  ///
  /// - Parameters:
  ///   - columns: the width in characters, 24 … 500; others are drawn with the nearest.
  ///   - rows: the height in lines, 10 … 200; others are drawn with the nearest.
  ///   - usesColor: whether curves are told apart by the terminal's colors (escape sequences); otherwise, and where the
  ///     colors do not suffice, by letters.
  /// - Returns: exactly `rows` lines, separated by line feeds, without one at the end.
  public func text(
    columns: Int = 80, rows: Int = 24, usesColor: Bool = false, characters: Characters = .braille
  ) -> String {
    TextChart(of: self, columns: columns, rows: rows, usesColor: usesColor, characters: characters).text()
  }
}
