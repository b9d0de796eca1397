/// The shortest decimal that reads back as a given double, and of all the shortest the one nearest to it:
/// ``digits`` · 10^``exponent``.
///
/// After Raffaello Giulietti, "The Schubfach way to render doubles" (2020). With 10ᵏ the largest power of ten that is no
/// larger than the distance between neighboring doubles, the decimal is a multiple of 10ᵏ⁺¹ if one lies in the interval
/// that is rounded to the double (there is at most one), and else the multiple of 10ᵏ nearest to the double.
struct ShortestDecimal {
  /// At most 17 decimal digits; they may end in zeros. 0 for 0 alone.
  let digits: UInt64
  let exponent: Int

  /// - Parameter value: a finite number, whose sign is left aside. (The digits of others say nothing.)
  @inline(__always) init(_ value: Double) {
    let fraction = value.significandBitPattern
    let biased = Int(truncatingIfNeeded: value.exponentBitPattern)
    let significand = biased == 0 ? fraction : fraction | 1 << 52
    let binary = max(biased, 1) &- 1075

    // A power of two is nearer to the double below than to the one above; what follows holds for all others.
    guard fraction != 0 || biased <= 1 else {
      self.init(exactly: significand, binary, isPowerOfTwo: true)
      return
    }
    // The floor of log₁₀ 2^binary: the number is a multiple (by 2⁰ to 2⁵³) of a distance of 1 to 10 times 10^decimal.
    let decimal = (binary &* 315_653) >> 20
    let power = PowersOfTen.significand(0 &- decimal)
    let shift = binary &+ PowersOfTen.binaryExponent(0 &- decimal) &+ 1  // 1 to 4

    // The number by 10^decimal: a whole part and 64 bits of a fraction. Of the power only the last bit is inexact, so
    // that this is less than one unit of the fraction's last bit too small, and less than 2⁻⁷ such units too large.
    let shifted = significand &<< UInt64(truncatingIfNeeded: shift)
    let low = shifted.multipliedFullWidth(by: power.low).high
    let product = shifted.multipliedFullWidth(by: power.high)
    let (part, carries) = product.low.addingReportingOverflow(low)
    let whole = product.high &+ (carries ? 1 : 0)

    // In units of 2⁻⁶⁰, below 2⁶⁴: how far the number lies above a multiple of ten, and half the distance of doubles.
    // Each is less than two units off, so that what is decided by more than that is decided rightly.
    let tens = whole / 10 &* 10
    let above = (whole &- tens) << 60 | part >> 4
    let below = 10 << 60 &- above
    let half = power.high &>> UInt64(truncatingIfNeeded: 5 &- shift)
    let isClose = above &- half &+ 4 <= 8 || below &- half &+ 4 <= 8 || part &- (1 << 63) &+ 4 <= 8
    if isClose {
      self.init(exactly: significand, binary, isPowerOfTwo: false)
      return
    }
    // Three in a row, not nested: which one it is cannot be foreseen, and this way it is chosen without a jump.
    var digits = whole &+ part >> 63
    digits = above < half ? tens : digits
    digits = below < half ? tens &+ 10 : digits
    self.init(digits: digits, exponent: decimal)
  }

  @inline(__always) private init(digits: UInt64, exponent: Int) {
    self.digits = digits
    self.exponent = exponent
  }

  /// Schubfach as it is published: for the few numbers (powers of two, ends of intervals, ties) that ask for all bits.
  @inline(never) private init(exactly significand: UInt64, _ binary: Int, isPowerOfTwo: Bool) {
    // The floor of log₁₀ of 2^binary, of ¾ of it for powers of two.
    let decimal = (binary &* 1_262_611 &- (isPowerOfTwo ? 524_031 : 0)) >> 22
    let power = PowersOfTen.significand(0 &- decimal)
    let shift = UInt64(truncatingIfNeeded: binary &+ PowersOfTen.binaryExponent(0 &- decimal) &+ 1)

    /// A quarter of `quarters` units of the last place by 10^decimal, cut off; the last bit is set if anything was cut.
    func scaled(_ quarters: UInt64) -> UInt64 {
      let factor = quarters &<< shift
      let low = factor.multipliedFullWidth(by: power.low).high
      let product = factor.multipliedFullWidth(by: power.high)
      let (part, carries) = product.low.addingReportingOverflow(low)
      return product.high &+ (carries ? 1 : 0) | (part > 1 ? 1 : 0)
    }
    let value = scaled(4 &* significand)
    // The ends of the interval belong to it only where a tie is rounded to this number: where it is even.
    let lower = scaled(4 &* significand &- (isPowerOfTwo ? 1 : 2)) &+ significand & 1
    let upper = scaled(4 &* significand &+ 2) &- significand & 1

    let ones = value / 4
    if ones >= 10 {
      let tens = ones / 10
      let isBelowInside = lower <= 40 &* tens
      let isAboveInside = 40 &* tens &+ 40 <= upper
      if isBelowInside != isAboveInside {
        digits = (tens &+ (isAboveInside ? 1 : 0)) &* 10
        exponent = decimal
        return
      }
    }
    let isBelowInside = lower <= 4 &* ones
    let isAboveInside = 4 &* ones &+ 4 <= upper
    let middle = 4 &* ones &+ 2
    let isRoundedUp = value > middle || value == middle && ones & 1 == 1
    digits = ones &+ ((isBelowInside != isAboveInside ? isAboveInside : isRoundedUp) ? 1 : 0)
    exponent = decimal
  }
}
