/// Numbers as horizontal bars, such as what a step of each optimizer costs.
///
/// Every chart can be drawn: without bars, with values from 5·10⁻³²⁴ to 1.8·10³⁰⁸, with values below 0.
public struct BarChart: Sendable {
  /// One bar.
  public struct Bar: Sendable, Equatable {
    /// What it stands for. Any text: what a document could take for a command is dropped.
    public var label: String
    /// How long it is, from 0, in the unit of the chart. Without a bar where it is not finite.
    public var value: Double
    /// What is said behind the value, in a few words; may be empty.
    public var note: String

    public init(label: String, value: Double, note: String = "") {
      self.label = label
      self.value = value
      self.note = note
    }
  }

  /// The heading; may be empty.
  public var title: String
  /// What the values are, with their unit: "operations per step and parameter".
  public var valueLabel: String
  /// From above. The first ``largestBarCount`` are drawn.
  public var bars: [Bar]
  /// The width of the picture in pixels, 240 … 4096; others are drawn with the nearest. The height follows from the
  /// number of bars.
  public var width: Int

  /// How many bars one chart shows.
  public static let largestBarCount = 64

  public init(title: String = "", bars: [Bar], valueLabel: String = "", width: Int = 800) {
    self.title = title
    self.bars = bars
    self.valueLabel = valueLabel
    self.width = width
  }

  /// The chart as one standalone SVG document in UTF-8, light or dark as the reader's system is.
  public func svg() -> [UInt8] { BarPicture(of: self).document() }
}
