import ArgumentParser
import Foundation
import HTTPServer
import Service

/// Who may do what with the server.
struct AccessOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The file of tokens, which 'anneal token create' makes; by default the file tokens in the folder --data.",
      valueName: "file"))
  var tokens: String?

  @Flag(help: "Serve everybody on every address, where there are no tokens.")
  var allowAnonymous = false

  @Option(
    name: .customLong("cors-origin"),
    help: ArgumentHelp(
      "An origin whose web pages may read answers, such as https://lab.example; may be given again.",
      valueName: "origin"))
  var corsOrigins: [String] = []

  @Option(
    help: ArgumentHelp(
      "The requests a second that one client may send: one token, else one address. By default no limit.",
      valueName: "n"))
  var rateLimit: Double?

  @Option(
    help: ArgumentHelp("The requests that one client may send at once; by default 2 × --rate-limit.", valueName: "n"))
  var rateBurst: Double?

  func validate() throws {
    if let rateLimit, !(rateLimit >= 0.001 && rateLimit <= 1_000_000) {
      throw ValidationError("--rate-limit must be from 0.001 to 1000000 requests a second")
    }
    if let rateBurst {
      if rateLimit == nil { throw ValidationError("--rate-burst needs --rate-limit") }
      if !(rateBurst >= 1 && rateBurst <= 1_000_000) { throw ValidationError("--rate-burst must be from 1 to 1000000") }
    }
    do { _ = try CrossOrigin(origins: corsOrigins) } catch { throw ValidationError("--cors-origin: \(error)") }
  }

  /// - Parameters:
  ///   - data: the folder of the sessions, or `:memory:`.
  ///   - addresses: where the server will listen.
  ///   - hasClientCertificates: whether clients without a certificate of theirs are refused: then nobody is anonymous.
  /// - Throws: ``AccessError`` where the tokens cannot be read, or there are none and the address is open to others.
  func control(data: String, addresses: [HTTPAddress], hasClientCertificates: Bool) throws -> AccessControl {
    let clock = AccessControl.Clock.system
    let path = tokens ?? (data == ":memory:" ? nil : "\(data)/tokens")
    let book = try path.map { path in
      try TokenBook(file: TokenFile(path: path), now: clock.now()) { complaint in
        FileHandle.standardError.write(Data("anneal: \(complaint)\n".utf8))
      }
    }
    if let tokens, !allowAnonymous, try TokenFile(path: tokens).tokens() == nil {
      throw AccessError(
        "--tokens: there is no file \(tokens); 'anneal token create --scope admin --tokens \(tokens)' makes it")
    }
    let open = addresses.lazy.compactMap { address -> String? in
      guard case .tcp(let host, _) = address, !ListenAddress.isLocal(host) else { return nil }
      return host
    }.first
    if let host = open, book?.isInForce != true, !allowAnonymous, !hasClientCertificates {
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
