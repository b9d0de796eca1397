@testable import JSON
import Testing

@Suite struct NumberReadingTests {
  @Test func decimalsAreReadAsTheStandardLibraryReadsThem() {
    var random = SplitMix(state: 1)
    var texts: [String] = []
    for _ in 0..<20_000 {
      let digits = random.next() >> (random.next() % 63)
      texts += [
        "\(digits)e\(Int(random.next() % 700) - 380)", "0.\(digits)", "-\(digits)E-\(random.next() % 30)",
        "0.000000000000000000000000\(digits)", "\(digits % 1000).\(digits)", random.number().description,
      ]
    }
    #expect(readOtherwise(texts) == [])
  }

  @Test func decimalsHalfWayBetweenDoublesAreReadAsTheStandardLibraryReadsThem() {
    var random = SplitMix(state: 2)
    var texts = [
      "9007199254740993.0", "9007199254740993e0", "0.9007199254740993e16", "2.4703282292062327e-324",
      "2.4703282292062328e-324", "2.2250738585072011e-308", "2.2250738585072014e-308", "1.7976931348623157e308",
      "1e23", "8.5e22", "1e-400", "0e400", "0.0e-999999999999999999999", "1e-999999999999999999999",
      "9007199254740992.50000000000000000000000000", "9007199254740993.00000000000000000000000001",
    ]
    for _ in 0..<10_000 {
      let odd = (random.next() >> 11 | 1 << 52) * 2 + 1
      texts += ["\(odd).0", "\(odd)e0", "\(odd)e\(random.next() % 6)", "\(odd * 5)e-1", "\(odd * 25)e-2"]
      texts += ["\(odd * 125)e-3", "\(odd * 125 + 1)e-3", "\(odd * 125 - 1)e-3"]
    }
    #expect(readOtherwise(texts) == [])
  }

  @Test func theSignOfZeroIsKept() throws {
    for text in ["-0", "-0.0", "-0e5", "-0.000e-9"] {
      let value = try JSONReader.read(Array(text.utf8))
      guard case .number(let number) = value else {
        Issue.record("\(text) was read as \(value)")
        continue
      }
      #expect(number == 0 && number.sign == .minus)
    }
  }

  /// s · 2ʳ for the power's significand s, against the power itself, without division: it is too large by less than 2ʳ.
  @Test func everyPowerOfTenIsRoundedUpInItsLastBit() {
    for exponent in PowersOfTen.exponents {
      let (high, low) = PowersOfTen.significand(exponent)
      let shift = PowersOfTen.binaryExponent(exponent) - 127
      // Both sides multiplied by 10^-exponent where the exponent is negative, by 2^-shift where the shift is.
      var power = Natural([1])
      for _ in 0..<abs(exponent) { power.multiply(by: 10) }
      var (left, exact, unit) = (Natural(high, low), exponent < 0 ? Natural([1]) : power, Natural([1]))
      if exponent < 0 {
        left = left.multiplied(by: power)
        unit = power
      }
      if shift < 0 {
        exact = exact.shifted(by: -shift)
      } else {
        left = left.shifted(by: shift)
        unit = unit.shifted(by: shift)
      }
      #expect(high >> 63 == 1)
      #expect(!(left < exact) && left < exact.adding(unit), "10^\(exponent)")
      #expect((left == exact) == (0...55).contains(exponent), "10^\(exponent)")
    }
  }

  /// Those of the texts that are not read as `Double(text)` reads them.
  private func readOtherwise(_ texts: [String]) -> [String] {
    texts.filter { text in
      guard let expected = Double(text), expected.isFinite else {
        return (try? JSONReader.read(Array(text.utf8))) != nil
      }
      guard case .number(let number)? = try? JSONReader.read(Array(text.utf8)) else { return true }
      return number.bitPattern != expected.bitPattern
    }
  }
}

/// A whole number of any size: 32 bits an element, the lowest first, no zeros at the end.
private struct Natural: Equatable {
  var words: [UInt32]

  init(_ words: [UInt32]) { self.words = words }

  init(_ high: UInt64, _ low: UInt64) {
    words = [low, low >> 32, high, high >> 32].map { UInt32(truncatingIfNeeded: $0) }
  }

  mutating func multiply(by factor: UInt32) { self = multiplied(by: Natural([factor])) }

  func multiplied(by other: Natural) -> Natural {
    var product = [UInt32](repeating: 0, count: words.count + other.words.count)
    for (index, word) in words.enumerated() {
      var carry: UInt64 = 0
      for (offset, factor) in other.words.enumerated() {
        let sum = UInt64(word) * UInt64(factor) + UInt64(product[index + offset]) + carry
        product[index + offset] = UInt32(truncatingIfNeeded: sum)
        carry = sum >> 32
      }
      product[index + other.words.count] = UInt32(carry)
    }
    return Natural(product).trimmed()
  }

  func shifted(by bits: Int) -> Natural {
    multiplied(by: Natural([UInt32](repeating: 0, count: bits / 32) + [1 << UInt32(bits % 32)]))
  }

  func adding(_ other: Natural) -> Natural {
    var sum: [UInt32] = []
    var carry: UInt64 = 0
    for index in 0..<max(words.count, other.words.count) {
      carry += index < words.count ? UInt64(words[index]) : 0
      carry += index < other.words.count ? UInt64(other.words[index]) : 0
      sum.append(UInt32(truncatingIfNeeded: carry))
      carry >>= 32
    }
    return Natural(sum + [UInt32(carry)]).trimmed()
  }

  static func < (left: Natural, right: Natural) -> Bool {
    if left.words.count != right.words.count { return left.words.count < right.words.count }
    return left.words.reversed().lexicographicallyPrecedes(right.words.reversed())
  }

  private func trimmed() -> Natural {
    var words = words
    while words.last == 0 { words.removeLast() }
    return Natural(words)
  }
}
