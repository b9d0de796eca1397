import CZlib

/// Compresses one content after another into gzip (RFC 1952). One thread at a time.
///
/// Unchecked: a body source that holds one is called by one worker at a time, an event loop's own by that loop alone.
final class GzipEncoder: @unchecked Sendable {
  /// Between speed and size: for rates in JSON, level 6 is half as fast for 2 % less.
  private static let level: Int32 = 4

  private let stream: UnsafeMutablePointer<z_stream>

  /// - Returns: nil where there is no memory for it; some 256 KiB are needed.
  init?() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    if anneal_gzip_deflate_init(stream, Self.level) != Z_OK {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// Forgets what was compressed, for another content.
  func reset() { deflateReset(stream) }

  /// Compresses `bytes` and appends what comes out.
  ///
  /// - Parameter isLast: whether the content ends with them.
  func append(_ bytes: [UInt8], isLast: Bool, to output: inout [UInt8]) {
    bytes.withUnsafeBufferPointer { input in
      // zlib only reads from it; its interface lacks the const.
      stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      stream.pointee.avail_in = UInt32(clamping: input.count)
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16 * 1024) { room in
        repeat {
          stream.pointee.next_out = room.baseAddress
          stream.pointee.avail_out = UInt32(clamping: room.count)
          deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
          output.append(contentsOf: room[..<(room.count - Int(stream.pointee.avail_out))])
        } while stream.pointee.avail_out == 0
      }
      stream.pointee.next_in = nil
    }
  }
}

/// A streamed content, compressed piece by piece.
struct GzipSource: HTTPBodySource {
  private var source: any HTTPBodySource
  private let encoder: GzipEncoder

  init(_ source: any HTTPBodySource, _ encoder: GzipEncoder) {
    self.source = source
    self.encoder = encoder
  }

  mutating func next(into buffer: inout [UInt8]) throws -> Bool {
    // Several pieces where they compress away to nothing: an empty piece would only be a turn around the loop.
    for _ in 0..<16 {
      var piece: [UInt8] = []
      let hasMore = try source.next(into: &piece)
      encoder.append(piece, isLast: !hasMore, to: &buffer)
      if !hasMore { return false }
      if buffer.count >= 16 * 1024 { break }
    }
    return true
  }
}

/// Content that is there already, handed out in pieces so that a worker compresses it.
struct BytesSource: HTTPBodySource {
  private static let pieceSize = 64 * 1024
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func next(into buffer: inout [UInt8]) throws -> Bool {
    let end = min(bytes.count, position + Self.pieceSize)
    buffer.append(contentsOf: bytes[position..<end])
    position = end
    return end < bytes.count
  }
}
