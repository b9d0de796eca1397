import Sessions

/// What many sessions have to write, gathered into transactions that take one round trip each.
///
/// A group that is gathered with others writes to one session's log or beside it, makes the session first, or deletes it at
/// last. Whether it can be written is the same question for all groups of a session: whether its log is as long as they think.
/// A group that is about several sessions, or takes a name that must be free, is written alone.
struct WriteBatch {
  /// The groups that are not written.
  private(set) var lost: Set<Int> = []
  /// Their sessions: nothing later is written to them, since it was made upon what is lost.
  private var lostSessions: Set<Int64> = []
  /// What is gathered and not written yet.
  private var gathered = Gathered()

  /// Gathers a group.
  ///
  /// - Returns: false where it has to wait until what is gathered is written. An empty batch takes any group.
  mutating func add(_ index: Int, _ entries: [StoreEntry]) -> Bool {
    let sessions = Set(entries.compactMap(\.key))
    let isAlone = sessions.count != 1 || Gathered.isSpecial(entries)
    if gathered.isAlone || isAlone && !gathered.groups.isEmpty { return false }
    if lostSessions.isDisjoint(with: sessions) {
      switch gathered.fit(entries) {
      case .later: return false
      case .now:
        gathered.isAlone = isAlone
        gathered.groups.append((index, sessions))
        for entry in entries { gathered.add(entry, of: isAlone ? nil : sessions.first) }
        return true
      case .never: break
      }
    }
    lose(index, sessions)
    return true
  }

  /// Writes what is gathered.
  mutating func write(_ sql: PostgreSQLConnection) throws {
    for (index, sessions) in try gathered.write(sql) { lose(index, sessions) }
    gathered = Gathered()
  }

  private mutating func lose(_ index: Int, _ sessions: Set<Int64>) {
    lost.insert(index)
    lostSessions.formUnion(sessions)
  }
}

/// What goes into one transaction.
private struct Gathered {
  typealias Group = (index: Int, sessions: Set<Int64>)

  var groups: [Group] = []
  /// Whether it is one group, which is written whole or not at all.
  var isAlone = false
  private var creations: [Statements.Creation] = []
  private var changes: [Int64: Statements.Change] = [:]
  private var deletions: [Int64: (time: Int, ifRevision: Int?)] = [:]
  /// Of a group that is alone: a name, its value, and whether it must not have one yet.
  private var names: [(name: String, value: [UInt8], isNew: Bool)] = []
  private var takenNames: Set<String> = []
  /// The group that deletes a session.
  private var deleters: [Int64: Int] = [:]

  /// Whether a group of one session has several conditions, which must hold together: a new name, or a deletion after events.
  static func isSpecial(_ entries: [StoreEntry]) -> Bool {
    var (isDeletion, isChange) = (false, false)
    for entry in entries {
      switch entry {
      case .newValue: return true
      case .delete: isDeletion = true
      case .event, .keep, .snapshot, .value: isChange = true
      case .create: break
      }
    }
    return isDeletion && isChange
  }

  enum Fit {
    case now
    /// What is gathered has to be written first.
    case later
    /// Its events do not follow those that are gathered.
    case never
  }

  func fit(_ entries: [StoreEntry]) -> Fit {
    var ends: [Int64: Int] = [:]
    for entry in entries {
      if let key = entry.key, deletions[key] != nil { return .later }
      switch entry {
      case .event(let key, let revision, _):
        let end = ends[key] ?? changes[key].flatMap { change in change.expected.map { $0 + change.events.count } }
        if let end, revision != end + 1 { return .never }
        ends[key] = revision
      case .value(let name, _), .newValue(let name, _): if takenNames.contains(name) { return .later }
      case .create, .keep, .snapshot, .delete: break
      }
    }
    return .now
  }

  /// - Parameter owner: the session whose group it is in; nil where the group is alone.
  mutating func add(_ entry: StoreEntry, of owner: Int64?) {
    switch entry {
    case .create(let id, let key, let time, let keepUntil):
      creations.append(Statements.Creation(id: id, key: key, time: time, keepUntil: keepUntil))
      // The change answers for it, with nothing to write if need be.
      changes[key] = changes[key] ?? Statements.Change()
    case .keep(let key, let until): changes[key, default: Statements.Change()].keepUntil = until
    case .event(let key, let revision, let text):
      if changes[key]?.expected == nil { changes[key, default: Statements.Change()].expected = revision - 1 }
      changes[key]?.events.append(text)
    case .snapshot(let key, let revision, let text):
      changes[key, default: Statements.Change()].snapshot = (revision, text)
    case .delete(let key, let time, let ifRevision):
      deletions[key] = (time, ifRevision)
      deleters[key] = groups.last?.index
    case .value(let name, let value):
      takenNames.insert(name)
      if let owner {
        changes[owner, default: Statements.Change()].values.append((name, value))
      } else {
        names.append((name, value, false))
      }
    case .newValue(let name, let value):
      takenNames.insert(name)
      names.append((name, value, true))
    }
  }

  /// - Returns: the groups that are not written.
  /// - Throws: where nothing is written, or nobody knows.
  func write(_ sql: PostgreSQLConnection) throws -> [Group] {
    let deletions = deletions.sorted { $0.key < $1.key }
    // Each answers with a row for each thing that it has written.
    let parts: [[PostgreSQLStatement]] = [
      creations.isEmpty ? [] : [Statements.create(creations)], changes.isEmpty ? [] : [Statements.write(changes)],
      deletions.map { Statements.delete($0.key, time: $0.value.time, ifRevision: $0.value.ifRevision) },
      names.map { $0.isNew ? Statements.setNew($0.name, $0.value) : Statements.set($0.name, $0.value) },
    ]
    var statements = parts.flatMap { $0 }
    if statements.isEmpty { return [] }
    if !deletions.isEmpty { statements += Statements.empty(deletions.map(\.key)) }
    if isAlone {
      let wanted = creations.count + changes.count + deletions.count + names.count
      func isWhole(_ answers: [PostgreSQLAnswer]) -> Bool { answers.reduce(0) { $0 + $1.rows.count } == wanted }
      return isWhole(try sql.transaction(statements, isWanted: isWhole)) ? [] : groups
    }
    let answers = try sql.transaction(statements).dropFirst(parts[0].count)
    let moved = Self.keys(answers.prefix(parts[1].count))
    let deleted = Self.keys(answers.dropFirst(parts[1].count))
    var lost: [Group] = []
    for group in groups {
      // The first group of a session that is deleted may be of changes, which the log takes or not by themselves.
      let isWritten = group.sessions.allSatisfy {
        group.index == deleters[$0] ? deleted.contains($0) : moved.contains($0)
      }
      if !isWritten { lost.append(group) }
    }
    return lost
  }

  private static func keys(_ answers: some Sequence<PostgreSQLAnswer>) -> Set<Int64> {
    var keys: Set<Int64> = []
    for answer in answers {
      for row in answer.rows.indices { keys.insert(answer.integer(row, 0)) }
    }
    return keys
  }
}
