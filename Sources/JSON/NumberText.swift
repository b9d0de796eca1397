/// Numbers as text in memory that has room for them.
enum NumberText {
  /// Octets that must be free where a number is written: the longest, `-1.2345678901234567e-308`, has 24, and what is
  /// written in words of eight octets runs over the number's end, to the 27th octet at most.
  static let room = 32

  /// Writes a number as `Double.description` writes it.
  ///
  /// - Parameters:
  ///   - decimal: the digits of the number.
  ///   - value: the number; finite.
  ///   - text: ``room`` octets.
  /// - Returns: the number of octets of the number.
  @inline(__always) static func write(
    _ decimal: ShortestDecimal, of value: Double, to text: UnsafeMutableRawPointer
  ) -> Int {
    // The sign is written in any case, and written over where there is none.
    text.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
    let sign = Int(truncatingIfNeeded: value.bitPattern >> 63)
    return sign &+ write(decimal, magnitude: value.magnitude, to: text + sign)
  }

  @inline(__always) private static func write(
    _ decimal: ShortestDecimal, magnitude: Double, to text: UnsafeMutableRawPointer
  ) -> Int {
    if decimal.digits == 0 {
      store(0x30_2E30, to: text, at: 0)  // "0.0"
      return 3
    }
    var number = decimal.digits
    var exponent = decimal.exponent &+ 16
    // 17 digits. Most have 16 or 17 of themselves, half and half: chosen between without a jump. Subnormal ones have less.
    let isShort = number < 10_000_000_000_000_000
    number = isShort ? number &* 10 : number
    exponent = isShort ? exponent &- 1 : exponent
    while number < 10_000_000_000_000_000 {
      number &*= 10
      exponent &-= 1
    }
    let upper = number / 100_000_000
    let first = upper / 100_000_000
    let middle = eightDigits(upper &- first &* 100_000_000)
    let last = eightDigits(number &- upper &* 100_000_000)
    // Octets of value 0 at a word's high end are zeros at the number's end. They are counted from the low end of the word
    // turned round: on an x86-64 without extensions counting from the high end is slow.
    let isMiddle = last == 0
    let end = (isMiddle ? middle : last).byteSwapped
    let zeros = (isMiddle ? 8 : 0) &+ end.trailingZeroBitCount >> 3
    let count = 17 &- zeros
    let digits = Digits(first: UInt8(truncatingIfNeeded: first | 0x30), middle: middle | ascii, last: last | ascii)

    if exponent < 0 {
      if exponent < -4 { return writeScientific(digits, count, exponent, to: text) }
      store(ascii & ~0xFF00 | 0x2E00, to: text, at: 0)  // "0.000000"
      let start = 1 &- exponent
      digits.store(to: text, at: start)
      return start &+ count
    }
    // Above 2⁵³ not every whole number is a double.
    if magnitude > 0x1p53 { return writeScientific(digits, count, exponent, to: text) }
    return writeWhole(digits, count, exponent, to: text)
  }

  /// `12.5`, `100.0`: digits before and after the point. The exponent is 0 to 15.
  @inline(__always) private static func writeWhole(
    _ digits: Digits, _ count: Int, _ exponent: Int, to text: UnsafeMutableRawPointer
  ) -> Int {
    // All digits one octet too far right; then those before the point go one to the left.
    digits.store(to: text, at: 1)
    let head = UInt64(digits.first) | digits.middle << 8
    if exponent < 8 {
      let mask = ~UInt64(0) &>> UInt64(truncatingIfNeeded: 56 &- exponent &* 8)
      store(head & mask | head << 8 & ~mask, to: text, at: 0)
    } else {
      let tail = text.loadUnaligned(fromByteOffset: exponent &- 6, as: UInt64.self)
      store(head, to: text, at: 0)
      text.storeBytes(of: UInt8(truncatingIfNeeded: digits.middle >> 56), toByteOffset: 8, as: UInt8.self)
      text.storeBytes(of: tail, toByteOffset: exponent &- 7, as: UInt64.self)
    }
    text.storeBytes(of: UInt8(ascii: "."), toByteOffset: exponent &+ 1, as: UInt8.self)
    return max(count, exponent &+ 2) &+ 1
  }

  /// `5e-05`, `1.5e+300`: at least two digits in the exponent.
  @inline(__always) private static func writeScientific(
    _ digits: Digits, _ count: Int, _ exponent: Int, to text: UnsafeMutableRawPointer
  ) -> Int {
    digits.store(to: text, at: 1)
    text.storeBytes(of: digits.first, as: UInt8.self)
    text.storeBytes(of: UInt8(ascii: "."), toByteOffset: 1, as: UInt8.self)
    var end = count == 1 ? 1 : count &+ 1
    let magnitude = UInt64(exponent.magnitude)
    let hundreds = magnitude / 100
    let tens = (magnitude &- hundreds &* 100) / 10
    let ones = magnitude &- hundreds &* 100 &- tens &* 10
    store(exponent < 0 ? 0x2D65 : 0x2B65, to: text, at: end)  // "e-" or "e+"
    end &+= 2
    if hundreds > 0 {
      text.storeBytes(of: UInt8(truncatingIfNeeded: 0x30 | hundreds), toByteOffset: end, as: UInt8.self)
      end &+= 1
    }
    let pair = UInt16(truncatingIfNeeded: 0x3030 | tens | ones << 8)
    text.storeBytes(of: pair.littleEndian, toByteOffset: end, as: UInt16.self)
    return end &+ 2
  }

  /// Writes a whole number without a fraction.
  ///
  /// - Parameters:
  ///   - value: below 10¹⁶.
  ///   - text: ``room`` octets.
  /// - Returns: the number of octets written.
  static func write(whole value: UInt64, to text: UnsafeMutableRawPointer) -> Int {
    if value == 0 {
      text.storeBytes(of: UInt8(ascii: "0"), as: UInt8.self)
      return 1
    }
    let upper = value / 100_000_000
    let lower = eightDigits(value &- upper &* 100_000_000)
    let head = upper == 0 ? lower : eightDigits(upper)
    let zeros = head.trailingZeroBitCount & ~7
    store((head | ascii) &>> UInt64(truncatingIfNeeded: zeros), to: text, at: 0)
    let count = 8 &- zeros >> 3
    if upper == 0 { return count }
    store(lower | ascii, to: text, at: count)
    return count &+ 8
  }

  // MARK: Words of eight octets, the text's first octet lowest

  private struct Digits {
    let first: UInt8
    let middle: UInt64
    let last: UInt64

    @inline(__always) func store(to text: UnsafeMutableRawPointer, at offset: Int) {
      text.storeBytes(of: first, toByteOffset: offset, as: UInt8.self)
      NumberText.store(middle, to: text, at: offset &+ 1)
      NumberText.store(last, to: text, at: offset &+ 9)
    }
  }

  private static var ascii: UInt64 { 0x3030_3030_3030_3030 }

  @inline(__always) private static func store(_ word: UInt64, to text: UnsafeMutableRawPointer, at offset: Int) {
    text.storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt64.self)
  }

  /// The eight decimal digits of a number below 10⁸, one an octet, the first the lowest: two halves of four digits are
  /// parted into pairs and the pairs into digits, all at once.
  @inline(__always) private static func eightDigits(_ value: UInt64) -> UInt64 {
    // Divisions by 10⁴, 100 and 10 as multiplications, exact for numbers of eight, four and two digits. Each step is
    // quotient + remainder · 2ᵇ with remainder = value − divisor · quotient, put so that it takes one multiplication.
    let upper = (value &* 109_951_163) >> 40
    let fours = value << 32 &- upper &* (10_000 << 32 - 1)
    let hundreds = (fours &* 10_486) >> 20 & 0x0000_007F_0000_007F
    let pairs = fours << 16 &- hundreds &* (100 << 16 - 1)
    let tens = (pairs &* 103) >> 10 & 0x000F_000F_000F_000F
    return pairs << 8 &- tens &* (10 << 8 - 1)
  }
}
