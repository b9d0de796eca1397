import Glibc

/// Parses a request's start line and fields, line by line as they arrive.
///
/// Strict: what two parsers could read in two ways is refused (RFC 9112; the smuggling families of http-garden). A lone
/// LF or CR is never a line's end, a folded field never a field. Everything is counted before it is stored.
struct RequestHeadParser {
  enum Outcome: Equatable {
    case incomplete
    case complete(HTTPRequestHead)
    case failed(HTTPFailure)
  }

  /// Where the search for the line's end goes on.
  private var searched: Int
  private var lineStart: Int
  private var startLine: (method: String, path: String, query: String?, authority: String?, minorVersion: Int)?
  private var fields = HTTPFields()
  private var fieldOctets = 0
  private var blankLines = 0

  /// Whether anything of the request has come, blank lines before it not counted.
  private(set) var hasBegun = false
  /// The first octet of the input that this parser has not used.
  var consumed: Int { lineStart }

  /// - Parameter start: the offset in the input at which the request begins.
  init(start: Int) {
    searched = start
    lineStart = start
  }

  /// - Parameter input: everything received so far from the same origin as ``consumed``; it only grows between calls.
  mutating func parse(_ input: [UInt8], _ limits: HTTPServerLimits) -> Outcome {
    do throws(HTTPFailure) {
      while true {
        guard let newline = Self.newline(in: input, from: searched) else {
          searched = input.count
          try checkPartialLine(input, limits)
          return .incomplete
        }
        searched = newline + 1
        if newline == lineStart || input[newline - 1] != UInt8(ascii: "\r") {
          throw HTTPFailure(status: 400, detail: "a line of the request's head ends in LF without CR")
        }
        let line = lineStart..<(newline - 1)
        lineStart = searched
        let outcome = input.withUnsafeBufferPointer { input in
          // The line's range lies in the input: it ends before a line break that was found there.
          Result { () throws(HTTPFailure) in try accept(input[line], limits) }
        }
        if let head = try outcome.get() { return .complete(head) }
      }
    } catch {
      return .failed(error)
    }
  }

  private static func newline(in input: [UInt8], from start: Int) -> Int? {
    input.withUnsafeBytes { bytes in
      guard start < bytes.count, let base = bytes.baseAddress,
        let found = memchr(base + start, 0x0A, bytes.count - start)
      else { return nil }
      return UnsafeRawPointer(found) - base
    }
  }

  private mutating func checkPartialLine(_ input: [UInt8], _ limits: HTTPServerLimits) throws(HTTPFailure) {
    guard lineStart < input.count else { return }
    let length = input.count - lineStart
    if startLine != nil {
      // The empty line at the end is no field.
      let isEmpty = length == 1 && input[lineStart] == UInt8(ascii: "\r")
      if !isEmpty && fieldOctets + length > limits.fields { throw Self.fieldsTooLarge }
      return
    }
    let first = input[lineStart]
    if first == UInt8(ascii: "\r") && length == 1 { return }
    // A TLS greeting, for one, is refused at its first octet rather than when the deadline comes.
    if !isTokenOctet(first) { throw HTTPFailure(status: 400, detail: "this is not an HTTP request") }
    hasBegun = true
    // A CR at the end of what has come is not the line's, if LF comes next.
    let lineLength = input.last == UInt8(ascii: "\r") ? length - 1 : length
    if lineLength > limits.requestLine { throw Self.lineTooLong }
  }

  private static let lineTooLong = HTTPFailure(status: 414, detail: "the request line is too long")
  private static let fieldsTooLarge = HTTPFailure(status: 431, detail: "the request's header fields are too large")

  /// Takes one line without its CRLF; returns the head when the line was the empty one at its end.
  private mutating func accept(_ line: Octets, _ limits: HTTPServerLimits) throws(HTTPFailure)
    -> HTTPRequestHead?
  {
    guard let start = startLine else {
      if line.isEmpty {
        // RFC 9112, 2.2: an empty line before the request line is ignored; more than a few are no accident.
        blankLines += 1
        if blankLines > 2 { throw HTTPFailure(status: 400, detail: "a request begins with its request line") }
        return nil
      }
      hasBegun = true
      if line.count > limits.requestLine { throw Self.lineTooLong }
      try acceptStartLine(line)
      return nil
    }
    if line.isEmpty {
      try checkHost(start.minorVersion)
      return HTTPRequestHead(
        method: start.method, path: start.path, query: start.query, minorVersion: start.minorVersion, fields: fields)
    }
    fieldOctets += line.count + 2
    if fieldOctets > limits.fields || fields.count >= limits.fieldCount { throw Self.fieldsTooLarge }
    let (name, value) = try parseField(line)
    fields.append(name: line[name], value: line[value])
    return nil
  }

  // MARK: The start line

  private mutating func acceptStartLine(_ line: Octets) throws(HTTPFailure) {
    guard let first = line.firstIndex(of: 0x20), first > line.startIndex, line[..<first].allSatisfy(isTokenOctet),
      let second = line[(first + 1)...].firstIndex(of: 0x20), !line[(second + 1)...].contains(0x20)
    else { throw HTTPFailure(status: 400, detail: "the request line is not 'METHOD TARGET HTTP/1.1'") }
    let version = line[(second + 1)...]
    let start = version.startIndex
    guard version.count == 8, version.starts(with: "HTTP/".utf8), version[start + 6] == UInt8(ascii: "."),
      isDigit(version[start + 5]), isDigit(version[start + 7])
    else { throw HTTPFailure(status: 400, detail: "the request line does not end in an HTTP version") }
    let minor = Int(version[start + 7] - UInt8(ascii: "0"))
    guard version[start + 5] == UInt8(ascii: "1"), minor <= 1 else {
      throw HTTPFailure(status: 505, detail: "this server speaks HTTP/1.1 and HTTP/1.0")
    }
    let octets = line[..<first]
    guard let method = HTTPRequestHead.methods.first(where: { octets.elementsEqual($0.utf8) }) else {
      throw HTTPFailure(status: 501, detail: "this server does not implement that method")
    }
    let (path, query, authority) = try parseTarget(line[(first + 1)..<second], method: method)
    startLine = (method, path, query, authority, minor)
  }

  private func parseTarget(
    _ target: Octets, method: String
  ) throws(HTTPFailure) -> (path: String, query: String?, authority: String?) {
    let bad = HTTPFailure(status: 400, detail: "the request's target is not a valid path")
    if method == "OPTIONS" && target.elementsEqual("*".utf8) { return ("*", nil, nil) }
    var rest = target
    var authority: String?
    if target.first != UInt8(ascii: "/") {
      // The absolute form, which a server must accept (RFC 9112, 3.2.2); its authority stands for the Host field's.
      guard let scheme = ["http://", "https://"].first(where: { target.starts(with: $0.utf8) }) else { throw bad }
      rest = target.dropFirst(scheme.utf8.count)
      let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
      guard isValidHost(rest[..<end]) else { throw bad }
      authority = String(decoding: rest[..<end], as: UTF8.self)
      rest = rest[end...]
    }
    var index = rest.startIndex
    while index < rest.endIndex {
      let byte = rest[index]
      guard byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "#") else { throw bad }
      if byte == UInt8(ascii: "%") {
        guard rest.endIndex - index > 2, let high = hexadecimalValue(rest[index + 1]),
          let low = hexadecimalValue(rest[index + 2]), high | low != 0
        else { throw bad }
      }
      index += 1
    }
    let mark = rest.firstIndex(of: UInt8(ascii: "?"))
    let path = rest[..<(mark ?? rest.endIndex)]
    return (
      path.isEmpty ? "/" : String(decoding: path, as: UTF8.self),
      mark.map { String(decoding: rest[($0 + 1)...], as: UTF8.self) }, authority
    )
  }

  private func checkHost(_ minorVersion: Int) throws(HTTPFailure) {
    let count = fields.count("Host")
    if count == 0 && minorVersion == 0 { return }
    guard count == 1, fields.withValue("Host", { isValidHost($0[...]) }) == true else {
      throw HTTPFailure(status: 400, detail: "a request needs exactly one valid Host field")
    }
  }
}

/// A part of what was received.
typealias Octets = Slice<UnsafeBufferPointer<UInt8>>

/// One field line without its CRLF: a name, a colon right behind it, a value with blanks around it.
///
/// - Returns: where name and value stand in the line.
func parseField(_ line: Octets) throws(HTTPFailure) -> (name: Range<Int>, value: Range<Int>) {
  var index = line.startIndex
  while index < line.endIndex, isTokenOctet(line[index]) { index += 1 }
  guard index > line.startIndex, index < line.endIndex, line[index] == UInt8(ascii: ":") else {
    throw HTTPFailure(status: 400, detail: "a header field is not 'Name: value'")
  }
  let name = line.startIndex..<index
  var start = index + 1
  var end = line.endIndex
  while start < end, isBlank(line[start]) { start += 1 }
  while end > start, isBlank(line[end - 1]) { end -= 1 }
  for byte in line[start..<end] where byte < 0x20 && byte != 0x09 || byte == 0x7F {
    throw HTTPFailure(status: 400, detail: "a header field's value holds a control character")
  }
  return (name, start..<end)
}

/// `uri-host [":" port]`: a registered name, an IPv4 address or a bracketed IPv6 address; the port in digits.
func isValidHost(_ host: Octets) -> Bool {
  var rest = host
  if rest.first == UInt8(ascii: "[") {
    guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else { return false }
    let address = rest[(rest.startIndex + 1)..<end]
    guard address.count >= 2,
      address.allSatisfy({ hexadecimalValue($0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
    else { return false }
    rest = rest[(end + 1)...]
  } else {
    let end = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
    guard end > rest.startIndex, rest[..<end].allSatisfy({ hostOctets[Int($0)] }) else { return false }
    rest = rest[end...]
  }
  guard let colon = rest.first else { return true }
  return colon == UInt8(ascii: ":") && rest.count <= 6 && rest.dropFirst().allSatisfy(isDigit)
}

/// The octets of a registered name (RFC 3986, 3.2.2).
private let hostOctets = octetTable(
  "-._~%!$&'()*+,;=0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

/// The octets of a token (RFC 9110, 5.6.2).
func isTokenOctet(_ byte: UInt8) -> Bool { tokenOctets[Int(byte)] }

private let tokenOctets = octetTable(
  "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

private func octetTable(_ members: String) -> [Bool] {
  var table = [Bool](repeating: false, count: 256)
  for byte in members.utf8 { table[Int(byte)] = true }
  return table
}
