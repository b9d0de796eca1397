import Charts
import Foundation
import FoundationXML
import Testing

/// A reader of XML that notes the names, the attributes and the text of all elements.
final class DocumentReader: NSObject, XMLParserDelegate {
  private(set) var elements: [(name: String, attributes: [String: String])] = []
  private(set) var text = ""
  private(set) var isWellFormed = false
  /// The data of the paths of the curves, the last curve first.
  private(set) var curves: [String] = []
  private var group = ""

  init(_ bytes: [UInt8]) {
    super.init()
    let parser = XMLParser(data: Data(bytes))
    parser.delegate = self
    isWellFormed = parser.parse()
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    elements.append((name, attributes))
    if name == "g" { group = attributes["class"] ?? "" }
    if name == "path", group.hasPrefix("curve-"), let data = attributes["d"] { curves.append(data) }
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) { text += string + "\n" }

  func count(_ name: String) -> Int { elements.count { $0.name == name } }

  /// The data of all paths: grid, curves, legend.
  var paths: [String] { elements.filter { $0.name == "path" }.compactMap { $0.attributes["d"] } }
}

/// SplitMix64, so that a failing case can be run again.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Text of the document without the style sheet, whose words are not under test.
func withoutStyle(_ bytes: [UInt8]) -> String {
  let text = String(decoding: bytes, as: UTF8.self)
  guard let start = text.range(of: "<style>"), let end = text.range(of: "</style>") else { return text }
  return String(text[..<start.lowerBound] + text[end.upperBound...])
}

/// `count` points of `rate` over the steps 0, 1, 2, …
func points(_ count: Int, _ rate: (Double) -> Double) -> [Point] {
  (0..<count).map { Point(x: Double($0), y: rate(Double($0))) }
}

/// The ordinates of a path, downwards from the top of the picture.
func ordinates(_ path: String) -> [Double] {
  var result: [Double] = []
  var last = 0.0
  for command in path.split(separator: /(?=[MLHVh])/) {
    let numbers = command.dropFirst().split(separator: " ").compactMap { Double($0) }
    switch command.first {
    case "M", "L": last = numbers.last ?? .nan
    case "V": last = numbers.first ?? .nan
    default: break
    }
    result.append(last)
  }
  return result
}
