@testable import HTTPServer

/// The first octet says how the owner of the connection behaves, the second where the others, what a client sends, are cut.
enum ConnectionProperties {
  static func check(_ input: [UInt8]) throws(Broken) {
    guard input.count >= 2 else { return }
    let sent = Array(input.dropFirst(2))
    var whole = ConnectionDriver(Habits(input[0]))
    try whole.run([sent[...]])
    var cut = ConnectionDriver(Habits(input[0]))
    try cut.run(sent.pieces(seed: input[1]))
    let (first, second) = (try whole.responses(), try cut.responses())
    try promise(cut.requests == whole.requests, "pieces make other requests than the whole")
    try promise(second == first, "pieces are answered otherwise than the whole")
    try promise(cut.hasShutDown == whole.hasShutDown, "pieces end otherwise than the whole")
  }

  static let limits = {
    var limits = HTTPServerLimits()
    (limits.requestLine, limits.fields, limits.fieldCount) = (256, 512, 8)
    (limits.content, limits.chunkLine, limits.chunkExtensions, limits.trailers) = (512, 32, 48, 64)
    (limits.unsent, limits.requestsPerConnection, limits.decompressionRatio) = (2048, 6, 1_000_000)
    return limits
  }()

  /// What the connection's owner does, one bit each.
  struct Habits {
    let streams: Bool
    let answersLate: Bool
    let endsInput: Bool
    let sendsLittle: Bool
    let rests: Bool
    let refuses: Bool

    init(_ bits: UInt8) {
      streams = bits & 1 != 0
      answersLate = bits & 2 != 0
      endsInput = bits & 4 != 0
      sendsLittle = bits & 8 != 0
      rests = bits & 16 != 0
      refuses = bits & 32 != 0
    }
  }
}

/// Does what the event loop does, without a socket.
private struct ConnectionDriver {
  private let habits: ConnectionProperties.Habits
  private var machine: ConnectionMachine
  private var waiting: HTTPRequest?
  private var now = 0.0
  private var output: [UInt8] = []
  private var isClosed = false
  private var finished: [ConnectionMachine.Exchange] = []
  private(set) var requests: [HTTPRequest] = []
  private(set) var hasShutDown = false

  init(_ habits: ConnectionProperties.Habits) {
    self.habits = habits
    let context = ConnectionContext(
      limits: ConnectionProperties.limits,
      screen: { head in
        head.mark = 7
        return habits.refuses && head.path.hasPrefix("/no") ? HTTPResponse(status: 403, body: .bytes([0x21])) : nil
      },
      failure: { HTTPResponse(status: $0.status, body: .bytes(Array($0.detail.utf8))) },
      numbers: HTTPRequestID.Numbers(start: 0))
    machine = ConnectionMachine(context: context, peer: .unknown, now: 0)
  }

  mutating func run(_ pieces: [ArraySlice<UInt8>]) throws(Broken) {
    for piece in pieces {
      // The kernel keeps what is not wanted yet.
      var patience = 64
      while !machine.wantsInput && !isClosed && patience > 0 {
        try answer()
        patience -= 1
      }
      try promise(isClosed || hasShutDown || machine.wantsInput, "the connection neither reads nor ends")
      piece.withUnsafeBytes { machine.received($0, now: now) }
      try advance()
      if habits.rests { machine.rest() }
    }
    if habits.endsInput { machine.inputEnded() }
    var patience = 64
    repeat {
      try answer()
      patience -= 1
    } while waiting != nil && patience > 0
    // However little comes, the deadlines end it.
    for _ in 0..<8 where !isClosed {
      try promise(machine.deadline.isFinite, "a connection that waits for its client has no deadline")
      now = max(now, machine.deadline)
      machine.timeout(now: now, date: Self.date)
      try answer()
    }
    try promise(isClosed, "the connection does not end")
  }

  private static let date = Array("DATE".utf8)

  private mutating func answer() throws(Broken) {
    if let request = waiting {
      waiting = nil
      machine.respond(response(request), now: now, date: Self.date)
    }
    try advance()
  }

  private mutating func advance() throws(Broken) {
    let limits = ConnectionProperties.limits
    while true {
      while let action = machine.next(now: now, date: Self.date) {
        switch action {
        case .deliver(let request):
          try check(request)
          requests.append(request)
          waiting = request
          if !habits.answersLate {
            waiting = nil
            machine.respond(response(request), now: now, date: Self.date)
          }
        case .pull(var source, let chunked):
          if let (pieces, hasMore) = try? BodyPiece.next(of: &source, chunked: chunked) {
            machine.append(pieces, hasMore ? source : nil, now: now)
          } else {
            machine.pieceFailed()
          }
        case .shutDownWriting: hasShutDown = true
        case .finished(let exchange): finished.append(exchange)
        case .close:
          isClosed = true
          return
        }
      }
      // One response beyond the limit, and a few interim ones.
      try promise(machine.unsent <= limits.unsent + limits.content + limits.requestLine + 1024, "too much is unsent")
      if machine.unsent == 0 { return }
      let ready = machine.output.count - machine.outputStart
      let count = habits.sendsLittle ? min(7, ready) : ready
      output.append(contentsOf: machine.output[machine.outputStart..<(machine.outputStart + count)])
      machine.sent(count, now: now)
    }
  }

  private func check(_ request: HTTPRequest) throws(Broken) {
    let limits = ConnectionProperties.limits
    let head = request.head
    try promise(request.body.count <= limits.content, "a content over the limit")
    try promise(head.fields.count <= limits.fieldCount, "more fields than the limit")
    try promise(head.fields.octets.count <= limits.fields + 4 * limits.fieldCount, "fields over the limit")
    try promise(HTTPRequestHead.methods.contains(head.method), "an unknown method is delivered")
    try promise(head.path == "*" || head.path.hasPrefix("/"), "a path without a slash: \(head.path)")
    try promise(head.mark == 7, "a request is delivered that was not screened")
    try promise(head.minorVersion == 0 || head.fields.count("Host") == 1, "a request without its Host")
    for field in head.fields.fields {
      let isClean = field.value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
      try promise(!field.name.isEmpty && field.name.utf8.allSatisfy(isTokenOctet) && isClean, "a field with controls")
    }
    // Must not trap, whatever it finds.
    _ = head.segments
    _ = head.queryParameters
    _ = head.fields.tokens("Accept")
  }

  // MARK: Responses

  /// The request as the content, so that an answer to another request would be seen.
  private static func echo(_ request: HTTPRequest) -> [UInt8] {
    Array("\(request.head.method) \(request.head.path) ".utf8) + request.body
  }

  private struct Halves: HTTPBodySource {
    var parts: [[UInt8]]

    mutating func next(into buffer: inout [UInt8]) throws -> Bool {
      buffer.append(contentsOf: parts.removeFirst())
      return !parts.isEmpty
    }
  }

  private func response(_ request: HTTPRequest) -> HTTPResponse {
    let echo = Self.echo(request)
    if !habits.streams { return HTTPResponse(status: 200, body: .bytes(echo)) }
    let half = echo.count / 2
    return HTTPResponse(status: 200, body: .stream(Halves(parts: [Array(echo[..<half]), [], Array(echo[half...])])))
  }

  struct Response: Equatable {
    let status: Int
    let content: [UInt8]
    let closes: Bool

    /// A refusal. Which of several faults it names may depend on the pieces: one that shows in the first octet of a line
    /// is seen before one that shows in its last.
    static let failure = Response(status: 400, content: [], closes: true)
  }

  /// The output read as a client reads it, and compared with what was asked for. Interim responses are left out: whether
  /// one comes depends on whether the content was there already.
  func responses() throws(Broken) -> [Response] {
    var rest = output[...]
    var responses: [Response] = []
    var handled = requests[...]
    var exchanges = finished[...]
    while !rest.isEmpty {
      let (status, fields) = try Self.head(&rest)
      if status == 100 {
        try promise(fields.isEmpty, "an interim response with fields")
        continue
      }
      guard let exchange = exchanges.popFirst() else { throw Broken(description: "more responses than requests") }
      try promise(exchange.status == status && exchange.isComplete, "a response of another request")
      try promise(responses.last?.closes != true, "a response after the last one")
      let isHead = exchange.head?.method == "HEAD"
      let content = try Self.content(&rest, fields, isHead: isHead)
      if status == 200 {
        guard let request = handled.popFirst() else { throw Broken(description: "an answer without a request") }
        try promise(isHead ? content.isEmpty : content == Self.echo(request), "the answer is another one's")
      }
      let closes = fields.contains { $0 == ("connection", "close") }
      if status == 200 || status == 403 {
        responses.append(Response(status: status, content: content, closes: closes))
      } else {
        try promise(status >= 400 && closes, "a failure with \(status) that does not close")
        responses.append(.failure)
      }
    }
    try promise(!exchanges.contains { $0.isComplete }, "a request that was answered has no response")
    try promise(handled.isEmpty, "a delivered request has no response")
    return responses
  }

  private static func line(_ rest: inout ArraySlice<UInt8>) throws(Broken) -> String {
    guard let end = rest.firstIndex(of: 0x0A), end > rest.startIndex, rest[end - 1] == 0x0D else {
      throw Broken(description: "a line without its end")
    }
    let line = rest[rest.startIndex..<(end - 1)]
    rest = rest[(end + 1)...]
    try promise(line.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }, "a control character in a response's head")
    return String(decoding: line, as: UTF8.self)
  }

  private static func head(_ rest: inout ArraySlice<UInt8>) throws(Broken) -> (Int, [(String, String)]) {
    let start = try line(&rest)
    guard start.hasPrefix("HTTP/1.1 "), let status = Int(start.dropFirst(9).prefix(3)), (100...599).contains(status),
      start.dropFirst(12).hasPrefix(" ")
    else { throw Broken(description: "no status line: \(start)") }
    var fields: [(String, String)] = []
    while true {
      let field = try line(&rest)
      if field.isEmpty { return (status, fields) }
      let parts = field.split(separator: ": ", maxSplits: 1)
      try promise(parts.count == 2 && parts[0].utf8.allSatisfy(isTokenOctet), "no field: \(field)")
      fields.append((parts[0].lowercased(), String(parts[1])))
    }
  }

  private static func content(
    _ rest: inout ArraySlice<UInt8>, _ fields: [(String, String)], isHead: Bool
  ) throws(Broken) -> [UInt8] {
    let lengths = fields.filter { $0.0 == "content-length" }
    let codings = fields.filter { $0.0 == "transfer-encoding" }
    try promise(lengths.count + codings.count <= 1, "a response with two lengths")
    if isHead { return [] }
    if let length = lengths.first {
      guard let count = Int(length.1), count >= 0, count <= rest.count else {
        throw Broken(description: "the content is shorter than its length")
      }
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    if codings.isEmpty {
      defer { rest = [] }
      return Array(rest)
    }
    var content: [UInt8] = []
    while true {
      guard let size = Int(try line(&rest), radix: 16), size >= 0, size <= rest.count else {
        throw Broken(description: "no chunk")
      }
      content.append(contentsOf: rest.prefix(size))
      rest = rest.dropFirst(size)
      try promise(try line(&rest).isEmpty, "a chunk without its end")
      if size == 0 { return content }
    }
  }
}
