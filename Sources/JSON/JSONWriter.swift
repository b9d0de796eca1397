/// Writes JSON into a buffer of octets.
public enum JSONWriter {
  /// Appends the shortest decimal that reads back as exactly `value`, as `Double.description` gives it: `0.1`, `5e-05`.
  ///
  /// - Parameter value: a finite number; JSON has no other.
  public static func append(_ value: Double, to buffer: inout [UInt8]) {
    if !value.isFinite { return buffer.append(contentsOf: value.description.utf8) }
    append(to: &buffer) { NumberText.write(ShortestDecimal(value), of: value, to: $0) }
  }

  /// Appends numbers with commas between them, each as ``append(_:to:)-(Double,_)`` writes it.
  ///
  /// - Returns: true; false if one of the numbers is not finite, and then nothing is appended.
  public static func append(_ values: UnsafeBufferPointer<Double>, to buffer: inout [UInt8]) -> Bool {
    let start = buffer.count
    // Twice over a few numbers, not once: what a processor works on ahead of time is then several numbers, not one.
    let areFinite = withUnsafeTemporaryAllocation(of: ShortestDecimal.self, capacity: piece) { decimals in
      for first in stride(from: 0, to: values.count, by: piece) {
        let count = min(piece, values.count - first)
        for index in 0..<count {
          let value = values[first + index]
          if !value.isFinite { return false }
          decimals.initializeElement(at: index, to: ShortestDecimal(value))
        }
        // Room for the longest of all numbers and its comma; what runs over a number's end is written over or cut off.
        buffer.append(addingCapacity: count * 25 + NumberText.room) { (free: inout OutputSpan<UInt8>) in
          free.withUnsafeMutableBufferPointer { free, written in
            guard let memory = UnsafeMutableRawPointer(free.baseAddress) else { return }
            var end = 0
            for index in 0..<count {
              memory.storeBytes(of: UInt8(ascii: ","), toByteOffset: end, as: UInt8.self)
              end &+= first + index > 0 ? 1 : 0
              end &+= NumberText.write(decimals[index], of: values[first + index], to: memory + end)
            }
            written = end
          }
        }
      }
      return true
    }
    if !areFinite { buffer.removeSubrange(start...) }
    return areFinite
  }

  /// Numbers that are worked on at once.
  private static var piece: Int { 64 }

  /// Appends what `write` writes into ``NumberText/room`` octets and returns the count of.
  @inline(__always) private static func append(
    to buffer: inout [UInt8], _ write: (UnsafeMutableRawPointer) -> Int
  ) {
    buffer.append(addingCapacity: NumberText.room) { (free: inout OutputSpan<UInt8>) in
      free.withUnsafeMutableBufferPointer { free, written in
        if let memory = UnsafeMutableRawPointer(free.baseAddress) { written = write(memory) }
      }
    }
  }

  /// Appends `text` as a string in quotes, with the escapes that RFC 8259 asks for.
  public static func append(_ text: String, to buffer: inout [UInt8]) {
    var text = text
    text.withUTF8 { bytes in
      buffer.append(UInt8(ascii: "\""))
      // What needs no escape is copied in one piece.
      var start = 0
      for (index, byte) in bytes.enumerated() where isEscaped(byte) {
        buffer.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<index]))
        appendEscape(byte, to: &buffer)
        start = index + 1
      }
      buffer.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start...]))
      buffer.append(UInt8(ascii: "\""))
    }
  }

  @inline(__always) private static func isEscaped(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F
  }

  private static func appendEscape(_ byte: UInt8, to buffer: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "\""): buffer.append(contentsOf: #"\""#.utf8)
    case UInt8(ascii: "\\"): buffer.append(contentsOf: #"\\"#.utf8)
    case UInt8(ascii: "\n"): buffer.append(contentsOf: #"\n"#.utf8)
    case UInt8(ascii: "\t"): buffer.append(contentsOf: #"\t"#.utf8)
    case UInt8(ascii: "\r"): buffer.append(contentsOf: #"\r"#.utf8)
    default:
      buffer.append(contentsOf: #"\u00"#.utf8)
      buffer.append(hexadecimal(byte >> 4))
      buffer.append(hexadecimal(byte & 15))
    }
  }

  private static func hexadecimal(_ digit: UInt8) -> UInt8 {
    digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
  }

  /// Appends a whole value. Whole numbers below 2⁵³ are written without a fraction.
  public static func append(_ value: JSONValue, to buffer: inout [UInt8]) {
    switch value {
    case .null: buffer.append(contentsOf: "null".utf8)
    case .bool(let flag): buffer.append(contentsOf: (flag ? "true" : "false").utf8)
    case .number(let number):
      // Below 2⁵³ the conversion to a whole number cannot trap; NaN is not below.
      if case let magnitude = number.magnitude, magnitude < 0x1p53, Double(Int64(magnitude)) == magnitude {
        if number < 0 { buffer.append(UInt8(ascii: "-")) }
        append(to: &buffer) { NumberText.write(whole: UInt64(Int64(magnitude)), to: $0) }
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
