/// Compresses responses for clients that ask for it, where it is worth it. Belongs to one event loop.
struct ResponseCoding {
  private let limits: HTTPServerLimits
  /// For contents that are small enough to be compressed on the loop; made when first needed.
  private var encoder: GzipEncoder?

  /// Octets of content up to which the loop compresses: some tenths of a millisecond.
  private static let inlineSize = 16 * 1024

  init(limits: HTTPServerLimits) { self.limits = limits }

  /// - Returns: the response as it goes out: with `Vary` where its content depends on `Accept-Encoding`, and compressed
  ///   where `head` asks for gzip.
  mutating func apply(_ response: HTTPResponse, for head: HTTPRequestHead) -> HTTPResponse {
    guard limits.compressesResponses, response.mayBeCoded, isWorthIt(response) else { return response }
    var response = response
    // The second is what the handler says whose own choice of a form depends on `Accept`.
    if !response.fields.first("Vary", is: "Accept, Accept-Encoding") {
      response.fields.append("Vary", "Accept-Encoding")
    }
    if head.fields.count("Accept-Encoding") == 0 { return response }
    guard Self.accepts(head.fields["Accept-Encoding"]) else { return response }
    switch response.body {
    case .stream(let source):
      guard let encoder = GzipEncoder() else { return response }
      response.body = .stream(GzipSource(source, encoder))
    case .bytes(let bytes) where bytes.count > Self.inlineSize:
      guard let encoder = GzipEncoder() else { return response }
      response.body = .stream(GzipSource(BytesSource(bytes), encoder))
    case .bytes(let bytes):
      if encoder == nil { encoder = GzipEncoder() }
      guard let encoder else { return response }
      var coded: [UInt8] = []
      coded.reserveCapacity(bytes.count / 2)
      encoder.reset()
      encoder.append(bytes, isLast: true, to: &coded)
      response.body = .bytes(coded)
    }
    response.fields.append("Content-Encoding", "gzip")
    return response
  }

  /// Text that is long enough. Not what has a strong `ETag`: it names the octets, and the compressed ones are others.
  private func isWorthIt(_ response: HTTPResponse) -> Bool {
    switch response.body {
    case .bytes(let bytes): if bytes.count < limits.smallestCompressed { return false }
    case .stream(let source): if source is any HTTPEventSource { return false }
    }
    if [204, 206, 304].contains(response.status) { return false }
    let isText = response.fields.withValue("Content-Type") { type in
      let media = type.prefix { $0 != UInt8(ascii: ";") }
      return media.starts(with: "text/".utf8) || Self.textTypes.contains { media.elementsEqual($0.utf8) }
    }
    let isStrong = response.fields.withValue("ETag") { !$0.starts(with: "W/".utf8) }
    return isText == true && isStrong != true && response.fields.count("Content-Encoding") == 0
  }

  private static let textTypes = [
    "application/json", "application/problem+json", "application/x-ndjson", "application/yaml", "image/svg+xml",
    "application/javascript",
  ]

  /// Whether an `Accept-Encoding` field takes gzip (RFC 9110, 12.5.3): named, or by `*`, with a weight above 0.
  static func accepts(_ field: String?) -> Bool {
    guard let field, !field.isEmpty else { return false }
    if field == "gzip" { return true }
    var byStar = false
    for member in field.lowercased().split(separator: ",").prefix(64) {
      let parts = member.split(separator: ";").map { part in part.filter { $0 != " " && $0 != "\t" } }
      guard let name = parts.first else { continue }
      var weight = 1.0
      for parameter in parts.dropFirst() where parameter.hasPrefix("q=") {
        weight = Double(parameter.dropFirst(2)) ?? 0
      }
      if name == "gzip" || name == "x-gzip" { return weight > 0 }
      if name == "*" { byStar = weight > 0 }
    }
    return byStar
  }
}
