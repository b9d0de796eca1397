/// The start line and the fields of a request.
public struct HTTPRequestHead: Sendable, Equatable {
  /// What the client sent. Apart, because a request is handed around a good deal and this is much to copy.
  private final class Content: Sendable {
    let method: String
    let path: String
    let query: String?
    let minorVersion: Int
    let fields: HTTPFields

    init(method: String, path: String, query: String?, minorVersion: Int, fields: HTTPFields) {
      self.method = method
      self.path = path
      self.query = query
      self.minorVersion = minorVersion
      self.fields = fields
    }
  }

  private let content: Content
  /// One of the methods in ``HTTPRequestHead/methods``.
  public var method: String { content.method }
  /// The path as it was sent, percent-encoded; `*` for `OPTIONS *`.
  public var path: String { content.path }
  /// What follows the question mark, as it was sent.
  public var query: String? { content.query }
  /// The minor version: 1 for HTTP/1.1, 0 for HTTP/1.0.
  public var minorVersion: Int { content.minorVersion }
  public var fields: HTTPFields { content.fields }
  /// Who sent it.
  public var peer = HTTPPeer.unknown
  /// Names the request in logs and in the response's `X-Request-Id`: the client's own where it sent a sound one.
  public var id = HTTPRequestID()
  /// For the handler: what it sets in ``HTTPHandler/screen(_:)`` it finds again in `respond` and `finished`.
  public var mark = 0

  /// - Parameter path: percent-encoded.
  init(method: String, path: String, query: String?, minorVersion: Int, fields: HTTPFields) {
    content = Content(method: method, path: path, query: query, minorVersion: minorVersion, fields: fields)
  }

  public static func == (a: HTTPRequestHead, b: HTTPRequestHead) -> Bool {
    a.method == b.method && a.path == b.path && a.query == b.query && a.minorVersion == b.minorVersion
      && a.fields == b.fields && a.peer == b.peer && a.id == b.id && a.mark == b.mark
  }

  /// The methods that reach a handler, which may answer 405; others are unknown and answered 501. CONNECT is for
  /// proxies.
  public static let methods = [
    "POST", "GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY",
  ]

  /// The path's segments with percent escapes decoded; nil where they do not decode to UTF-8.
  public var segments: [String]? {
    // By octets: this is looked at for every request, and to walk over characters costs more than all the rest of it.
    var segments: [String] = []
    for part in path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst() {
      if !part.contains(UInt8(ascii: "%")) {
        segments.append(String(Substring(part)))
      } else if let segment = Substring(part).removingPercentEscapes() {
        segments.append(segment)
      } else {
        return nil
      }
    }
    return segments
  }

  /// The query's parameters in their order, `name=value` joined by `&`, with percent escapes and plus signs decoded;
  /// nil where they do not decode to UTF-8. A parameter without an equals sign has an empty value.
  public var queryParameters: [(name: String, value: String)]? {
    var parameters: [(name: String, value: String)] = []
    guard let query else { return parameters }
    for pair in query.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let value = parts.count > 1 ? parts[1] : ""
      guard let name = parts[0].removingPercentEscapes(plusIsSpace: true),
        let value = value.removingPercentEscapes(plusIsSpace: true)
      else { return nil }
      parameters.append((name, value))
    }
    return parameters
  }
}

extension Substring {
  fileprivate func removingPercentEscapes(plusIsSpace: Bool = false) -> String? {
    var bytes: [UInt8] = []
    var rest = utf8[...]
    while let byte = rest.popFirst() {
      if byte != UInt8(ascii: "%") {
        bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(hexadecimalValue), let low = rest.popFirst().flatMap(hexadecimalValue)
      else { return nil }
      bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}

/// The value of a hexadecimal digit.
func hexadecimalValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}

/// The other end of a connection.
public final class HTTPPeer: Sendable, Equatable {
  /// The IPv4 or IPv6 address without the port; `unix` on a Unix socket.
  public let address: String
  /// Whether it comes over TLS.
  public let isEncrypted: Bool
  /// The subject of the certificate that the client has proved to own; nil without one.
  public let certificateSubject: String?

  static let unknown = HTTPPeer(address: "")

  init(address: String, isEncrypted: Bool = false, certificateSubject: String? = nil) {
    self.address = address
    self.isEncrypted = isEncrypted
    self.certificateSubject = certificateSubject
  }

  public static func == (a: HTTPPeer, b: HTTPPeer) -> Bool {
    a.address == b.address && a.isEncrypted == b.isEncrypted && a.certificateSubject == b.certificateSubject
  }
}

/// A whole request.
public struct HTTPRequest: Sendable, Equatable {
  public let head: HTTPRequestHead
  /// The content, transfer coding removed; at most ``HTTPServerLimits/content`` octets.
  public let body: [UInt8]
}

public struct HTTPResponse: Sendable {
  public var status: Int
  /// Without `Date`, `Content-Length`, `Transfer-Encoding` and `Connection`, which the server writes.
  public var fields: HTTPFields
  public var body: HTTPBody
  /// Whether it may be compressed. Not where it holds a secret beside something that the client has chosen: the size would
  /// then tell of the secret (BREACH).
  public var mayBeCoded = true

  public init(status: Int, fields: HTTPFields = [:], body: HTTPBody = .bytes([])) {
    self.status = status
    self.fields = fields
    self.body = body
  }
}

public enum HTTPBody: Sendable {
  case bytes([UInt8])
  /// Content that is made while it is sent. It goes out in chunks; to an HTTP/1.0 client until the connection's end.
  case stream(any HTTPBodySource)
}

/// Makes content piece by piece.
public protocol HTTPBodySource: Sendable {
  /// Appends the next piece to `buffer`; some 64 KiB is a good size.
  ///
  /// Called on a worker queue, one call at a time, and only while little is left unsent: a slow client slows the source
  /// down, one that leaves ends it.
  ///
  /// - Returns: whether there is more.
  /// - Throws: to abort; the connection is then closed without the last chunk, so that the client sees the failure.
  mutating func next(into buffer: inout [UInt8]) throws -> Bool

  /// Makes the next piece in parts, which are sent one after another from where they stand: for a source that makes them
  /// on several cores. Called in place of ``next(into:)``, which is what it does by default.
  ///
  /// - Parameter room: the octets that each part begins with before its content, for what frames it.
  /// - Returns: the parts, at least one, and whether there is more.
  /// - Throws: as ``next(into:)``.
  mutating func nextParts(room: Int) throws -> (parts: [[UInt8]], hasMore: Bool)

  /// Octets that may be unsent while the next piece is made, where that is more than ``HTTPServerLimits/unsent``. Default
  /// 0. A source that asks for more has to see to it that there are few of its kind.
  var octetsAhead: Int { get }
}

extension HTTPBodySource {
  public mutating func nextParts(room: Int) throws -> (parts: [[UInt8]], hasMore: Bool) {
    var part = [UInt8](repeating: 0, count: room)
    let hasMore = try next(into: &part)
    return ([part], hasMore)
  }

  public var octetsAhead: Int { 0 }
}

/// Content that comes when something happens, and not when it is asked for: a stream of events.
public protocol HTTPEventSource: HTTPBodySource {
  /// Delivers the next piece, now or later, from any thread, and whether there is more. Called again only after that.
  func next(_ deliver: @escaping @Sendable (_ piece: [UInt8], _ hasMore: Bool) -> Void)

  /// The client has left, or the server stops: ends what ``next(_:)`` waits for, by an empty last piece.
  func cancel()

  /// The client sends no more. It may wait for the rest, or have left: only the answer to a piece tells. A source that
  /// works for long without a word had better say one now and then from here on. By default nothing.
  func inputEnded()
}

extension HTTPEventSource {
  public func inputEnded() {}

  public mutating func next(into buffer: inout [UInt8]) throws -> Bool { false }
}

/// One request and what became of it, for logs and metrics.
public struct HTTPExchange: Sendable {
  /// Nil where the request could not be parsed.
  public let head: HTTPRequestHead?
  public let status: Int
  /// Octets of the request's content as the handler got it.
  public let requestOctets: Int
  /// Octets of the response, head included.
  public let responseOctets: Int
  /// Seconds from the request's last octet, or the refusal of its head, to the response's last one being ready to send.
  public let seconds: Double
  /// Whether the response was made to its end; false where the client left or the source failed.
  public let isComplete: Bool
  /// Which event loop served it: counters kept apart by it are not fought over.
  public let loop: Int
}

/// What the server itself finds wrong with a request.
public struct HTTPFailure: Error, Sendable, Equatable {
  public let status: Int
  /// What is wrong and what to do, in a sentence. Never repeats what the client sent.
  public let detail: String
  /// What the response says besides, such as `Accept-Encoding` with 415.
  public let fields: HTTPFields

  public init(status: Int, detail: String, fields: HTTPFields = [:]) {
    self.status = status
    self.detail = detail
    self.fields = fields
  }
}

/// What answers requests.
public protocol HTTPHandler: Sendable {
  /// Looks at a request before its content is read; may set its ``HTTPRequestHead/mark``.
  ///
  /// - Returns: a response that refuses the request, and leaves its content unread; nil to read it.
  func screen(_ head: inout HTTPRequestHead) -> HTTPResponse?

  /// Answers a request. Called on an event loop: it must not block.
  ///
  /// - Parameter reply: takes the response, now or later, from any thread.
  func respond(to request: HTTPRequest, reply: HTTPReply)

  /// The response for a failure that the server found: a request that cannot be parsed, a limit, a timeout.
  func failure(_ failure: HTTPFailure) -> HTTPResponse

  /// A last look at any response before it goes out, the server's own among them. Called on an event loop: it must not
  /// block.
  ///
  /// - Parameter head: the request; nil where it could not be parsed.
  func decorate(_ response: inout HTTPResponse, for head: HTTPRequestHead?)

  /// A request has been answered, or its client has left. Called on an event loop: it must not block.
  func finished(_ exchange: HTTPExchange)
}

extension HTTPHandler {
  public func screen(_ head: inout HTTPRequestHead) -> HTTPResponse? { nil }

  public func decorate(_ response: inout HTTPResponse, for head: HTTPRequestHead?) {}

  public func finished(_ exchange: HTTPExchange) {}

  public func failure(_ failure: HTTPFailure) -> HTTPResponse {
    HTTPResponse(
      status: failure.status, fields: ["Content-Type": "text/plain; charset=utf-8"],
      body: .bytes(Array("\(failure.detail)\n".utf8)))
  }
}
