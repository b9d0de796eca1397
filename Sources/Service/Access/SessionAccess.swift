import HTTPServer
import Sessions

// Tokens that are good for one session: only the session can tell.

extension AccessControl.Caller {
  /// Whether the session has to be asked before this caller's request is answered.
  func needsSession(_ route: SessionRoute, _ method: String) -> Bool {
    switch self {
    case .operate, .admin: false
    case .session: true
    // Of the others, it is the session's own trainer that reports, if the session says so.
    case .anybody, .read, .report: route.isTrainers(method)
    }
  }

  /// - Parameter hash: what the session's token has for a hash; nil where it has no token.
  /// - Throws: ``Problem`` where the request does not have the session's token.
  func check(_ hash: Result<[UInt8]?, SessionError>, _ head: HTTPRequestHead) throws(Problem) {
    switch hash {
    case .failure(let error):
      // The route will say what is wrong; but not to those who show a token that nobody has looked at.
      if self == .session { throw error.kind == .unavailable ? Problem(error) : .wrongSession }
    case .success(nil):
      if self == .session { throw .wrongSession }
    case .success(let hash?):
      let text = AccessControl.bearer(head.fields)
      let parts = text.flatMap { Token.parts($0) }
      let isSessions = parts.map { $0.id == Token.sessionID } ?? false
      if let parts, isSessions, Secret.equal(Secret.hash(parts.secret), hash) { return }
      if isSessions { throw .wrongSession }
      let detail = "the session has a token of its own, which was told when it was opened"
      if self == .anybody { throw .unauthorized(detail) }
      throw .insufficient(.operate, detail)
    }
  }
}

extension Problem {
  fileprivate static var wrongSession: Problem { .invalidToken("the token is not this session's") }
}
