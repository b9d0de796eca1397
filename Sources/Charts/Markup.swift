/// A document of markup in the making, as octets of UTF-8.
struct Markup {
  private(set) var bytes: [UInt8] = []

  /// Appends markup as it stands.
  mutating func add(_ markup: String) { bytes.append(contentsOf: markup.utf8) }

  /// Appends octets of markup.
  mutating func add(bytes other: [UInt8]) { bytes.append(contentsOf: other) }

  /// Appends text, with everything escaped that content or an attribute in quotes could take for markup.
  mutating func add(text: String) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "&"): add("&amp;")
      case UInt8(ascii: "<"): add("&lt;")
      case UInt8(ascii: ">"): add("&gt;")
      case UInt8(ascii: "\""): add("&quot;")
      case UInt8(ascii: "'"): add("&#39;")
      default: bytes.append(byte)
      }
    }
  }

  /// Appends a coordinate given in hundredths, with at most two decimals.
  mutating func add(hundredths: Int) {
    if hundredths < 0 { bytes.append(UInt8(ascii: "-")) }
    let magnitude = hundredths.magnitude
    add((magnitude / 100).description)
    let (tenths, rest) = (UInt8(magnitude % 100 / 10), UInt8(magnitude % 10))
    if tenths > 0 || rest > 0 {
      bytes.append(UInt8(ascii: "."))
      bytes.append(UInt8(ascii: "0") + tenths)
    }
    if rest > 0 { bytes.append(UInt8(ascii: "0") + rest) }
  }

  /// Appends ` name="pixels"`.
  mutating func add(attribute name: String, _ pixels: Double) {
    add(" \(name)=\"")
    add(hundredths: hundredths(pixels))
    add("\"")
  }
}

/// Pixels in whole hundredths. A picture is at most some thousand pixels wide, so only a value that is none becomes 0.
func hundredths(_ pixels: Double) -> Int { Int(exactly: (pixels * 100).rounded()) ?? 0 }
