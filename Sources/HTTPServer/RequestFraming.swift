/// How a request's content is delimited, and whether the connection outlives the request (RFC 9112, 6 and 9).
struct RequestFraming: Equatable {
  enum Content: Equatable {
    case length(Int)
    case chunked
  }

  let content: Content
  /// Whether the content is compressed.
  let isGzip: Bool
  let keepAlive: Bool
  let expectsContinue: Bool

  /// - Throws: where two parsers could disagree about the request's end, or where it is over the limit.
  init(_ head: HTTPRequestHead, limits: HTTPServerLimits) throws(HTTPFailure) {
    let fields = head.fields
    let codings = fields.count("Transfer-Encoding")
    let lengths = fields.count("Content-Length")
    if codings > 0 {
      if lengths > 0 {
        throw HTTPFailure(status: 400, detail: "a request has either Content-Length or Transfer-Encoding, not both")
      }
      if head.minorVersion == 0 {
        throw HTTPFailure(status: 400, detail: "HTTP/1.0 has no Transfer-Encoding")
      }
      if codings > 1 { throw HTTPFailure(status: 400, detail: "Transfer-Encoding comes more than once") }
      if fields.withValue("Transfer-Encoding", { equalIgnoringCase($0, "chunked") }) != true {
        throw HTTPFailure(status: 501, detail: "the only transfer coding that this server knows is chunked")
      }
      content = .chunked
    } else if lengths == 0 {
      content = .length(0)
    } else {
      if lengths > 1 { throw HTTPFailure(status: 400, detail: "Content-Length comes more than once") }
      switch fields.withValue("Content-Length", { Self.length($0, limits: limits) }) {
      case .success(let length)?: content = .length(length)
      case .failure(let failure)?: throw failure
      case nil: content = .length(0)
      }
    }
    isGzip = try Self.isGzip(fields)
    var expects = false
    if head.minorVersion == 1 {
      let expectations = fields.count("Expect")
      expects = expectations > 0
      if expects,
        expectations > 1 || fields.withValue("Expect", { equalIgnoringCase($0, "100-continue") }) != true
      {
        throw HTTPFailure(status: 417, detail: "the only expectation that this server meets is 100-continue")
      }
    }
    expectsContinue = expects && content != .length(0)
    let connection = fields.count("Connection") == 0 ? [] : fields.tokens("Connection")
    keepAlive = !connection.contains("close") && (head.minorVersion == 1 || connection.contains("keep-alive"))
  }

  private static func length(
    _ digits: UnsafeBufferPointer<UInt8>, limits: HTTPServerLimits
  ) -> Result<Int, HTTPFailure> {
    if digits.isEmpty || !digits.allSatisfy(isDigit) {
      return .failure(HTTPFailure(status: 400, detail: "Content-Length must be a number of octets in digits"))
    }
    var length = 0
    for digit in digits {
      length = length * 10 + Int(digit - UInt8(ascii: "0"))
      // Checked digit by digit, so the multiplication cannot overflow.
      if length > limits.content { return .failure(contentTooLarge(limits)) }
    }
    return .success(length)
  }

  /// Chains of codings count as one that is not known: nobody needs them, and each link multiplies what a bomb can do.
  private static func isGzip(_ fields: HTTPFields) throws(HTTPFailure) -> Bool {
    if fields.count("Content-Encoding") == 0 { return false }
    switch fields.tokens("Content-Encoding").filter({ !$0.isEmpty && $0 != "identity" }) {
    case []: return false
    case ["gzip"], ["x-gzip"]: return true
    default:
      throw HTTPFailure(
        status: 415, detail: "the only content coding that this server knows is gzip",
        fields: ["Accept-Encoding": "gzip"])
    }
  }
}
