import CZlib

/// Decompresses one request's content as it arrives (RFC 1952), and never into more than it is allowed to become.
final class GzipDecoder {
  private let limits: HTTPServerLimits
  private let stream: UnsafeMutablePointer<z_stream>
  private var taken = 0
  private(set) var isComplete = false

  /// - Returns: nil where there is no memory for it; some 44 KiB are needed.
  init?(limits: HTTPServerLimits) {
    self.limits = limits
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    if anneal_gzip_inflate_init(stream) != Z_OK {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  private static let malformed = HTTPFailure(status: 400, detail: "the request's content is not valid gzip")

  /// Decompresses `bytes` and appends what comes out.
  ///
  /// - Throws: 400 where they are no gzip or something follows its end; 413 where more comes out than the limit of
  ///   contents, or than the limit of the ratio allows.
  func append(_ bytes: ArraySlice<UInt8>, to output: inout [UInt8]) throws(HTTPFailure) {
    if bytes.isEmpty { return }
    if isComplete { throw Self.malformed }
    taken += bytes.count
    let failure: HTTPFailure? = bytes.withUnsafeBufferPointer { input in
      // zlib only reads from it; its interface lacks the const.
      stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      stream.pointee.avail_in = UInt32(clamping: input.count)
      defer { stream.pointee.next_in = nil }
      return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16 * 1024) { room -> HTTPFailure? in
        repeat {
          stream.pointee.next_out = room.baseAddress
          stream.pointee.avail_out = UInt32(clamping: room.count)
          let status = inflate(stream, Z_NO_FLUSH)
          if status == Z_BUF_ERROR { return nil }
          if status != Z_OK && status != Z_STREAM_END { return Self.malformed }
          let count = room.count - Int(stream.pointee.avail_out)
          if output.count + count > limits.content { return contentTooLarge(limits) }
          if output.count + count > taken * limits.decompressionRatio + 1024 {
            return HTTPFailure(
              status: 413, detail: "the request's content grows by more than \(limits.decompressionRatio) times")
          }
          output.append(contentsOf: room[..<count])
          if status == Z_STREAM_END {
            isComplete = true
            return stream.pointee.avail_in == 0 ? nil : Self.malformed
          }
        } while stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0
        return nil
      }
    }
    if let failure { throw failure }
  }

  /// Checks that the compressed content has come to its end.
  func finish() throws(HTTPFailure) {
    if !isComplete { throw Self.malformed }
  }
}
