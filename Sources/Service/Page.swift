import CPage
import HTTPServer

/// The web page at `/` and the files that it is made of.
///
/// It holds nothing that is secret: the page asks for a token where the server wants one, and sends it with what it asks.
struct Page: Sendable {
  private struct File {
    let type: String
    let bytes: [UInt8]
    /// Names the content. Weak, because it is the same for the compressed octets.
    let tag: String
  }

  /// Nothing but the server's own files, and no requests to anywhere else; no script or style within the page; no forms
  /// that are sent by the browser; in nobody's frame.
  private static let policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    + "form-action 'none'; frame-ancestors 'none'"

  private let files: [String: File]
  private let index: String

  init() {
    let table = UnsafeBufferPointer(start: page_files(), count: page_file_count())
    var files: [String: File] = [:]
    for file in table {
      let bytes = Array(UnsafeBufferPointer(start: file.bytes, count: file.length))
      let digest = Secret.hexadecimal(Array(Secret.hash(octets: bytes).prefix(16)))
      files[String(cString: file.name)] = File(
        type: String(cString: file.type), bytes: bytes, tag: "W/\"\(digest)\"")
    }
    self.files = files
    index = table.first.map { String(cString: $0.name) } ?? ""
  }

  /// The names of the files.
  var names: [String] { files.keys.sorted() }

  /// The page itself.
  func response(to head: HTTPRequestHead) -> HTTPResponse {
    guard let file = files[index] else { return Problem.notFound("the program was built without its page").response }
    return Self.response(file, head)
  }

  /// - Throws: ``Problem`` 404 where there is no such file.
  func response(to head: HTTPRequestHead, file name: String) throws(Problem) -> HTTPResponse {
    guard let file = files[name] else { throw .notFound("the page has no such file; it is served at /") }
    return Self.response(file, head)
  }

  private static func response(_ file: File, _ head: HTTPRequestHead) -> HTTPResponse {
    // A new program may bring a new page: browsers ask each time, and are told that theirs is good.
    let common: HTTPFields = [
      "ETag": file.tag, "Cache-Control": "no-cache", "Content-Security-Policy": policy,
      "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
      "Cross-Origin-Resource-Policy": "same-origin",
    ]
    var fields = common
    if let known = head.fields["If-None-Match"], matches(known, file.tag) {
      fields.append("Vary", "Accept-Encoding")
      return HTTPResponse(status: 304, fields: fields)
    }
    fields.append("Content-Type", file.type)
    return HTTPResponse(status: 200, fields: fields, body: .bytes(file.bytes))
  }

  /// Compares as RFC 9110, 8.8.3.2 has it for `If-None-Match`: weakly.
  private static func matches(_ field: String, _ tag: String) -> Bool {
    let opaque = tag.dropFirst(2)
    return field.split(separator: ",").prefix(64).contains { member in
      let name = member.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
      return name == "*" || name == tag || name == opaque
    }
  }
}
