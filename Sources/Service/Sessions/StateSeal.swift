import COpenSSL
import Foundation
import JSON

/// Signs the states that trainers keep in their checkpoints, so that none comes back changed: HMAC-SHA256.
public struct StateSeal: Sendable {
  private let key: [UInt8]

  /// - Parameter key: the secret; servers that share it take each other's states. At least 16 octets.
  public init(key: [UInt8]) { self.key = key }

  /// A secret that nobody knows.
  public static func freshKey() -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }

  func sealed(_ state: JSONValue) -> JSONValue {
    let text = Data(JSONWriter.text(state).utf8).base64EncodedString()
    return ["state": .string(text), "signature": .string(signature(text))]
  }

  /// - Returns: the state.
  /// - Throws: ``Problem`` where it was not signed with this key, or is not as it was signed.
  func opened(_ value: JSONValue) throws(Problem) -> JSONValue {
    let request = try RequestObject(
      value, at: .root, names: ["state", "signature"], example: "{\"state\": \"…\", \"signature\": \"…\"}")
    guard case .string(let text)? = request["state"] else {
      throw .invalid("/state", "'state' is the text that GET …/state has answered")
    }
    guard case .string(let given)? = request["signature"] else {
      throw .invalid("/signature", "'signature' is the text that GET …/state has answered")
    }
    let expected = Array(signature(text).utf8)
    let bytes = Array(given.utf8)
    // In constant time: how far a guess is right must not show.
    guard bytes.count == expected.count, CRYPTO_memcmp(bytes, expected, expected.count) == 0 else {
      throw Problem(
        kind: "bad-signature", status: 403, title: "The state is not signed by this server",
        detail: "it was changed, or comes from a server with another --state-key", pointer: "/signature")
    }
    guard let data = Data(base64Encoded: text), let state = try? JSONReader.read(Array(data), depth: 256) else {
      throw .invalid("/state", "the state cannot be read")
    }
    return state
  }

  private func signature(_ text: String) -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    let bytes = Array(text.utf8)
    HMAC(EVP_sha256(), key, Int32(key.count), bytes, bytes.count, &digest, &length)
    return Secret.hexadecimal(digest)
  }
}
