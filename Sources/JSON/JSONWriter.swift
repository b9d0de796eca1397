/// Writes JSON into a buffer of octets.
public enum JSONWriter {
  /// Appends the shortest decimal that reads back as exactly `value`.
  ///
  /// - Parameter value: a finite number; JSON has no other.
  @inlinable public static func append(_ value: Double, to buffer: inout [UInt8]) {
    var text = value.description
    text.withUTF8 { buffer.append(contentsOf: $0) }
  }

  /// Appends `text` as a string in quotes, with the escapes that RFC 8259 asks for.
  public static func append(_ text: String, to buffer: inout [UInt8]) {
    buffer.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): buffer.append(contentsOf: #"\""#.utf8)
      case UInt8(ascii: "\\"): buffer.append(contentsOf: #"\\"#.utf8)
      case UInt8(ascii: "\n"): buffer.append(contentsOf: #"\n"#.utf8)
      case UInt8(ascii: "\t"): buffer.append(contentsOf: #"\t"#.utf8)
      case UInt8(ascii: "\r"): buffer.append(contentsOf: #"\r"#.utf8)
      case 0..<0x20, 0x7F:
        let hex = Array("0123456789abcdef".utf8)
        buffer.append(contentsOf: #"\u00"#.utf8)
        buffer.append(hex[Int(byte >> 4)])
        buffer.append(hex[Int(byte & 15)])
      default: buffer.append(byte)
      }
    }
    buffer.append(UInt8(ascii: "\""))
  }

  /// Appends a whole value. Whole numbers below 2⁵³ are written without a fraction.
  public static func append(_ value: JSONValue, to buffer: inout [UInt8]) {
    switch value {
    case .null: buffer.append(contentsOf: "null".utf8)
    case .bool(let flag): buffer.append(contentsOf: (flag ? "true" : "false").utf8)
    case .number(let number):
      if let integer = Int64(exactly: number), abs(number) < 0x1p53 {
        buffer.append(contentsOf: integer.description.utf8)
      } else {
        append(number, to: &buffer)
      }
    case .string(let text): append(text, to: &buffer)
    case .array(let elements):
      buffer.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { buffer.append(UInt8(ascii: ",")) }
        append(element, to: &buffer)
      }
      buffer.append(UInt8(ascii: "]"))
    case .object(let object):
      buffer.append(UInt8(ascii: "{"))
      for (index, member) in object.members.enumerated() {
        if index > 0 { buffer.append(UInt8(ascii: ",")) }
        append(member.name, to: &buffer)
        buffer.append(UInt8(ascii: ":"))
        append(member.value, to: &buffer)
      }
      buffer.append(UInt8(ascii: "}"))
    }
  }

  /// - Returns: `value` as JSON text.
  public static func text(_ value: JSONValue) -> String {
    var buffer: [UInt8] = []
    append(value, to: &buffer)
    return String(decoding: buffer, as: UTF8.self)
  }
}
