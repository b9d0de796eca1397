import HTTPServer
import Logging
import Service

/// Who may do what with the server.
struct AccessSettings: Sendable {
  /// The file of tokens; nil for the file `tokens` in the folder of the sessions.
  var tokens: String?
  /// Whether everybody is served on every address where there are no tokens.
  var allowsAnonymous = false
  /// Origins whose web pages may read answers.
  var corsOrigins: [String] = []
  /// Requests a second that one client may send; nil for no limit.
  var rateLimit: Double?
  /// Requests that one client may send at once; nil for twice ``rateLimit``.
  var rateBurst: Double?

  /// What does not fit together, though each setting is valid for itself.
  var faults: [String] {
    var faults: [String] = []
    if rateBurst != nil && rateLimit == nil { faults.append("--rate-burst needs --rate-limit") }
    do { _ = try CrossOrigin(origins: corsOrigins) } catch { faults.append("--cors-origin: \(error)") }
    return faults
  }

  /// - Parameters:
  ///   - data: the folder of the sessions, or `:memory:`.
  ///   - addresses: where the server will listen.
  ///   - log: takes what the file of tokens is complained about while the server runs.
  ///   - hasClientCertificates: whether clients without a certificate of theirs are refused: then nobody is anonymous.
  /// - Throws: ``AccessError`` where the tokens cannot be read, or there are none and the address is open to others.
  func control(data: String, addresses: [HTTPAddress], hasClientCertificates: Bool, log: Logger) throws -> AccessControl
  {
    let clock = AccessControl.Clock.system
    let path = tokens ?? (data == ":memory:" ? nil : "\(data)/tokens")
    let book = try path.map { path in
      try TokenBook(file: TokenFile(path: path), now: clock.now()) { complaint in
        log.error("the file of tokens cannot be used", metadata: ["error": .string("\(complaint)")])
      }
    }
    if let tokens, !allowsAnonymous, try TokenFile(path: tokens).tokens() == nil {
      throw AccessError(
        "--tokens: there is no file \(tokens); 'anneal token create --scope admin --tokens \(tokens)' makes it")
    }
    let open = addresses.lazy.compactMap { address -> String? in
      guard case .tcp(let host, _) = address, !ListenAddress.isLocal(host) else { return nil }
      return host
    }.first
    if let host = open, book?.isInForce != true, !allowsAnonymous, !hasClientCertificates {
      let place = tokens.map { "--tokens \($0)" } ?? (data == ":memory:" ? "--tokens FILE" : "--data \(data)")
      throw AccessError(
        "without tokens everybody may do everything, so the server does not listen on \(host), where others can reach "
          + "it; make a token with 'anneal token create --scope admin \(place)'"
          + (path == nil ? " and serve with the same --tokens" : "") + ", or say --allow-anonymous")
    }
    let limiter = rateLimit.map { RateLimiter(rate: $0, burst: rateBurst ?? max(1, 2 * $0)) }
    return AccessControl(
      tokens: book, limiter: limiter,
      crossOrigin: corsOrigins.isEmpty ? nil : try CrossOrigin(origins: corsOrigins), clock: clock)
  }
}
