/// Prometheus' text format, version 0.0.4.
public struct Exposition: Sendable {
  public enum Kind: String, Sendable {
    case counter
    case gauge
    case histogram
  }

  public typealias Labels = [(name: String, value: String)]

  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  public private(set) var text: [UInt8] = []
  private var name = ""

  public init() {}

  /// Begins a family of samples. All samples that follow are of it.
  ///
  /// - Parameters:
  ///   - name: by Prometheus' rules: the unit in it, and `_total` at the end of a counter's.
  ///   - help: one sentence.
  public mutating func family(_ name: String, _ kind: Kind, _ help: String) {
    self.name = name
    put("# HELP \(name) ")
    for byte in help.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): put("\\\\")
      case UInt8(ascii: "\n"): put("\\n")
      default: text.append(byte)
      }
    }
    put("\n# TYPE \(name) \(kind.rawValue)\n")
  }

  public mutating func sample(_ value: UInt64, _ labels: Labels = []) { sample("", labels, String(value)) }

  public mutating func sample(_ value: Int, _ labels: Labels = []) { sample("", labels, String(value)) }

  public mutating func sample(_ value: Double, _ labels: Labels = []) { sample("", labels, Self.number(value)) }

  /// The samples of one histogram of the family: its buckets, each with those below it, the sum and the count.
  public mutating func samples(_ reading: HistogramReading, _ labels: Labels = []) {
    var below: UInt64 = 0
    for (index, count) in reading.counts.enumerated() {
      below &+= count
      let bound = index < reading.bounds.count ? Self.number(reading.bounds[index]) : "+Inf"
      sample("_bucket", labels + [(name: "le", value: bound)], String(below))
    }
    sample("_sum", labels, Self.number(reading.sum))
    sample("_count", labels, String(below))
  }

  private mutating func sample(_ suffix: String, _ labels: Labels, _ value: String) {
    put(name)
    put(suffix)
    for (index, label) in labels.enumerated() {
      put(index == 0 ? "{" : ",")
      put(label.name)
      put("=\"")
      for byte in label.value.utf8 {
        switch byte {
        case UInt8(ascii: "\\"): put("\\\\")
        case UInt8(ascii: "\""): put("\\\"")
        case UInt8(ascii: "\n"): put("\\n")
        default: text.append(byte)
        }
      }
      put("\"")
    }
    put(labels.isEmpty ? " " : "} ")
    put(value)
    put("\n")
  }

  private mutating func put(_ part: String) { text.append(contentsOf: part.utf8) }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    let text = value.description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
