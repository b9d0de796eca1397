import Testing

@testable import HTTPServer

/// How requests follow each other on a connection, and how it ends.
@Suite struct ConnectionTests {
  private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

  @Test func requestsThatComeTogetherAreAnsweredInOrder() throws {
    let pipeline =
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nabGET /3 HTTP/1.1\r\nHost: a\r\n\r\n"
    let exchange = try #require(Exchange.everyWay(pipeline))
    #expect(exchange.requests.map(\.head.path) == ["/1", "/2", "/3"])
    #expect(exchange.statuses == [200, 200, 200])
    #expect(!exchange.hasShutDown)
  }

  @Test func aGoodRequestBeforeABadOneIsStillAnswered() throws {
    let exchange = try #require(Exchange.everyWay(Self.get + "BAD\r\n\r\n"))
    #expect(exchange.statuses == [200, 400])
    #expect(exchange.hasShutDown)
  }

  @Test func aGoodRequestBeforeHalfAnotherOneIsStillAnswered() {
    var driver = Driver()
    driver.answersAtOnce = false
    driver.feed(Self.get + "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
    driver.end()
    driver.answer(HTTPResponse(status: 200, body: .bytes([])))
    #expect(driver.statuses == [200])
    #expect(driver.finished.map(\.isComplete) == [true, false])
    #expect(driver.isClosed)
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Close\r\n\r\n", false),
    ("GET / HTTP/1.0\r\n\r\n", false),
    ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", true),
  ])
  func theConnectionIsKeptOrEndedAsTheClientSays(_ request: String, _ isKept: Bool) throws {
    let exchange = try #require(Exchange.everyWay(request))
    #expect(exchange.statuses == [200])
    #expect(exchange.hasShutDown == !isKept)
  }

  @Test func nothingBehindTheLastRequestIsParsed() throws {
    let exchange = try #require(
      Exchange.everyWay("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + Self.get))
    #expect(exchange.requests.count == 1)
  }

  @Test func headGetsTheFieldsWithoutTheContent() throws {
    let exchange = try #require(Exchange.everyWay("HEAD /abc HTTP/1.1\r\nHost: a\r\n\r\n"))
    #expect(exchange.received.contains("Content-Length: 10\r\n"))
    #expect(exchange.received.hasSuffix("\r\n\r\n"))
  }

  @Test func theContentIsAskedForWhenTheClientWaits() {
    var driver = Driver()
    driver.feed("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n")
    #expect(driver.received == "HTTP/1.1 100 Continue\r\n\r\n")
    driver.feed("ab")
    #expect(driver.statuses == [100, 200])
  }

  @Test func aRefusedHeadIsNotAskedForItsContent() {
    var driver = Driver { _ in HTTPResponse(status: 415) }
    driver.feed("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    #expect(driver.statuses == [415])
    #expect(driver.hasShutDown)
    driver = Driver { _ in HTTPResponse(status: 404) }
    driver.feed(Self.get)
    #expect(driver.statuses == [404])
    #expect(!driver.hasShutDown)
  }

  @Test func aRequestKeepsItsNameOrGetsOne() {
    var driver = Driver()
    driver.feed("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: run-17/a\r\n\r\n")
    #expect(driver.received.contains("\r\nX-Request-Id: run-17/a\r\n"))
    #expect(driver.requests[0].head.id.description == "run-17/a")
    driver = Driver()
    driver.feed("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: <script>\r\n\r\n" + Self.get)
    #expect(driver.received.contains("\r\nX-Request-Id: 00000000-00000001\r\n"))
    #expect(driver.received.contains("\r\nX-Request-Id: 00000000-00000002\r\n"))
    driver = Driver()
    driver.feed("BAD\r\n\r\n")
    #expect(driver.received.contains("\r\nX-Request-Id: 00000000-00000001\r\n"))
  }

  @Test func everyRequestsEndIsToldOnceWithItsStatus() {
    var driver = Driver()
    driver.feed(Self.get + "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nabBAD\r\n\r\n")
    #expect(driver.finished.map(\.status) == [200, 200, 400])
    #expect(driver.finished.map(\.requestOctets) == [0, 2, 0])
    #expect(driver.finished.map { $0.head?.path } == ["/", "/2", nil])
    let octets = driver.finished.map(\.responseOctets).reduce(0, +)
    #expect(octets == driver.received.utf8.count)
    #expect(driver.finished.map(\.isComplete) == [true, true, true])
    driver = Driver()
    driver.answersAtOnce = false
    driver.feed(Self.get)
    driver.end()
    #expect(driver.finished.isEmpty)
    driver.fail()
    #expect(driver.finished.map(\.isComplete) == [false])
  }

  @Test func aConnectionEndsAfterItsLastRequestOrItsLifetime() {
    var limits = HTTPServerLimits()
    limits.requestsPerConnection = 3
    var driver = Driver(limits: limits)
    driver.feed(Self.get + Self.get)
    #expect(!driver.received.contains("Connection: close"))
    driver.feed(Self.get + Self.get)
    #expect(driver.statuses == [200, 200, 200])
    #expect(driver.received.contains("Connection: close"))
    #expect(driver.hasShutDown)
    limits = HTTPServerLimits()
    limits.connectionSeconds = 30
    driver = Driver(limits: limits)
    driver.feed(Self.get)
    driver.now = 31
    driver.feed(Self.get)
    #expect(driver.statuses == [200, 200])
    #expect(driver.hasShutDown)
  }

  @Test func anIdleConnectionThatHasGivenBackItsMemoryGoesOn() {
    var driver = Driver()
    driver.feed(Self.get)
    driver.rest()
    driver.feed(Self.get)
    driver.feed("GET / HT")
    #expect(!driver.machine.isIdle)
    driver.rest()
    driver.feed("TP/1.1\r\nHost: a\r\n\r\n")
    #expect(driver.statuses == [200, 200, 200])
  }

  @Test func noFurtherRequestIsReadWhileOneIsBeingAnswered() {
    var driver = Driver()
    driver.answersAtOnce = false
    driver.feed(Self.get + Self.get)
    #expect(driver.requests.count == 1)
    driver.feed(String(repeating: "x", count: 70_000))
    #expect(!driver.machine.wantsInput)
    driver.answer(HTTPResponse(status: 204))
    #expect(driver.requests.count == 2)
    #expect(!driver.received.contains("Content-Length"))
  }

  @Test func aLineBreakInAFieldNeverReachesTheClient() {
    var driver = Driver()
    driver.answersAtOnce = false
    driver.feed(Self.get)
    driver.answer(HTTPResponse(status: 200, fields: ["A": "b\r\nC: d", "E": "f"]))
    #expect(!driver.received.contains("C: d"))
    #expect(driver.received.contains("\r\nE: f\r\n"))
  }

  // MARK: Streams

  private struct Counter: HTTPBodySource {
    var left: Int
    var size = 10
    var failsAt = -1

    mutating func next(into buffer: inout [UInt8]) throws -> Bool {
      if left == failsAt { throw HTTPFailure(status: 500, detail: "") }
      left -= 1
      buffer.append(contentsOf: Array(repeating: UInt8(ascii: "x"), count: size))
      return left > 0
    }
  }

  private func streaming(_ source: Counter, to request: String, clientReads: Bool = true) -> Driver {
    var driver = Driver()
    driver.answersAtOnce = false
    driver.clientReads = clientReads
    driver.feed(request)
    driver.answer(HTTPResponse(status: 200, body: .stream(source)))
    return driver
  }

  @Test func aStreamGoesOutInChunksAndTheConnectionGoesOn() {
    var driver = streaming(Counter(left: 3), to: Self.get)
    #expect(driver.received.contains("Transfer-Encoding: chunked\r\n"))
    #expect(driver.received.hasSuffix("\r\n\r\n" + String(repeating: "a\r\nxxxxxxxxxx\r\n", count: 3) + "0\r\n\r\n"))
    driver.feed(Self.get)
    #expect(driver.requests.count == 2)
  }

  @Test func aStreamToHTTP10EndsWithTheConnection() {
    let driver = streaming(Counter(left: 2), to: "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    #expect(driver.received.hasSuffix("Connection: close\r\n\r\nxxxxxxxxxxxxxxxxxxxx"))
    #expect(driver.hasShutDown)
  }

  @Test func aStreamThatFailsEndsWithoutItsLastChunk() {
    let driver = streaming(Counter(left: 3, failsAt: 1), to: Self.get)
    #expect(driver.isClosed)
    #expect(!driver.received.contains("0\r\n\r\n"))
  }

  @Test func aStreamWaitsForASlowClient() {
    var driver = streaming(Counter(left: 1_000_000, size: 64 * 1024), to: Self.get, clientReads: false)
    let unsent = driver.machine.unsent
    #expect(unsent >= driver.machine.limits.unsent && unsent < driver.machine.limits.unsent + 70 * 1024)
    driver.wait(11)
    #expect(driver.isClosed)
  }

  // MARK: Deadlines and ends

  @Test func aSlowHeadTimesOut() {
    var driver = Driver()
    driver.feed("GET / HT")
    driver.wait(9)
    driver.feed("TP/1.1\r\n")
    #expect(driver.statuses == [])
    driver.wait(1.1)
    #expect(driver.statuses == [408])
    #expect(driver.hasShutDown)
  }

  @Test func aSlowContentTimesOut() {
    var driver = Driver()
    driver.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na")
    driver.wait(30)
    #expect(driver.statuses == [408])
  }

  @Test func anIdleConnectionEndsAndBlankLinesDoNotKeepIt() {
    var driver = Driver()
    driver.feed(Self.get)
    driver.wait(59)
    driver.feed("\r\n")
    #expect(!driver.isClosed)
    driver.wait(1)
    #expect(driver.isClosed)
  }

  @Test func aSlowHandlerIsNotCutOff() {
    var driver = Driver()
    driver.answersAtOnce = false
    driver.feed(Self.get)
    driver.wait(1000)
    driver.answer(HTTPResponse(status: 200))
    #expect(driver.statuses == [200])
  }

  @Test func aLingeringConnectionEnds() {
    var driver = Driver()
    driver.feed("BAD\r\n")
    #expect(driver.hasShutDown && !driver.isClosed)
    driver.feed(String(repeating: "x", count: 100_000))
    driver.wait(2)
    #expect(driver.isClosed)
  }

  @Test func aClientThatHasSentEverythingIsStillAnswered() {
    var driver = Driver()
    driver.answersAtOnce = false
    driver.feed(Self.get)
    driver.end()
    #expect(!driver.isClosed)
    driver.answer(HTTPResponse(status: 200))
    #expect(driver.statuses == [200])
    #expect(driver.isClosed)
  }

  @Test func aClientThatLeavesInTheMiddleIsForgotten() {
    for part in ["", "GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na"] {
      var driver = Driver()
      driver.feed(part)
      driver.end()
      #expect(driver.isClosed)
      #expect(driver.received.isEmpty)
    }
  }

  @Test func drainingEndsIdleConnectionsAndLetsResponsesFinish() {
    var idle = Driver()
    idle.feed(Self.get)
    idle.drain()
    #expect(idle.hasShutDown)
    var busy = Driver()
    busy.answersAtOnce = false
    busy.feed(Self.get)
    busy.drain()
    #expect(!busy.hasShutDown)
    busy.answer(HTTPResponse(status: 200))
    #expect(busy.received.contains("Connection: close\r\n"))
    #expect(busy.hasShutDown)
  }

  @Test func datesAreWrittenAsTheStandardSays() {
    #expect(String(decoding: DateCache.format(784_111_777), as: UTF8.self) == "Sun, 06 Nov 1994 08:49:37 GMT")
  }
}
