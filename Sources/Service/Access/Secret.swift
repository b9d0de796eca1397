import COpenSSL
import JSON

/// The secret part of a token, and its hash, which is all that is kept of it.
enum Secret {
  /// SHA-256's octets.
  static let hashLength = 32

  /// 256 bits that nobody knows, as 64 hexadecimal digits.
  static func fresh() -> String {
    // On Linux, the kernel's getrandom.
    var generator = SystemRandomNumberGenerator()
    return hexadecimal((0..<hashLength).map { _ in UInt8.random(in: 0...255, using: &generator) })
  }

  /// The SHA-256 of the text. There is no salt and no slow hash: the secret is no password, it cannot be guessed.
  static func hash(_ secret: some StringProtocol) -> [UInt8] {
    hash(octets: Array(secret.utf8))
  }

  /// The SHA-256 of the octets.
  static func hash(octets: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: hashLength)
    var length: UInt32 = 0
    let done = octets.withUnsafeBufferPointer { bytes in
      EVP_Digest(bytes.baseAddress, bytes.count, &digest, &length, EVP_sha256(), nil)
    }
    // A digest that cannot be made equals nothing: better nobody gets in than anybody.
    return done == 1 && Int(length) == hashLength ? digest : []
  }

  /// Compares two hashes in a time that does not tell how far they agree.
  static func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.count == hashLength && b.count == hashLength && CRYPTO_memcmp(a, b, hashLength) == 0
  }

  static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The hash that ``hexadecimal(_:)`` wrote; nil for anything else.
  static func hash(hexadecimal text: String) -> [UInt8]? {
    let digits = text.utf8.compactMap { byte -> UInt8? in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
      default: nil
      }
    }
    guard digits.count == 2 * hashLength, text.utf8.count == digits.count else { return nil }
    return (0..<hashLength).map { digits[2 * $0] << 4 | digits[2 * $0 + 1] }
  }
}
