/// Where sessions are kept: an append-only log for each, snapshots beside it, and a few names.
///
/// Calls block; the hub makes them on threads of its own.
public protocol SessionStore: Sendable {
  /// Whether other servers write to it at the same time, so that a session in memory may be behind its log.
  var isShared: Bool { get }

  /// Writes all of it, or none. When it returns, it is as durable as the store promises.
  func write(_ entries: [StoreEntry]) throws

  /// Writes each group whole or not at all, all in one go, in their order. Where a group is not written, no later one of its
  /// sessions is: it was made upon the other.
  ///
  /// - Returns: the indices of the groups that are not written, because another server was there first: their session's log
  ///   has another event already, is deleted, or their name is taken.
  /// - Throws: where nothing is written, or nobody knows.
  func write(groups: [[StoreEntry]]) throws -> Set<Int>

  /// The last revision of each log, as it is when the call is made or later; nothing for a session that is deleted.
  func heads(_ keys: [Int64]) throws -> [Int64: Int]

  /// The session of that name, whether it is there or was deleted.
  func find(_ id: String) throws -> StoredSession?

  /// The newest snapshot of a session.
  func snapshot(_ key: Int64) throws -> StoredText?

  /// The log after `revision`, at most `limit` events, in order.
  func events(_ key: Int64, after revision: Int, limit: Int) throws -> [StoredText]

  /// The names of the sessions that are there, in alphabetical order.
  func names(after name: String, limit: Int) throws -> [String]

  /// All sessions in the order of their names, those that were deleted too.
  func sessions(after name: String, limit: Int) throws -> [ListedSession]

  /// All names that have a value, in order.
  func values(after name: String, limit: Int) throws -> [NamedValue]

  /// The names of the sessions that may have outlived their retention: `keep` has given them no later time.
  func expired(before time: Int, limit: Int) throws -> [String]

  /// A value by its name.
  func value(_ name: String) throws -> [UInt8]?

  /// Throws where it cannot be reached.
  func check() throws
}

extension SessionStore {
  public var isShared: Bool { false }

  public func write(groups: [[StoreEntry]]) throws -> Set<Int> {
    try write(groups.flatMap { $0 })
    return []
  }
}

extension SessionStore {
  /// Goes through a log, some hundred events in memory at a time; until `body` says false.
  func forEachEvent(_ key: Int64, after revision: Int, _ body: (SessionEvent) throws -> Bool) throws {
    var last = revision
    while true {
      let page = try events(key, after: last, limit: 512)
      for text in page {
        last = text.revision
        if try !body(SessionEvent(text.text)) { return }
      }
      if page.count < 512 { return }
    }
  }
}

/// One thing to write.
public enum StoreEntry: Sendable {
  case create(id: String, key: Int64, time: Int, keepUntil: Int)
  /// Not to be looked at for deletion before this time, in milliseconds since 1970.
  case keep(key: Int64, until: Int)
  case event(key: Int64, revision: Int, text: [UInt8])
  case snapshot(key: Int64, revision: Int, text: [UInt8])
  /// The log and the snapshots go; the name stays taken. Only where the log's last revision is `ifRevision`, if one is given.
  case delete(key: Int64, time: Int, ifRevision: Int? = nil)
  case value(name: String, value: [UInt8])
  /// A value whose name must not have one yet.
  case newValue(name: String, value: [UInt8])

  /// The key of the session that it is about.
  public var key: Int64? {
    switch self {
    case .create(_, let key, _, _), .keep(let key, _), .event(let key, _, _), .snapshot(let key, _, _),
      .delete(let key, _, _):
      key
    case .value, .newValue: nil
    }
  }
}

public struct StoredSession: Sendable, Equatable {
  public var key: Int64
  public var isDeleted: Bool

  public init(key: Int64, isDeleted: Bool) {
    self.key = key
    self.isDeleted = isDeleted
  }
}

/// What an acknowledged report has survived.
public enum StoreDurability: String, Sendable, CaseIterable {
  /// It is on disk: it outlives a loss of power.
  case full
  /// It has left the process, and outlives that; a loss of power of the machine that keeps it may take the last of it.
  case relaxed
}

/// A session as a store lists it.
public struct ListedSession: Sendable, Equatable {
  public var id: String
  public var key: Int64
  /// In milliseconds since 1970.
  public var createdAt: Int
  /// Not to be looked at for deletion before this time, in milliseconds since 1970.
  public var keepUntil: Int
  /// In milliseconds since 1970; nil where it is there.
  public var deletedAt: Int?

  public init(id: String, key: Int64, createdAt: Int, keepUntil: Int, deletedAt: Int?) {
    self.id = id
    self.key = key
    self.createdAt = createdAt
    self.keepUntil = keepUntil
    self.deletedAt = deletedAt
  }
}

/// A value and its name.
public struct NamedValue: Sendable, Equatable {
  public var name: String
  public var value: [UInt8]

  public init(name: String, value: [UInt8]) {
    self.name = name
    self.value = value
  }
}

/// A text of the store and the revision that it belongs to.
public struct StoredText: Sendable, Equatable {
  public var revision: Int
  public var text: [UInt8]

  public init(revision: Int, text: [UInt8]) {
    self.revision = revision
    self.text = text
  }
}

/// Another server was there first: the log has another event already, the session is deleted, or the name is taken.
public struct StoreConflict: Error, CustomStringConvertible, Sendable {
  public var description: String { "another server has written first" }

  public init() {}
}

/// What a store cannot do.
public struct StoreError: Error, CustomStringConvertible, Sendable {
  public let description: String

  public init(_ description: String) { self.description = description }
}
