@testable import HTTPServer

/// Drives a connection machine as the event loop does, with a clock that only moves when told to.
struct Driver {
  private(set) var machine: ConnectionMachine
  private(set) var requests: [HTTPRequest] = []
  private(set) var received = ""
  /// What became of the requests, in the order in which they ended.
  private(set) var finished: [ConnectionMachine.Exchange] = []
  private(set) var hasShutDown = false
  private(set) var isClosed = false
  var now = 0.0
  /// Whether a delivered request is answered at once; otherwise it waits for ``answer()``.
  var answersAtOnce = true
  /// Whether the client takes what is sent.
  var clientReads = true

  static let date = Array("DATE".utf8)

  init(
    limits: HTTPServerLimits = HTTPServerLimits(),
    screen: @escaping (inout HTTPRequestHead) -> HTTPResponse? = { _ in nil }
  ) {
    let context = ConnectionContext(
      limits: limits, screen: screen,
      failure: { failure in
        HTTPResponse(status: failure.status, body: .bytes(Array(failure.detail.utf8)))
      }, numbers: HTTPRequestID.Numbers(start: 0))
    machine = ConnectionMachine(context: context, peer: .unknown, now: 0)
  }

  mutating func feed(_ text: String) { feed(Array(text.utf8)[...]) }

  mutating func feed(_ bytes: ArraySlice<UInt8>) {
    bytes.withUnsafeBytes { machine.received($0, now: now) }
    advance()
  }

  mutating func end() {
    machine.inputEnded()
    advance()
  }

  mutating func rest() { machine.rest() }

  mutating func fail() {
    machine.failed()
    advance()
  }

  mutating func wait(_ seconds: Double) {
    now += seconds
    machine.timeout(now: now, date: Self.date)
    advance()
  }

  mutating func drain() {
    machine.drain()
    advance()
  }

  mutating func answer(_ response: HTTPResponse) {
    machine.respond(response, now: now, date: Self.date)
    advance()
  }

  /// The request as the response's content, so that a test sees what was understood.
  static func echo(_ request: HTTPRequest) -> HTTPResponse {
    let text = "\(request.head.method) \(request.head.path) \(String(decoding: request.body, as: UTF8.self))"
    return HTTPResponse(status: 200, body: .bytes(Array(text.utf8)))
  }

  mutating func advance() {
    while true {
      while let action = machine.next(now: now, date: Self.date) {
        switch action {
        case .deliver(let request):
          requests.append(request)
          if answersAtOnce { machine.respond(Self.echo(request), now: now, date: Self.date) }
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
      if machine.unsent == 0 || !clientReads { return }
      received += String(decoding: machine.output[machine.outputStart...], as: UTF8.self)
      machine.sent(machine.output.count - machine.outputStart, now: now)
    }
  }

  /// The status codes of the responses received, interim ones included.
  var statuses: [Int] {
    received.split(separator: "HTTP/1.1 ").compactMap { Int($0.prefix(3)) }
  }
}

/// What came of a whole exchange.
struct Exchange: Equatable {
  let received: String
  let requests: [HTTPRequest]
  let hasShutDown: Bool

  var statuses: [Int] { received.split(separator: "HTTP/1.1 ").compactMap { Int($0.prefix(3)) } }

  /// Feeds the pieces one after another.
  init(_ pieces: [ArraySlice<UInt8>], limits: HTTPServerLimits = HTTPServerLimits()) {
    var driver = Driver(limits: limits)
    for piece in pieces { driver.feed(piece) }
    received = driver.received
    requests = driver.requests
    hasShutDown = driver.hasShutDown
  }

  /// Feeds `text` whole, cut in two at every octet, and octet by octet.
  ///
  /// - Returns: the outcome where all agree; nil where they do not.
  static func everyWay(_ text: String, limits: HTTPServerLimits = HTTPServerLimits()) -> Exchange? {
    let bytes = Array(text.utf8)[...]
    let whole = Exchange([bytes], limits: limits)
    for cut in bytes.indices where Exchange([bytes[..<cut], bytes[cut...]], limits: limits) != whole { return nil }
    let single = Exchange(bytes.indices.map { bytes[$0...$0] }, limits: limits)
    return single == whole ? whole : nil
  }
}
