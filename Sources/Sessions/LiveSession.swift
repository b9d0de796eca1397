import Synchronization

/// A session in memory: its state, and who waits for it to reach the disk.
final class LiveSession: Sendable {
  struct Content: Sendable {
    var session: Session
    /// The last revision that is on disk; answers tell of nothing later.
    var durable: Int
    var durableSealed: Int
    /// Called, in order, when their revision is on disk.
    var pending: [(revision: Int, call: @Sendable (SessionError?) -> Void)] = []
    /// Called at every change.
    var watchers: [Int: @Sendable () -> Void] = [:]
    var nextWatcher = 0
    /// Put away or given up: whoever finds it so asks the hub for another.
    var isGone = false
    var lastUse: Double
    var eventsSinceSnapshot: Int
  }

  let id: String
  let key: Int64
  /// The hash of the token that its trainer must have; nil where it needs none.
  let tokenHash: [UInt8]?
  private let content: Mutex<Content>
  private let failed = Atomic(false)

  init(_ session: Session, key: Int64, tokenHash: [UInt8]?, eventsSinceSnapshot: Int, now: Double) {
    id = session.id
    self.tokenHash = tokenHash
    self.key = key
    content = Mutex(
      Content(
        session: session, durable: session.revision, durableSealed: session.sealedUntil, lastUse: now,
        eventsSinceSnapshot: eventsSinceSnapshot))
  }

  /// Whether a write of its log has failed; then the memory is ahead of the disk, and no later write may be made.
  var hasFailed: Bool { failed.load(ordering: .acquiring) }

  func withContent<Result>(_ body: (inout sending Content) throws -> sending Result) rethrows -> sending Result {
    try content.withLock(body)
  }

  /// The revision is on disk.
  func committed(_ revision: Int, sealed: Int) {
    let (calls, watchers) = content.withLock { content in
      content.durable = max(content.durable, revision)
      content.durableSealed = sealed
      let count = content.pending.prefix { $0.revision <= content.durable }.count
      let calls = content.pending.prefix(count).map(\.call)
      content.pending.removeFirst(count)
      return (calls, Array(content.watchers.values))
    }
    for call in calls { call(nil) }
    for watcher in watchers { watcher() }
  }

  /// A write has failed: what was not on disk has not happened.
  func fail() { failed.store(true, ordering: .releasing) }

  /// Ends it; those that wait are told why.
  func end(_ error: SessionError?) {
    let (calls, watchers) = content.withLock { content in
      content.isGone = true
      defer {
        content.pending = []
        content.watchers = [:]
      }
      return (content.pending.map(\.call), Array(content.watchers.values))
    }
    for call in calls { call(error) }
    for watcher in watchers { watcher() }
  }
}
