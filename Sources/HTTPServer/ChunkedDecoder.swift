/// Decodes the chunked transfer coding (RFC 9112, 7.1) as it arrives.
///
/// Strict: 1 to 15 hexadecimal digits, CRLF exactly, after the size line and after the data; extensions are checked for
/// control characters, bounded and dropped; trailers are parsed, bounded and dropped, never merged into the fields.
struct ChunkedDecoder {
  private enum State {
    case size
    case data(left: Int)
    /// The CRLF after a chunk's data.
    case dataEnd
    case trailer
  }

  private var state = State.size
  private var line: [UInt8] = []
  private var extensionOctets = 0
  private var trailerOctets = 0

  /// Decodes from `input`, starting at `position` and moving it on, and appends the content to `body`.
  ///
  /// - Returns: whether the content is complete.
  mutating func decode(
    _ input: [UInt8], from position: inout Int, into body: inout [UInt8], limits: HTTPServerLimits
  ) throws(HTTPFailure) -> Bool {
    while position < input.count {
      if case .data(let left) = state {
        let count = min(left, input.count - position)
        body.append(contentsOf: input[position..<(position + count)])
        position += count
        state = count == left ? .dataEnd : .data(left: left - count)
        continue
      }
      guard let complete = try takeLine(input, from: &position, limits) else { return false }
      defer { line.removeAll(keepingCapacity: true) }
      switch state {
      case .size:
        let size = try parseSize(complete, limits)
        if size > limits.content - body.count { throw contentTooLarge(limits) }
        state = size == 0 ? .trailer : .data(left: size)
      case .dataEnd:
        if !complete.isEmpty { throw Self.malformed }
        state = .size
      case .trailer:
        if complete.isEmpty { return true }
        trailerOctets += complete.count + 2
        let outcome = complete.withUnsafeBufferPointer { bytes in
          Result { () throws(HTTPFailure) in try parseField(bytes[...]) }
        }
        _ = try outcome.get()
      case .data: break
      }
    }
    return false
  }

  private static let trailersTooLarge = HTTPFailure(
    status: 431, detail: "the request's trailer fields are too large")
  private static let malformed = HTTPFailure(status: 400, detail: "the chunked content is malformed")

  /// Collects octets up to CRLF; nil where the input ends first.
  private mutating func takeLine(
    _ input: [UInt8], from position: inout Int, _ limits: HTTPServerLimits
  ) throws(HTTPFailure) -> [UInt8]? {
    while position < input.count {
      let byte = input[position]
      position += 1
      if byte == UInt8(ascii: "\n") {
        guard line.last == UInt8(ascii: "\r") else { throw Self.malformed }
        line.removeLast()
        return line
      }
      if line.last == UInt8(ascii: "\r") { throw Self.malformed }
      line.append(byte)
      if case .dataEnd = state, byte != UInt8(ascii: "\r") { throw Self.malformed }
      if case .trailer = state {
        if trailerOctets + line.count > limits.trailers { throw Self.trailersTooLarge }
      } else if line.count > limits.chunkLine {
        throw Self.malformed
      }
    }
    return nil
  }

  private mutating func parseSize(_ line: [UInt8], _ limits: HTTPServerLimits) throws(HTTPFailure) -> Int {
    var size = 0
    var digits = 0
    while digits < line.count, let value = hexadecimalValue(line[digits]) {
      digits += 1
      // 15 digits stay below 2⁶⁰: no overflow, and no content that large is taken anyway.
      if digits > 15 { throw contentTooLarge(limits) }
      size = size << 4 | Int(value)
    }
    if digits == 0 { throw Self.malformed }
    var rest = line[digits...]
    if !rest.isEmpty {
      extensionOctets += rest.count
      if extensionOctets > limits.chunkExtensions { throw Self.malformed }
      while let byte = rest.first, isBlank(byte) { rest.removeFirst() }
      guard rest.first == UInt8(ascii: ";"), rest.dropFirst().contains(where: { !isBlank($0) }),
        rest.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 })
      else { throw Self.malformed }
    }
    return size
  }
}

func contentTooLarge(_ limits: HTTPServerLimits) -> HTTPFailure {
  HTTPFailure(status: 413, detail: "the request's content is larger than the limit of \(limits.content) octets")
}
