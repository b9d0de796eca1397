public import Sessions
import Synchronization

/// Sessions in a PostgreSQL database, or in one that speaks its protocol and SQL (CockroachDB, YugabyteDB, Citus), shared by
/// any number of servers.
///
/// Each session's row holds the last revision of its log. Who writes locks the rows and compares: an event that is not its
/// log's next is refused, and the hub that has sent it folds the log and decides anew. So no two servers can ever give
/// different rates to one step. What many sessions report at the same moment goes into one transaction.
///
/// Only SQL that all of these databases run; nothing rests on notifications or advisory locks.
public final class PostgreSQLStore: SessionStore {
  /// The version of the tables that this program makes and reads.
  static let version: Int64 = 1
  private static let readerCount = 4

  public let isShared = true
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

  /// - Parameter url: `postgresql://user:password@host/database?sslmode=verify-full`, or whatever else libpq takes.
  /// - Throws: ``StoreError`` where the database cannot be reached, or was made by a newer anneal.
  public init(url: String) throws {
    let library = try PostgreSQLLibrary()
    let connection = PostgreSQLConnection(library, url: url)
    try Self.prepare(connection)
    writer = Mutex(Connection(sql: connection))
    readers = (0..<Self.readerCount).map { _ in Reader(Connection(sql: PostgreSQLConnection(library, url: url))) }
  }

  // MARK: Tables

  private static let tables = [
    """
    CREATE TABLE IF NOT EXISTS anneal_sessions (
      key bigint PRIMARY KEY, id text NOT NULL UNIQUE, created_at bigint NOT NULL, keep_until bigint NOT NULL,
      deleted_at bigint, head bigint NOT NULL)
    """,
    "CREATE INDEX IF NOT EXISTS anneal_sessions_by_keep_until ON anneal_sessions (keep_until)",
    """
    CREATE TABLE IF NOT EXISTS anneal_events (
      session bigint NOT NULL, revision bigint NOT NULL, event bytea NOT NULL, PRIMARY KEY (session, revision))
    """,
    """
    CREATE TABLE IF NOT EXISTS anneal_snapshots (
      session bigint PRIMARY KEY, revision bigint NOT NULL, state bytea NOT NULL)
    """,
    "CREATE TABLE IF NOT EXISTS anneal_names (name text PRIMARY KEY, value bytea NOT NULL)",
  ]

  private static func prepare(_ sql: PostgreSQLConnection) throws {
    do {
      // Two servers that start at once may make the same table at once: one of them is told so, and looks again.
      for attempt in 0...3 {
        do {
          _ = try sql.run("CREATE TABLE IF NOT EXISTS anneal_version (version bigint PRIMARY KEY)")
          let found = try sql.run("SELECT max(version) FROM anneal_version").integer(0, 0)
          if found > version {
            throw StoreError(
              "the database was written by a newer anneal (its tables are of version \(found), this program knows "
                + "\(version)); use that one, or another database")
          }
          if found == version { return }
          for table in tables { _ = try sql.run(table) }
          _ = try sql.run(
            "INSERT INTO anneal_version (version) VALUES ($1) ON CONFLICT DO NOTHING", .integer(version))
          return
        } catch let refusal as PostgreSQLConnection.Refusal where attempt < 3 {
          if !["23505", "42P07", "40001", "40P01", "XX000"].contains(refusal.state) { throw refusal }
        }
      }
    } catch let refusal as PostgreSQLConnection.Refusal {
      throw StoreError("the tables cannot be made: \(refusal.message)")
    }
  }

  // MARK: Writing

  public func write(_ entries: [StoreEntry]) throws {
    if try !write(groups: [entries]).isEmpty { throw StoreConflict() }
  }

  public func write(groups: [[StoreEntry]]) throws -> Set<Int> {
    try writer.withLock { connection in
      let sql = connection.sql
      return try sql.transaction {
        var batch = Batch(heads: try Self.lockedHeads(groups, sql))
        var lost: Set<Int> = []
        for (index, entries) in groups.enumerated() {
          let isWritten = entries.allSatisfy(\.isPlain) ? batch.add(entries) : try Self.write(entries, sql, &batch)
          if !isWritten { lost.insert(index) }
        }
        try batch.write(sql)
        return lost
      }
    }
  }

  /// The last revisions of the logs that are written to; their rows stay locked until the transaction ends. In the order of
  /// their keys, so that two servers do not wait for each other.
  private static func lockedHeads(_ groups: [[StoreEntry]], _ sql: PostgreSQLConnection) throws -> [Int64: Int] {
    var keys: Set<Int64> = []
    for case .event(let key, _, _) in groups.joined() { keys.insert(key) }
    for case .delete(let key, _, _) in groups.joined() { keys.insert(key) }
    if keys.isEmpty { return [:] }
    let answer = try sql.run(
      "SELECT key, head FROM anneal_sessions WHERE key = ANY($1::bigint[]) AND deleted_at IS NULL ORDER BY key FOR UPDATE",
      .integers(keys.sorted()))
    return Dictionary(
      uniqueKeysWithValues: answer.rows.indices.map { (answer.integer($0, 0), Int(answer.integer($0, 1))) })
  }

  /// Writes a group that makes or ends something; it takes back what it has done where it cannot do all.
  ///
  /// - Returns: whether it is written.
  private static func write(
    _ entries: [StoreEntry], _ sql: PostgreSQLConnection, _ batch: inout Batch
  ) throws -> Bool {
    var changed = batch
    _ = try sql.run("SAVEPOINT one")
    let plain = entries.filter(\.isPlain)
    for entry in entries where !entry.isPlain {
      if try !write(entry, sql, &changed) {
        _ = try sql.run("ROLLBACK TO SAVEPOINT one")
        return false
      }
    }
    if !changed.add(plain) {
      _ = try sql.run("ROLLBACK TO SAVEPOINT one")
      return false
    }
    _ = try sql.run("RELEASE SAVEPOINT one")
    batch = changed
    return true
  }

  private static func write(_ entry: StoreEntry, _ sql: PostgreSQLConnection, _ batch: inout Batch) throws -> Bool {
    switch entry {
    case .create(let id, let key, let time, let keepUntil):
      let made = try sql.run(
        """
        INSERT INTO anneal_sessions (key, id, created_at, keep_until, head) VALUES ($1, $2, $3, $4, 0)
        ON CONFLICT (id) DO NOTHING
        """, .integer(key), .text(id), .integer(Int64(time)), .integer(Int64(keepUntil)))
      batch.heads[key] = 0
      return made.affected == 1
    case .newValue(let name, let value):
      return try sql.run(
        "INSERT INTO anneal_names (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", .text(name),
        .octets(value)
      ).affected == 1
    case .delete(let key, let time, let revision):
      guard let head = batch.heads[key], revision ?? head == head else { return false }
      batch.forget(key)
      _ = try sql.run(
        "UPDATE anneal_sessions SET deleted_at = $2 WHERE key = $1", .integer(key), .integer(Int64(time)))
      _ = try sql.run("DELETE FROM anneal_events WHERE session = $1", .integer(key))
      _ = try sql.run("DELETE FROM anneal_snapshots WHERE session = $1", .integer(key))
      return true
    case .event, .keep, .snapshot, .value: return batch.add([entry])
    }
  }

  // MARK: Reading

  private func read<Result: Sendable>(_ body: (PostgreSQLConnection) throws -> Result) throws -> Result {
    let number = nextReader.add(1, ordering: .relaxed).oldValue
    return try readers[Int(UInt(bitPattern: number) % UInt(readers.count))].connection.withLock { connection in
      do {
        return try connection.sql.reading(body)
      } catch let refusal as PostgreSQLConnection.Refusal {
        throw StoreError("the database refuses: \(refusal.message)")
      }
    }
  }

  public func heads(_ keys: [Int64]) throws -> [Int64: Int] {
    try read { sql in
      let answer = try sql.run(
        "SELECT key, head FROM anneal_sessions WHERE key = ANY($1::bigint[]) AND deleted_at IS NULL", .integers(keys))
      return Dictionary(
        answer.rows.indices.map { (answer.integer($0, 0), Int(answer.integer($0, 1))) }, uniquingKeysWith: { $1 })
    }
  }

  public func find(_ id: String) throws -> StoredSession? {
    try read { sql in
      let answer = try sql.run(
        "SELECT key, CASE WHEN deleted_at IS NULL THEN 0 ELSE 1 END FROM anneal_sessions WHERE id = $1", .text(id))
      return answer.rows.isEmpty
        ? nil : StoredSession(key: answer.integer(0, 0), isDeleted: answer.integer(0, 1) == 1)
    }
  }

  public func snapshot(_ key: Int64) throws -> StoredText? {
    try read { sql in
      let answer = try sql.run("SELECT revision, state FROM anneal_snapshots WHERE session = $1", .integer(key))
      return answer.rows.isEmpty
        ? nil : StoredText(revision: Int(answer.integer(0, 0)), text: answer.octets(0, 1))
    }
  }

  public func events(_ key: Int64, after revision: Int, limit: Int) throws -> [StoredText] {
    try read { sql in
      let answer = try sql.run(
        "SELECT revision, event FROM anneal_events WHERE session = $1 AND revision > $2 ORDER BY revision LIMIT $3",
        .integer(key), .integer(Int64(revision)), .integer(Int64(limit)))
      return answer.rows.indices.map {
        StoredText(revision: Int(answer.integer($0, 0)), text: answer.octets($0, 1))
      }
    }
  }

  public func names(after name: String, limit: Int) throws -> [String] {
    try read { sql in
      let answer = try sql.run(
        "SELECT id FROM anneal_sessions WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2", .text(name),
        .integer(Int64(limit)))
      return answer.rows.indices.map { answer.text($0, 0) }
    }
  }

  public func expired(before time: Int, limit: Int) throws -> [String] {
    try read { sql in
      let answer = try sql.run(
        "SELECT id FROM anneal_sessions WHERE keep_until < $1 AND deleted_at IS NULL LIMIT $2", .integer(Int64(time)),
        .integer(Int64(limit)))
      return answer.rows.indices.map { answer.text($0, 0) }
    }
  }

  public func value(_ name: String) throws -> [UInt8]? {
    try read { sql in
      let answer = try sql.run("SELECT value FROM anneal_names WHERE name = $1", .text(name))
      return answer.rows.isEmpty ? nil : answer.octets(0, 0)
    }
  }

  public func check() throws { try read { sql in _ = try sql.run("SELECT 1") } }
}

extension StoreEntry {
  /// Whether it goes into a log, or beside one, that is there: no conflict but that of the revision is possible.
  fileprivate var isPlain: Bool {
    switch self {
    case .event, .keep, .snapshot, .value: true
    case .create, .delete, .newValue: false
    }
  }
}

/// What many sessions have to write, gathered into a few statements.
private struct Batch {
  /// The last revision of each log, with what is gathered here.
  var heads: [Int64: Int]
  private var moved: Set<Int64> = []
  private var events: [(key: Int64, revision: Int, text: [UInt8])] = []
  private var snapshots: [Int64: (revision: Int, text: [UInt8])] = [:]
  private var keeps: [Int64: Int] = [:]
  private var values: [String: [UInt8]] = [:]

  init(heads: [Int64: Int]) { self.heads = heads }

  /// - Returns: false where an event is not its log's next; nothing is added then.
  mutating func add(_ entries: [StoreEntry]) -> Bool {
    var next = heads
    for case .event(let key, let revision, _) in entries {
      guard let head = next[key], revision == head + 1 else { return false }
      next[key] = revision
    }
    heads = next
    for entry in entries {
      switch entry {
      case .event(let key, let revision, let text):
        moved.insert(key)
        events.append((key, revision, text))
      case .snapshot(let key, let revision, let text): snapshots[key] = (revision, text)
      case .keep(let key, let until): keeps[key] = until
      case .value(let name, let value): values[name] = value
      case .create, .delete, .newValue: break
      }
    }
    return true
  }

  /// A session that is deleted has nothing to write any more, and takes nothing.
  mutating func forget(_ key: Int64) {
    heads[key] = nil
    moved.remove(key)
    events.removeAll { $0.key == key }
    snapshots[key] = nil
    keeps[key] = nil
  }

  func write(_ sql: PostgreSQLConnection) throws {
    if !events.isEmpty {
      _ = try sql.run(
        """
        INSERT INTO anneal_events (session, revision, event)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])
        """, .integers(events.map(\.key)), .integers(events.map { Int64($0.revision) }), .octetLists(events.map(\.text))
      )
    }
    let keys = moved.sorted()
    if !keys.isEmpty {
      _ = try sql.run(
        """
        UPDATE anneal_sessions SET head = new.head
        FROM unnest($1::bigint[], $2::bigint[]) AS new (key, head) WHERE anneal_sessions.key = new.key
        """, .integers(keys), .integers(keys.map { Int64(heads[$0] ?? 0) }))
    }
    for (key, snapshot) in snapshots.sorted(by: { $0.key < $1.key }) {
      _ = try sql.run(
        """
        INSERT INTO anneal_snapshots (session, revision, state) VALUES ($1, $2, $3)
        ON CONFLICT (session) DO UPDATE SET revision = excluded.revision, state = excluded.state
        """, .integer(key), .integer(Int64(snapshot.revision)), .octets(snapshot.text))
    }
    for (key, until) in keeps.sorted(by: { $0.key < $1.key }) {
      _ = try sql.run(
        "UPDATE anneal_sessions SET keep_until = $2 WHERE key = $1", .integer(key), .integer(Int64(until)))
    }
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      _ = try sql.run(
        """
        INSERT INTO anneal_names (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value
        """, .text(name), .octets(value))
    }
  }
}
