@testable import HTTPServer

/// The first octet chooses where the others, a content in chunks, are cut.
enum ChunkedProperties {
  private static let limits = {
    var limits = HTTPServerLimits()
    (limits.content, limits.chunkLine, limits.chunkExtensions, limits.trailers) = (512, 32, 48, 64)
    return limits
  }()

  private enum Outcome: Equatable {
    case incomplete(content: [UInt8])
    case complete(content: [UInt8], consumed: Int)
    case failed(status: Int)
  }

  static func check(_ input: [UInt8]) throws(Broken) {
    guard let seed = input.first else { return }
    let coded = Array(input.dropFirst())
    let whole = decode([coded[...]])
    try promise(decode(coded.pieces(seed: seed)) == whole, "chunks decode to something else when they come in pieces")
    if let second = ChunkedOpinion(coded) {
      let isSame = whole == .complete(content: second.content, consumed: second.consumed)
      try promise(isSame || second.isOver(limits), "well-formed chunks are not decoded")
    } else if case .complete = whole {
      throw Broken(description: "malformed chunks are decoded")
    }
    let content: [UInt8]
    switch whole {
    case .incomplete(let part): content = part
    case .complete(let all, let consumed):
      content = all
      try promise(consumed <= coded.count, "more chunks are consumed than there are")
    case .failed(let status):
      try promise([400, 413, 431].contains(status), "chunks are refused with \(status)")
      return
    }
    try promise(content.count <= limits.content, "chunks decode to more than the limit")
    let framed = BodyPiece(content, chunked: true, isLast: true)
    let again = Array(framed.bytes[framed.start...])
    try promise(
      decode([again[...]]) == .complete(content: content, consumed: again.count), "a framed piece does not decode")
  }

  private static func decode(_ pieces: [ArraySlice<UInt8>]) -> Outcome {
    var decoder = ChunkedDecoder()
    var (input, content): ([UInt8], [UInt8]) = ([], [])
    var position = 0
    for piece in pieces {
      input.append(contentsOf: piece)
      do {
        if try decoder.decode(input, from: &position, into: &content, limits: limits) {
          return .complete(content: content, consumed: position)
        }
      } catch {
        return .failed(status: error.status)
      }
    }
    return .incomplete(content: content)
  }
}

/// RFC 9112, 7.1 read once more, in another way: a whole content, line by line.
private struct ChunkedOpinion {
  private(set) var content: [UInt8] = []
  private(set) var consumed = 0
  private var longestLine = 0
  private var extensions = 0
  private var trailers = 0

  /// - Returns: nil where the chunks are not complete or not well-formed.
  init?(_ coded: [UInt8]) {
    while true {
      guard let line = nextLine(coded) else { return nil }
      let digits = line.prefix { Character(Unicode.Scalar($0)).isHexDigit }
      guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), digits.count <= 15 else { return nil }
      let extra = line.dropFirst(digits.count)
      if !extra.isEmpty {
        let parts = String(decoding: extra, as: Unicode.ASCII.self).split(
          separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
        func isBlank(_ text: Substring) -> Bool { text.allSatisfy { $0 == " " || $0 == "\t" } }
        if parts.count != 2 || !isBlank(parts[0]) || isBlank(parts[1]) { return nil }
      }
      longestLine = max(longestLine, line.count + 1)
      extensions += extra.count
      if size == 0 { break }
      if coded.count - consumed < size { return nil }
      content.append(contentsOf: coded[consumed..<(consumed + size)])
      consumed += size
      if nextLine(coded)?.isEmpty != true { return nil }
    }
    while true {
      guard let field = nextLine(coded) else { return nil }
      if field.isEmpty { return }
      trailers += field.count + 2
      let name = field.prefix { $0 != UInt8(ascii: ":") }
      let marks = "!#$%&'*+-.^_`|~"
      let isToken = name.allSatisfy { octet in
        let character = Character(Unicode.Scalar(octet))
        return character.isASCII && (character.isLetter || character.isNumber || marks.contains(character))
      }
      if name.isEmpty || name.count == field.count || !isToken { return nil }
    }
  }

  /// The empty line at the end counts as a trailer too.
  func isOver(_ limits: HTTPServerLimits) -> Bool {
    longestLine > limits.chunkLine || extensions > limits.chunkExtensions || trailers + 1 > limits.trailers
      || content.count > limits.content
  }

  /// The line that comes next, without its CRLF; nil where there is none, or controls are in it.
  private mutating func nextLine(_ coded: [UInt8]) -> ArraySlice<UInt8>? {
    guard let end = coded[consumed...].firstIndex(of: 0x0A), end > consumed, coded[end - 1] == 0x0D else { return nil }
    defer { consumed = end + 1 }
    let line = coded[consumed..<(end - 1)]
    return line.allSatisfy { $0 == 0x09 || $0 >= 0x20 && $0 != 0x7F } ? line : nil
  }
}

/// The first octet chooses where the others are cut; they are decompressed, and compressed and decompressed.
enum GzipProperties {
  private static func limits(ratio: Int) -> HTTPServerLimits {
    var limits = HTTPServerLimits()
    (limits.content, limits.decompressionRatio) = (16 * 1024, ratio)
    return limits
  }

  static func check(_ input: [UInt8]) throws(Broken) {
    guard let seed = input.first else { return }
    let octets = Array(input.dropFirst())
    let free = limits(ratio: 1_000_000)
    let whole = try decode([octets[...]], free)
    try promise(try decode(octets.pieces(seed: seed), free) == whole, "gzip decodes to something else in pieces")
    // How much may come out depends on how much has come, and so on the pieces: only the bounds are promised.
    _ = try decode(octets.pieces(seed: seed), limits(ratio: 4))
    guard let encoder = GzipEncoder() else { return }
    var coded: [UInt8] = []
    encoder.append(octets, isLast: true, to: &coded)
    let again = try decode(coded.pieces(seed: seed), free)
    try promise(octets.count > free.content || again == octets, "what is compressed does not come back")
  }

  /// - Returns: nil where the octets are refused.
  private static func decode(_ pieces: [ArraySlice<UInt8>], _ limits: HTTPServerLimits) throws(Broken) -> [UInt8]? {
    guard let decoder = GzipDecoder(limits: limits) else { return nil }
    var content: [UInt8] = []
    var taken = 0
    for piece in pieces {
      taken += piece.count
      let failure = failure { () throws(HTTPFailure) in try decoder.append(piece, to: &content) }
      try promise(content.count <= limits.content, "gzip decodes to more than the limit")
      try promise(content.count <= taken * limits.decompressionRatio + 1024, "gzip grows by more than its ratio")
      if let failure {
        try promise([400, 413].contains(failure.status), "gzip is refused with \(failure.status)")
        return nil
      }
    }
    return failure { () throws(HTTPFailure) in try decoder.finish() } == nil ? content : nil
  }

  private static func failure(_ body: () throws(HTTPFailure) -> Void) -> HTTPFailure? {
    do {
      try body()
      return nil
    } catch {
      return error
    }
  }
}
