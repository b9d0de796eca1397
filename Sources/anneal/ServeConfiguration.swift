import Glibc
import HTTPServer
import Logging
import Logs
import Service
import Sessions
import SessionsSQLite
import Settings

/// All that can be set of `anneal serve`, with its defaults.
struct ServeConfiguration: Sendable {
  var host = "127.0.0.1"
  var port = 8080
  /// In place of host and port.
  var listen: [String] = []
  var tlsCertificate: String?
  var tlsKey: String?
  var tlsClientIssuers: String?
  var access = AccessSettings()
  var limits = HTTPServerLimits()
  var service = Service.Configuration()
  var data = "anneal-data"
  var durability = StoreDurability.full
  /// The URL of the database that several servers share; nil for SQLite in the folder.
  var store: String?
  var sessions = SessionHub.Configuration()
  var stateKey: String?
  /// Whether the server does not start as root. The image says so.
  var refusesRoot = false
  /// Seconds from the first signal to the end of listening; meanwhile `/readyz` says no.
  var drainDelay = 0.0
  /// Seconds that answers under way get to finish.
  var drainSeconds = 10.0
  var logFormat = LogFormat.text
  var logLevel = LogLevel.notice
  var accessLog = true

  /// swift-log's levels by their names.
  enum LogLevel: String, Sendable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical

    var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .notice }
  }

  private static let day = 86_400.0
  private static let gibibyte = 1 << 30

  /// The one place where a setting is declared: its flag, variable, key, check, help and line in the README come from here.
  static let settings = Settings<ServeConfiguration>(
    [
      Setting("host", \.host, .text("address"), "The address to listen on"),
      Setting("port", \.port, .whole(0...65535, "port"), "The TCP port; 0 for any free one"),
      Setting(
        "listen", \.listen, .texts("address"),
        "In place of host and port: HOST:PORT, or unix:PATH for a Unix socket; there may be several"),
      Setting(
        "tls-cert", \.tlsCertificate, .optionalText("file"),
        "The PEM file with the certificate and its chain: serves HTTPS; read again on SIGHUP"),
      Setting("tls-key", \.tlsKey, .optionalText("file"), "The PEM file with the certificate's private key"),
      Setting(
        "tls-client-ca", \.tlsClientIssuers, .optionalText("file"),
        "The PEM file with the issuers of clients' certificates: clients without one are refused"),
      Setting(
        "data", \.data, .text("dir"),
        "The folder that sessions are kept in, made where it is missing; ':memory:' forgets them at the end"),
      Setting(
        "store", \.store, .url(schemes: ["postgresql", "postgres"]),
        "The PostgreSQL database that sessions are kept in, in place of the folder, and that several servers may share; "
          + "passwords stand in libpq's password file (PGPASSFILE)"),
      Setting(
        "durability", \.durability, .choice(),
        "What an acknowledged report has survived: full, a loss of power; relaxed, the end of the process. With store, "
          + "full is what the database is set to, and relaxed does not wait for its disk"),
      Setting(
        "live-sessions", \.sessions.liveSessions, .whole(1...100_000_000),
        "How many sessions stay in memory; the rest come back from the folder when they are asked for"),
      Setting(
        "state-key", \.stateKey, .optionalText("file"),
        "A file with the secret that signs saved states; servers that share it take each other's; else one is made"),
      Setting(
        "max-rates", \.service.largestAnswer, .whole(1...1_000_000_000), "The most rates that one answer may hold"),
      Setting(
        "max-experiment", \.service.largestExperiment, .number(1e3...1e15, "multiplications"),
        "The most that one experiment may cost, in multiplications: 1e9 take some seconds of one core"),
      // Who may do what.
      Setting(
        "tokens", \.access.tokens, .optionalText("file"),
        "The file of tokens, which 'anneal token create' makes; else the file tokens in the folder of the sessions"),
      Setting(
        "allow-anonymous", \.access.allowsAnonymous, .flag,
        "Whether everybody is served on every address where there are no tokens"),
      Setting(
        "refuse-root", \.refusesRoot, .flag,
        "Whether the server does not start as root; so it is in the image"),
      Setting(
        "cors-origin", \.access.corsOrigins, .texts("origin"),
        "Origins whose web pages may read answers, such as https://lab.example"),
      Setting(
        "rate-limit", \.access.rateLimit, .optionalNumber(0.001...1_000_000),
        "Requests a second that one client may send: one token, else one address; else no limit"),
      Setting(
        "rate-burst", \.access.rateBurst, .optionalNumber(1...1_000_000),
        "Requests that one client may send at once; else twice the rate-limit"),
      // Limits of HTTP.
      Setting(
        "max-content", \.limits.content, .octets(1...gibibyte), "Octets of a request's content; 413 beyond"),
      Setting(
        "max-request-line", \.limits.requestLine, .octets(64...(1 << 20)), "Octets of a request line; 414 beyond"),
      Setting(
        "max-fields", \.limits.fields, .octets(256...(16 << 20)), "Octets of all fields of a request; 431 beyond"),
      Setting(
        "max-field-count", \.limits.fieldCount, .whole(4...10_000), "Number of fields of a request; 431 beyond"),
      Setting(
        "max-chunk-line", \.limits.chunkLine, .octets(16...(1 << 20)), "Octets of a chunk's size line; 400 beyond"),
      Setting(
        "max-chunk-extensions", \.limits.chunkExtensions, .octets(0...(1 << 20)),
        "Octets of all chunk extensions of a request; 400 beyond"),
      Setting(
        "max-trailers", \.limits.trailers, .octets(0...(16 << 20)), "Octets of trailer fields; 431 beyond"),
      Setting(
        "max-unsent", \.limits.unsent, .octets(4096...gibibyte),
        "Octets that may wait for a slow client before no more are made for it"),
      Setting(
        "max-connections", \.limits.connections, .whole(1...1_000_000),
        "Connections at a time; more wait in the kernel's queue"),
      Setting(
        "header-timeout", \.limits.headSeconds, .seconds(0.1...day),
        "Seconds for a request's line and fields; 408 beyond"),
      Setting(
        "content-timeout", \.limits.bodySeconds, .seconds(0.1...day), "Seconds for a request's content; 408 beyond"),
      Setting(
        "idle-timeout", \.limits.idleSeconds, .seconds(0.1...day),
        "Seconds that a connection may stay open between two requests"),
      Setting(
        "write-timeout", \.limits.writeSeconds, .seconds(0.1...day),
        "Seconds that a client may take nothing of what is sent to it"),
      Setting(
        "linger-timeout", \.limits.lingerSeconds, .seconds(0...60),
        "Seconds of reading on after a refusal, so that the client sees the answer"),
      Setting(
        "handshake-timeout", \.limits.handshakeSeconds, .seconds(0.1...day), "Seconds for a connection's TLS handshake"),
      Setting(
        "max-connection-requests", \.limits.requestsPerConnection, .whole(1...1_000_000_000),
        "Requests that one connection may make before it is ended"),
      Setting(
        "max-connection-age", \.limits.connectionSeconds, .seconds(1...(365 * day)),
        "Seconds after which a connection ends with its next answer, so that clients spread over new servers"),
      Setting(
        "backlog", \.limits.backlog, .whole(1...65535), "Connections that the kernel keeps until they are accepted"),
      Setting(
        "max-decompression-ratio", \.limits.decompressionRatio, .whole(1...100_000),
        "Times that a compressed content may grow; 413 beyond"),
      Setting(
        "compress", \.limits.compressesResponses, .flag, "Whether answers are compressed for clients that ask for it"),
      Setting(
        "min-compressed", \.limits.smallestCompressed, .octets(0...gibibyte),
        "Octets of an answer from which it is compressed"),
      // The end.
      Setting(
        "drain-delay", \.drainDelay, .seconds(0...3600),
        "Seconds after SIGTERM in which the server goes on but /readyz says no, for load balancers to notice"),
      Setting(
        "drain-timeout", \.drainSeconds, .seconds(0...day),
        "Seconds that answers under way get to finish once the server stops listening"),
      // Logs.
      Setting("log-format", \.logFormat, .choice(), "One line of text or of JSON a record, on standard error"),
      Setting("log-level", \.logLevel, .choice(), "The least level that is logged; requests are of level info"),
      Setting("access-log", \.accessLog, .flag, "Whether requests are logged"),
    ], prefix: "ANNEAL_", otherVariables: ["ANNEAL_CONFIG"])
}

extension ServeConfiguration {
  /// What does not fit together, though each setting is valid for itself.
  var faults: [String] {
    var faults = listen.filter { Self.address($0) == nil }.map { "--listen takes HOST:PORT or unix:PATH, not '\($0)'" }
    if (tlsCertificate == nil) != (tlsKey == nil) { faults.append("--tls-cert and --tls-key go together") }
    if tlsClientIssuers != nil && tlsCertificate == nil {
      faults.append("--tls-client-ca needs --tls-cert and --tls-key")
    }
    return faults + access.faults
  }

  /// Why the server does not start as this user; nil where it does.
  func refusal(ofUser user: uid_t) -> String? {
    guard refusesRoot && user == 0 else { return nil }
    return "the server does not start as root: run it as another user, in a container with --user 10001; or say "
      + "--no-refuse-root (ANNEAL_REFUSE_ROOT=false)"
  }

  var addresses: [HTTPAddress] {
    listen.isEmpty ? [.tcp(host: host, port: UInt16(clamping: port))] : listen.compactMap(Self.address)
  }

  /// The certificate, where one is given.
  var tls: TLSConfiguration? {
    guard let tlsCertificate, let tlsKey else { return nil }
    return TLSConfiguration(certificateFile: tlsCertificate, keyFile: tlsKey, clientIssuersFile: tlsClientIssuers)
  }

  private static func address(_ text: String) -> HTTPAddress? {
    if text.hasPrefix("unix:") { return .unix(path: String(text.dropFirst(5))) }
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("[") && host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    return .tcp(host: String(host), port: port)
  }
}
