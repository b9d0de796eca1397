/// Copies the sessions of one store into another: their logs, snapshots, tokens and the names that were deleted.
///
/// What is there already is not written again, so that a copy that was broken off is taken up by another, and one that is made
/// again only brings what is new. Nobody may write to the target meanwhile; what is written to the source is there or not.
public struct StoreCopy {
  /// What came of it.
  public struct Summary: Sendable, Equatable {
    /// The sessions that are whole in the target now.
    public var sessions = 0
    /// The names that are taken by what was deleted.
    public var deleted = 0
    /// The events in the logs that were verified, and those that were written.
    public var events = 0
    public var written = 0
    /// What is not copied, and why.
    public var problems: [String] = []
  }

  private let source: any SessionStore
  private let target: any SessionStore
  private var summary = Summary()
  private var pending: [[StoreEntry]] = []
  private var pendingCount = 0

  private let batch: Int

  private init(from source: any SessionStore, to target: any SessionStore, batch: Int) {
    self.source = source
    self.target = target
    self.batch = batch
  }

  /// Copies, and verifies each log in the target: it is the source's, octet for octet, and its fold gives what is written.
  ///
  /// - Parameters:
  ///   - batch: so many entries, about, make a transaction.
  ///   - progress: called now and then with what has been done.
  /// - Throws: ``StoreError`` where one of the stores cannot be read or written.
  public static func run(
    from source: any SessionStore, to target: any SessionStore, batch: Int = 2048,
    _ progress: (Summary) -> Void = { _ in }
  ) throws -> Summary {
    var copy = StoreCopy(from: source, to: target, batch: batch)
    // A store without sessions has nothing that its own secrets are needed for.
    let isFresh = try target.sessions(after: "", limit: 1).isEmpty
    try copy.copyValues(isFresh: isFresh)
    try Self.forEachSession(of: source) { page in
      let ends = try page.map { try copy.copy($0) }
      try copy.flush()
      for (session, end) in zip(page, ends) {
        if let end { copy.verify(session, through: end) }
      }
      progress(copy.summary)
    }
    return copy.summary
  }

  /// Folds every log of a store.
  ///
  /// - Returns: how many sessions and events there are, and what is wrong with which session.
  public static func verify(_ store: any SessionStore, _ progress: (Summary) -> Void = { _ in }) throws -> Summary {
    var copy = StoreCopy(from: store, to: store, batch: 0)
    try forEachSession(of: store) { page in
      for session in page {
        if session.deletedAt == nil { copy.verify(session, through: 0) } else { copy.summary.deleted += 1 }
      }
      progress(copy.summary)
    }
    return copy.summary
  }

  private static func forEachSession(of store: any SessionStore, _ body: ([ListedSession]) throws -> Void) throws {
    var last = ""
    while true {
      let page = try store.sessions(after: last, limit: 256)
      guard let end = page.last else { return }
      last = end.id
      try body(page)
    }
  }

  // MARK: Writing

  private mutating func add(_ entries: [StoreEntry]) throws {
    pending.append(entries)
    pendingCount += entries.count
    if pendingCount >= batch { try flush() }
  }

  private mutating func flush() throws {
    if pending.isEmpty { return }
    do {
      if try !target.write(groups: pending).isEmpty { throw StoreConflict() }
    } catch is StoreConflict {
      throw StoreError("somebody else writes to the target: end the servers that use it, and copy again")
    }
    pending = []
    pendingCount = 0
  }

  private mutating func copyValues(isFresh: Bool) throws {
    var last = ""
    while true {
      let page = try source.values(after: last, limit: 512)
      guard let end = page.last else { return }
      last = end.name
      for item in page {
        let known = try target.value(item.name)
        if known == item.value { continue }
        if known == nil || isFresh {
          try add([.value(name: item.name, value: item.value)])
        } else {
          summary.problems.append(
            item.name == "state-key"
              ? "the target has a secret of its own for states: GET /sessions/{id}/state of the source are not taken there"
              : "the target has another value for \(item.name)")
        }
      }
      try flush()
    }
  }

  /// Writes what of a session is missing.
  ///
  /// - Returns: the last revision of the log in the target, which is to be verified; nil where there is none.
  private mutating func copy(_ session: ListedSession) throws -> Int? {
    let found = try target.find(session.id)
    var head = 0
    if let found {
      guard found.key == session.key else {
        return fail(session, "the target has another session of that name")
      }
      if found.isDeleted {
        if session.deletedAt == nil { return fail(session, "it was deleted in the target") }
        summary.deleted += 1
        return nil
      }
      head = try target.heads([session.key])[session.key] ?? 0
    }
    if let time = session.deletedAt {
      var entries: [StoreEntry] = found == nil ? [Self.creation(session)] : []
      entries.append(.delete(key: session.key, time: time))
      try add(entries)
      summary.deleted += 1
      return nil
    }
    if head > 0,
      try source.events(session.key, after: head - 1, limit: 1) != target.events(session.key, after: head - 1, limit: 1)
    {
      return fail(session, "its log in the target has gone another way, or further")
    }
    var entries: [StoreEntry] = found == nil ? [Self.creation(session)] : []
    var last = head
    while true {
      let page = try source.events(session.key, after: last, limit: 512)
      entries += page.map { .event(key: session.key, revision: $0.revision, text: $0.text) }
      last = page.last?.revision ?? last
      summary.written += page.count
      if page.count < 512 { break }
      try add(entries)
      entries = []
    }
    if let snapshot = try source.snapshot(session.key),
      try target.snapshot(session.key)?.revision ?? 0 < snapshot.revision,
      snapshot.revision <= last
    {
      entries.append(.snapshot(key: session.key, revision: snapshot.revision, text: snapshot.text))
    }
    entries.append(.keep(key: session.key, until: session.keepUntil))
    try add(entries)
    return last
  }

  private static func creation(_ session: ListedSession) -> StoreEntry {
    .create(id: session.id, key: session.key, time: session.createdAt, keepUntil: session.keepUntil)
  }

  private mutating func fail(_ session: ListedSession, _ reason: String) -> Int? {
    summary.problems.append("\(session.id): \(reason)")
    return nil
  }

  // MARK: Verifying

  private mutating func verify(_ session: ListedSession, through revision: Int) {
    do {
      let count = try Replay(store: target).verify(session.id, session.key, beside: source)
      if count < revision { throw StoreError("\(revision - count) events are missing") }
      summary.events += count
      summary.sessions += 1
    } catch {
      summary.problems.append("\(session.id): \(error)")
    }
  }
}
