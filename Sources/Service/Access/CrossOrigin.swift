import HTTPServer

/// Which web pages of other origins may read answers (CORS): those that are named, and no others.
public struct CrossOrigin: Sendable {
  private static let requestFields = [
    "Accept", "Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "Last-Event-ID",
    "X-Request-Id",
  ].joined(separator: ", ")
  private static let responseFields = ["Allow", "ETag", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id"]
    .joined(separator: ", ")
  /// Seconds that a browser may remember a preflight's answer; browsers have limits of their own.
  private static let seconds = 3600

  private let origins: Set<String>

  /// - Parameter origins: as browsers write them: `scheme://host`, or `scheme://host:port` where the port is not the
  ///   scheme's own; lower-case.
  /// - Throws: ``AccessError`` for one that no browser would send.
  public init(origins: [String]) throws(AccessError) {
    for origin in origins { try Self.check(origin) }
    self.origins = Set(origins)
  }

  private static func check(_ origin: String) throws(AccessError) {
    func wrong(_ advice: String) -> AccessError {
      AccessError("'\(origin)' is no origin such as https://lab.example or http://localhost:3000: \(advice)")
    }
    if origin == "*" || origin == "null" { throw wrong("every page that may read answers has to be named") }
    guard let mark = origin.firstRange(of: "://") else { throw wrong("it has no scheme") }
    let (scheme, rest) = (origin[..<mark.lowerBound], origin[mark.upperBound...])
    if scheme.isEmpty || rest.isEmpty { throw wrong("it needs a scheme and a host") }
    if origin.contains("/") && rest.contains("/") {
      throw wrong("an origin ends with its host or port, without a path")
    }
    if origin.lowercased() != origin { throw wrong("browsers send it in lower case") }
    let allowed = "abcdefghijklmnopqrstuvwxyz0123456789-._~:[]+".utf8
    if !rest.utf8.allSatisfy(allowed.contains) || !scheme.utf8.allSatisfy(allowed.contains) {
      throw wrong("it has a character that no origin has")
    }
    let end = rest.lastIndex(of: "]") ?? rest.startIndex
    guard let colon = rest[end...].firstIndex(of: ":") else { return }
    let port = rest[rest.index(after: colon)...]
    let number = port.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? UInt16(port) : nil
    guard let number, number > 0, String(number) == port, colon > rest.startIndex else {
      throw wrong("its port is no number from 1 to 65535")
    }
    if (scheme == "http" && number == 80) || (scheme == "https" && number == 443) {
      throw wrong("browsers leave the scheme's own port out")
    }
  }

  /// Adds to any response what tells the browser that the page may read it; answers preflights.
  ///
  /// - Parameter head: nil where the request could not be parsed.
  func decorate(_ response: inout HTTPResponse, for head: HTTPRequestHead?) {
    // For caches: with another Origin it would be another response.
    response.fields.append("Vary", "Origin")
    guard let head, let origin = head.fields["Origin"], origins.contains(origin) else { return }
    response.fields.append("Access-Control-Allow-Origin", origin)
    if head.method == "OPTIONS", response.status == 204, head.fields["Access-Control-Request-Method"] != nil {
      response.fields.append("Access-Control-Allow-Methods", response.fields["Allow"] ?? "GET")
      response.fields.append("Access-Control-Allow-Headers", Self.requestFields)
      response.fields.append("Access-Control-Max-Age", "\(Self.seconds)")
    } else {
      response.fields.append("Access-Control-Expose-Headers", Self.responseFields)
    }
  }
}
