import Glibc
public import Sessions
import Synchronization

/// Sessions in a PostgreSQL database, or in one that speaks its protocol and SQL (CockroachDB, YugabyteDB, Citus), shared by
/// any number of servers.
///
/// Each session's row holds the last revision of its log. Who writes locks the rows and compares: an event that is not its
/// log's next is refused, and the hub that has sent it folds the log and decides anew. So no two servers can ever give
/// different rates to one step. What many sessions report at the same moment goes into one transaction.
public final class PostgreSQLStore: SessionStore {
  private static let readerCount = 4
  /// So long the database may take, in seconds: to write, and to read, where a trainer may be answered without.
  private static let patience = (writing: 5, reading: 2)

  public let isShared = true
  private let reachability = Reachability()
  private let writer: Mutex<Connection>
  private let readers: [Reader]
  private let nextReader = Atomic(0)

  /// Safe: it is only used by the one who holds the mutex around it.
  private struct Connection: @unchecked Sendable {
    let sql: PostgreSQLConnection
  }

  /// A mutex is not copyable.
  private final class Reader: Sendable {
    let connection: Mutex<Connection>

    init(_ connection: Connection) { self.connection = Mutex(connection) }
  }

  /// - Parameters:
  ///   - url: `postgresql://user@host/database?sslmode=verify-full`, or whatever else libpq takes.
  ///   - durability: what an acknowledged report has survived; full leaves it to the database's own settings.
  /// - Throws: ``StoreError`` where the database cannot be reached, or was made by a newer anneal.
  public init(url: String, durability: StoreDurability = .full) throws {
    let library = try PostgreSQLLibrary()
    let writer = PostgreSQLConnection(
      library, url: url, reachability, patience: Self.patience.writing, durability: durability)
    try Self.migrate(writer)
    self.writer = Mutex(Connection(sql: writer))
    readers = (0..<Self.readerCount).map { [reachability] _ in
      Reader(
        Connection(sql: PostgreSQLConnection(library, url: url, reachability, patience: Self.patience.reading)))
    }
    reachability.begin {
      // By a connection of its own, which asks even though nobody else may.
      let sql = PostgreSQLConnection(library, url: url, Reachability(), patience: Self.patience.reading)
      _ = try sql.run(Statements.check)
    }
  }

  deinit { reachability.end() }

  /// Makes the tables, or brings them up to the version that this program knows.
  private static func migrate(_ sql: PostgreSQLConnection) throws {
    // Servers that start at once make the same tables at once: all but one are told so, for each table, and look again.
    var tries = 0
    while true {
      do {
        return try migrateOnce(sql)
      } catch let refusal as PostgreSQLConnection.Refusal {
        tries += 1
        let isRace = ["23505", "42P07", "42710", "40001", "40P01", "XX000"].contains(refusal.state)
        if !isRace || tries == 100 { throw StoreError("the tables cannot be made: \(refusal.message)") }
        usleep(UInt32.random(in: 0...20_000))
      }
    }
  }

  private static func migrateOnce(_ sql: PostgreSQLConnection) throws {
    let newest = Statements.migrations.count
    _ = try sql.run(Statements.versions)
    let found = Int(try sql.run(Statements.version).integer(0, 0))
    if found > newest {
      throw StoreError(
        "the database was written by a newer anneal (its tables are of version \(found), this program knows "
          + "\(newest)); use that one, or another database")
    }
    for version in found..<newest {
      for statement in Statements.migrations[version] { _ = try sql.run(statement) }
      _ = try sql.run(Statements.migrated(to: version + 1))
    }
  }

  // MARK: Writing

  public func write(_ entries: [StoreEntry]) throws {
    if try !write(groups: [entries]).isEmpty { throw StoreConflict() }
  }

  public func write(groups: [[StoreEntry]]) throws -> Set<Int> {
    try writer.withLock { connection in
      var batch = WriteBatch()
      for (index, entries) in groups.enumerated() where !batch.add(index, entries) {
        try batch.write(connection.sql)
        // An empty one takes it.
        _ = batch.add(index, entries)
      }
      try batch.write(connection.sql)
      return batch.lost
    }
  }

  // MARK: Reading

  private func read(_ statement: PostgreSQLStatement) throws -> PostgreSQLAnswer {
    let number = nextReader.add(1, ordering: .relaxed).oldValue
    return try readers[Int(UInt(bitPattern: number) % UInt(readers.count))].connection.withLock { connection in
      do {
        return try connection.sql.read(statement)
      } catch let refusal as PostgreSQLConnection.Refusal {
        throw StoreError("the database refuses: \(refusal.message)")
      }
    }
  }

  public func heads(_ keys: [Int64]) throws -> [Int64: Int] {
    let answer = try read(Statements.heads(keys))
    return Dictionary(
      answer.rows.indices.map { (answer.integer($0, 0), Int(answer.integer($0, 1))) }, uniquingKeysWith: { $1 })
  }

  public func find(_ id: String) throws -> StoredSession? {
    let answer = try read(Statements.find(id))
    return answer.rows.first.map { StoredSession(key: answer.integer(0, 0), isDeleted: $0[1] != nil) }
  }

  public func snapshot(_ key: Int64) throws -> StoredText? { Self.texts(try read(Statements.snapshot(key))).first }

  public func events(_ key: Int64, after revision: Int, limit: Int) throws -> [StoredText] {
    Self.texts(try read(Statements.events(key, after: revision, limit: limit)))
  }

  private static func texts(_ answer: PostgreSQLAnswer) -> [StoredText] {
    answer.rows.indices.map { StoredText(revision: Int(answer.integer($0, 0)), text: answer.octets($0, 1)) }
  }

  public func names(after name: String, limit: Int) throws -> [String] {
    let answer = try read(Statements.names(after: name, limit: limit))
    return answer.rows.indices.map { answer.text($0, 0) }
  }

  public func sessions(after name: String, limit: Int) throws -> [ListedSession] {
    let answer = try read(Statements.sessions(after: name, limit: limit))
    return answer.rows.indices.map { row in
      ListedSession(
        id: answer.text(row, 0), key: answer.integer(row, 1), createdAt: Int(answer.integer(row, 2)),
        keepUntil: Int(answer.integer(row, 3)),
        deletedAt: answer.rows[row][4] == nil ? nil : Int(answer.integer(row, 4)))
    }
  }

  public func values(after name: String, limit: Int) throws -> [NamedValue] {
    let answer = try read(Statements.values(after: name, limit: limit))
    return answer.rows.indices.map { NamedValue(name: answer.text($0, 0), value: answer.octets($0, 1)) }
  }

  public func expired(before time: Int, limit: Int) throws -> [String] {
    let answer = try read(Statements.expired(before: time, limit: limit))
    return answer.rows.indices.map { answer.text($0, 0) }
  }

  public func value(_ name: String) throws -> [UInt8]? {
    let answer = try read(Statements.value(name))
    return answer.rows.isEmpty ? nil : answer.octets(0, 0)
  }

  public func check() throws { _ = try read(Statements.check) }
}
