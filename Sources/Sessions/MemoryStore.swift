import Synchronization

/// A store that forgets everything with the process.
public final class MemoryStore: SessionStore {
  private struct Log {
    var id: String
    var keepUntil: Int
    var isDeleted = false
    var events: [StoredText] = []
    var snapshot: StoredText?
  }

  private struct Content {
    var keys: [String: Int64] = [:]
    var logs: [Int64: Log] = [:]
    var values: [String: [UInt8]] = [:]
  }

  private let content = Mutex(Content())

  public init() {}

  public func write(_ entries: [StoreEntry]) throws {
    try content.withLock { content in
      for entry in entries {
        switch entry {
        case .create(let id, let key, _, let keepUntil):
          if content.keys[id] != nil { throw StoreError("there is a session '\(id)' already") }
          content.keys[id] = key
          content.logs[key] = Log(id: id, keepUntil: keepUntil)
        case .keep(let key, let until): content.logs[key]?.keepUntil = until
        case .event(let key, let revision, let text):
          let count = content.logs[key]?.events.count ?? 0
          if revision != count + 1 { throw StoreError("the log has another event \(revision)") }
          content.logs[key]?.events.append(StoredText(revision: revision, text: text))
        case .snapshot(let key, let revision, let text):
          content.logs[key]?.snapshot = StoredText(revision: revision, text: text)
        case .delete(let key, _):
          content.logs[key]?.events = []
          content.logs[key]?.snapshot = nil
          content.logs[key]?.isDeleted = true
        case .value(let name, let value): content.values[name] = value
        }
      }
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

  public func expired(before time: Int, limit: Int) throws -> [String] {
    content.withLock { content in
      Array(content.logs.values.lazy.filter { !$0.isDeleted && $0.keepUntil < time }.map(\.id).prefix(limit))
    }
  }

  public func value(_ name: String) throws -> [UInt8]? { content.withLock { $0.values[name] } }

  public func check() throws {}
}
