import JSON
import Schedules
import Sessions

/// A bearer token as it is kept: everything but its secret.
///
/// The token itself is `anneal_<id>_<secret>`.
public struct Token: Sendable, Equatable {
  /// What a session's token has in place of an id; the path says which session.
  static let sessionID = "session"

  /// 8 letters and digits that name it, no secret.
  public let id: String
  /// What people call it; may be empty.
  public let name: String
  public let scopes: [Scope]
  /// Seconds since 1970.
  public let created: Int
  /// Seconds since 1970 from which on it is good for nothing; nil for never.
  public let expires: Int?
  let hash: [UInt8]

  /// Makes a token.
  ///
  /// - Parameters:
  ///   - scopes: at least one.
  ///   - name: what people call it; at most 64 octets without control characters.
  ///   - created: now, in seconds since 1970.
  ///   - expires: in seconds since 1970; nil for never.
  /// - Returns: what is kept, and the token's text, which is nowhere else.
  /// - Throws: ``AccessError`` where the name will not do.
  public static func make(
    scopes: [Scope], name: String = "", created: Int, expires: Int? = nil
  ) throws(AccessError) -> (token: Token, text: String) {
    if name.utf8.count > 64 || name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
      throw AccessError("a token's name has at most 64 octets, and no control characters")
    }
    let letters = Array("abcdefghijkmnpqrstuvwxyz23456789")
    let id = String((0..<8).map { _ in letters.randomElement() ?? "a" })
    let secret = Secret.fresh()
    let token = Token(
      id: id, name: name, scopes: scopes, created: created, expires: expires, hash: Secret.hash(secret))
    return (token, "anneal_\(id)_\(secret)")
  }

  /// Makes a token for one session.
  ///
  /// - Returns: its text, and the hash to keep.
  static func forSession() -> SessionToken {
    let secret = Secret.fresh()
    return SessionToken(text: "anneal_\(sessionID)_\(secret)", hash: Secret.hash(secret))
  }

  /// The id and the secret of a token's text; nil where it is none.
  static func parts(_ text: String) -> (id: Substring, secret: Substring)? {
    // By octets: every request comes by here.
    let prefix = "anneal_".utf8
    guard text.utf8.starts(with: prefix) else { return nil }
    let rest = text.utf8.dropFirst(prefix.count)
    guard let end = rest.firstIndex(of: UInt8(ascii: "_")), end > rest.startIndex else { return nil }
    let secret = rest[end...].dropFirst()
    guard (1...256).contains(secret.count) else { return nil }
    return (Substring(rest[..<end]), Substring(secret))
  }

  /// The widest of its scopes.
  var scope: Scope { scopes.max() ?? .read }

  // MARK: A line of the file

  /// A JSON object on one line.
  var line: String {
    var members: [(String, JSONValue)] = [
      ("id", .string(id)), ("name", .string(name)), ("scopes", .array(scopes.map { .string($0.rawValue) })),
      ("created", .number(Double(created))),
    ]
    if let expires { members.append(("expires", .number(Double(expires)))) }
    members.append(("sha256", .string(Secret.hexadecimal(hash))))
    return JSONWriter.text(.object(JSONObject(members)))
  }

  /// Reads a line of the file. Strict: a misspelt `expires` must not make a token that never ends.
  ///
  /// - Throws: ``AccessError`` for the first thing that is wrong.
  init(line: some Collection<UInt8>) throws(AccessError) {
    let value: JSONValue
    do { value = try JSONReader.read(Array(line)) } catch { throw AccessError("it is not JSON: \(error.message)") }
    guard case .object = value else { throw AccessError("a token is an object, not \(value.typeName)") }
    let names = ["id", "name", "scopes", "created", "expires", "sha256"]
    if let stranger = value.members.first(where: { !names.contains($0.name) })?.name {
      let hint = nearest(to: stranger, in: names).map { "; did you mean '\($0)'?" } ?? ""
      throw AccessError("a token has no '\(stranger.prefix(64))'\(hint)")
    }
    guard let id = value["id"]?.string, id.utf8.allSatisfy(Self.isOfID), (1...64).contains(id.utf8.count),
      id != Self.sessionID
    else { throw AccessError("'id' is a text of letters and digits") }
    var scopes: [Scope] = []
    for element in value["scopes"]?.elements ?? [] {
      guard let scope = element.string.flatMap(Scope.init) else {
        throw AccessError("'scopes' lists some of \(Scope.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      scopes.append(scope)
    }
    if scopes.isEmpty { throw AccessError("a token needs 'scopes'") }
    guard let hash = value["sha256"]?.string.flatMap({ Secret.hash(hexadecimal: $0) }) else {
      throw AccessError("'sha256' is the hash of the secret, 64 lower-case hexadecimal digits")
    }
    self.id = id
    self.name = value["name"]?.string ?? ""
    self.scopes = scopes
    created = try Self.time(value["created"], "created") ?? 0
    expires = try Self.time(value["expires"], "expires")
    self.hash = hash
  }

  private init(id: String, name: String, scopes: [Scope], created: Int, expires: Int?, hash: [UInt8]) {
    self.id = id
    self.name = name
    self.scopes = scopes
    self.created = created
    self.expires = expires
    self.hash = hash
  }

  private static func isOfID(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }

  private static func time(_ value: JSONValue?, _ name: String) throws(AccessError) -> Int? {
    guard let value else { return nil }
    guard case .number(let number) = value, number == number.rounded(), number >= 0, number <= 1e15 else {
      throw AccessError("'\(name)' is a whole number of seconds since 1970")
    }
    return Int(number)
  }
}

/// What cannot be done about tokens, origins and limits, for the operator.
public struct AccessError: Error, CustomStringConvertible, Sendable {
  public let description: String

  public init(_ description: String) { self.description = description }
}
