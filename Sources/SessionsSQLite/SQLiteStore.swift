import Glibc
public import Sessions
import Synchronization

/// Sessions in an SQLite database in a folder, for one process at a time.
///
/// What many sessions report at the same moment goes to disk as one row of a journal. Now and then the journal's events
/// are moved to the sessions' logs, sorted: to write every event into its own log's page at once would write thirty times
/// as much.
public final class SQLiteStore: SessionStore {
  /// The version of the tables that this program makes and reads.
  static let version: Int64 = 1
  /// `anneal` in ASCII, so that `file` and we know whose database it is.
  private static let application: Int64 = 0x616e_6e6c

  /// Connections are for one thread at a time: each stands behind a mutex that everything goes through.
  private let writer: Mutex<Connection>
  private let reader: Mutex<Connection>
  private let lock: FolderLock
  /// The events that are in the journal only.
  private let journal = Mutex(Journal())

  /// Safe: it is only used by the one who holds the mutex around it.
  private struct Connection: @unchecked Sendable {
    let sqlite: SQLiteConnection
  }

  /// - Parameters:
  ///   - folder: where the database is; made where it is missing.
  ///   - durability: what an acknowledged report has survived.
  /// - Throws: ``StoreError`` where the folder is in use by another process, or was made by a newer anneal.
  public init(folder: String, durability: StoreDurability = .full) throws {
    try Self.make(folder)
    lock = try FolderLock(folder)
    let path = "\(folder)/sessions.sqlite"
    let writer = try SQLiteConnection(path: path)
    try Self.prepare(writer, path, durability)
    let reader = try SQLiteConnection(path: path)
    try reader.execute("PRAGMA query_only = ON")
    try Self.recover(writer)
    self.writer = Mutex(Connection(sqlite: writer))
    self.reader = Mutex(Connection(sqlite: reader))
  }

  /// Makes the folder, and those above it. The message of one of Foundation's errors would bring ICU into the program.
  private static func make(_ folder: String) throws {
    for (index, letter) in zip(folder.indices, folder) where letter == "/" && index > folder.startIndex {
      mkdir(String(folder[..<index]), 0o777)
    }
    // What went wrong above it goes wrong here too.
    if mkdir(folder, 0o777) != 0 && errno != EEXIST {
      throw StoreError("the folder \(folder) cannot be made: \(String(cString: strerror(errno)))")
    }
  }

  private static func prepare(_ connection: SQLiteConnection, _ path: String, _ durability: StoreDurability) throws {
    var (version, application): (Int64, Int64) = (0, 0)
    try connection.run("PRAGMA user_version") { version = $0.integer(0) }
    try connection.run("PRAGMA application_id") { application = $0.integer(0) }
    if version > 0 && application != Self.application { throw StoreError("\(path) is a database of another program") }
    if version > Self.version {
      throw StoreError(
        "\(path) was written by a newer anneal (its tables are of version \(version), this program knows "
          + "\(Self.version)); use that one, or another --data")
    }
    try connection.run("PRAGMA journal_mode = WAL")
    try connection.execute("PRAGMA synchronous = \(durability == .full ? "FULL" : "NORMAL")")
    // The ends of all logs that are being written to should fit into memory: 64 MiB.
    try connection.execute("PRAGMA cache_size = -65536")
    // Fewer, larger check points: each one waits for the disk while reports wait for it.
    try connection.execute("PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864")
    if version == 0 {
      try connection.transaction {
        try connection.execute(tables)
        try connection.execute("PRAGMA application_id = \(Self.application); PRAGMA user_version = \(Self.version)")
      }
    }
  }

  private static let tables = """
    CREATE TABLE sessions (
      key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
      keep_until INTEGER NOT NULL, deleted_at INTEGER);
    CREATE INDEX sessions_by_keep_until ON sessions (keep_until) WHERE deleted_at IS NULL;
    CREATE TABLE events (
      session INTEGER NOT NULL, revision INTEGER NOT NULL, event BLOB NOT NULL,
      PRIMARY KEY (session, revision)) WITHOUT ROWID;
    CREATE TABLE journal (number INTEGER PRIMARY KEY, events BLOB NOT NULL);
    CREATE TABLE snapshots (
      session INTEGER PRIMARY KEY, revision INTEGER NOT NULL, state BLOB NOT NULL);
    CREATE TABLE names (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    """

  // MARK: SessionStore

  public func heads(_ keys: [Int64]) throws -> [Int64: Int] {
    var heads: [Int64: Int] = [:]
    for key in keys {
      // The journal first: what is moved in between is then seen twice and not missed.
      var revision = journal.withLock { $0.lastRevision(key) }
      try reader.withLock { connection in
        try connection.sqlite.run(
          """
          SELECT (SELECT max(revision) FROM events WHERE session = key) FROM sessions
          WHERE key = ? AND deleted_at IS NULL
          """, .integer(key)
        ) { row in
          revision = max(revision ?? 0, Int(row.integer(0)))
          heads[key] = revision
        }
      }
    }
    return heads
  }

  public func write(_ entries: [StoreEntry]) throws {
    try writer.withLock { connection in
      let sqlite = connection.sqlite
      var batch: [Journal.Event] = []
      for entry in entries {
        guard case .event(let key, let revision, let text) = entry else { continue }
        batch.append(Journal.Event(key: key, text: StoredText(revision: revision, text: text)))
      }
      try check(entries, sqlite)
      let slice = journal.withLock { $0.slice(besides: batch.count) }
      var row: Int64 = 0
      try sqlite.transaction {
        for entry in entries { try Self.write(entry, sqlite) }
        if !batch.isEmpty {
          try sqlite.run("INSERT INTO journal (events) VALUES (?)", .bytes(Journal.encoded(batch)))
          row = sqlite.lastRow
        }
        for (key, texts) in slice.events {
          for text in texts { try Self.insert(key, text, sqlite) }
        }
        if let last = slice.through { try sqlite.run("DELETE FROM journal WHERE number <= ?", .integer(last)) }
      }
      journal.withLock { journal in
        journal.wrote(batch, row: row, moved: slice.events)
        for case .delete(let key, _, _) in entries { journal.remove(key) }
      }
    }
  }

  /// Makes sure that each event is its log's next, and that what is deleted is as it was known.
  private func check(_ entries: [StoreEntry], _ sqlite: SQLiteConnection) throws {
    var last: [Int64: Int] = [:]
    func head(_ key: Int64) throws -> Int {
      if let revision = last[key] ?? journal.withLock({ $0.lastRevision(key) }) { return revision }
      var revision = 0
      try sqlite.run("SELECT max(revision) FROM events WHERE session = ?", .integer(key)) { row in
        revision = Int(row.integer(0))
      }
      return revision
    }
    for entry in entries {
      switch entry {
      case .event(let key, let revision, _):
        if try revision != head(key) + 1 { throw StoreConflict() }
        last[key] = revision
      case .delete(let key, _, let revision):
        if let revision, try revision != head(key) { throw StoreConflict() }
      default: break
      }
    }
  }

  /// Moves what a process that has ended left in the journal.
  private static func recover(_ sqlite: SQLiteConnection) throws {
    try sqlite.transaction {
      var batches: [[UInt8]] = []
      try sqlite.run("SELECT events FROM journal ORDER BY number") { batches.append($0.bytes(0)) }
      for batch in batches {
        for event in try Journal.decoded(batch) { try insert(event.key, event.text, sqlite) }
      }
      try sqlite.run("DELETE FROM journal")
      try sqlite.run("DELETE FROM events WHERE session IN (SELECT key FROM sessions WHERE deleted_at IS NOT NULL)")
    }
  }

  private static func insert(_ key: Int64, _ text: StoredText, _ sqlite: SQLiteConnection) throws {
    // A process that has ended in the middle of moving has moved some already.
    try sqlite.run(
      "INSERT OR IGNORE INTO events (session, revision, event) VALUES (?, ?, ?)", .integer(key),
      .integer(Int64(text.revision)),
      .bytes(text.text))
  }

  private static func write(_ entry: StoreEntry, _ sqlite: SQLiteConnection) throws {
    switch entry {
    case .event: break
    case .create(let id, let key, let time, let keepUntil):
      try sqlite.run(
        "INSERT INTO sessions (key, id, created_at, keep_until) VALUES (?, ?, ?, ?)", .integer(key), .text(id),
        .integer(Int64(time)), .integer(Int64(keepUntil)))
    case .keep(let key, let until):
      try sqlite.run("UPDATE sessions SET keep_until = ? WHERE key = ?", .integer(Int64(until)), .integer(key))
    case .snapshot(let key, let revision, let text):
      try sqlite.run(
        "INSERT OR REPLACE INTO snapshots (session, revision, state) VALUES (?, ?, ?)", .integer(key),
        .integer(Int64(revision)), .bytes(text))
    case .delete(let key, let time, _):
      try sqlite.run("DELETE FROM events WHERE session = ?", .integer(key))
      try sqlite.run("DELETE FROM snapshots WHERE session = ?", .integer(key))
      try sqlite.run("UPDATE sessions SET deleted_at = ? WHERE key = ?", .integer(Int64(time)), .integer(key))
    case .value(let name, let value):
      try sqlite.run("INSERT OR REPLACE INTO names (name, value) VALUES (?, ?)", .text(name), .bytes(value))
    case .newValue(let name, let value):
      try sqlite.run("INSERT INTO names (name, value) VALUES (?, ?)", .text(name), .bytes(value))
    }
  }

  public func find(_ id: String) throws -> StoredSession? {
    try reader.withLock { connection in
      var found: StoredSession?
      try connection.sqlite.run("SELECT key, deleted_at IS NOT NULL FROM sessions WHERE id = ?", .text(id)) { row in
        found = StoredSession(key: row.integer(0), isDeleted: row.integer(1) != 0)
      }
      return found
    }
  }

  public func snapshot(_ key: Int64) throws -> StoredText? {
    try reader.withLock { connection in
      var found: StoredText?
      try connection.sqlite.run("SELECT revision, state FROM snapshots WHERE session = ?", .integer(key)) { row in
        found = StoredText(revision: Int(row.integer(0)), text: row.bytes(1))
      }
      return found
    }
  }

  public func events(_ key: Int64, after revision: Int, limit: Int) throws -> [StoredText] {
    // The journal first: what is moved in between is then seen twice and not missed.
    let recent = journal.withLock { $0.events(key) }
    return try reader.withLock { connection in
      var found: [StoredText] = []
      try connection.sqlite.run(
        "SELECT revision, event FROM events WHERE session = ? AND revision > ? ORDER BY revision LIMIT ?",
        .integer(key), .integer(Int64(revision)), .integer(Int64(limit))
      ) { row in
        found.append(StoredText(revision: Int(row.integer(0)), text: row.bytes(1)))
      }
      let last = found.last?.revision ?? revision
      found += recent.lazy.filter { $0.revision > last }.prefix(limit - found.count)
      return found
    }
  }

  public func names(after name: String, limit: Int) throws -> [String] {
    try reader.withLock { connection in
      var found: [String] = []
      try connection.sqlite.run(
        "SELECT id FROM sessions WHERE id > ? AND deleted_at IS NULL ORDER BY id LIMIT ?", .text(name),
        .integer(Int64(limit))
      ) { row in
        found.append(row.text(0))
      }
      return found
    }
  }

  public func sessions(after name: String, limit: Int) throws -> [ListedSession] {
    try reader.withLock { connection in
      var found: [ListedSession] = []
      try connection.sqlite.run(
        """
        SELECT id, key, created_at, keep_until, coalesce(deleted_at, 0), deleted_at IS NULL FROM sessions
        WHERE id > ? ORDER BY id LIMIT ?
        """, .text(name), .integer(Int64(limit))
      ) { row in
        found.append(
          ListedSession(
            id: row.text(0), key: row.integer(1), createdAt: Int(row.integer(2)), keepUntil: Int(row.integer(3)),
            deletedAt: row.integer(5) != 0 ? nil : Int(row.integer(4))))
      }
      return found
    }
  }

  public func values(after name: String, limit: Int) throws -> [NamedValue] {
    try reader.withLock { connection in
      var found: [NamedValue] = []
      try connection.sqlite.run(
        "SELECT name, value FROM names WHERE name > ? ORDER BY name LIMIT ?", .text(name), .integer(Int64(limit))
      ) { row in
        found.append(NamedValue(name: row.text(0), value: row.bytes(1)))
      }
      return found
    }
  }

  public func expired(before time: Int, limit: Int) throws -> [String] {
    try reader.withLock { connection in
      var found: [String] = []
      try connection.sqlite.run(
        "SELECT id FROM sessions WHERE deleted_at IS NULL AND keep_until < ? LIMIT ?", .integer(Int64(time)),
        .integer(Int64(limit))
      ) { row in
        found.append(row.text(0))
      }
      return found
    }
  }

  public func value(_ name: String) throws -> [UInt8]? {
    try reader.withLock { connection in
      var found: [UInt8]?
      try connection.sqlite.run("SELECT value FROM names WHERE name = ?", .text(name)) { found = $0.bytes(0) }
      return found
    }
  }

  public func check() throws {
    try reader.withLock { try $0.sqlite.run("SELECT 1 FROM sessions LIMIT 1") }
  }
}
