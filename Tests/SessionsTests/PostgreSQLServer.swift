import Foundation
import Sessions
import Synchronization

/// A PostgreSQL of the tests' own: in a temporary folder, on a Unix socket there, for as long as the tests run.
final class PostgreSQLServer: Sendable {
  /// Started when it is first asked for.
  static let shared = Result { try PostgreSQLServer() }

  /// Where Debian and Ubuntu put the programs of the newest version there is.
  private static let programs: String? = {
    let root = "/usr/lib/postgresql"
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    guard let newest = versions.compactMap({ Int($0) }).max() else { return nil }
    let programs = "\(root)/\(newest)/bin"
    return FileManager.default.isExecutableFile(atPath: "\(programs)/initdb") ? programs : nil
  }()

  static var isInstalled: Bool { programs != nil }

  private let folder: String
  private let programs: String
  private let count = Atomic(0)

  private init() throws {
    guard let programs = Self.programs else { throw StoreError("there is no PostgreSQL") }
    self.programs = programs
    folder = FileManager.default.temporaryDirectory.appending(path: "anneal-postgresql-\(getpid())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    if getuid() == 0 { try Self.run("chown postgres '\(folder)'") }
    try Self.run(Self.asUser("'\(programs)/initdb' --pgdata '\(folder)/data' --username anneal --auth trust --no-sync"))
    try start()
    let data = folder
    Self.atEnd.withLock { $0 = "kill -QUIT $(head -n 1 '\(data)/data/postmaster.pid') 2>/dev/null; rm -rf '\(data)'" }
    atexit { PostgreSQLServer.atEnd.withLock { if let command = $0 { try? PostgreSQLServer.run(command) } } }
  }

  /// What cleans up.
  private static let atEnd = Mutex<String?>(nil)

  /// PostgreSQL refuses to run as root.
  private static func asUser(_ command: String) -> String {
    getuid() == 0 ? "setpriv --reuid postgres --regid postgres --clear-groups \(command)" : command
  }

  /// Starts it. Nothing is forced to disk: the tests kill it and never the power.
  private func start() throws {
    let server =
      "'\(programs)/postgres' -D '\(folder)/data' -c listen_addresses='' -c unix_socket_directories='\(folder)' "
      + "-c fsync=off -c max_connections=200"
    // Ended when the tests are, however they end.
    let watch =
      "\(Self.asUser(server)) >'\(folder)/log' 2>&1 & pid=$!; (while kill -0 \(getpid()) 2>/dev/null; do sleep 1; done; "
      + "kill -QUIT $pid; rm -rf '\(folder)') >/dev/null 2>&1 &"
    try Self.run(watch)
    for _ in 0..<300 {
      if (try? Self.run("'\(programs)/pg_isready' -q -h '\(folder)'")) != nil { return }
      usleep(100_000)
    }
    throw StoreError(
      "PostgreSQL does not start: \((try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? "")")
  }

  /// - Returns: the URL of an empty database.
  func newDatabase() throws -> String {
    let name = "d\(count.add(1, ordering: .relaxed).newValue)"
    try Self.run("'\(programs)/createdb' -h '\(folder)' -U anneal -T template0 \(name)")
    return "postgresql:///\(name)?host=\(folder)&user=anneal"
  }

  /// Cuts all connections to a database.
  func cutConnections(_ url: String) throws {
    try query(
      url,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
  }

  func query(_ url: String, _ statement: String) throws {
    try Self.run("'\(programs)/psql' -q '\(url)' -c \"\(statement)\"")
  }

  private static func run(_ command: String) throws {
    // Not by Foundation's Process, which waits until the server that a shell has left behind has ended too.
    let status = system("( \(command) ) >/dev/null 2>&1 </dev/null")
    if status != 0 { throw StoreError("\(command) ended with \(status)") }
  }
}
