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
