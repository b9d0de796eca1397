import Foundation
import JSON
import Sessions
import SessionsPostgreSQL
import SessionsSQLite
import Testing

/// One suite for every store.
@Suite struct StoreTests {
  enum Kind: String, CaseIterable {
    case memory
    case sqlite
    case postgresql

    /// The database is only tried where the machine has PostgreSQL; Scripts/test installs it.
    static var here: [Kind] { allCases.filter { $0 != .postgresql || PostgreSQLServer.isInstalled } }
  }

  static func with(_ kind: Kind, _ body: (any SessionStore) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "anneal-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    switch kind {
    case .memory: try body(MemoryStore())
    case .sqlite: try body(try SQLiteStore(folder: folder))
    case .postgresql: try body(try PostgreSQLStore(url: try PostgreSQLServer.shared.get().newDatabase()))
    }
  }

  private func text(_ revision: Int) -> StoredText { StoredText(revision: revision, text: Array("{\(revision)}".utf8)) }

  @Test(arguments: Kind.here) func theLogComesBackInOrder(kind: Kind) throws {
    try Self.with(kind) { store in
      try store.write([
        .create(id: "a", key: 7, time: 1, keepUntil: 100), .create(id: "b", key: 8, time: 1, keepUntil: 5),
      ])
      for revision in 1...9 {
        try store.write([.event(key: 7, revision: revision, text: text(revision).text)])
      }
      #expect(try store.find("a") == StoredSession(key: 7, isDeleted: false))
      #expect(try store.find("c") == nil)
      #expect(try store.events(7, after: 3, limit: 4) == (4...7).map(text))
      #expect(try store.events(8, after: 0, limit: 4).isEmpty)
      #expect(try store.snapshot(7) == nil)
      try store.write([.snapshot(key: 7, revision: 5, text: text(5).text)])
      try store.write([.snapshot(key: 7, revision: 9, text: text(9).text)])
      #expect(try store.snapshot(7) == text(9))
      #expect(try store.names(after: "", limit: 9) == ["a", "b"])
      #expect(try store.names(after: "a", limit: 9) == ["b"])
      #expect(try store.expired(before: 50, limit: 9) == ["b"])
      try store.write([.keep(key: 8, until: 60), .value(name: "n", value: [1, 2])])
      #expect(try store.expired(before: 50, limit: 9).isEmpty)
      #expect(try store.value("n") == [1, 2])
      try store.write([.delete(key: 7, time: 3)])
      #expect(try store.find("a") == StoredSession(key: 7, isDeleted: true))
      #expect(try store.events(7, after: 0, limit: 9).isEmpty)
      #expect(try store.names(after: "", limit: 9) == ["b"])
      let listed = [
        ListedSession(id: "a", key: 7, createdAt: 1, keepUntil: 100, deletedAt: 3),
        ListedSession(id: "b", key: 8, createdAt: 1, keepUntil: 60, deletedAt: nil),
      ]
      #expect(try store.sessions(after: "", limit: 9) == listed)
      #expect(try store.sessions(after: "a", limit: 9) == [listed[1]])
      #expect(try store.sessions(after: "", limit: 1) == [listed[0]])
      try store.write([.newValue(name: "m", value: [])])
      let values = [NamedValue(name: "m", value: []), NamedValue(name: "n", value: [1, 2])]
      #expect(try store.values(after: "", limit: 9) == values)
      #expect(try store.values(after: "m", limit: 9) == [values[1]])
      try store.check()
    }
  }

  @Test(arguments: Kind.here) func aRevisionIsWrittenOnceAndAFailedWriteNotAtAll(kind: Kind) throws {
    try Self.with(kind) { store in
      try store.write([.create(id: "a", key: 7, time: 1, keepUntil: 1)])
      try store.write([.event(key: 7, revision: 1, text: [1])])
      #expect(throws: (any Error).self) { try store.write([.event(key: 7, revision: 1, text: [2])]) }
      #expect(throws: (any Error).self) { try store.write([.create(id: "a", key: 9, time: 1, keepUntil: 1)]) }
      #expect(try store.events(7, after: 0, limit: 9).map(\.text) == [[1]])
    }
  }

  @Test(arguments: Kind.here.filter { $0 != .sqlite }) func whatWasMadeUponAnEventThatIsLostIsLostToo(kind: Kind) throws
  {
    try Self.with(kind) { store in
      try store.write([.create(id: "a", key: 7, time: 1, keepUntil: 1), .event(key: 7, revision: 1, text: [1])])
      // Another server has written revision 1; this one has written 1, 2 and 3 of its own, and a name in between.
      let groups: [[StoreEntry]] = [
        [.event(key: 7, revision: 1, text: [9])], [.newValue(name: "n", value: [1])],
        [.event(key: 7, revision: 2, text: [9])], [.create(id: "b", key: 8, time: 1, keepUntil: 1)],
        [.newValue(name: "n", value: [2])], [.event(key: 7, revision: 3, text: [9])],
      ]
      #expect(try store.write(groups: groups) == [0, 2, 4, 5])
      #expect(try store.heads([7, 8]) == [7: 1, 8: 0])
      #expect(try store.value("n") == [1])
      let deletions: [[StoreEntry]] = [
        [.event(key: 8, revision: 1, text: [1])], [.delete(key: 8, time: 1, ifRevision: 0)],
        [.delete(key: 7, time: 1, ifRevision: 1)], [.event(key: 7, revision: 2, text: [1])],
      ]
      #expect(try store.write(groups: deletions) == [1, 3])
      #expect(try store.find("a")?.isDeleted == true)
      #expect(try store.heads([7, 8]) == [8: 1])
    }
  }

  @Test(.enabled(if: PostgreSQLServer.isInstalled), arguments: 0..<6)
  func whatManySessionsWriteAtOnceIsWhatTheyWouldHaveWrittenInTurn(seed: Int) throws {
    var random = Seeded(UInt64(seed))
    let memory = MemoryStore(isShared: true)
    let store = try PostgreSQLStore(url: try PostgreSQLServer.shared.get().newDatabase())
    for _ in 0..<40 {
      var groups: [[StoreEntry]] = []
      let known = try memory.sessions(after: "", limit: 99).shuffled(using: &random)
      for session in known.prefix(Int.random(in: 0...12, using: &random)) {
        groups.append(try group(session.key, memory, &random))
        // What was made upon it.
        if case .event(let key, let revision, _)? = groups.last?.last(where: {
          if case .event = $0 { true } else { false }
        }),
          Bool.random(using: &random)
        {
          groups.append([.event(key: key, revision: revision + 1, text: Array("\(random.next())".utf8))])
        }
      }
      for _ in 0..<Int.random(in: 1...3, using: &random) { groups.append(creation(&random)) }
      // In any order, but what is of one session stays in its own.
      let order = Dictionary(grouping: groups.indices.shuffled(using: &random)) { groups[$0].first?.key }
        .mapValues { $0.sorted() }
      var turns = order.mapValues { $0[...] }
      groups = groups.indices.shuffled(using: &random).compactMap { index in
        turns[groups[index].first?.key]?.popFirst().map { groups[$0] }
      }
      let lost = try memory.write(groups: groups)
      #expect(try store.write(groups: groups) == lost, "\(groups)")
    }
    let sessions = try memory.sessions(after: "", limit: 99)
    #expect(try store.sessions(after: "", limit: 99) == sessions && sessions.contains { $0.deletedAt != nil })
    #expect(try store.values(after: "", limit: 99) == memory.values(after: "", limit: 99))
    for session in sessions {
      let events = try memory.events(session.key, after: 0, limit: 999)
      #expect(try store.events(session.key, after: 0, limit: 999) == events)
      #expect(try store.snapshot(session.key) == memory.snapshot(session.key))
      #expect(try store.heads([session.key]) == memory.heads([session.key]))
    }
  }

  /// A new session, whose name may be taken.
  private func creation(_ random: inout Seeded) -> [StoreEntry] {
    let key = Int64.random(in: 1...Int64.max, using: &random)
    let id = "s\(Int.random(in: 1...30, using: &random))"
    var entries = [StoreEntry.create(id: id, key: key, time: 5, keepUntil: 9)]
    entries += (1...2).map { .event(key: key, revision: $0, text: Array("\(random.next())".utf8)) }
    switch Int.random(in: 0..<3, using: &random) {
    case 0: entries.append(.value(name: "v\(id)", value: Array("\(random.next())".utf8)))
    case 1: entries.append(.newValue(name: "n\(Int.random(in: 0..<40, using: &random))", value: []))
    default: break
    }
    return entries
  }

  /// Something that a hub may write to a session, which may come too late.
  private func group(_ key: Int64, _ store: MemoryStore, _ random: inout Seeded) throws -> [StoreEntry] {
    var head = try store.heads([key])[key] ?? 0
    if head > 3, Int.random(in: 0..<12, using: &random) == 0 {
      return [.delete(key: key, time: 7, ifRevision: Bool.random(using: &random) ? head : nil)]
    }
    if Int.random(in: 0..<6, using: &random) == 0 { head += Bool.random(using: &random) ? 1 : -1 }
    var entries: [StoreEntry] = []
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      head += 1
      entries.append(.event(key: key, revision: head, text: Array("\(key)-\(head)-\(random.next())".utf8)))
    }
    switch Int.random(in: 0..<8, using: &random) {
    case 0: entries.append(.snapshot(key: key, revision: head, text: Array("\(random.next())".utf8)))
    case 1: entries.append(.keep(key: key, until: Int.random(in: 10...99, using: &random)))
    case 2: entries.append(.value(name: "v\(key % 3)", value: Array("\(random.next())".utf8)))
    default: break
    }
    return entries
  }

  @Test(arguments: Kind.here) func aSessionThatWasPutAwayComesBackUnchanged(kind: Kind) throws {
    try Self.with(kind) { store in
      for (name, rules) in policies {
        let id = name.replacing(" ", with: "-")
        let whole = try Trainer(specification(rules), id: id, store: store)
        let other = try Trainer(specification(rules), id: "other-\(id)", store: store)
        for start in stride(from: 0, to: 180, by: 30) {
          let rates = try whole.run(start..<(start + 30), loss: rough)
          #expect(try other.run(start..<(start + 30), loss: rough) == rates)
          other.hub.putAway(other.id)
          #expect(try other.state() == whole.state(), "\(name)")
        }
        #expect(try other.replay()["verified"] == true)
      }
    }
  }

  @Test func theFolderIsMadeWithThoseAboveItAndIfNotTheReasonIsSaid() throws {
    let top = FileManager.default.temporaryDirectory.appending(path: "anneal-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: top) }
    let folder = "\(top)/some//where"
    try SQLiteStore(folder: folder).write([.create(id: "a", key: 7, time: 1, keepUntil: 100)])
    // It is there now, and stays as it is.
    #expect(try SQLiteStore(folder: "\(folder)/").find("a") != nil)
    let error = #expect(throws: StoreError.self) { try SQLiteStore(folder: "\(folder)/sessions.sqlite/below") }
    #expect(error?.description.hasSuffix("/below cannot be made: Not a directory") == true)
  }

  @Test(arguments: Kind.here) func retentionDeletesWhatNothingWasHeardOf(kind: Kind) throws {
    try Self.with(kind) { store in
      let trainer = try Trainer(
        ["schedule": ["type": "constant", "base_lr": 1], "retain": 60], store: store)
      let now = Int(Date().timeIntervalSince1970 * 1000)
      trainer.hub.deleteExpired(at: now + 30_000)
      #expect(try trainer.document()["state"] == "waiting")
      trainer.hub.deleteExpired(at: now + 120_000)
      // In a shared store it is asked first whether another server has heard of it: that takes a moment.
      let deadline = ContinuousClock.now + .seconds(30)
      var kind: SessionError.Kind?
      while kind == nil && ContinuousClock.now < deadline {
        trainer.hub.drain()
        do { _ = try trainer.document() } catch let error as SessionError { kind = error.kind }
      }
      #expect(kind == .deleted)
    }
  }
}
