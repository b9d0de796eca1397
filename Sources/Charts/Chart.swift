/// One point of a curve.
public struct Point: Sendable, Equatable {
  /// The place along the horizontal axis: a step in optimizer updates, or a rate that was tried; −10³⁰⁰ … 10³⁰⁰. Where
  /// it is not finite, the curve has a gap; on a logarithmic axis also where it is 0 or below.
  public var x: Double
  /// The value there: a learning rate, a loss. Where it is not finite, the curve has a gap.
  public var y: Double

  public init(x: Double, y: Double) {
    self.x = x
    self.y = y
  }
}

/// One curve.
public struct Series: Sendable {
  /// What the legend says. Any text: what a document or a terminal could take for a command is dropped.
  public var name: String
  /// The points, best in ascending order of `x`; others are sorted first. Any number of them.
  public var points: [Point]
  /// Whether a value holds until the next point, so that the curve is a staircase; otherwise points are joined straight.
  public var isStaircase: Bool
  /// Whether the line is dashed, as for a plan beside what happened.
  public var isDashed: Bool
  /// The number of the color, which other curves may share, at least 0; nil for the place among the curves.
  public var color: Int?

  public init(
    name: String, points: [Point], isStaircase: Bool = false, isDashed: Bool = false, color: Int? = nil
  ) {
    self.name = name
    self.points = points
    self.isStaircase = isStaircase
    self.isDashed = isDashed
    self.color = color
  }
}

/// A place along the horizontal axis worth pointing out: a restart, an override. Drawn as a vertical line with a short
/// label.
public struct Marker: Sendable, Equatable {
  /// The place, such as a step. A marker beyond all curves is not drawn.
  public var x: Double
  /// What happened there, in a word or two. Left out where labels would collide, and then still in the tooltip.
  public var label: String

  public init(x: Double, label: String) {
    self.x = x
    self.label = label
  }
}

/// A point worth pointing out: a suggested rate on the curve of a range test. Drawn as a ring with a label.
public struct PointMark: Sendable, Equatable {
  /// The place, in the units of the curves. A mark beyond the axes, or that is no number, is not drawn.
  public var point: Point
  /// What it is, in a few words. Left out where labels would collide, and then still in the tooltip and in the
  /// description.
  public var label: String

  public init(_ point: Point, label: String) {
    self.point = point
    self.label = label
  }
}

/// A value worth pointing out: a limit of stability, a target. Drawn as a horizontal line with a label.
public struct ReferenceLine: Sendable, Equatable {
  /// The value, in the unit of the curves. The axis is stretched to show it, unless that would squeeze the curves; the
  /// label then says that it lies beyond, with its value. One that is no number is not drawn.
  public var y: Double
  /// What it is, in a few words.
  public var label: String

  public init(y: Double, label: String) {
    self.y = y
    self.label = label
  }
}

/// Curves of values over steps or rates, to be drawn as a picture (``svg()``) or in a terminal
/// (``text(columns:rows:usesColor:characters:)``).
///
/// Every chart can be drawn: without curves, with values from 5·10⁻³²⁴ to 1.8·10³⁰⁸, with gaps. The size of the answer
/// does not grow with the number of points beyond what can be seen.
public struct Chart: Sendable {
  /// How values are spread along an axis.
  public enum Scale: Sendable {
    /// Evenly. Values beyond ±10³⁰⁰ are drawn at the edge.
    case linear
    /// By powers of ten. Values of 0 and below have no place there: on the vertical axis they are drawn on the lower
    /// edge, and the axis says so; on the horizontal axis the curve has a gap.
    case logarithmic
  }

  /// The heading; may be empty.
  public var title: String
  /// The curves. The first ``largestSeriesCount`` are drawn.
  public var series: [Series]
  /// What `x` of the points is.
  public var xLabel: String
  /// What `y` of the points is.
  public var yLabel: String
  /// How `x` is spread.
  public var xScale: Scale
  /// How `y` is spread.
  public var yScale: Scale
  /// The width of the picture in pixels, 240 … 4096; others are drawn with the nearest.
  public var width: Int
  /// The height of the picture in pixels, 160 … 4096; others are drawn with the nearest. The picture grows higher where
  /// a long legend would leave the curves less than half of it.
  public var height: Int
  /// The first ``largestMarkerCount`` are drawn.
  public var markers: [Marker]
  /// The first ``largestMarkerCount`` are drawn.
  public var pointMarks: [PointMark]
  /// The first ``largestReferenceLineCount`` are drawn.
  public var referenceLines: [ReferenceLine]

  /// How many curves differ by color alone; further ones have line patterns besides.
  public static var colorCount: Int { Palette.count }
  /// How many curves one chart shows.
  public static let largestSeriesCount = 64
  /// How many markers one chart shows, and how many marks of points.
  public static let largestMarkerCount = 100
  /// How many horizontal lines one chart shows.
  public static let largestReferenceLineCount = 16

  public init(
    title: String = "", series: [Series], xLabel: String = "step", yLabel: String = "learning rate",
    xScale: Scale = .linear, yScale: Scale = .linear, width: Int = 800, height: Int = 450, markers: [Marker] = [],
    pointMarks: [PointMark] = [], referenceLines: [ReferenceLine] = []
  ) {
    self.title = title
    self.series = series
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.xScale = xScale
    self.yScale = yScale
    self.width = width
    self.height = height
    self.markers = markers
    self.pointMarks = pointMarks
    self.referenceLines = referenceLines
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
