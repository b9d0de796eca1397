import Foundation
import Testing

@testable import HTTPServer
@testable import Service

/// The web page as the program serves it.
@Suite struct PageTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
    path: "../../Sources/CPage/files")

  private func get(_ path: String, _ fields: HTTPFields = [:]) throws -> HTTPResponse {
    let head = HTTPRequestHead(method: "GET", path: path, query: nil, minorVersion: 1, fields: fields)
    let page = Page()
    return path == "/" ? page.response(to: head) : try page.response(to: head, file: String(path.dropFirst(6)))
  }

  @Test func everyFileOfTheFolderIsServedAsItStands() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path())
    #expect(names.sorted() == Page().names)
    for name in names {
      guard case .bytes(let body) = try get("/page/\(name)").body else { throw CocoaError(.fileReadUnknown) }
      #expect(body == Array(try Data(contentsOf: Self.folder.appending(path: name))), "\(name)")
    }
  }

  @Test func theFilesNameNothingElsewhereAndNothingThatTheyDoNotHave() throws {
    let names = Set(Page().names)
    for name in names where !name.hasSuffix(".svg") {
      let text = try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
      // The name space of SVG is no address.
      let addresses = text.replacing("http://www.w3.org/2000/svg", with: "")
      let namesOthers = addresses.contains("http://") || addresses.contains("https://") || addresses.contains(" url(")
      #expect(!namesOthers, "\(name)")
      let makesMarkup = ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval("].contains { text.contains($0) }
      #expect(!makesMarkup, "\(name)")
      let hasInline = text.firstMatch(of: /[ <]style=|<style|<script(?! type="module" src=)/) != nil
      #expect(!hasInline, "\(name)")
      for match in text.matches(of: /(?:from '\.\/|(?:href|src)="page\/)([a-z.-]+)/) {
        #expect(names.contains(String(match.1)), "\(name) asks for \(match.1)")
      }
    }
  }

  @Test func aTagHoldsUntilTheContentChanges() throws {
    let first = try get("/")
    let tag = try #require(first.fields["ETag"])
    #expect(tag.hasPrefix("W/\""))
    #expect(try get("/page/index.html").fields["ETag"] == tag)
    #expect(try get("/page/main.js").fields["ETag"] != tag)
    for known in [tag, "*", "\"x\" , \(tag)", String(tag.dropFirst(2))] {
      let again = try get("/", ["If-None-Match": known])
      #expect(again.status == 304 && again.fields["ETag"] == tag, "\(known)")
      guard case .bytes(let body) = again.body else { throw CocoaError(.fileReadUnknown) }
      #expect(body.isEmpty)
    }
    for other in ["", "\"\"", "W/\"0\"", "\(tag)x", "x\(tag)"] {
      #expect(try get("/", ["If-None-Match": other]).status == 200, "\(other)")
    }
  }
}
