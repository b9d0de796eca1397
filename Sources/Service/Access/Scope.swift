/// What a token allows; each scope includes all those before it.
public enum Scope: String, CaseIterable, Sendable, Comparable {
  /// To look at everything, and to ask what changes nothing: schedules, comparisons, sessions.
  case read
  /// To be a trainer: to open sessions, report, restart, restore a state.
  case report
  /// To steer: overrides, notes, forks, replays; and the trainers' routes of sessions that have a token of their own.
  case operate
  /// To delete sessions, which cannot be undone.
  case admin

  private var rank: Int {
    switch self {
    case .read: 1
    case .report: 2
    case .operate: 3
    case .admin: 4
    }
  }

  public static func < (a: Scope, b: Scope) -> Bool { a.rank < b.rank }
}

/// What a request asks of whoever sends it.
enum Need: Equatable {
  /// Nothing, and no limit of the rate either: whether the process is alive.
  case nothing
  /// No token.
  case anyone
  /// A token with that scope; for what concerns one session, the token of that session does too, up to `report`.
  case scope(Scope, session: String? = nil)
}

extension SessionRoute {
  /// What a request of that method on this path needs.
  func need(_ method: String) -> Need {
    let isRead = method == "GET" || method == "HEAD"
    switch self {
    case .collection: return .scope(isRead ? .read : .report)
    case .session(let id):
      switch method {
      case "GET", "HEAD": return .scope(.read, session: id)
      case "PUT": return .scope(.report, session: id)
      case "PATCH": return .scope(.operate, session: id)
      default: return .scope(.admin, session: id)
      }
    case .part(let id, let part):
      if isRead { return .scope(.read, session: id) }
      switch part {
      case .next, .attempts, .state: return .scope(.report, session: id)
      default: return .scope(.operate, session: id)
      }
    case .override(let id, _): return .scope(.operate, session: id)
    }
  }

  /// Whether only the session's own trainer should send this, where the session has a token of its own.
  ///
  /// PUT of the session itself is not among them: on one that is there it changes nothing.
  func isTrainers(_ method: String) -> Bool {
    switch self {
    case .part(_, .next), .part(_, .state), .part(_, .attempts): method == "POST" || method == "PUT"
    default: false
    }
  }
}
