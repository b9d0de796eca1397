/// A number as people write it: `digits` · 10^`exponent`. Labels are made from it, so that 3 · 0.1 reads 0.3.
struct DecimalNumber: Equatable {
  /// Without zeros at its end.
  let digits: Int
  /// 0 where `digits` is.
  let exponent: Int

  init(digits: Int, exponent: Int) {
    var (digits, exponent) = (digits, digits == 0 ? 0 : exponent)
    while digits != 0, digits % 10 == 0 {
      digits /= 10
      exponent += 1
    }
    self.digits = digits
    self.exponent = exponent
  }

  /// The number with at most `count` significant digits (1 … 17) that is nearest to `value`, a finite one.
  init(_ value: Double, significantDigits count: Int) {
    var digits = 0
    var exponent = 0
    var isFraction = false
    var shift = 0
    // The shortest decimal of a double: at most 17 digits, so they fit an Int.
    let parts = value.magnitude.description.split(separator: "e", maxSplits: 1)
    for byte in (parts.first ?? "").utf8 {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        // A whole number may be written with zeros beyond the 17.
        guard digits < 100_000_000_000_000_000 else {
          if !isFraction { exponent += 1 }
          continue
        }
        digits = digits * 10 + Int(byte - UInt8(ascii: "0"))
        if isFraction { exponent -= 1 }
      default: isFraction = true
      }
    }
    if parts.count == 2 { shift = Int(parts[1]) ?? 0 }
    var limit = 1
    for _ in 0..<min(max(count, 1), 17) { limit *= 10 }
    var dropped = 0
    while digits >= limit {
      dropped = digits % 10
      digits /= 10
      exponent += 1
    }
    if dropped >= 5 { digits += 1 }
    self.init(digits: value < 0 ? -digits : digits, exponent: exponent + shift)
  }

  /// The power of ten of the first digit: 2 for 100 … 999, −1 for 0.1 … 0.9…; nil for 0.
  var magnitude: Int? {
    digits == 0 ? nil : exponent + digits.magnitude.description.utf8.count - 1
  }

  /// The nearest double; infinite beyond the largest one.
  var value: Double { Double("\(digits)e\(exponent)") ?? 0 }

  /// Labels in one manner for the ticks of one axis: 0.001, 1e-5, 10k, 1M.
  static func labels(_ numbers: [DecimalNumber]) -> [String] {
    let largest = numbers.compactMap(\.magnitude).max() ?? 0
    let finest = numbers.lazy.filter { $0.digits != 0 }.map(\.exponent).min() ?? 0
    return switch largest {
    case ...(-4): numbers.map(\.scientific)
    case -3...3: numbers.map(\.plain)
    // 1.002M is short; 1.00000002M is harder to read than the number itself.
    case 4...14: numbers.map(finest >= largest / 3 * 3 - 3 ? \.suffixed : \.plain)
    case 15 where largest - finest > 6: numbers.map(\.plain)
    default: numbers.map(\.scientific)
    }
  }

  /// A label of its own, for a decade and in running text.
  var label: String { Self.labels([self]).first ?? "" }

  private var sign: String { digits < 0 ? "-" : "" }

  private var plain: String {
    // Far from 1 there would be more zeros than anyone counts.
    guard abs(exponent) <= 20 else { return scientific }
    let text = digits.magnitude.description
    if exponent >= 0 { return sign + text + String(repeating: "0", count: exponent) }
    let count = text.utf8.count
    if count > -exponent { return sign + text.dropLast(-exponent) + "." + text.suffix(-exponent) }
    return sign + "0." + String(repeating: "0", count: -exponent - count) + text
  }

  private var scientific: String {
    guard let magnitude else { return "0" }
    let text = digits.magnitude.description
    let rest = text.dropFirst()
    return sign + text.prefix(1) + (rest.isEmpty ? "" : "." + rest) + "e" + magnitude.description
  }

  private var suffixed: String {
    guard let magnitude, magnitude >= 3 else { return plain }
    let group = min(magnitude / 3, 4)
    return DecimalNumber(digits: digits, exponent: exponent - 3 * group).plain + ["", "k", "M", "B", "T"][group]
  }
}
