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
        guard let newline = input[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
          searched = input.count
          try checkPartialLine(input, limits)
          return .incomplete
        }
        searched = newline + 1
        if newline == lineStart || input[newline - 1] != UInt8(ascii: "\r") {
          throw HTTPFailure(status: 400, detail: "a line of the request's head ends in LF without CR")
        }
        let line = input[lineStart..<(newline - 1)]
        lineStart = searched
        if let head = try accept(line, limits) { return .complete(head) }
      }
    } catch {
      return .failed(error)
    }
  }

  private mutating func checkPartialLine(_ input: [UInt8], _ limits: HTTPServerLimits) throws(HTTPFailure) {
    guard lineStart < input.count else { return }
    let length = input.count - lineStart
    if startLine != nil {
      if fieldOctets + length > limits.fields { throw Self.fieldsTooLarge }
      return
    }
    let first = input[lineStart]
    if first == UInt8(ascii: "\r") && length == 1 { return }
    // A TLS greeting, for one, is refused at its first octet rather than when the deadline comes.
    if !isTokenOctet(first) { throw HTTPFailure(status: 400, detail: "this is not an HTTP request") }
    hasBegun = true
    if length > limits.requestLine { throw Self.lineTooLong }
  }

  private static let lineTooLong = HTTPFailure(status: 414, detail: "the request line is too long")
  private static let fieldsTooLarge = HTTPFailure(status: 431, detail: "the request's header fields are too large")

  /// Takes one line without its CRLF; returns the head when the line was the empty one at its end.
  private mutating func accept(_ line: ArraySlice<UInt8>, _ limits: HTTPServerLimits) throws(HTTPFailure)
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
    if fieldOctets > limits.fields || fields.fields.count >= limits.fieldCount { throw Self.fieldsTooLarge }
    let (name, value) = try parseField(line)
    fields.append(name, value)
    return nil
  }

  // MARK: The start line

  private mutating func acceptStartLine(_ line: ArraySlice<UInt8>) throws(HTTPFailure) {
    let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy(isTokenOctet) else {
      throw HTTPFailure(status: 400, detail: "the request line is not 'METHOD TARGET HTTP/1.1'")
    }
    let version = Array(parts[2])
    guard version.count == 8, version.starts(with: "HTTP/".utf8), version[6] == UInt8(ascii: "."),
      isDigit(version[5]), isDigit(version[7])
    else { throw HTTPFailure(status: 400, detail: "the request line does not end in an HTTP version") }
    let minor = Int(version[7] - UInt8(ascii: "0"))
    guard version[5] == UInt8(ascii: "1"), minor <= 1 else {
      throw HTTPFailure(status: 505, detail: "this server speaks HTTP/1.1 and HTTP/1.0")
    }
    let method = String(decoding: parts[0], as: UTF8.self)
    guard HTTPRequestHead.methods.contains(method) else {
      throw HTTPFailure(status: 501, detail: "this server does not implement that method")
    }
    let (path, query, authority) = try parseTarget(parts[1], method: method)
    startLine = (method, path, query, authority, minor)
  }

  private func parseTarget(
    _ target: ArraySlice<UInt8>, method: String
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
      let host = String(decoding: rest[..<end], as: UTF8.self)
      guard isValidHost(host) else { throw bad }
      authority = host
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
    let text = String(decoding: rest, as: UTF8.self)
    guard let mark = text.firstIndex(of: "?") else { return (text.isEmpty ? "/" : text, nil, authority) }
    let path = String(text[..<mark])
    return (path.isEmpty ? "/" : path, String(text[text.index(after: mark)...]), authority)
  }

  private func checkHost(_ minorVersion: Int) throws(HTTPFailure) {
    let hosts = fields.values("Host")
    if hosts.isEmpty && minorVersion == 0 { return }
    guard hosts.count == 1, isValidHost(hosts[0]) else {
      throw HTTPFailure(status: 400, detail: "a request needs exactly one valid Host field")
    }
  }
}

/// One field line without its CRLF: a name, a colon right behind it, a value with blanks around it.
func parseField(_ line: ArraySlice<UInt8>) throws(HTTPFailure) -> (name: String, value: String) {
  guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
    line[..<colon].allSatisfy(isTokenOctet)
  else { throw HTTPFailure(status: 400, detail: "a header field is not 'Name: value'") }
  var value = line[(colon + 1)...]
  while let byte = value.first, isBlank(byte) { value.removeFirst() }
  while let byte = value.last, isBlank(byte) { value.removeLast() }
  for byte in value where byte < 0x20 && byte != 0x09 || byte == 0x7F {
    throw HTTPFailure(status: 400, detail: "a header field's value holds a control character")
  }
  return (String(decoding: line[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self))
}

/// `uri-host [":" port]`: a registered name, an IPv4 address or a bracketed IPv6 address; the port in digits.
func isValidHost(_ host: String) -> Bool {
  var bytes = Array(host.utf8)[...]
  if bytes.first == UInt8(ascii: "[") {
    guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return false }
    let address = bytes[(bytes.startIndex + 1)..<end]
    guard address.count >= 2,
      address.allSatisfy({ hexadecimalValue($0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
    else { return false }
    bytes = bytes[(end + 1)...]
  } else {
    let end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
    guard end > bytes.startIndex,
      bytes[..<end].allSatisfy({ byte in
        isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
          || "-._~%!$&'()*+,;=".utf8.contains(byte)
      })
    else { return false }
    bytes = bytes[end...]
  }
  guard let colon = bytes.first else { return true }
  return colon == UInt8(ascii: ":") && bytes.count <= 6 && bytes.dropFirst().allSatisfy(isDigit)
}

func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

/// The octets of a token (RFC 9110, 5.6.2).
func isTokenOctet(_ byte: UInt8) -> Bool { tokenOctets[Int(byte)] }

private let tokenOctets: [Bool] = {
  var table = [Bool](repeating: false, count: 256)
  for byte in "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8 {
    table[Int(byte)] = true
  }
  return table
}()
