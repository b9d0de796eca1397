/// Why a session does not do what it was asked for.
public struct SessionError: Error, Equatable, Sendable {
  public enum Kind: String, Sendable {
    /// A field makes no sense.
    case invalid
    /// No session of that name.
    case unknown
    /// The session was deleted.
    case deleted
    /// The message is of an attempt that a restart has ended.
    case staleAttempt = "stale-attempt"
    /// It does not fit what is there: the name is taken, the step is sealed already.
    case conflict
    /// The rate is not decided yet.
    case notSealed = "not-sealed"
    /// If-Match names another revision.
    case revision
    /// The store cannot take it now.
    case unavailable
  }

  public var kind: Kind
  /// What is wrong and what to do, in words.
  public var detail: String
  /// Names the bad field of the request's content, a JSON Pointer.
  public var pointer: String?
  public var suggestion: String?

  public init(_ kind: Kind, _ detail: String, pointer: String? = nil, suggestion: String? = nil) {
    self.kind = kind
    self.detail = detail
    self.pointer = pointer
    self.suggestion = suggestion
  }
}
