import Sessions
import Synchronization

/// Refuses every third write, all or nothing, as a full disk does.
final class FlakyStore: SessionStore {
  private let store: any SessionStore
  private let count = Mutex(0)

  init(_ store: any SessionStore = MemoryStore()) { self.store = store }

  func write(_ entries: [StoreEntry]) throws {
    let number = count.withLock { count in
      count += 1
      return count
    }
    if number > 1 && number % 3 == 0 { throw StoreError("no space left") }
    try store.write(entries)
  }

  func heads(_ keys: [Int64]) throws -> [Int64: Int] { try store.heads(keys) }
  func find(_ id: String) throws -> StoredSession? { try store.find(id) }
  func snapshot(_ key: Int64) throws -> StoredText? { try store.snapshot(key) }
  func events(_ key: Int64, after revision: Int, limit: Int) throws -> [StoredText] {
    try store.events(key, after: revision, limit: limit)
  }
  func names(after name: String, limit: Int) throws -> [String] { try store.names(after: name, limit: limit) }
  func sessions(after name: String, limit: Int) throws -> [ListedSession] {
    try store.sessions(after: name, limit: limit)
  }
  func values(after name: String, limit: Int) throws -> [NamedValue] { try store.values(after: name, limit: limit) }
  func expired(before time: Int, limit: Int) throws -> [String] { try store.expired(before: time, limit: limit) }
  func value(_ name: String) throws -> [UInt8]? { try store.value(name) }
  func check() throws {}
}
