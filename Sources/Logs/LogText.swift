import Logging

/// Text and values as log lines have them.
enum LogText {
  /// In quotes with JSON's escapes; also what is invisible or turns the direction of text is escaped.
  static func appendQuoted(_ text: String, to output: inout [UInt8]) {
    output.append(UInt8(ascii: "\""))
    append(text, quote: true, to: &output)
    output.append(UInt8(ascii: "\""))
  }

  /// As it is but for what is invisible.
  static func appendEscaped(_ text: String, to output: inout [UInt8]) { append(text, quote: false, to: &output) }

  /// As it is where it is one plain word; otherwise in quotes.
  static func appendPlain(_ text: String, to output: inout [UInt8]) {
    let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"=\\".utf8.contains($0) }
    if isPlain && !text.isEmpty { output.append(contentsOf: text.utf8) } else { appendQuoted(text, to: &output) }
  }

  static func appendText(_ value: Logger.MetadataValue, to output: inout [UInt8]) {
    switch value {
    case .string(let text): appendPlain(text, to: &output)
    case .stringConvertible(let value): appendPlain("\(value)", to: &output)
    case .array, .dictionary: appendJSON(value, to: &output)
    }
  }

  static func appendJSON(_ value: Logger.MetadataValue, to output: inout [UInt8]) {
    switch value {
    case .string(let text): appendQuoted(text, to: &output)
    case .stringConvertible(let value):
      switch value {
      case let number as any BinaryInteger & CustomStringConvertible:
        output.append(contentsOf: number.description.utf8)
      case let number as Double where number.isFinite: output.append(contentsOf: number.description.utf8)
      case let flag as Bool: output.append(contentsOf: (flag ? "true" : "false").utf8)
      default: appendQuoted("\(value)", to: &output)
      }
    case .array(let values):
      output.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        appendJSON(value, to: &output)
      }
      output.append(UInt8(ascii: "]"))
    case .dictionary(let members):
      output.append(UInt8(ascii: "{"))
      for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        appendQuoted(member.key, to: &output)
        output.append(UInt8(ascii: ":"))
        appendJSON(member.value, to: &output)
      }
      output.append(UInt8(ascii: "}"))
    }
  }

  private static func append(_ text: String, quote: Bool, to output: inout [UInt8]) {
    // Nearly all of it is printable ASCII.
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
      output.append(contentsOf: text.utf8)
      return
    }
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"" where quote: output.append(contentsOf: #"\""#.utf8)
      case "\\": output.append(contentsOf: #"\\"#.utf8)
      case "\n": output.append(contentsOf: #"\n"#.utf8)
      case "\r": output.append(contentsOf: #"\r"#.utf8)
      case "\t": output.append(contentsOf: #"\t"#.utf8)
      default:
        if isVisible(scalar) {
          output.append(contentsOf: String(scalar).utf8)
        } else {
          for unit in String(scalar).utf16 {
            let digits = String(unit, radix: 16)
            output.append(contentsOf: "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
          }
        }
      }
    }
  }

  private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate: false
    default: true
    }
  }
}
