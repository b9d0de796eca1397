import ArgumentParser
import FoundationEssentials
import Sessions
import SessionsPostgreSQL
import SessionsSQLite
import Settings

struct StoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store",
    abstract: "Copies sessions from one store to another, and verifies them.",
    discussion: """
      A store is a folder (SQLite: what --data of the server says) or the URL of a PostgreSQL database (what --store says).
      """,
    subcommands: [StoreCopyCommand.self, StoreVerifyCommand.self])
}

struct StoreCopyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "copy",
    abstract: "Copies all sessions from one store to another, and verifies every log by folding it anew.",
    discussion: """
      End the servers of both stores first. A copy that was broken off goes on where it was; one that is made again brings \
      what is new. Example:

        anneal store copy --from anneal-data --to 'postgresql://anneal@db/anneal'
      """)

  @Option(help: ArgumentHelp("The store to copy from; it is not changed.", valueName: "store"))
  var from: StorePlace

  @Option(help: ArgumentHelp("The store to copy to; made where it is missing.", valueName: "store"))
  var to: StorePlace

  func validate() throws {
    if from == to { throw ValidationError("--from and --to are the same store") }
  }

  func run() throws {
    let source = try from.open(isNew: false)
    let target = try to.open(isNew: true)
    let bar = ProgressBar()
    let summary = try StoreCopy.run(from: source, to: target) { bar.show($0.words) }
    bar.clear()
    print(
      "\(summary.words), \(summary.written) written now; \(count(summary.deleted, "name")) of deleted sessions; "
        + "every log is the source's, and gives what is written")
    try summary.end("copied")
  }
}

struct StoreVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Folds every log of a store anew: each rate and decision must be what is written.",
    discussion: """
      End the server of a folder first.

        anneal store verify anneal-data
      """)

  @Argument(help: "The store.")
  var store: StorePlace

  func run() throws {
    let bar = ProgressBar()
    let summary = try StoreCopy.verify(try store.open(isNew: false)) { bar.show($0.words) }
    bar.clear()
    print("\(summary.words): every log gives what is written")
    try summary.end("as they should be")
  }
}

/// Where sessions are kept.
struct StorePlace: ExpressibleByArgument, Equatable {
  let text: String
  private var isURL: Bool { text.hasPrefix("postgresql://") || text.hasPrefix("postgres://") }

  init?(argument: String) {
    if argument.isEmpty || argument.contains("\0") { return nil }
    text = argument
  }

  /// - Parameter isNew: whether it is made where it is missing.
  func open(isNew: Bool) throws -> any SessionStore {
    if isURL {
      // It would stand in the list of processes.
      if hasPassword(url: text) {
        throw ValidationError("the URL holds a password: it belongs into libpq's password file (PGPASSFILE)")
      }
      return try PostgreSQLStore(url: text)
    }
    if text.contains("://") {
      throw ValidationError("'\(text.prefix { $0 != ":" })' is no store's scheme: give a folder, or postgresql://…")
    }
    if !isNew && !FileManager.default.fileExists(atPath: "\(text)/sessions.sqlite") {
      throw StoreError("there are no sessions in the folder \(text)")
    }
    return try SQLiteStore(folder: text)
  }
}

private func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

extension StoreCopy.Summary {
  fileprivate var words: String { "\(count(sessions, "session")) with \(count(events, "event"))" }

  /// Says what is wrong, and ends with 1 then.
  fileprivate func end(_ words: String) throws {
    if problems.isEmpty { return }
    let lines = problems.map { "\($0)\n" }.joined()
    try StandardStream.write(
      "\(lines)\(count(problems.count, "session")) not \(words)\n".utf8, to: StandardStream.error)
    throw ExitCode(1)
  }
}
