import Dispatch
import Foundation
import Synchronization
import Testing

@testable import HTTPServer
@testable import Service

/// What the README shows is what a reader gets.
@Suite struct ReadmeTests {
  @Test func everyCallAnswersWhatTheReadmeShows() throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../README.md")
    let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    let service = Service()
    var calls = 0
    for (index, line) in lines.enumerated() where line.hasPrefix("    $ curl -s ") {
      let (method, target, content) = try call(line)
      // CSV ends its lines with CR LF, which a terminal shows as it shows LF.
      let answer = try Self.answer(service, method, target, content).replacing("\r\n", with: "\n")
      let shown = lines[(index + 1)...].prefix { $0.hasPrefix("    ") && !$0.hasPrefix("    $") }
      calls += 1
      if line.contains(" -o /dev/null ") { continue }
      #expect(answer == shown.map { $0.dropFirst(4) + "\n" }.joined(), "\(line)")
    }
    #expect(calls >= 9)
  }

  @Test func theTablesShowTheCatalogAsItIs() throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../README.md")
    let text = try String(contentsOf: url, encoding: .utf8)
    let begin = try #require(text.range(of: "<!-- begin schedules (Scripts/catalog) -->\n"))
    let end = try #require(text.range(of: "<!-- end schedules -->"))
    #expect(text[begin.upperBound..<end.lowerBound] == Offline.catalogMarkdown, "stale: run Scripts/catalog")
  }

  /// The target and the content of a call such as `curl -s 'localhost:8080/schedule?format=csv' -d '{…}'`.
  private func call(_ line: Substring) throws -> (method: String, target: String, content: String) {
    let address = try #require(line.range(of: "localhost:8080"))
    let rest = line[address.upperBound...]
    let target = rest.prefix { $0 != " " && $0 != "'" }
    let content = rest.range(of: "-d '").map { rest[$0.upperBound...].prefix { $0 != "'" } }
    let method = line.range(of: "-X ").map { line[$0.upperBound...].prefix { $0 != " " } }
    return (String(method ?? (content == nil ? "GET" : "POST")), String(target), String(content ?? ""))
  }

  private static func answer(_ service: Service, _ method: String, _ target: String, _ content: String) throws -> String
  {
    let parts = target.split(separator: "?", maxSplits: 1)
    let head = HTTPRequestHead(
      method: method, path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : nil,
      minorVersion: 1, fields: [:])
    let reply = HTTPReply()
    let arrived = DispatchSemaphore(value: 0)
    let late = Mutex<HTTPResponse?>(nil)
    service.respond(to: HTTPRequest(head: head, body: Array(content.utf8)), reply: reply)
    let early = reply.take { response in
      late.withLock { $0 = response }
      arrived.signal()
    }
    if early == nil { arrived.wait() }
    var body: [UInt8] = []
    switch try #require(early ?? late.withLock { $0 }).body {
    case .bytes(let bytes): body = bytes
    case .stream(var source): while try source.next(into: &body) {}
    }
    return String(decoding: body, as: UTF8.self)
  }
}
