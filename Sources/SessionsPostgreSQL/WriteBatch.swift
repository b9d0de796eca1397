import Sessions

/// What many sessions have to write, gathered into one transaction that takes one round trip.
///
/// A group that is gathered with others writes to one session's log or beside it, makes the session first, or deletes it at
/// last. Whether it can be written is the same question for all groups of a session: whether its log is as long as they think.
/// A group that is about several sessions, or takes a name that must be free, is written alone.
struct WriteBatch {
  private var groups: [(index: Int, key: Int64)] = []
  private var creations: [Statements.Creation] = []
  private var changes: [Int64: Statements.Change] = [:]
  private var deletions: [(key: Int64, time: Int, ifRevision: Int?)] = []
  /// What has no session: a name, its value, and whether it must not have one yet.
  private var names: [(name: String, value: [UInt8], isNew: Bool)] = []
  /// The sessions that nothing can be added to any more.
  private var closed: Set<Int64> = []
  private var takenNames: Set<String> = []
  /// The group that is in it alone.
  private var alone: Int?
  /// The groups that cannot be written, whatever the database says: their events do not follow those before them.
  private var lost: Set<Int> = []

  /// Gathers a group.
  ///
  /// - Returns: false where it has to wait until what is gathered is written. An empty batch takes any group.
  mutating func add(_ index: Int, _ entries: [StoreEntry]) -> Bool {
    let key = Self.key(entries)
    if alone != nil || key == nil && !groups.isEmpty { return false }
    switch fit(entries) {
    case .later: return false
    case .never: lost.insert(index)
    case .now:
      if let key { groups.append((index, key)) } else { alone = index }
      for entry in entries { gather(entry, key) }
    }
    return true
  }

  /// The one session that all of a group is about.
  private static func key(_ entries: [StoreEntry]) -> Int64? {
    var found: Int64?
    for entry in entries {
      if case .newValue = entry { return nil }
      guard let key = entry.key else { continue }
      if found ?? key != key { return nil }
      found = key
    }
    return found
  }

  private enum Fit {
    case now
    case later
    case never
  }

  private func fit(_ entries: [StoreEntry]) -> Fit {
    var ends: [Int64: Int] = [:]
    for entry in entries {
      if let key = entry.key, closed.contains(key) { return .later }
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

  private mutating func gather(_ entry: StoreEntry, _ owner: Int64?) {
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
      deletions.append((key, time, ifRevision))
      closed.insert(key)
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

  /// Writes what is gathered.
  ///
  /// - Returns: the indices of the groups that are not written.
  func write(_ sql: PostgreSQLConnection) throws -> Set<Int> {
    // Each answers with a row for each thing that it has written.
    let parts: [[PostgreSQLStatement]] = [
      creations.isEmpty ? [] : [Statements.create(creations)], changes.isEmpty ? [] : [Statements.write(changes)],
      deletions.map { Statements.delete($0.key, time: $0.time, ifRevision: $0.ifRevision) },
      names.map { $0.isNew ? Statements.setNew($0.name, $0.value) : Statements.set($0.name, $0.value) },
    ]
    var statements = parts.flatMap { $0 }
    if statements.isEmpty { return lost }
    if !deletions.isEmpty { statements += Statements.empty(deletions.map(\.key)) }
    if let alone {
      let wanted = creations.count + changes.count + deletions.count + names.count
      func isWhole(_ answers: [PostgreSQLAnswer]) -> Bool { answers.reduce(0) { $0 + $1.rows.count } == wanted }
      return isWhole(try sql.transaction(statements, isWanted: isWhole)) ? lost : lost.union([alone])
    }
    var written: Set<Int64> = []
    for answer in try sql.transaction(statements).dropFirst(parts[0].count) {
      for row in answer.rows.indices { written.insert(answer.integer(row, 0)) }
    }
    return lost.union(groups.lazy.filter { !written.contains($0.key) }.map(\.index))
  }
}

extension StoreEntry {
  /// The session that it is about.
  fileprivate var key: Int64? {
    switch self {
    case .create(_, let key, _, _), .keep(let key, _), .event(let key, _, _), .snapshot(let key, _, _),
      .delete(let key, _, _):
      key
    case .value, .newValue: nil
    }
  }
}
