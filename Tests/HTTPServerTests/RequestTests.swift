import Testing

@testable import HTTPServer

/// Raw octets → what the server makes of them; each fed whole, cut at every octet, and octet by octet.
@Suite struct RequestTests {
  private static let host = "Host: a\r\n"

  @Test(arguments: [
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / "),
    ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / "),
    ("GET /a/b?c=d HTTP/1.1\r\nhost:\ta:80 \t\r\n\r\n", "GET /a/b "),
    ("GET http://b:8080/a HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a "),
    ("GET http://b?x HTTP/1.1\r\nHost: a\r\n\r\n", "GET / "),
    ("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET / "),
    ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * "),
    ("GET / HTTP/1.0\r\n\r\n", "GET / "),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "POST / abc"),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 003\r\n\r\nabc", "POST / abc"),
    ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / "),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
      "POST / abc0123456789"
    ),
  ])
  func validRequestsAreUnderstood(_ request: String, _ echo: String) throws {
    let exchange = try #require(Exchange.everyWay(request), "depends on how the octets arrive")
    #expect(exchange.statuses == [200])
    #expect(exchange.received.hasSuffix("\r\n\r\n\(echo)"))
    #expect(exchange.received.contains("\r\nDate: DATE\r\n"))
  }

  @Test(arguments: [
    (400, "\u{16}\u{3}\u{1}"), (400, "\n"), (400, "GET / HTTP/1.1\nHost: a\n\n"), (400, "GET  / HTTP/1.1\r\n"),
    (400, "GET / HTTP/1.1 \r\n"), (400, "GET /\r\n"), (400, "GET / http/1.1\r\n"), (400, "GET / HTTP/1.1x\r\n"),
    (505, "GET / HTTP/2.0\r\n"), (505, "GET / HTTP/1.2\r\n"), (501, "BREW / HTTP/1.1\r\n"), (501, "get / HTTP/1.1\r\n"),
    (501, "CONNECT a:80 HTTP/1.1\r\n"), (400, "GET a HTTP/1.1\r\n"),
    (400, "GET /# HTTP/1.1\r\n"), (400, "GET /%zz HTTP/1.1\r\n"), (400, "GET /%00 HTTP/1.1\r\n"),
    (400, "GET /% HTTP/1.1\r\n"), (400, "GET /é HTTP/1.1\r\n"), (400, "GET * HTTP/1.1\r\n"),
    (400, "GET ftp://a/ HTTP/1.1\r\n"), (400, "\r\n\r\n\r\n"), (400, "GET /\u{B} HTTP/1.1\r\n"),
  ])
  func badStartLinesAreRefused(_ status: Int, _ line: String) throws {
    try expectRefusal(status, line)
  }

  @Test(arguments: [
    "A : b", " A: b", "A", ": b", "A: b\r\n c", "A: b\u{0}", "A: b\rc", "A: b\u{7F}", "É: b", "A(b): c", "A: b\nC: d",
    "Host: b", "Host:", "Host: a b",
  ])
  func badFieldsAreRefused(_ field: String) throws {
    try expectRefusal(400, "GET / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n")
  }

  @Test(arguments: [
    "", "Host: \r\n", "Host: a:b\r\n", "Host: a:123456\r\n", "Host: [::1\r\n", "Host: a/b\r\n", "Host: a@b\r\n",
  ])
  func oneValidHostIsRequired(_ field: String) throws {
    try expectRefusal(400, "GET / HTTP/1.1\r\n\(field)\r\n")
  }

  /// The families of request smuggling: each is refused, and the connection ends, so that nothing behind it is parsed.
  @Test(arguments: [
    (400, "Content-Length: 3\r\nContent-Length: 3\r\n"), (400, "Content-Length: 3\r\nContent-Length: 4\r\n"),
    (400, "Content-Length: 3, 3\r\n"), (400, "Content-Length: +3\r\n"), (400, "Content-Length: -3\r\n"),
    (400, "Content-Length: 0x3\r\n"), (400, "Content-Length: 3_0\r\n"), (400, "Content-Length: \r\n"),
    (400, "Content-Length: 3 3\r\n"), (413, "Content-Length: 99999999999999999999999999\r\n"),
    (400, "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
    (400, "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
    (400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    (501, "Transfer-Encoding: gzip, chunked\r\n"),
    (501, "Transfer-Encoding: ,chunked\r\n"), (501, "Transfer-Encoding: identity\r\n"),
    (501, "Transfer-Encoding: \r\n"),
    (501, "Transfer-Encoding: xchunked\r\n"), (400, "Transfer-Encoding: chunked\u{B}\r\n"),
    (400, "Transfer-Encoding : chunked\r\n"), (417, "Expect: 200-ok\r\n"),
  ])
  func ambiguousFramingIsRefusedAndTheConnectionEnds(_ status: Int, _ fields: String) throws {
    try expectRefusal(status, "POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n")
  }

  @Test func transferCodingInHTTP10IsRefused() throws {
    try expectRefusal(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
  }

  @Test(arguments: [
    "0x3\r\nabc\r\n", "+3\r\nabc\r\n", "-3\r\n", " 3\r\nabc\r\n", "3 \r\nabc\r\n", "\r\n", "g\r\n", "3\nabc\r\n",
    "3\r\nabcd\r\n",
    "3\r\nabc\n", "3\r\nabcX", "3;\r\nabc\r\n", "3;a\u{0}\r\nabc\r\n", "3 a\r\nabc\r\n", "3\r\rabc\r\n",
    "3\r\nabc\r\n0\r\nA : b\r\n\r\n",
    "3\r\nabc\r\n0\r\n\n", "3_0\r\n",
  ])
  func malformedChunksAreRefused(_ chunks: String) throws {
    try expectRefusal(400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)")
  }

  @Test func chunkSizesThatWouldOverflowAreTooLarge() throws {
    for size in ["ffffffffffffffff", "fffffffffffffff", "10000000000000000000000", "100001"] {
      try expectRefusal(413, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(size)\r\n")
    }
  }

  @Test func sizesAreCountedWhileParsing() throws {
    var limits = HTTPServerLimits()
    limits.requestLine = 32
    limits.fields = 64
    limits.fieldCount = 3
    limits.content = 4
    limits.chunkLine = 8
    limits.chunkExtensions = 6
    limits.trailers = 8
    let head = "POST / HTTP/1.1\r\nHost: a\r\n"
    let chunked = head + "Transfer-Encoding: chunked\r\n\r\n"
    try expectRefusal(414, "GET /\(String(repeating: "a", count: 40)) HTTP/1.1\r\n", limits: limits)
    try expectRefusal(431, "\(head)A: \(String(repeating: "a", count: 64))\r\n\r\n", limits: limits)
    try expectRefusal(431, "\(head)A: b\r\nA: b\r\nA: b\r\n\r\n", limits: limits)
    try expectRefusal(413, "\(head)Content-Length: 5\r\n\r\nabcde", limits: limits)
    try expectRefusal(413, chunked + "3\r\nabc\r\n2\r\nde\r\n", limits: limits)
    try expectRefusal(400, chunked + "1;aaaaaaaaaaa\r\na\r\n", limits: limits)
    try expectRefusal(400, chunked + "1;aaa\r\na\r\n1;aaa\r\nb\r\n", limits: limits)
    try expectRefusal(431, chunked + "0\r\nA: aaaaaaaa\r\n\r\n", limits: limits)
    #expect(Exchange.everyWay("\(head)Content-Length: 4\r\n\r\nabcd", limits: limits)?.statuses == [200])
    // As long as it may be: its CR is no part of it, even where the LF comes later.
    let longest = "GET /\(String(repeating: "a", count: 18)) HTTP/1.1\r\nHost: a\r\n\r\n"
    #expect(Exchange.everyWay(longest, limits: limits)?.statuses == [200])
    // 9 octets of Host and 55 of A: as many as there may be.
    let most = "GET / HTTP/1.1\r\nHost: a\r\nA: \(String(repeating: "a", count: 50))\r\n\r\n"
    #expect(Exchange.everyWay(most, limits: limits)?.statuses == [200])
  }

  @Test func anEndlessLineIsRefusedBeforeItEnds() {
    var driver = Driver()
    driver.feed("GET /" + String(repeating: "a", count: 17_000))
    #expect(driver.statuses == [414])
    driver = Driver()
    driver.feed("GET / HTTP/1.1\r\nHost: a\r\nA: " + String(repeating: "a", count: 70_000))
    #expect(driver.statuses == [431])
  }

  private func expectRefusal(_ status: Int, _ request: String, limits: HTTPServerLimits = HTTPServerLimits()) throws {
    let exchange = try #require(Exchange.everyWay(request, limits: limits), "depends on how the octets arrive")
    #expect(exchange.statuses == [status])
    #expect(exchange.requests.isEmpty)
    #expect(exchange.hasShutDown)
    #expect(exchange.received.contains("\r\nConnection: close\r\n"))
    #expect(exchange.received.contains("\r\nDate: DATE\r\n"))
  }
}
