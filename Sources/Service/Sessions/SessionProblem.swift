import HTTPServer
import JSON
import Sessions

extension Problem {
  /// What a session does not do, as HTTP says it.
  init(_ error: SessionError) {
    let (status, title): (Int, String) =
      switch error.kind {
      case .invalid: (422, "A field is not valid")
      case .unknown: (404, "There is nothing here")
      case .deleted: (410, "It was deleted")
      case .staleAttempt: (409, "The attempt has ended")
      case .conflict: (409, "It does not fit what is there")
      case .notSealed: (409, "The rate is not decided yet")
      case .revision: (412, "The session has changed")
      case .unavailable: (503, "The sessions cannot be written or read now")
      }
    let kind =
      switch error.kind {
      case .invalid: "invalid-field"
      case .unknown: "not-found"
      case .deleted: "deleted"
      case .revision: "precondition-failed"
      case .unavailable: "store-unavailable"
      case .staleAttempt, .conflict, .notSealed: error.kind.rawValue
      }
    self.init(kind: kind, status: status, title: title, detail: error.detail, pointer: error.pointer)
    suggestion = error.suggestion
    if error.kind == .unavailable || error.kind == .notSealed { retryAfter = 1 }
  }
}
