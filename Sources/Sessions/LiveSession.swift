import Synchronization

/// A session in memory: its state, and who waits for it to reach the disk.
final class LiveSession: Sendable {
  struct Content: Sendable {
    var session: Session
    /// The last revision that is on disk; answers tell of nothing later.
    var durable: Int
    var durableSealed: Int
    /// Called, in order, when their revision is on disk.
    var pending: [(revision: Int, call: @Sendable (Ending) -> Void)] = []
    /// Called at every change.
    var watchers: [Int: @Sendable () -> Void] = [:]
    var nextWatcher = 0
    /// Put away or given up: whoever finds it so asks the hub for another.
    var isGone = false
    var lastUse: Double
    var eventsSinceSnapshot: Int
    /// In a shared store: a state that is on disk, to go on from where a write is lost.
    var known: Session?
    /// In a shared store: so many changes ask the store first, since another server has just written to the session.
    var contention = 0
  }

  /// What has become of a change that waits.
  enum Ending: Sendable {
    case durable
    case failed(SessionError)
    /// Another server has written first: it is to be made anew.
    case overtaken
  }

  let id: String
  let key: Int64
  /// The hash of the token that its trainer must have; nil where it needs none.
  let tokenHash: [UInt8]?
  private let content: Mutex<Content>
  private let failed = Atomic(false)
  private let overtaken = Atomic(false)

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

  /// Whether it has failed because another server has written to the log.
  var isOvertaken: Bool { overtaken.load(ordering: .acquiring) }

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
    for call in calls { call(.durable) }
    for watcher in watchers { watcher() }
  }

  /// A write has failed: what was not on disk has not happened.
  func fail(isOvertaken: Bool = false) {
    if isOvertaken { overtaken.store(true, ordering: .releasing) }
    failed.store(true, ordering: .releasing)
  }

  /// Takes it out of use.
  ///
  /// - Returns: the newest state that is surely on disk, to go on from.
  func retire() -> (session: Session, eventsSinceSnapshot: Int)? {
    content.withLock { content in
      content.isGone = true
      let session = content.durable == content.session.revision ? content.session : content.known
      return session.map { ($0, content.eventsSinceSnapshot) }
    }
  }

  /// Ends it; those that wait are told why.
  func end(_ ending: Ending) {
    let (calls, watchers) = content.withLock { content in
      content.isGone = true
      defer {
        content.pending = []
        content.watchers = [:]
      }
      return (content.pending.map(\.call), Array(content.watchers.values))
    }
    for call in calls { call(ending) }
    for watcher in watchers { watcher() }
  }
}
