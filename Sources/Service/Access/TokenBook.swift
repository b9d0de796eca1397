import Synchronization

/// The tokens of a running server. It sees by itself when their file has changed.
public final class TokenBook: Sendable {
  /// What a request's token is worth.
  enum Finding: Equatable {
    /// There are no tokens; nobody needs one.
    case notAsked
    /// The request has none.
    case missing
    /// It is none of the book's, or its secret is wrong.
    case unknown
    case expired
    /// It says that it is a session's; only the session can tell.
    case session
    case valid(Token)
  }

  private struct State {
    var tokens: [String: Token] = [:]
    /// Stays true: a server that has asked for tokens does not open when the last one is revoked, or the file is lost.
    var isInForce = false
    var stamp: TokenFile.Stamp?
    var nextLook: Double
    var complaint: String?
  }

  private let file: TokenFile
  private let complain: @Sendable (String) -> Void
  private let state: Mutex<State>
  /// What an unknown token is compared with, so that it costs what a known one does.
  private let noHash = [UInt8](repeating: 0, count: Secret.hashLength)

  /// Reads the file.
  ///
  /// - Parameters:
  ///   - file: may be missing; then nobody needs a token until there is one.
  ///   - now: the time of the clock that ``find(_:now:time:)`` is told.
  ///   - complain: told, once for each thing, what is wrong with a file that has changed. The tokens stay as they were.
  /// - Throws: ``AccessError`` where the file is there and cannot be read.
  public init(file: TokenFile, now: Double, complain: @escaping @Sendable (String) -> Void) throws(AccessError) {
    self.file = file
    self.complain = complain
    var state = State(nextLook: now + 1)
    if let loaded = try file.load() { Self.take(loaded, into: &state) }
    self.state = Mutex(state)
  }

  /// Whether requests need a token.
  public var isInForce: Bool { state.withLock(\.isInForce) }

  /// Looks up a token.
  ///
  /// - Parameters:
  ///   - text: as the request has it; nil for a request without one.
  ///   - now: seconds of a monotonic clock; the file is looked at once in a second at most.
  ///   - time: seconds since 1970, for tokens that expire.
  func find(_ text: String?, now: Double, time: Int) -> Finding {
    let parts = text.flatMap { Token.parts($0) }
    let (isInForce, token) = state.withLock { state in
      if now >= state.nextLook { refresh(&state, now) }
      return (state.isInForce, parts.flatMap { state.tokens[String($0.id)] })
    }
    if !isInForce { return .notAsked }
    guard text != nil else { return .missing }
    guard let parts else { return .unknown }
    if parts.id == Token.sessionID { return .session }
    guard Secret.equal(Secret.hash(parts.secret), token?.hash ?? noHash), let token else { return .unknown }
    if let expires = token.expires, time >= expires { return .expired }
    return .valid(token)
  }

  private static func take(_ loaded: (tokens: [Token], stamp: TokenFile.Stamp), into state: inout State) {
    state.tokens = Dictionary(loaded.tokens.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    state.stamp = loaded.stamp
    if !loaded.tokens.isEmpty { state.isInForce = true }
  }

  private func refresh(_ state: inout State, _ now: Double) {
    state.nextLook = now + 1
    do throws(AccessError) {
      let stamp = try file.stamp()
      if stamp == state.stamp { return }
      state.stamp = stamp
      guard let loaded = try file.load() else {
        if state.isInForce { throw AccessError("\(file.path) is gone") }
        return
      }
      Self.take(loaded, into: &state)
      state.complaint = nil
    } catch {
      if state.complaint == error.description { return }
      state.complaint = error.description
      complain("\(error.description); the tokens that were read before stay in force")
    }
  }
}
