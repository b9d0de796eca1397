import Glibc

/// What the connections of one event loop share.
final class ConnectionContext {
  let limits: HTTPServerLimits
  /// Looks at a request before its content is read: ``HTTPHandler/screen(_:)``.
  let screen: (inout HTTPRequestHead) -> HTTPResponse?
  /// The response for a failure that the machine found: ``HTTPHandler/failure(_:)``.
  let failure: (HTTPFailure) -> HTTPResponse
  /// A last look at any response: ``HTTPHandler/decorate(_:for:)``.
  let decorate: (inout HTTPResponse, HTTPRequestHead?) -> Void
  fileprivate var numbers: HTTPRequestID.Numbers

  init(
    limits: HTTPServerLimits, screen: @escaping (inout HTTPRequestHead) -> HTTPResponse?,
    failure: @escaping (HTTPFailure) -> HTTPResponse,
    decorate: @escaping (inout HTTPResponse, HTTPRequestHead?) -> Void = { _, _ in },
    numbers: HTTPRequestID.Numbers = HTTPRequestID.Numbers()
  ) {
    self.numbers = numbers
    self.limits = limits
    self.screen = screen
    self.failure = failure
    self.decorate = decorate
  }
}

/// One connection's protocol: octets and events in, octets and actions out. No sockets, no clock, no threads.
///
/// Every call is told the time in seconds of a monotonic clock; ``deadline`` says when ``timeout(now:)`` is due. The
/// owner moves ``output`` to the client and reports it with ``sent(_:now:)``.
struct ConnectionMachine {
  enum Action {
    /// Answer this request with ``respond(_:now:date:)``.
    case deliver(HTTPRequest)
    /// Ask the source for a piece, framed in chunks or not, and hand it to ``append(_:_:now:)``.
    case pull(any HTTPBodySource, chunked: Bool)
    /// Send FIN, but read on until the client closes or the deadline comes: closing at once would make the kernel send
    /// a reset, which can destroy the response before the client has read it.
    case shutDownWriting
    /// One request has been answered, or never will be: for logs and metrics.
    case finished(Exchange)
    case close
  }

  /// One request and what has become of it so far.
  struct Exchange {
    /// Nil where the request could not be parsed.
    var head: HTTPRequestHead?
    var status = 0
    var requestOctets = 0
    var responseOctets = 0
    var isComplete = false
  }

  private enum State {
    /// Waiting for a request's head, or in the middle of it.
    case head
    /// The head is there, its content is not.
    case content(RequestFraming)
    /// The handler has the request.
    case handling(keepAlive: Bool)
    /// A streamed response is being made.
    case streaming(chunked: Bool, keepAlive: Bool, source: any HTTPBodySource, isPulling: Bool)
    /// The last response is in the output; nothing more is parsed.
    case finishing
    /// FIN is sent; what still comes is thrown away.
    case lingering
    case closed
  }

  private let context: ConnectionContext
  private var peer: HTTPPeer
  var limits: HTTPServerLimits { context.limits }

  private var state = State.head
  /// The request that is being read or answered.
  private var current: Exchange?
  /// The one before it, which nobody has been told of yet.
  private var ended: Exchange?
  private var input: [UInt8] = []
  private var position = 0
  private var parser: RequestHeadParser
  private var decoder: ChunkedDecoder
  /// The content so far, decoded.
  private var body: [UInt8] = []
  /// Octets of the content so far as they came.
  private var bodyTaken = 0
  private var inflater: GzipDecoder?
  /// Requests that have begun on this connection.
  private var requests = 0
  /// When the connection has lived long enough.
  private let end: Double
  private(set) var inputHasEnded = false
  private var isDraining = false
  private var isLastRequest = false
  private var isBroken = false

  /// What is to be sent; the first ``outputStart`` octets already are.
  private(set) var output: [UInt8] = []
  private(set) var outputStart = 0
  /// Pieces of a streamed content that follow the output: they are sent from where they were made, not copied behind it.
  private var pieces: [BodyPiece] = []

  /// When ``timeout(now:)`` is due, in seconds of the owner's clock.
  private(set) var deadline: Double

  init(context: ConnectionContext, peer: HTTPPeer, now: Double) {
    self.context = context
    self.peer = peer
    parser = RequestHeadParser(start: 0)
    decoder = ChunkedDecoder()
    // A connection that says nothing at all gets no longer than one that is slow to say something.
    deadline = now + context.limits.headSeconds
    end = now + context.limits.connectionSeconds
  }

  /// Octets that are still to be sent; those of ``output`` first.
  var unsent: Int { pieces.reduce(output.count - outputStart) { $0 + $1.count } }

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

  /// Whether the connection has something going on, or is one of the many that just stay open.
  var isIdle: Bool {
    if case .head = state { return !parser.hasBegun && input.count == position && unsent == 0 }
    return false
  }

  /// The request that is being answered.
  var head: HTTPRequestHead? { current?.head }

  /// Whether an orderly end would be the truth: nothing was cut off.
  var endsInOrder: Bool { !isBroken && unsent == 0 }

  /// Gives back the memory that an idle connection does not need.
  mutating func rest() {
    guard isIdle else { return }
    input = []
    output = []
    (position, outputStart) = (0, 0)
    parser = RequestHeadParser(start: 0)
  }

  /// How many pieces go out together at most.
  private static let piecesAtATime = 16

  /// Calls `body` with what is to be sent next, in the order that it goes out: the output, and pieces behind it.
  func withUnsent<Result>(_ body: (UnsafeMutableBufferPointer<iovec>) -> Result) -> Result {
    let count = min(pieces.count, Self.piecesAtATime - 1)
    return withUnsafeTemporaryAllocation(of: iovec.self, capacity: count + 1) { stretches in
      // The memory is that of arrays which this connection holds until it has been told what was sent.
      output.withUnsafeBytes { bytes in
        let rest = UnsafeMutableRawBufferPointer(mutating: UnsafeRawBufferPointer(rebasing: bytes[outputStart...]))
        stretches.initializeElement(at: 0, to: iovec(iov_base: rest.baseAddress, iov_len: rest.count))
      }
      for index in 0..<count {
        let piece = pieces[index]
        piece.bytes.withUnsafeBytes { bytes in
          let rest = UnsafeMutableRawBufferPointer(mutating: UnsafeRawBufferPointer(rebasing: bytes[piece.start...]))
          stretches.initializeElement(at: index + 1, to: iovec(iov_base: rest.baseAddress, iov_len: rest.count))
        }
      }
      return withExtendedLifetime((output, pieces)) { body(stretches) }
    }
  }

  // MARK: Events

  /// A layer below has done its part, such as a TLS handshake: the time for the first request begins.
  mutating func established(_ peer: HTTPPeer, now: Double) {
    self.peer = peer
    deadline = now + limits.headSeconds
  }

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
  mutating func failed() {
    isBroken = true
    state = .closed
  }

  /// The handler's response to the delivered request.
  mutating func respond(_ response: HTTPResponse, now: Double, date: [UInt8]) {
    guard case .handling(let keepAlive) = state else { return }
    write(response, keepAlive: keepAlive, now: now, date: date)
  }

  /// Pieces of the streamed content; `source` is the source after making them, nil after the last ones.
  mutating func append(_ made: [BodyPiece], _ source: (any HTTPBodySource)?, now: Double) {
    guard case .streaming(let chunked, let keepAlive, _, _) = state else { return }
    for piece in made {
      current?.responseOctets += piece.count
      if unsent == 0 {
        deadline = now + limits.writeSeconds
        (output, outputStart) = (piece.bytes, piece.start)
      } else if piece.count > 0 {
        pieces.append(piece)
      }
    }
    if let source {
      state = .streaming(chunked: chunked, keepAlive: keepAlive, source: source, isPulling: false)
    } else {
      finish(keepAlive: keepAlive && chunked, now: now)
    }
  }

  /// The source has thrown: the client must not take what it has for the whole.
  mutating func pieceFailed() { failed() }

  /// `count` octets of the output have been sent.
  mutating func sent(_ octets: Int, now: Double) {
    var count = octets
    while count >= output.count - outputStart, let piece = pieces.first {
      count -= output.count - outputStart
      (output, outputStart) = (piece.bytes, piece.start)
      pieces.removeFirst()
      deadline = now + limits.writeSeconds
    }
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
    case .head where unsent == 0, .lingering: state = .closed
    default: failed()
    }
  }

  // MARK: What to do next

  /// Goes on as far as input and output allow.
  ///
  /// - Returns: what the owner has to do before calling again; nil when only an event can bring more.
  mutating func next(now: Double, date: [UInt8]) -> Action? {
    while true {
      if let ended {
        self.ended = nil
        return .finished(ended)
      }
      switch state {
      case .head:
        if unsent >= limits.unsent { return nil }
        if isDraining && !parser.hasBegun && position == input.count {
          finish(keepAlive: false, now: now)
          continue
        }
        let hadBegun = parser.hasBegun
        switch parser.parse(input, limits) {
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
      case .content(let framing):
        do {
          guard try readContent(framing), let head = current?.head else {
            // The answers to the requests before this one are still owed to a client that has only stopped to send.
            if !inputHasEnded || unsent > 0 { return nil }
            failed()
            continue
          }
          try inflater?.finish()
          inflater = nil
          let request = HTTPRequest(head: head, body: body)
          current?.requestOctets = body.count
          body = []
          state = .handling(keepAlive: framing.keepAlive)
          deadline = .infinity
          return .deliver(request)
        } catch {
          fail(error, now: now, date: date)
        }
      case .handling: return nil
      case .streaming(let chunked, let keepAlive, let source, let isPulling):
        if isPulling || unsent >= max(limits.unsent, source.octetsAhead) { return nil }
        state = .streaming(chunked: chunked, keepAlive: keepAlive, source: source, isPulling: true)
        return .pull(source, chunked: chunked)
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
      case .closed:
        if current == nil { return .close }
        endExchange(isComplete: false)
      }
    }
  }

  private mutating func endExchange(isComplete: Bool) {
    ended = current
    ended?.isComplete = isComplete
    current = nil
  }

  private mutating func begin(_ parsed: HTTPRequestHead, now: Double, date: [UInt8]) {
    var head = parsed
    head.peer = peer
    head.id = context.numbers.next(head.fields["X-Request-Id"])
    current = Exchange(head: head)
    requests += 1
    if requests >= limits.requestsPerConnection || now >= end { isLastRequest = true }
    do throws(HTTPFailure) {
      let framing = try RequestFraming(head, limits: limits)
      if framing.isGzip {
        inflater = GzipDecoder(limits: limits)
        if inflater == nil { throw HTTPFailure(status: 503, detail: "the server has no memory for the request") }
      }
      let refusal = context.screen(&head)
      current?.head = head
      if let refusal {
        // The content stays unread, so the connection can only go on where there is none.
        write(refusal, keepAlive: framing.keepAlive && framing.content == .length(0), now: now, date: date)
        return
      }
      if framing.expectsContinue && position == input.count {
        gatherPieces()
        output.append(contentsOf: "HTTP/1.1 100 Continue\r\n\r\n".utf8)
      }
      deadline = now + limits.bodySeconds
      decoder = ChunkedDecoder()
      bodyTaken = 0
      state = .content(framing)
    } catch {
      fail(error, now: now, date: date)
    }
  }

  /// - Returns: whether the content is complete, in ``body``.
  private mutating func readContent(_ framing: RequestFraming) throws(HTTPFailure) -> Bool {
    defer { dropUsedInput() }
    switch framing.content {
    case .length(let length):
      let count = min(length - bodyTaken, input.count - position)
      let bytes = input[position..<(position + count)]
      position += count
      bodyTaken += count
      if let inflater { try inflater.append(bytes, to: &body) } else { body.append(contentsOf: bytes) }
      return bodyTaken == length
    case .chunked:
      guard let inflater else { return try decoder.decode(input, from: &position, into: &body, limits: limits) }
      var bytes: [UInt8] = []
      let isComplete = try decoder.decode(input, from: &position, into: &bytes, limits: limits)
      bodyTaken += bytes.count
      if bodyTaken > limits.content { throw contentTooLarge(limits) }
      try inflater.append(bytes[...], to: &body)
      return isComplete
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

  private mutating func fail(_ error: HTTPFailure, now: Double, date: [UInt8]) {
    if current == nil { current = Exchange() }
    inflater = nil
    var response = context.failure(error)
    response.fields.append(contentsOf: error.fields)
    write(response, keepAlive: false, now: now, date: date)
  }

  /// Answers the current request, or what could not be parsed as one.
  private mutating func write(_ plain: HTTPResponse, keepAlive: Bool, now: Double, date: [UInt8]) {
    var response = plain
    context.decorate(&response, current?.head)
    if unsent == 0 { deadline = now + limits.writeSeconds }
    let keepAlive = keepAlive && !isDraining && !isLastRequest
    gatherPieces()
    let before = output.count
    let isOld = current?.head?.minorVersion == 0
    let hasContent = current?.head?.method != "HEAD" && response.status != 204 && response.status != 304
    let id = current?.head?.id ?? context.numbers.next(nil)
    var connection = keepAlive ? (isOld ? "keep-alive" : nil) : "close"
    current?.status = response.status
    switch response.body {
    case .bytes(let bytes):
      let hasLength = response.status != 204 && response.status != 304
      ResponseHead.append(
        response, framing: hasLength ? .length(bytes.count) : .none, connection: connection, date: date, id: id,
        to: &output)
      if hasContent { output.append(contentsOf: bytes) }
      current?.responseOctets += output.count - before
      finish(keepAlive: keepAlive, now: now)
    case .stream(let source):
      let chunked = !isOld
      if !chunked && hasContent { connection = "close" }
      ResponseHead.append(
        response, framing: chunked ? .chunked : .close, connection: connection, date: date, id: id, to: &output)
      current?.responseOctets += output.count - before
      if !hasContent {
        finish(keepAlive: keepAlive, now: now)
      } else {
        state = .streaming(chunked: chunked, keepAlive: keepAlive, source: source, isPulling: false)
      }
    }
  }

  /// Puts the pieces that are still to be sent into the output, for what comes behind them.
  private mutating func gatherPieces() {
    for piece in pieces { output.append(contentsOf: piece.bytes[piece.start...]) }
    pieces = []
  }

  /// The response is complete; on to the next request, or to the end.
  private mutating func finish(keepAlive: Bool, now: Double) {
    if current != nil { endExchange(isComplete: true) }
    body = []
    if keepAlive && !isDraining {
      dropUsedInput()
      parser = RequestHeadParser(start: position)
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
