import JSON

/// A secret that only one session's trainer has; the hub keeps a hash of it with the session.
///
/// How it is made, hashed and compared is the caller's business.
public struct SessionToken: Sendable {
  /// What the trainer is told, once.
  public var text: String
  public var hash: [UInt8]

  public init(text: String, hash: [UInt8]) {
    self.text = text
    self.hash = hash
  }

  /// Under which name the store has the hash. It stays when the session is deleted, as the session's name does.
  static func storeName(_ id: String) -> String { "token/\(id)" }
}

extension SessionHub {
  /// The hash of the token that a session's trainer must have.
  ///
  /// - Parameter completion: called at once where the session is in memory; with nil for a session without a token, and
  ///   with the hash for one that had a token and was deleted.
  public func tokenHash(_ id: String, _ completion: @escaping Completion<[UInt8]?>) {
    find(id) { found in
      switch found {
      case .success(let live): completion(.success(live.tokenHash))
      case .failure(let error):
        let hash = error.kind == .deleted ? try? self.store.value(SessionToken.storeName(id)) : nil
        completion(hash.map { .success($0) } ?? .failure(error))
      }
    }
  }
}

extension JSONValue {
  /// The object with the session's token in it, if one was made.
  func with(_ token: SessionToken?) -> JSONValue {
    guard let token, case .object(let object) = self else { return self }
    return .object(JSONObject(object.members.map { ($0.name, $0.value) } + [("token", .string(token.text))]))
  }
}
