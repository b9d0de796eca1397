/// A piece of a streamed content, framed as it goes out. A worker frames it, in the memory that the source has filled: the
/// loop only has to send it.
struct BodyPiece: Sendable {
  /// Room before the content: for eight hexadecimal digits and CRLF, and such that numbers in it are aligned.
  private static let room = 16

  private(set) var bytes: [UInt8]
  /// Where the piece begins in ``bytes``.
  private(set) var start = BodyPiece.room
  /// Octets that are to be sent.
  var count: Int { bytes.count - start }

  /// The next pieces of the source, and whether there is more.
  ///
  /// - Parameter chunked: whether they become chunks (RFC 9112, 7.1).
  static func next(of source: inout any HTTPBodySource, chunked: Bool) throws -> ([BodyPiece], hasMore: Bool) {
    var (parts, hasMore) = try source.nextParts(room: room)
    var pieces: [BodyPiece] = []
    pieces.reserveCapacity(parts.count)
    for index in parts.indices {
      var piece = BodyPiece(bytes: parts[index])
      // The piece is now the only owner of its octets, and frames them in place.
      parts[index] = []
      if chunked { piece.frame(isLast: !hasMore && index == parts.count - 1) }
      pieces.append(piece)
    }
    return (pieces, hasMore)
  }

  /// A copy of `content`.
  init(_ content: [UInt8], chunked: Bool, isLast: Bool) {
    self.init(bytes: Array(repeating: 0, count: Self.room) + content)
    if chunked { frame(isLast: isLast) }
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private mutating func frame(isLast: Bool) {
    let count = bytes.count - Self.room
    // An empty chunk would end the content; one of 4 GiB does not fit the room, and no source makes it.
    if count > 0 && count < 1 << 32 {
      var digits = count
      bytes[Self.room - 1] = UInt8(ascii: "\n")
      bytes[Self.room - 2] = UInt8(ascii: "\r")
      start = Self.room - 2
      while digits > 0 {
        start -= 1
        let digit = UInt8(digits & 15)
        bytes[start] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        digits >>= 4
      }
      bytes.append(UInt8(ascii: "\r"))
      bytes.append(UInt8(ascii: "\n"))
    }
    if isLast { bytes.append(contentsOf: "0\r\n\r\n".utf8) }
  }
}
