/// What a sound `traceparent` field says (W3C Trace Context, version 00).
struct TraceContext: Equatable {
  /// 32 lower-case hexadecimal digits.
  let trace: String
  /// The caller's span: 16 lower-case hexadecimal digits.
  let span: String
  let isSampled: Bool

  /// - Returns: nil where the field is not sound to the letter; it is then to be treated as if it were not there.
  init?(_ field: String) {
    let bytes = Array(field.utf8.prefix(56))
    let dash = UInt8(ascii: "-")
    guard bytes.count == 55, bytes[0] == 0x30, bytes[1] == 0x30, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash
    else { return nil }
    func digits(_ range: Range<Int>) -> String? {
      let part = bytes[range]
      let isHexadecimal = part.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
      return isHexadecimal ? String(decoding: part, as: UTF8.self) : nil
    }
    guard let trace = digits(3..<35), let span = digits(36..<52),
      let flags = digits(53..<55).flatMap({ UInt8($0, radix: 16) }),
      trace.utf8.contains(where: { $0 != 0x30 }), span.utf8.contains(where: { $0 != 0x30 })
    else { return nil }
    self.trace = trace
    self.span = span
    isSampled = flags & 1 == 1
  }
}
