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
    let codings = head.fields.values("Transfer-Encoding")
    let lengths = head.fields.values("Content-Length")
    if !codings.isEmpty {
      if !lengths.isEmpty {
        throw HTTPFailure(status: 400, detail: "a request has either Content-Length or Transfer-Encoding, not both")
      }
      if head.minorVersion == 0 {
        throw HTTPFailure(status: 400, detail: "HTTP/1.0 has no Transfer-Encoding")
      }
      if codings.count > 1 { throw HTTPFailure(status: 400, detail: "Transfer-Encoding comes more than once") }
      if !equalIgnoringCase(codings[0], "chunked") {
        throw HTTPFailure(status: 501, detail: "the only transfer coding that this server knows is chunked")
      }
      content = .chunked
    } else if lengths.isEmpty {
      content = .length(0)
    } else {
      if lengths.count > 1 { throw HTTPFailure(status: 400, detail: "Content-Length comes more than once") }
      let digits = lengths[0].utf8
      if digits.isEmpty || !digits.allSatisfy(isDigit) {
        throw HTTPFailure(status: 400, detail: "Content-Length must be a number of octets in digits")
      }
      var length = 0
      for digit in digits {
        length = length * 10 + Int(digit - UInt8(ascii: "0"))
        // Checked digit by digit, so the multiplication cannot overflow.
        if length > limits.content { throw contentTooLarge(limits) }
      }
      content = .length(length)
    }
    isGzip = try Self.isGzip(head.fields)
    let expectations = head.minorVersion == 0 ? [] : head.fields.values("Expect")
    if !expectations.isEmpty && !(expectations.count == 1 && equalIgnoringCase(expectations[0], "100-continue")) {
      throw HTTPFailure(status: 417, detail: "the only expectation that this server meets is 100-continue")
    }
    expectsContinue = !expectations.isEmpty && content != .length(0)
    let connection = head.fields.tokens("Connection")
    keepAlive = !connection.contains("close") && (head.minorVersion == 1 || connection.contains("keep-alive"))
  }

  /// Chains of codings count as one that is not known: nobody needs them, and each link multiplies what a bomb can do.
  private static func isGzip(_ fields: HTTPFields) throws(HTTPFailure) -> Bool {
    if fields["Content-Encoding"] == nil { return false }
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
