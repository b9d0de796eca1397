import Foundation

/// torch's random numbers on the CPU: the generator MT19937, and how torch makes single numbers of it.
///
/// Source: Matsumoto and Nishimura, 1998; ATen's `mt19937` and `normal_distribution`, torch 2.13.
struct TorchRandom {
  private var words: [UInt32]
  private var position = 624
  /// The sine of the last normal number's pair, which is the next one.
  private var cachedNormal: Double?

  /// As `torch.Generator().manual_seed(seed)`; the generator takes the lower 32 bits.
  init(seed: UInt64) {
    words = [UInt32](repeating: 0, count: 624)
    words[0] = UInt32(truncatingIfNeeded: seed)
    for index in 1..<624 {
      let last = words[index - 1]
      words[index] = 1_812_433_253 &* (last ^ (last >> 30)) &+ UInt32(index)
    }
  }

  private mutating func next() -> UInt32 {
    if position == 624 { twist() }
    var word = words[position]
    position += 1
    word ^= word >> 11
    word ^= (word << 7) & 0x9D2C_5680
    word ^= (word << 15) & 0xEFC6_0000
    return word ^ (word >> 18)
  }

  private mutating func twist() {
    for index in 0..<624 {
      let mixed = (words[index] & 0x8000_0000) | (words[(index + 1) % 624] & 0x7FFF_FFFF)
      words[index] = words[(index + 397) % 624] ^ (mixed >> 1) ^ (mixed & 1 == 0 ? 0 : 0x9908_B0DF)
    }
    position = 0
  }

  /// A double from 0 to below 1, of 53 bits.
  private mutating func unit() -> Double {
    let high = UInt64(next())
    let bits = high << 32 | UInt64(next())
    return Double(bits & (1 << 53 - 1)) * 0x1p-53
  }

  /// As `torch.rand(1, generator=g)`: a number of 24 bits from 0 to below 1.
  mutating func uniform() -> Double { Double(next() & (1 << 24 - 1)) * 0x1p-24 }

  /// As `torch.randn(1, generator=g)`: computed in 64 bits, kept in 32.
  mutating func normal() -> Double {
    if let cached = cachedNormal {
      cachedNormal = nil
      return Double(Float(cached))
    }
    let angle = 2 * Double.pi * unit()
    let radius = (-2 * log1p(-unit())).squareRoot()
    cachedNormal = radius * sin(angle)
    return Double(Float(radius * cos(angle)))
  }
}
