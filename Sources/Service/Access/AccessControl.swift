import Glibc
import HTTPServer

/// Who may do what, and how much of it.
public final class AccessControl: Sendable {
  /// What time it is; tests say it themselves.
  public struct Clock: Sendable {
    /// Seconds that only go forward.
    public var now: @Sendable () -> Double
    /// Seconds since 1970.
    public var time: @Sendable () -> Int

    public init(now: @escaping @Sendable () -> Double, time: @escaping @Sendable () -> Int) {
      self.now = now
      self.time = time
    }

    public static let system = Clock(
      now: {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
      }, time: { Glibc.time(nil) })
  }

  /// Who sends a request, as far as it matters after ``admit(_:_:)``: kept in the request's mark.
  enum Caller: Int {
    /// No tokens are in force.
    case anybody
    case read
    case report
    case operate
    case admin
    /// It has a token that says it is a session's; to be looked at with the session at hand.
    case session

    private static let shift = 8

    init(_ head: HTTPRequestHead) { self = Caller(rawValue: (head.mark >> Self.shift) & 0xff) ?? .anybody }

    func note(in head: inout HTTPRequestHead) {
      head.mark = head.mark & ~(0xff << Self.shift) | rawValue << Self.shift
    }
  }

  private let tokens: TokenBook?
  private let limiter: RateLimiter?
  private let crossOrigin: CrossOrigin?
  private let clock: Clock

  /// - Parameters:
  ///   - tokens: who may do what; nil for everybody everything.
  ///   - limiter: how many requests a client may send; nil for as many as it likes.
  ///   - crossOrigin: which other origins' pages may read answers; nil for none.
  ///   - clock: what time it is.
  public init(
    tokens: TokenBook? = nil, limiter: RateLimiter? = nil, crossOrigin: CrossOrigin? = nil, clock: Clock = .system
  ) {
    self.tokens = tokens
    self.limiter = limiter
    self.crossOrigin = crossOrigin
    self.clock = clock
  }

  /// Lets a request pass, or says why not. Notes in it who sent it.
  ///
  /// - Throws: ``Problem`` 401, 403 or 429.
  func admit(_ head: inout HTTPRequestHead, _ need: Need) throws(Problem) {
    if need == .nothing || (tokens == nil && limiter == nil) { return }
    let now = clock.now()
    let finding =
      tokens.map { $0.find(Self.bearer(head.fields), now: now, time: clock.time()) } ?? TokenBook.Finding.notAsked
    if let limiter {
      // Only a token that is good has a bucket of its own: others are made up for nothing.
      var client = RateLimiter.Client(head.peer)
      if case .valid(let token) = finding { client = .token(token.id) }
      let wait = limiter.take(client, now: now)
      if wait > 0 { throw .tooManyRequests(after: wait) }
    }
    guard case .scope(let scope, let session) = need else { return }
    let caller: Caller
    switch finding {
    case .notAsked: caller = .anybody
    case .missing:
      throw .unauthorized(
        "send 'Authorization: Bearer TOKEN' with a token of the scope \(scope.rawValue); 'anneal token create "
          + "--scope \(scope.rawValue)' makes one")
    case .unknown: throw .invalidToken("the token is not known here, or was revoked")
    case .expired: throw .invalidToken("the token has expired")
    case .session:
      guard session != nil else { throw .invalidToken("the token of a session is good for that session alone") }
      if scope > .report { throw .insufficient(scope, "the token of a session is good for its trainer") }
      caller = .session
    case .valid(let token):
      if token.scope < scope {
        throw .insufficient(scope, "the token has \(token.scopes.map(\.rawValue).joined(separator: ", "))")
      }
      switch token.scope {
      case .read: caller = .read
      case .report: caller = .report
      case .operate: caller = .operate
      case .admin: caller = .admin
      }
    }
    caller.note(in: &head)
  }

  /// Adds what cross-origin requests need, to any response.
  func decorate(_ response: inout HTTPResponse, for head: HTTPRequestHead?) {
    crossOrigin?.decorate(&response, for: head)
  }

  /// The token that a request has: in its `Authorization` field and nowhere else, because a query string ends in logs.
  ///
  /// - Returns: nil where the request has none; another scheme's credentials are none.
  static func bearer(_ fields: HTTPFields) -> String? {
    guard let value = fields["Authorization"] else { return nil }
    let scheme = value.utf8.prefix { $0 != UInt8(ascii: " ") }
    guard scheme.count == 6, Substring(scheme).lowercased() == "bearer" else { return nil }
    return String(Substring(value.utf8.dropFirst(scheme.count).drop { $0 == UInt8(ascii: " ") }))
  }
}

extension Problem {
  /// There is no token, and one is needed.
  static func unauthorized(_ detail: String) -> Problem {
    Problem(
      kind: "unauthorized", status: 401, title: "A token is needed", detail: detail,
      challenge: "Bearer realm=\"anneal\"")
  }

  static func invalidToken(_ detail: String) -> Problem {
    Problem(
      kind: "invalid-token", status: 401, title: "The token is not valid", detail: detail,
      challenge: "Bearer realm=\"anneal\", error=\"invalid_token\"")
  }

  static func insufficient(_ scope: Scope, _ detail: String) -> Problem {
    Problem(
      kind: "insufficient-scope", status: 403, title: "The token does not allow this",
      detail: "\(detail); this needs the scope \(scope.rawValue)",
      challenge: "Bearer realm=\"anneal\", error=\"insufficient_scope\", scope=\"\(scope.rawValue)\"")
  }

  /// - Parameter seconds: how long it takes until a request may be sent again.
  static func tooManyRequests(after seconds: Double) -> Problem {
    let whole = Int(min(max(seconds.rounded(.up), 1), 1e6))
    return Problem(
      kind: "too-many-requests", status: 429, title: "There are too many requests",
      detail: "send fewer; the next one may come in \(whole) second\(whole == 1 ? "" : "s")", retryAfter: whole)
  }
}
