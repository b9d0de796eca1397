public import ArgumentParser
import FoundationEssentials
import Glibc
import Schedules
public import Service

struct TokenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token",
    abstract: "Makes, lists and revokes the bearer tokens of a server; a running one sees it within a second.",
    subcommands: [TokenCreate.self, TokenList.self, TokenRevoke.self])
}

/// Where the tokens are.
struct TokenPlace: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The file of tokens; by default ANNEAL_TOKENS, else the file tokens in the folder --data.", valueName: "file"))
  var tokens: String?

  @Option(
    help: ArgumentHelp(
      "The folder that the server keeps its sessions in; by default ANNEAL_DATA, else anneal-data.", valueName: "dir"))
  var data: String?

  /// The folder that the file stands in, unless the file is named.
  var folder: String? { path == nil ? data ?? Self.variable("ANNEAL_DATA") ?? "anneal-data" : nil }

  var file: TokenFile { TokenFile(path: path ?? "\(folder ?? "")/tokens") }

  /// A folder that is named here counts for more than a file that a variable names.
  private var path: String? { tokens ?? (data == nil ? Self.variable("ANNEAL_TOKENS") : nil) }

  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }
}

struct TokenCreate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Makes a token and prints it, this once: the file keeps only a hash of it.",
    discussion: """
      Scopes, each with all before it: read (look at everything), report (be a trainer), operate (steer: overrides, \
      notes, forks, replays), admin (delete sessions).
      """)

  @Option(help: "What the token allows: read, report, operate or admin; may be given again.")
  var scope: [Scope]

  @Option(help: "What people call it.")
  var name = ""

  @Option(help: "How long it is good for, such as 12h, 30d or 8w; by default for ever.")
  var expiresIn: Lifetime?

  @OptionGroup var place: TokenPlace

  func run() throws {
    if let folder = place.folder {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
    let now = time(nil)
    let scopes = Scope.allCases.filter(scope.contains)
    let (token, text) = try Token.make(
      scopes: scopes, name: name, created: now, expires: expiresIn.map { now + $0.seconds })
    try place.file.add(token)
    print(text)
    let end = token.expires.map { ", until \(utc($0))" } ?? ""
    let note =
      "\(place.file.path) has the token \(token.id) (\(list(scopes))\(end)); what is printed here is kept nowhere\n"
    try StandardStream.write(note.utf8, to: StandardStream.error)
  }
}

struct TokenList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the tokens: id, scopes, made, good until, name.")

  @OptionGroup var place: TokenPlace

  func run() throws {
    let now = time(nil)
    for token in try place.file.tokens() ?? [] {
      let end = token.expires.map { $0 <= now ? "expired" : utc($0) } ?? "for ever"
      print([token.id, list(token.scopes), utc(token.created), end, token.name].joined(separator: "\t"))
    }
  }
}

struct TokenRevoke: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke", abstract: "Ends a token. A server that has asked for tokens goes on asking for them.")

  @Argument(help: "The token's id: the part between the underscores, as 'anneal token list' shows it.")
  var id: String

  @OptionGroup var place: TokenPlace

  func run() throws {
    let known = try place.file.tokens() ?? []
    // Whoever pastes the whole token means its id.
    let parts = id.split(separator: "_", maxSplits: 2)
    let id = parts.count == 3 && parts[0] == "anneal" ? String(parts[1]) : id
    if !known.contains(where: { $0.id == id }) {
      let hint = nearest(to: id, in: known.map(\.id)).map { "; did you mean '\($0)'?" } ?? ""
      throw AccessError("\(place.file.path) has no token '\(id)'\(hint)")
    }
    let token = try place.file.remove(id: id)
    print("revoked \(token.id)" + (token.name.isEmpty ? "" : " (\(token.name))"))
  }
}

/// How long a token is good for.
struct Lifetime: ExpressibleByArgument {
  static let units = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
  /// A hundred years; whoever means longer means for ever.
  static let longest = 3_155_760_000

  let seconds: Int

  init?(argument: String) {
    guard let unit = argument.last.flatMap({ Self.units[String($0)] }),
      argument.dropLast().utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let count = Int(argument.dropLast()),
      count > 0, count <= Self.longest / unit
    else { return nil }
    seconds = count * unit
  }
}

extension Scope: ExpressibleByArgument {}

private func list(_ scopes: [Scope]) -> String { scopes.map(\.rawValue).joined(separator: ",") }

/// A time as RFC 3339 writes it.
private func utc(_ seconds: Int) -> String {
  var time = time_t(seconds)
  var parts = tm()
  var text = [CChar](repeating: 0, count: 32)
  guard gmtime_r(&time, &parts) != nil else { return "\(seconds)" }
  let count = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
  return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
