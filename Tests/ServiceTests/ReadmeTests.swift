import Foundation
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
    for (line, next) in zip(lines, lines.dropFirst()) where line.hasPrefix("    $ curl -s localhost:8080/schedule -d '")
    {
      let content = try #require(line.split(separator: "'").dropFirst().first)
      let reply = HTTPReply()
      // As the service answers a request that it has sent to a worker, but here and now.
      do throws(Problem) {
        service.finish(try ScheduleOutline(Array(content.utf8), limit: 1000), reply)
      } catch {
        reply.send(error.response)
      }
      let response = reply.take { _ in }
      guard case .bytes(let body) = try #require(response).body else { throw NoBody() }
      #expect(String(decoding: body, as: UTF8.self) == next.dropFirst(4) + "\n")
      calls += 1
    }
    #expect(calls >= 5)
  }

  private struct NoBody: Error {}
}
