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

/// The corners of a path that is made of M, L, H and V, in pixels from the top left.
func places(_ path: String) -> [(x: Double, y: Double)] {
  var result: [(x: Double, y: Double)] = []
  var last = (x: 0.0, y: 0.0)
  var command: Character = "M"
  var numbers: [Double] = []
  var digits = ""
  func endNumber() {
    if !digits.isEmpty { numbers.append(Double(digits) ?? .nan) }
    digits = ""
  }
  func endCommand() {
    endNumber()
    switch (command, numbers.count) {
    case ("M", 2), ("L", 2): last = (numbers[0], numbers[1])
    case ("H", 1): last.x = numbers[0]
    case ("V", 1): last.y = numbers[0]
    default:
      numbers = []
      return
    }
    result.append(last)
    numbers = []
  }
  for character in path {
    if character.isLetter {
      endCommand()
      command = character
    } else if character == " " {
      endNumber()
    } else {
      digits.append(character)
    }
  }
  endCommand()
  return result
}

/// What is promised of every picture: a document within bounds, without commands, numbers that are none, or paths that
/// lead out of it.
func checkHostile(_ bytes: [UInt8], atMost limit: Int, sourceLocation: SourceLocation = #_sourceLocation) {
  let document = DocumentReader(bytes)
  #expect(document.isWellFormed, sourceLocation: sourceLocation)
  #expect(bytes.count < limit, sourceLocation: sourceLocation)
  #expect(document.count("script") == 0, sourceLocation: sourceLocation)
  #expect(!bytes.contains { $0 < 0x20 && $0 != 0x0A }, sourceLocation: sourceLocation)
  let words = Set(
    withoutStyle(bytes).utf8.split { !(0x61...0x7A).contains($0 | 0x20) }.filter { $0.count < 9 }.map {
      String(Substring($0)).lowercased()
    })
  #expect(words.isDisjoint(with: ["nan", "inf", "infinity"]), sourceLocation: sourceLocation)
  let size = ["width", "height"].compactMap { Double(document.elements.first?.attributes[$0] ?? "") }
  #expect(size.count == 2, sourceLocation: sourceLocation)
  guard size.count == 2 else { return }
  for path in document.paths {
    #expect(path.utf8.allSatisfy("MLHVhZ0123456789. -".utf8.contains), sourceLocation: sourceLocation)
    let isInside = places(path).allSatisfy { (0...size[0]).contains($0.x) && (0...size[1]).contains($0.y) }
    #expect(isInside, sourceLocation: sourceLocation)
  }
  let boxes = document.elements.filter { $0.name == "rect" && $0.attributes["class"] != "background" }
  for box in boxes {
    let sides = ["x", "y", "width", "height"].compactMap { Double(box.attributes[$0] ?? "") }
    let isInside =
      sides.count == 4 && sides.allSatisfy { $0 >= 0 } && sides[0] + sides[2] <= size[0] + 0.02
      && sides[1] + sides[3] <= size[1] + 0.02
    #expect(isInside, sourceLocation: sourceLocation)
  }
}
