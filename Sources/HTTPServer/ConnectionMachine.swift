/// One connection's protocol: octets and events in, octets and actions out. No sockets, no clock, no threads.
///
/// Every call is told the time in seconds of a monotonic clock; ``deadline`` says when ``timeout(now:)`` is due. The
/// owner moves ``output`` to the client and reports it with ``sent(_:now:)``.
struct ConnectionMachine {
  enum Action {
    /// Answer this request with ``respond(_:now:date:)``.
    case deliver(HTTPRequest)
    /// Ask the source for a piece and hand it to ``piece(_:_:now:)``.
    case pull(any HTTPBodySource)
    /// Send FIN, but read on until the client closes or the deadline comes: closing at once would make the kernel send
    /// a reset, which can destroy the response before the client has read it.
    case shutDownWriting
    case close
  }

  private enum State {
    /// Waiting for a request's head, or in the middle of it.
    case head
    /// The head is there, its content is not.
    case content(HTTPRequestHead, RequestFraming)
    /// The handler has the request.
    case handling(HTTPRequestHead, keepAlive: Bool)
    /// A streamed response is being made.
    case streaming(chunked: Bool, keepAlive: Bool, source: any HTTPBodySource, isPulling: Bool)
    /// The last response is in the output; nothing more is parsed.
    case finishing
    /// FIN is sent; what still comes is thrown away.
    case lingering
    case closed
  }

  let limits: HTTPServerLimits
  private let screen: @Sendable (HTTPRequestHead) -> HTTPResponse?
  private let failure: @Sendable (HTTPFailure) -> HTTPResponse

  private var state = State.head
  private var input: [UInt8] = []
  private var position = 0
  private var parser: RequestHeadParser
  private var decoder: ChunkedDecoder
  private var body: [UInt8] = []
  private var inputHasEnded = false
  private var isDraining = false

  /// What is to be sent; the first ``outputStart`` octets already are.
  private(set) var output: [UInt8] = []
  private(set) var outputStart = 0

  /// When ``timeout(now:)`` is due, in seconds of the owner's clock.
  private(set) var deadline: Double

  init(
    limits: HTTPServerLimits, now: Double, screen: @escaping @Sendable (HTTPRequestHead) -> HTTPResponse?,
    failure: @escaping @Sendable (HTTPFailure) -> HTTPResponse
  ) {
    self.limits = limits
    self.screen = screen
    self.failure = failure
    parser = RequestHeadParser(limits: limits, start: 0)
    decoder = ChunkedDecoder(limits: limits)
    // A connection that says nothing at all gets no longer than one that is slow to say something.
    deadline = now + limits.headSeconds
  }

  var unsent: Int { output.count - outputStart }

  /// Whether the owner should read. Not while a response is pending and the input is ahead already: that is what slows
  /// down a client that sends faster than it is answered.
  var wantsInput: Bool {
    switch state {
    case .closed: false
    case .head, .content: !inputHasEnded && unsent < limits.unsent
    case .handling, .streaming, .finishing: !inputHasEnded && input.count - position < 64 * 1024
    case .lingering: true
    }
  }

  // MARK: Events

  /// Octets have come.
  mutating func received(_ bytes: UnsafeRawBufferPointer, now: Double) {
    switch state {
    case .lingering, .closed, .finishing: return
    default: input.append(contentsOf: bytes)
    }
  }

  /// The client sends no more; it may still be waiting for an answer.
  mutating func inputEnded() {
    inputHasEnded = true
    if case .lingering = state { state = .closed }
  }

  /// The connection is of no use any more.
  mutating func failed() { state = .closed }

  /// The handler's response to the delivered request.
  mutating func respond(_ response: HTTPResponse, now: Double, date: [UInt8]) {
    guard case .handling(let head, let keepAlive) = state else { return }
    write(response, to: head, keepAlive: keepAlive && !isDraining, now: now, date: date)
  }

  /// A piece of the streamed content; `source` is the source after making it, nil after the last piece.
  mutating func piece(_ bytes: [UInt8], _ source: (any HTTPBodySource)?, now: Double) {
    guard case .streaming(let chunked, let keepAlive, _, _) = state else { return }
    if unsent == 0 { deadline = now + limits.writeSeconds }
    if chunked {
      if !bytes.isEmpty {
        output.append(contentsOf: String(bytes.count, radix: 16).utf8)
        output.append(contentsOf: "\r\n".utf8)
        output.append(contentsOf: bytes)
        output.append(contentsOf: "\r\n".utf8)
      }
      if source == nil { output.append(contentsOf: "0\r\n\r\n".utf8) }
    } else {
      output.append(contentsOf: bytes)
    }
    if let source {
      state = .streaming(chunked: chunked, keepAlive: keepAlive, source: source, isPulling: false)
    } else {
      finish(keepAlive: keepAlive && chunked, now: now)
    }
  }

  /// The source has thrown: the client must not take what it has for the whole.
  mutating func pieceFailed() { state = .closed }

  /// `count` octets of the output have been sent.
  mutating func sent(_ count: Int, now: Double) {
    outputStart += count
    if outputStart == output.count {
      output.removeAll(keepingCapacity: output.capacity <= 64 * 1024)
      outputStart = 0
      if case .head = state { restartIdleTimer(now) }
    } else {
      deadline = now + limits.writeSeconds
      if outputStart > 1 << 20 {
        output.removeFirst(outputStart)
        outputStart = 0
      }
    }
  }

  /// The server stops: idle connections end, others after the response they are at.
  mutating func drain() { isDraining = true }

  /// The deadline has passed.
  mutating func timeout(now: Double, date: [UInt8]) {
    if now < deadline { return }
    switch state {
    case .head where parser.hasBegun && unsent == 0:
      fail(HTTPFailure(status: 408, detail: "the request's head took too long"), now: now, date: date)
    case .content where unsent == 0:
      fail(HTTPFailure(status: 408, detail: "the request's content took too long"), now: now, date: date)
    case .handling where unsent == 0:
      deadline = .infinity
    case .streaming where unsent == 0:
      // The source is slow, not the client.
      deadline = now + limits.writeSeconds
    default:
      state = .closed
    }
  }

  // MARK: What to do next

  /// Goes on as far as input and output allow.
  ///
  /// - Returns: what the owner has to do before calling again; nil when only an event can bring more.
  mutating func next(now: Double, date: [UInt8]) -> Action? {
    while true {
      switch state {
      case .head:
        if unsent >= limits.unsent { return nil }
        if isDraining && !parser.hasBegun && position == input.count {
          finish(keepAlive: false, now: now)
          continue
        }
        let hadBegun = parser.hasBegun
        switch parser.parse(input) {
        case .incomplete:
          if inputHasEnded {
            finish(keepAlive: false, now: now)
            continue
          }
          if !hadBegun && parser.hasBegun { deadline = now + limits.headSeconds }
          return nil
        case .failed(let failure): fail(failure, now: now, date: date)
        case .complete(let head):
          position = parser.consumed
          begin(head, now: now, date: date)
        }
      case .content(let head, let framing):
        do {
          guard try readContent(framing) else {
            if inputHasEnded { state = .closed }
            return inputHasEnded ? .close : nil
          }
          let request = HTTPRequest(head: head, body: body)
          body = []
          state = .handling(head, keepAlive: framing.keepAlive)
          deadline = .infinity
          return .deliver(request)
        } catch {
          fail(error, now: now, date: date)
        }
      case .handling: return nil
      case .streaming(let chunked, let keepAlive, let source, let isPulling):
        if isPulling || unsent >= limits.unsent { return nil }
        state = .streaming(chunked: chunked, keepAlive: keepAlive, source: source, isPulling: true)
        return .pull(source)
      case .finishing:
        if unsent > 0 { return nil }
        if inputHasEnded {
          state = .closed
          continue
        }
        state = .lingering
        deadline = now + limits.lingerSeconds
        return .shutDownWriting
      case .lingering: return nil
      case .closed: return .close
      }
    }
  }

  private mutating func begin(_ head: HTTPRequestHead, now: Double, date: [UInt8]) {
    do throws(HTTPFailure) {
      let framing = try RequestFraming(head, limits: limits)
      if let refusal = screen(head) {
        // The content stays unread, so the connection can only go on where there is none.
        write(refusal, to: head, keepAlive: framing.keepAlive && framing.content == .length(0), now: now, date: date)
        return
      }
      if framing.expectsContinue && position == input.count {
        output.append(contentsOf: "HTTP/1.1 100 Continue\r\n\r\n".utf8)
      }
      deadline = now + limits.bodySeconds
      decoder = ChunkedDecoder(limits: limits)
      state = .content(head, framing)
    } catch {
      fail(error, to: head, now: now, date: date)
    }
  }

  /// - Returns: whether the content is complete, in ``body``.
  private mutating func readContent(_ framing: RequestFraming) throws(HTTPFailure) -> Bool {
    defer { dropUsedInput() }
    switch framing.content {
    case .length(let length):
      let count = min(length - body.count, input.count - position)
      body.append(contentsOf: input[position..<(position + count)])
      position += count
      return body.count == length
    case .chunked:
      return try decoder.decode(input, from: &position, into: &body)
    }
  }

  private mutating func dropUsedInput() {
    if position == input.count {
      input.removeAll(keepingCapacity: input.capacity <= 64 * 1024)
      position = 0
    } else if position > 64 * 1024 {
      input.removeFirst(position)
      position = 0
    }
  }

  private mutating func fail(
    _ error: HTTPFailure, to head: HTTPRequestHead? = nil, now: Double, date: [UInt8]
  ) {
    let head = head ?? HTTPRequestHead(method: "GET", path: "/", query: nil, minorVersion: 1, fields: [:])
    write(failure(error), to: head, keepAlive: false, now: now, date: date)
  }

  private mutating func write(
    _ response: HTTPResponse, to head: HTTPRequestHead, keepAlive: Bool, now: Double, date: [UInt8]
  ) {
    if unsent == 0 { deadline = now + limits.writeSeconds }
    let hasNoContent = response.status == 204 || response.status == 304
    var connection = keepAlive ? (head.minorVersion == 0 ? "keep-alive" : nil) : "close"
    switch response.body {
    case .bytes(let bytes):
      ResponseHead.append(
        response, framing: hasNoContent ? .none : .length(bytes.count), connection: connection, date: date, to: &output)
      if head.method != "HEAD" && !hasNoContent { output.append(contentsOf: bytes) }
      finish(keepAlive: keepAlive, now: now)
    case .stream(let source):
      let chunked = head.minorVersion == 1
      if !chunked && head.method != "HEAD" { connection = "close" }
      ResponseHead.append(
        response, framing: chunked ? .chunked : .close, connection: connection, date: date, to: &output)
      if head.method == "HEAD" {
        finish(keepAlive: keepAlive, now: now)
      } else {
        state = .streaming(chunked: chunked, keepAlive: keepAlive, source: source, isPulling: false)
      }
    }
  }

  /// The response is complete; on to the next request, or to the end.
  private mutating func finish(keepAlive: Bool, now: Double) {
    body = []
    if keepAlive && !isDraining {
      dropUsedInput()
      parser = RequestHeadParser(limits: limits, start: position)
      state = .head
      if unsent == 0 { restartIdleTimer(now) }
    } else {
      input = []
      position = 0
      state = .finishing
    }
  }

  private mutating func restartIdleTimer(_ now: Double) {
    deadline = now + (parser.hasBegun ? limits.headSeconds : limits.idleSeconds)
  }
}
