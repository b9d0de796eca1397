/// A table of values as colors: a cell for each pair of a row and a column, such as the final loss by schedule and rate.
///
/// Every table can be drawn: without rows, with a single cell, with values from 5·10⁻³²⁴ to 1.8·10³⁰⁸. The size of the
/// picture is bounded whatever the input.
public struct HeatMap: Sendable {
  /// What is known of a pair.
  public enum Cell: Sendable, Equatable {
    /// A value; one that is not finite is drawn as ``diverged``.
    case value(Double)
    /// There is no value because it grew beyond all bounds: cross-hatched.
    case diverged
    /// There is no value because nobody asked for it: an empty frame.
    case missing
  }

  /// Which value is the best.
  public enum Best: Sendable {
    case lowest
    case highest
  }

  /// The heading; may be empty.
  public var title: String
  /// The names of the rows, from above. The first ``largestSide`` are drawn.
  public var rows: [String]
  /// The names of the columns, from the left. The first ``largestSide`` are drawn.
  public var columns: [String]
  /// For each row its cells from the left. Those that are not there are missing, those without a name not drawn.
  public var cells: [[Cell]]
  /// What the rows are.
  public var rowLabel: String
  /// What the columns are.
  public var columnLabel: String
  /// What the values are.
  public var valueLabel: String
  /// How values become colors; nil for by powers of ten where all are positive and span more than a factor of 30, evenly
  /// otherwise. On a logarithmic scale, values of 0 and below have the color of its lower end.
  public var scale: Chart.Scale?
  /// Which cells are marked, with a frame; nil for none.
  public var best: Best?
  /// The width of the picture in pixels, 240 … 4096; others are drawn with the nearest.
  public var width: Int
  /// The height of the picture in pixels, 160 … 4096; others are drawn with the nearest. The picture grows higher where
  /// long names would leave the cells less than half of it.
  public var height: Int

  /// How many rows and how many columns one picture shows.
  public static let largestSide = 64

  public init(
    title: String = "", rows: [String], columns: [String], cells: [[Cell]], rowLabel: String = "",
    columnLabel: String = "", valueLabel: String = "loss", scale: Chart.Scale? = nil, best: Best? = .lowest,
    width: Int = 800, height: Int = 400
  ) {
    self.title = title
    self.rows = rows
    self.columns = columns
    self.cells = cells
    self.rowLabel = rowLabel
    self.columnLabel = columnLabel
    self.valueLabel = valueLabel
    self.scale = scale
    self.best = best
    self.width = width
    self.height = height
  }

  /// The table as one standalone SVG document in UTF-8, light or dark as the reader's system is; at most about two
  /// megabytes.
  public func svg() -> [UInt8] { HeatMapPicture(of: self).document() }
}
