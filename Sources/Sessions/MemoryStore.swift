import Synchronization

/// A store that forgets everything with the process.
public final class MemoryStore: SessionStore {
  private struct Log {
    var id: String
    var key: Int64
    var createdAt: Int
    var keepUntil: Int
    var deletedAt: Int?
    var isDeleted: Bool { deletedAt != nil }
    var events: [StoredText] = []
    var snapshot: StoredText?
  }

  private struct Content {
    var keys: [String: Int64] = [:]
    var logs: [Int64: Log] = [:]
    var values: [String: [UInt8]] = [:]

    /// - Throws: ``StoreConflict`` where another was there first.
    func check(_ entries: [StoreEntry]) throws {
      var heads: [Int64: Int] = [:]
      var ids: Set<String> = []
      for entry in entries {
        switch entry {
        case .create(let id, let key, _, _):
          if keys[id] != nil || !ids.insert(id).inserted { throw StoreConflict() }
          heads[key] = 0
        case .event(let key, let revision, _):
          let log = logs[key]
          guard log?.isDeleted != true, let head = heads[key] ?? log?.events.count, revision == head + 1 else {
            throw StoreConflict()
          }
          heads[key] = revision
        case .delete(let key, _, let revision):
          if let revision, heads[key] ?? logs[key]?.events.count != revision { throw StoreConflict() }
        case .newValue(let name, _):
          if values[name] != nil { throw StoreConflict() }
        case .keep, .snapshot, .value: break
        }
      }
    }

    mutating func write(_ entry: StoreEntry) {
      switch entry {
      case .create(let id, let key, let time, let keepUntil):
        keys[id] = key
        logs[key] = Log(id: id, key: key, createdAt: time, keepUntil: keepUntil)
      case .keep(let key, let until): logs[key]?.keepUntil = until
      case .event(let key, let revision, let text):
        logs[key]?.events.append(StoredText(revision: revision, text: text))
      case .snapshot(let key, let revision, let text):
        logs[key]?.snapshot = StoredText(revision: revision, text: text)
      case .delete(let key, let time, _):
        logs[key]?.events = []
        logs[key]?.snapshot = nil
        logs[key]?.deletedAt = time
      case .value(let name, let value), .newValue(let name, let value): values[name] = value
      }
    }
  }

  public let isShared: Bool
  private let content = Mutex(Content())

  /// - Parameter isShared: whether several hubs of the process use it at the same time.
  public init(isShared: Bool = false) { self.isShared = isShared }

  public func write(_ entries: [StoreEntry]) throws {
    try content.withLock { content in
      try content.check(entries)
      for entry in entries { content.write(entry) }
    }
  }

  public func write(groups: [[StoreEntry]]) throws -> Set<Int> {
    var lost: Set<Int> = []
    var lostSessions: Set<Int64> = []
    for (index, entries) in groups.enumerated() {
      let sessions = entries.compactMap(\.key)
      do {
        if !lostSessions.isDisjoint(with: sessions) { throw StoreConflict() }
        try write(entries)
      } catch is StoreConflict {
        lost.insert(index)
        lostSessions.formUnion(sessions)
      }
    }
    return lost
  }

  public func heads(_ keys: [Int64]) throws -> [Int64: Int] {
    content.withLock { content in
      var heads: [Int64: Int] = [:]
      for key in keys {
        if let log = content.logs[key], !log.isDeleted { heads[key] = log.events.count }
      }
      return heads
    }
  }

  public func find(_ id: String) throws -> StoredSession? {
    content.withLock { content in
      guard let key = content.keys[id], let log = content.logs[key] else { return nil }
      return StoredSession(key: key, isDeleted: log.isDeleted)
    }
  }

  public func snapshot(_ key: Int64) throws -> StoredText? { content.withLock { $0.logs[key]?.snapshot } }

  public func events(_ key: Int64, after revision: Int, limit: Int) throws -> [StoredText] {
    content.withLock { Array(($0.logs[key]?.events ?? []).dropFirst(max(0, revision)).prefix(limit)) }
  }

  public func names(after name: String, limit: Int) throws -> [String] {
    content.withLock { content in
      Array(content.logs.values.filter { !$0.isDeleted && $0.id > name }.map(\.id).sorted().prefix(limit))
    }
  }

  public func sessions(after name: String, limit: Int) throws -> [ListedSession] {
    content.withLock { content in
      content.logs.values.filter { $0.id > name }.sorted { $0.id < $1.id }.prefix(limit).map { log in
        ListedSession(
          id: log.id, key: log.key, createdAt: log.createdAt, keepUntil: log.keepUntil, deletedAt: log.deletedAt)
      }
    }
  }

  public func values(after name: String, limit: Int) throws -> [NamedValue] {
    content.withLock { content in
      content.values.filter { $0.key > name }.sorted { $0.key < $1.key }.prefix(limit).map {
        NamedValue(name: $0.key, value: $0.value)
      }
    }
  }

  public func expired(before time: Int, limit: Int) throws -> [String] {
    content.withLock { content in
      Array(content.logs.values.lazy.filter { !$0.isDeleted && $0.keepUntil < time }.map(\.id).prefix(limit))
    }
  }

  public func value(_ name: String) throws -> [UInt8]? { content.withLock { $0.values[name] } }

  public func check() throws {}
}
