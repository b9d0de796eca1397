/// The double nearest to a decimal, for all decimals but a few that no rate is written in.
enum DecimalReading {
  /// - Parameters:
  ///   - digits: the decimal's digits as a whole number; all of them, none left out.
  ///   - exponent: the power of ten that the digits are to be multiplied by.
  /// - Returns: the nearest double, of two equally near the even one; nil where this way does not lead to it for sure,
  ///   which is the case at least for all results that are subnormal or too large.
  @inline(__always) static func double(_ digits: UInt64, _ exponent: Int) -> Double? {
    // William Clinger, "How to read floating-point numbers accurately" (1990): both are exact, so one operation rounds once.
    if digits <= 1 << 53, exponent >= -22, exponent <= 22 {
      let value = Double(Int64(truncatingIfNeeded: digits))
      return exponent < 0 ? value / smallPowers[0 &- exponent] : value * smallPowers[exponent]
    }
    if digits == 0 { return 0 }
    return approximated(digits, exponent)
  }

  private static let smallPowers: InlineArray<23, Double> = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
  ]

  /// The product of the digits and a 128-bit power of ten, if its inexact last bits cannot decide how it is rounded
  /// (Michael Eisel's idea; Daniel Lemire, "Number parsing at a gigabyte per second", 2021).
  @inline(never) private static func approximated(_ digits: UInt64, _ exponent: Int) -> Double? {
    guard PowersOfTen.exponents.contains(exponent) else { return nil }
    let power = PowersOfTen.significand(exponent)
    let zeros = digits.leadingZeroBitCount
    let factor = digits << UInt64(zeros)
    let low = factor.multipliedFullWidth(by: power.low).high
    var (high, middle) = factor.multipliedFullWidth(by: power.high)
    let (sum, carries) = middle.addingReportingOverflow(low)
    middle = sum
    if carries { high &+= 1 }

    // The product lies in [2¹⁹⁰, 2¹⁹²), 64 bits of it in each of high, middle and what is not kept. 53 bits are the result's,
    // the rest is compared with one half. The power is at most one unit too large, the product therefore less than two
    // units of middle's last bit away from high and middle as they stand here.
    let top = Int(high >> 63)
    let dropped = UInt64(10 + top)
    let rest = high & (1 << dropped - 1)
    let half: UInt64 = 1 << (dropped - 1)
    // A tie, or too near to one to tell. (Near a whole result both sides are rounded to it.)
    if rest == half && middle < 4 || rest == half - 1 && middle > ~4 { return nil }

    var significand = high >> dropped
    // digits · 10^exponent = product · 2^(binary exponent of the power − 127 − zeros); high's lowest bit is worth 2¹²⁸.
    var binary = PowersOfTen.binaryExponent(exponent) + 1 - zeros + Int(dropped)
    if rest >= half { significand += 1 }
    if significand == 1 << 53 {
      significand = 1 << 52
      binary += 1
    }
    let biased = binary + 1075
    guard biased >= 1, biased <= 2046 else { return nil }
    return Double(bitPattern: UInt64(biased) << 52 | significand & (1 << 52 - 1))
  }
}
