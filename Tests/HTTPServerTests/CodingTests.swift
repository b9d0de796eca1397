import CZlib
import Testing

@testable import HTTPServer

/// gzip, of requests and of responses.
@Suite struct CodingTests {
  private static func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
    let encoder = try #require(GzipEncoder())
    var coded: [UInt8] = []
    encoder.append(bytes, isLast: true, to: &coded)
    return coded
  }

  private static func gunzip(_ bytes: [UInt8]) throws -> [UInt8] {
    var limits = HTTPServerLimits()
    limits.content = 1 << 30
    limits.decompressionRatio = 2000
    let decoder = try #require(GzipDecoder(limits: limits))
    var plain: [UInt8] = []
    try decoder.append(bytes[...], to: &plain)
    try decoder.finish()
    return plain
  }

  private static func post(_ content: [UInt8], coding: String = "gzip") -> [UInt8] {
    Array(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: \(coding)\r\nContent-Length: \(content.count)\r\n\r\n".utf8)
      + content
  }

  private static let text = Array("{\"schedule\":{\"type\":\"constant\",\"base_lr\":0.5},\"steps\":3}".utf8)

  @Test(arguments: ["gzip", "x-gzip", "GZIP", "identity, gzip"])
  func aCompressedContentIsReadAsIfPlain(_ coding: String) throws {
    let bytes = Self.post(try Self.gzip(Self.text), coding: coding)
    for pieces in [[bytes[...]], bytes.indices.map { bytes[$0...$0] }] {
      let exchange = Exchange(pieces)
      #expect(exchange.statuses == [200])
      #expect(exchange.requests.map(\.body) == [Self.text])
    }
  }

  @Test func aCompressedContentMayComeInChunks() throws {
    let coded = try Self.gzip(Self.text)
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    var bytes = Array(head.utf8)
    for byte in coded { bytes += Array("1\r\n".utf8) + [byte] + Array("\r\n".utf8) }
    bytes += Array("0\r\n\r\n".utf8)
    for pieces in [[bytes[...]], bytes.indices.map { bytes[$0...$0] }] {
      #expect(Exchange(pieces).requests.map(\.body) == [Self.text])
    }
  }

  @Test(arguments: ["br", "deflate", "gzip, gzip", "gzip, br", "zstd"])
  func anUnknownCodingIsRefusedWithTheOneThatIsKnown(_ coding: String) {
    let exchange = Exchange([Self.post(Self.text, coding: coding)[...]])
    #expect(exchange.statuses == [415])
    #expect(exchange.received.contains("Accept-Encoding: gzip\r\n"))
    #expect(exchange.requests.isEmpty)
  }

  @Test func damagedGzipIsRefused() throws {
    let coded = try Self.gzip(Self.text)
    var wrongSum = coded
    wrongSum[coded.count - 6] ^= 1
    let cut = Array(coded.dropLast(3))
    for content in [Self.text, wrongSum, cut, coded + [0], coded + coded, []] {
      let exchange = Exchange([Self.post(content)[...]])
      #expect(exchange.statuses == [400])
      #expect(exchange.requests.isEmpty)
    }
  }

  @Test func aBombIsRefusedBeforeItGrows() throws {
    // Over the content's limit.
    let large = try Self.gzip(Array(repeating: 0x20, count: 2 << 20) + Self.text)
    #expect(Exchange([Self.post(large)[...]]).statuses == [413])
    // Within it, but growing more than 100 times.
    let small = try Self.gzip(Array(repeating: 0x20, count: 500_000))
    #expect(small.count < 1000)
    let exchange = Exchange([Self.post(small)[...]])
    #expect(exchange.statuses == [413])
    #expect(exchange.received.contains("grows by more than 100 times"))
  }

  @Test func everyLengthComesBackFromGzipAsItWas() throws {
    var generator = SystemRandomNumberGenerator()
    for length in [0, 1, 2, 100, 16_383, 16_384, 16_385, 70_000, 300_000] {
      let bytes = (0..<length).map { _ in UInt8.random(in: 0x20...0x39, using: &generator) }
      #expect(try Self.gunzip(Self.gzip(bytes)) == bytes)
    }
  }

  @Test(arguments: [
    ("gzip", true), ("GZIP", true), ("deflate, gzip;q=0.5", true), ("*", true), ("x-gzip", true), ("gzip;q=0", false),
    ("gzip; q=0.0, *", false), ("br", false), ("", false), ("identity", false), ("*;q=0", false), ("gzip;q=x", false),
  ])
  func gzipIsSentToThoseWhoTakeIt(_ field: String, _ isTaken: Bool) {
    #expect(ResponseCoding.accepts(field) == isTaken)
  }

  private func coded(_ response: HTTPResponse, accept: String? = "gzip") -> HTTPResponse {
    var coding = ResponseCoding(limits: HTTPServerLimits())
    let fields: HTTPFields = accept.map { ["Accept-Encoding": $0] } ?? [:]
    let head = HTTPRequestHead(method: "GET", path: "/", query: nil, minorVersion: 1, fields: fields)
    return coding.apply(response, for: head)
  }

  private static func json(_ count: Int) -> [UInt8] { Array(String(repeating: "0.125,", count: count / 6 + 1).utf8) }

  @Test func aLongAnswerIsCompressedOnceAskedForAndVariesEitherWay() throws {
    for count in [1024, 10_000, 100_000, 1_000_000] {
      let plain = Self.json(count)
      let response = HTTPResponse(status: 200, fields: ["Content-Type": "application/json"], body: .bytes(plain))
      let untouched = coded(response, accept: nil)
      #expect(untouched.fields["Vary"] == "Accept-Encoding")
      #expect(untouched.fields["Content-Encoding"] == nil)
      let small = coded(response)
      #expect(small.fields["Vary"] == "Accept-Encoding")
      #expect(small.fields["Content-Encoding"] == "gzip")
      var bytes: [UInt8] = []
      switch small.body {
      case .bytes(let coded): bytes = coded
      case .stream(var source): while try source.next(into: &bytes) {}
      }
      #expect(bytes.count < plain.count / 4)
      #expect(try Self.gunzip(bytes) == plain)
    }
  }

  @Test func whatIsNotWorthItOrMustNotBeStaysAsItIs() {
    let body = HTTPBody.bytes(Self.json(10_000))
    var secret = HTTPResponse(status: 200, fields: ["Content-Type": "application/json"], body: body)
    secret.mayBeCoded = false
    for response in [
      HTTPResponse(status: 200, fields: ["Content-Type": "application/json"], body: .bytes(Self.json(900))),
      HTTPResponse(status: 200, fields: ["Content-Type": "application/x-npy"], body: body),
      HTTPResponse(status: 200, fields: ["Content-Type": "application/json", "ETag": "\"1\""], body: body),
      HTTPResponse(status: 200, body: body), secret,
    ] {
      let answer = coded(response)
      #expect(answer.fields == response.fields)
    }
  }

  @Test func aWeakTagIsGoodForTheCompressedContentToo() {
    let fields: HTTPFields = ["Content-Type": "text/html", "ETag": "W/\"1\""]
    let answer = coded(HTTPResponse(status: 200, fields: fields, body: .bytes(Self.json(10_000))))
    #expect(answer.fields["Content-Encoding"] == "gzip" && answer.fields["ETag"] == "W/\"1\"")
  }
}
