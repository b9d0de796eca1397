/// All SQL of the store. Only what PostgreSQL and the distributed databases that speak its protocol run alike: no notifications,
/// no advisory locks, no sequences; keys are random, so that they spread over the nodes.
enum Statements {
  typealias Statement = PostgreSQLStatement

  // MARK: Tables

  static let versions = Statement("CREATE TABLE IF NOT EXISTS anneal_version (version bigint PRIMARY KEY)")
  static let version = Statement("SELECT max(version) FROM anneal_version")

  static func migrated(to version: Int) -> Statement {
    Statement("INSERT INTO anneal_version (version) VALUES ($1) ON CONFLICT DO NOTHING", .integer(Int64(version)))
  }

  /// What leads from each version of the tables to the next, from none to the first on. Each statement may be run again: a server
  /// may end, or another make the same migration, in between.
  static let migrations: [[Statement]] = [
    [
      Statement(
        """
        CREATE TABLE IF NOT EXISTS anneal_sessions (
          key bigint PRIMARY KEY, id text NOT NULL UNIQUE, created_at bigint NOT NULL, keep_until bigint NOT NULL,
          deleted_at bigint, head bigint NOT NULL)
        """),
      Statement("CREATE INDEX IF NOT EXISTS anneal_sessions_by_keep_until ON anneal_sessions (keep_until)"),
      Statement(
        """
        CREATE TABLE IF NOT EXISTS anneal_events (
          session bigint NOT NULL, revision bigint NOT NULL, event bytea NOT NULL, PRIMARY KEY (session, revision))
        """),
      Statement(
        """
        CREATE TABLE IF NOT EXISTS anneal_snapshots (
          session bigint PRIMARY KEY, revision bigint NOT NULL, state bytea NOT NULL)
        """),
      Statement("CREATE TABLE IF NOT EXISTS anneal_names (name text PRIMARY KEY, value bytea NOT NULL)"),
    ]
  ]

  // MARK: Writing

  static let begin = Statement("BEGIN")
  static let commit = Statement("COMMIT")
  static let rollback = Statement("ROLLBACK")

  struct Creation {
    var id: String
    var key: Int64
    var time: Int
    var keepUntil: Int
  }

  /// Answers with the keys of those whose names were free.
  static func create(_ creations: [Creation]) -> Statement {
    // In the order of their names, so that two servers do not wait for each other.
    let creations = creations.sorted { $0.id < $1.id }
    return Statement(
      """
      INSERT INTO anneal_sessions (key, id, created_at, keep_until, head)
      SELECT new.key, new.id, new.created_at, new.keep_until, 0
      FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) AS new (key, id, created_at, keep_until)
      ON CONFLICT DO NOTHING RETURNING key
      """, .integers(creations.map(\.key)), .texts(creations.map(\.id)), .integers(creations.map { Int64($0.time) }),
      .integers(creations.map { Int64($0.keepUntil) }))
  }

  /// What is written to the log of a session and beside it.
  struct Change {
    /// The revision that the log must have; nil for any.
    var expected: Int?
    /// The texts of the events after it.
    var events: [[UInt8]] = []
    var snapshot: (revision: Int, text: [UInt8])?
    var keepUntil: Int?
    /// By their names.
    var values: [(name: String, value: [UInt8])] = []
  }

  /// Writes to each log whose revision is the expected one, and to the others nothing; answers with the keys of those.
  ///
  /// The rows are locked in the order of their keys, so that two servers do not wait for each other. What another server has
  /// written while this one waited for a lock is compared too.
  static func write(_ changes: [Int64: Change]) -> Statement {
    let changes = changes.sorted { $0.key < $1.key }
    var values: [PostgreSQLValue] = [
      .integers(changes.map(\.key)), .integers(changes.map { Int64($0.value.expected ?? -1) }),
      .integers(changes.map { Int64($0.value.events.count) }),
      .integers(changes.map { Int64($0.value.keepUntil ?? -1) }),
    ]
    func next(_ value: PostgreSQLValue) -> String {
      values.append(value)
      return "$\(values.count)"
    }
    var text = """
      WITH locked AS (
        SELECT key FROM anneal_sessions WHERE key = ANY($1::bigint[]) AND deleted_at IS NULL ORDER BY key FOR UPDATE),
      moved AS (
        UPDATE anneal_sessions SET head = anneal_sessions.head + new.count,
          keep_until = CASE WHEN new.keep_until < 0 THEN anneal_sessions.keep_until ELSE new.keep_until END
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS new (key, expected, count, keep_until)
        JOIN locked ON locked.key = new.key
        WHERE anneal_sessions.key = new.key AND anneal_sessions.deleted_at IS NULL
          AND (new.expected < 0 OR anneal_sessions.head = new.expected)
        RETURNING anneal_sessions.key)
      """
    var (keys, revisions, texts): ([Int64], [Int64], [[UInt8]]) = ([], [], [])
    for (key, change) in changes {
      for (index, event) in change.events.enumerated() {
        keys.append(key)
        revisions.append(Int64((change.expected ?? 0) + 1 + index))
        texts.append(event)
      }
    }
    if !keys.isEmpty {
      text += """
        , written AS (
          INSERT INTO anneal_events (session, revision, event)
          SELECT new.session, new.revision, new.event
          FROM unnest(\(next(.integers(keys)))::bigint[], \(next(.integers(revisions)))::bigint[],
            \(next(.octetLists(texts)))::bytea[]) AS new (session, revision, event)
          JOIN moved ON moved.key = new.session)
        """
    }
    let snapshots = changes.compactMap { change in change.value.snapshot.map { (change.key, $0.revision, $0.text) } }
    if !snapshots.isEmpty {
      text += """
        , kept AS (
          INSERT INTO anneal_snapshots (session, revision, state)
          SELECT new.session, new.revision, new.state
          FROM unnest(\(next(.integers(snapshots.map(\.0))))::bigint[],
            \(next(.integers(snapshots.map { Int64($0.1) })))::bigint[],
            \(next(.octetLists(snapshots.map(\.2))))::bytea[]) AS new (session, revision, state)
          JOIN moved ON moved.key = new.session
          ON CONFLICT (session) DO UPDATE SET revision = excluded.revision, state = excluded.state)
        """
    }
    let named = changes.flatMap { change in change.value.values.map { (change.key, $0.name, $0.value) } }
    if !named.isEmpty {
      text += """
        , named AS (
          INSERT INTO anneal_names (name, value)
          SELECT new.name, new.value
          FROM unnest(\(next(.integers(named.map(\.0))))::bigint[], \(next(.texts(named.map(\.1))))::text[],
            \(next(.octetLists(named.map(\.2))))::bytea[]) AS new (session, name, value)
          JOIN moved ON moved.key = new.session
          ON CONFLICT (name) DO UPDATE SET value = excluded.value)
        """
    }
    return Statement(text: text + " SELECT key FROM moved", values: values)
  }

  /// Marks a session as deleted where its last revision is that; answers with its key then.
  static func delete(_ key: Int64, time: Int, ifRevision: Int?) -> Statement {
    Statement(
      """
      UPDATE anneal_sessions SET deleted_at = $2
      WHERE key = $1 AND deleted_at IS NULL AND ($3 < 0 OR head = $3) RETURNING key
      """, .integer(key), .integer(Int64(time)), .integer(Int64(ifRevision ?? -1)))
  }

  /// Empties the logs of sessions that are deleted. Statements of their own, after the mark: what another server has written
  /// while the mark waited for it goes too.
  static func empty(_ keys: [Int64]) -> [Statement] {
    ["anneal_events", "anneal_snapshots"].map { table in
      Statement(
        """
        DELETE FROM \(table) WHERE session IN
          (SELECT key FROM anneal_sessions WHERE key = ANY($1::bigint[]) AND deleted_at IS NOT NULL)
        """, .integers(keys))
    }
  }

  static func set(_ name: String, _ value: [UInt8]) -> Statement {
    Statement(
      """
      INSERT INTO anneal_names (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value
      RETURNING name
      """, .text(name), .octets(value))
  }

  /// Answers with the name where it had no value yet.
  static func setNew(_ name: String, _ value: [UInt8]) -> Statement {
    Statement(
      "INSERT INTO anneal_names (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING name",
      .text(name), .octets(value))
  }

  // MARK: Reading

  static func heads(_ keys: [Int64]) -> Statement {
    Statement(
      "SELECT key, head FROM anneal_sessions WHERE key = ANY($1::bigint[]) AND deleted_at IS NULL", .integers(keys))
  }

  static func find(_ id: String) -> Statement {
    Statement("SELECT key, deleted_at FROM anneal_sessions WHERE id = $1", .text(id))
  }

  static func snapshot(_ key: Int64) -> Statement {
    Statement("SELECT revision, state FROM anneal_snapshots WHERE session = $1", .integer(key))
  }

  static func events(_ key: Int64, after revision: Int, limit: Int) -> Statement {
    Statement(
      "SELECT revision, event FROM anneal_events WHERE session = $1 AND revision > $2 ORDER BY revision LIMIT $3",
      .integer(key), .integer(Int64(revision)), .integer(Int64(limit)))
  }

  static func names(after name: String, limit: Int) -> Statement {
    Statement(
      "SELECT id FROM anneal_sessions WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2", .text(name),
      .integer(Int64(limit)))
  }

  static func sessions(after name: String, limit: Int) -> Statement {
    Statement(
      """
      SELECT id, key, created_at, keep_until, deleted_at FROM anneal_sessions WHERE id > $1 ORDER BY id LIMIT $2
      """, .text(name), .integer(Int64(limit)))
  }

  static func values(after name: String, limit: Int) -> Statement {
    Statement(
      "SELECT name, value FROM anneal_names WHERE name > $1 ORDER BY name LIMIT $2", .text(name),
      .integer(Int64(limit)))
  }

  static func expired(before time: Int, limit: Int) -> Statement {
    Statement(
      "SELECT id FROM anneal_sessions WHERE keep_until < $1 AND deleted_at IS NULL LIMIT $2", .integer(Int64(time)),
      .integer(Int64(limit)))
  }

  static func value(_ name: String) -> Statement {
    Statement("SELECT value FROM anneal_names WHERE name = $1", .text(name))
  }

  static let check = Statement("SELECT 1")
}
