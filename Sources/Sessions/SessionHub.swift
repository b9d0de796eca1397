import Dispatch
import Foundation
import JSON
import Synchronization

/// All sessions of a server: those in memory, and the way to those that are only in the store.
///
/// A call never blocks: answers come through a closure, when what they tell is on disk.
public final class SessionHub: Sendable {
  public struct Configuration: Sendable {
    /// How many sessions stay in memory; the rest come back from the store when they are asked for.
    public var liveSessions = 20_000
    /// After so many events the state is saved beside the log.
    public var snapshotInterval = 1000

    public init() {}
  }

  public typealias Completion<Value> = @Sendable (Result<Value, SessionError>) -> Void

  private static let shardCount = 64

  let store: any SessionStore
  let configuration: Configuration
  private let shards: [Holder]
  let commits: CommitQueue
  let heads: HeadQueue
  let lookout: Lookout
  public let measures = SessionMeasures()
  let workers = DispatchQueue(label: "sessions.workers", attributes: .concurrent)
  /// Creations with an Idempotency-Key, one at a time.
  let keys = DispatchQueue(label: "sessions.keys")
  private let checks = DispatchQueue(label: "sessions.checks")
  /// Safe: set once, before anybody else has the hub; `cancel` may be called from any thread.
  nonisolated(unsafe) private let timer: any DispatchSourceTimer
  private let liveCount = Atomic(0)

  /// A shard is not copyable.
  final class Holder: Sendable {
    let sessions = Mutex<[String: LiveSession]>([:])
    let queue: DispatchQueue

    init(_ index: Int) { queue = DispatchQueue(label: "sessions.shard.\(index)") }
  }

  public init(store: any SessionStore, configuration: Configuration = Configuration()) {
    self.store = store
    self.configuration = configuration
    commits = CommitQueue(store, measures)
    heads = HeadQueue(store)
    lookout = Lookout(heads)
    shards = (0..<Self.shardCount).map(Holder.init)
    timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "sessions.timer"))
    timer.schedule(deadline: .now() + 5, repeating: 5)
    timer.setEventHandler { [weak self] in self?.tidy() }
    timer.resume()
  }

  deinit { timer.cancel() }

  /// Milliseconds since 1970.
  static func time() -> Int { Int(Date().timeIntervalSince1970 * 1000) }

  static func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }

  func shard(_ id: String) -> Holder {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return shards[Int(hash % UInt64(Self.shardCount))]
  }

  /// How many sessions are in memory.
  public var live: Int { liveCount.load(ordering: .relaxed) }

  /// Tells whether the store can be read: nil, or what is wrong.
  ///
  /// One question at a time: however many ask a store that hangs, they hold up one thread.
  public func check(_ completion: @escaping @Sendable (_ failure: String?) -> Void) {
    checks.async {
      do {
        try self.store.check()
        completion(nil)
      } catch {
        completion("\(error)")
      }
    }
  }

  /// Waits until everything that was answered or is about to be is written.
  public func drain() { commits.drain() }

  // MARK: Finding a session

  /// Calls `body` with the session: at once where it is in memory, else from a thread of its own.
  func find(_ id: String, _ body: @escaping @Sendable (Result<LiveSession, SessionError>) -> Void) {
    let shard = shard(id)
    if let live = shard.sessions.withLock({ $0[id] }) { return body(.success(live)) }
    shard.queue.async {
      if let live = shard.sessions.withLock({ $0[id] }) { return body(.success(live)) }
      do {
        let live = try self.load(id)
        self.enter(live, shard)
        body(.success(live))
      } catch let error as SessionError {
        body(.failure(error))
      } catch {
        body(.failure(SessionError(.unavailable, "the store cannot be read: \(error)")))
      }
    }
  }

  private func enter(_ live: LiveSession, _ shard: Holder) {
    shard.sessions.withLock { $0[live.id] = live }
    liveCount.add(1, ordering: .relaxed)
  }

  func forget(_ live: LiveSession) {
    let shard = shard(live.id)
    let removed = shard.sessions.withLock { sessions in
      guard sessions[live.id] === live else { return false }
      sessions[live.id] = nil
      return true
    }
    if removed { liveCount.subtract(1, ordering: .relaxed) }
  }

  /// - Parameter known: a state of it that is on disk, to go on from; else the newest snapshot.
  func load(
    _ id: String, from known: (session: Session, eventsSinceSnapshot: Int)? = nil
  ) throws -> LiveSession {
    guard let stored = try store.find(id) else {
      throw SessionError(.unknown, "there is no session '\(id.prefix(64))'; PUT or POST /sessions makes one")
    }
    if stored.isDeleted { throw SessionError(.deleted, "the session '\(id.prefix(64))' was deleted") }
    let (session, tail) = try known.map { try fold($0, stored.key) } ?? fold(id, stored.key)
    // Where the hash is lost, no token fits.
    let tokenHash = session.specification.hasToken ? try store.value(SessionToken.storeName(id)) ?? [] : nil
    return LiveSession(
      session, key: stored.key, tokenHash: tokenHash, eventsSinceSnapshot: tail, now: Self.now())
  }

  /// The session from a state of it and the log after that.
  private func fold(
    _ known: (session: Session, eventsSinceSnapshot: Int), _ key: Int64
  ) throws -> (session: Session, tail: Int) {
    var (session, tail) = known
    try store.forEachEvent(key, after: session.revision) { event in
      try session.apply(event)
      tail += 1
      return true
    }
    return (session, tail)
  }

  /// The session from its newest snapshot and the log after it.
  private func fold(_ id: String, _ key: Int64) throws -> (session: Session, tail: Int) {
    guard let first = try store.events(key, after: 0, limit: 1).first else {
      throw StoreError("the session '\(id)' has no log")
    }
    let created = try SessionEvent(first.text)
    guard case .created(let document, _) = created.change else {
      throw StoreError("the log of '\(id)' does not begin with its specification")
    }
    let specification = try SessionSpecification(document)
    var session = Session(id: id, specification: specification)
    var revision = 0
    if let snapshot = try store.snapshot(key) {
      session = try .restored(id: id, specification: specification, snapshot: try JSONReader.read(snapshot.text))
      revision = snapshot.revision
    }
    var tail = 0
    try store.forEachEvent(key, after: revision) { event in
      try session.apply(event)
      tail += 1
      return true
    }
    return (session, tail)
  }

  // MARK: Making and ending sessions

  /// Makes a session, or finds that one of that name and specification is there.
  ///
  /// - Parameters:
  ///   - events: what follows the specification in its log, for a fork.
  ///   - values: what is to be written with it.
  ///   - token: for a specification that asks for one.
  func create(
    _ id: String, _ document: JSONValue, lineage: JSONValue? = nil, events: [SessionEvent] = [],
    values: [StoreEntry] = [], token: SessionToken? = nil,
    _ completion: @escaping Completion<(session: Session, isNew: Bool)>
  ) {
    let shard = shard(id)
    shard.queue.async {
      do {
        if let stored = try self.store.find(id) {
          if stored.isDeleted {
            throw SessionError(.deleted, "a session '\(id.prefix(64))' was deleted; choose another name")
          }
          return self.look(id, completion) { session in
            guard session.specification.document == document else {
              throw SessionError(
                .conflict,
                "there is a session '\(id.prefix(64))' with another specification: "
                  + Self.differences(session.specification.document, document))
            }
            return (session, false)
          }
        }
        let specification = try SessionSpecification(document)
        var session = Session(id: id, specification: specification)
        let key = Int64.random(in: 1...Int64.max)
        let first = SessionEvent(time: Self.time(), change: .created(specification: document, lineage: lineage))
        let keepUntil = first.time + session.retain * 1000
        var entries = [StoreEntry.create(id: id, key: key, time: first.time, keepUntil: keepUntil)]
        for event in [first] + events {
          let outcome = try session.apply(event)
          entries.append(.event(key: key, revision: session.revision, text: event.encoded(outcome)))
        }
        var tokenHash: [UInt8]?
        if specification.hasToken {
          guard let token else { throw SessionError(.invalid, "no token can be made here", pointer: "/token") }
          tokenHash = token.hash
          entries.append(.value(name: SessionToken.storeName(id), value: token.hash))
        }
        let (made, hash) = (session, tokenHash)
        let written = DispatchSemaphore(value: 0)
        let wasOvertaken = Mark()
        // The shard's queue waits: a second creation of the same name must find the first.
        self.commits.submit(
          CommitQueue.Ticket(entries: entries + values, session: nil) { error in
            if error is StoreConflict {
              wasOvertaken.set()
            } else if let error {
              completion(.failure(SessionError(.unavailable, "the store cannot write: \(error)")))
            } else {
              self.enter(
                LiveSession(
                  made, key: key, tokenHash: hash, eventsSinceSnapshot: made.revision, now: Self.now()), shard)
              completion(.success((made, true)))
            }
            written.signal()
          })
        written.wait()
        if wasOvertaken.isSet {
          if try self.store.find(id) == nil { throw SessionError(.conflict, "the same request is answered elsewhere") }
          // Another server has made a session of that name at the same moment.
          self.create(
            id, document, lineage: lineage, events: events, values: values, token: token, completion)
        }
      } catch let error as SessionError {
        completion(.failure(error))
      } catch {
        completion(.failure(SessionError(.unavailable, "the store cannot be read: \(error)")))
      }
    }
  }

  /// What is different, by the names of the fields.
  private static func differences(_ a: JSONValue, _ b: JSONValue) -> String {
    let names = SessionSpecification.fields.filter { a[$0] != b[$0] }
    return names.map { name in
      "'\(name)' is \(a[name].map(JSONWriter.text) ?? "left out"), not \(b[name].map(JSONWriter.text) ?? "left out")"
    }.joined(separator: "; ")
  }

  public func delete(_ id: String, ifMatch: Int?, _ completion: @escaping Completion<Void>) {
    whenCurrent(id) { failure in
      if let failure { return completion(.failure(failure)) }
      self.remove(id, ifMatch: ifMatch, completion)
    }
  }

  /// Calls `body` when the session in memory has all that other servers have written: at once where there are none.
  private func whenCurrent(_ id: String, _ body: @escaping @Sendable (SessionError?) -> Void) {
    if !store.isShared { return body(nil) }
    look(
      id,
      { (result: Result<Int, SessionError>) in
        if case .failure(let error) = result { body(error) } else { body(nil) }
      }
    ) { $0.revision }
  }

  private func remove(_ id: String, ifMatch: Int?, _ completion: @escaping Completion<Void>) {
    find(id) { found in
      switch found {
      case .failure(let error): completion(.failure(error))
      case .success(let live):
        let mismatch = live.withContent { content -> Int? in
          if let ifMatch, ifMatch != content.session.revision { return content.session.revision }
          content.isGone = true
          return nil
        }
        if let mismatch {
          return completion(.failure(SessionError(.revision, "the session is at revision \(mismatch)")))
        }
        let entry = StoreEntry.delete(
          key: live.key, time: Self.time(), ifRevision: self.store.isShared ? ifMatch : nil)
        self.commits.submit(
          CommitQueue.Ticket(entries: [entry], session: live) { error in
            self.forget(live)
            if error is StoreConflict {
              live.end(.overtaken)
              return completion(.failure(SessionError(.revision, "another server has written to the session")))
            }
            live.end(.failed(SessionError(.deleted, "the session '\(id.prefix(64))' was deleted")))
            completion(
              error.map { .failure(SessionError(.unavailable, "the store cannot write: \($0)")) } ?? .success(()))
          })
      }
    }
  }

  // MARK: Memory and retention

  private func tidy() {
    putAway()
    deleteExpired(at: Self.time())
  }

  /// Deletes the sessions that nothing was heard of for as long as they are to be kept.
  ///
  /// - Parameter time: now, in milliseconds since 1970.
  public func deleteExpired(at time: Int) {
    guard let names = try? store.expired(before: time, limit: 100) else { return }
    for id in names {
      // Another server may have heard of it.
      whenCurrent(id) { failure in if failure == nil { self.expire(id, at: time) } }
    }
  }

  /// Deletes a session if its time has come.
  private func expire(_ id: String, at time: Int) {
    find(id) { found in
      guard case .success(let live) = found else { return }
      let (until, isUsed, revision) = live.withContent { content in
        (
          content.session.updatedAt + content.session.retain * 1000, !content.pending.isEmpty,
          content.session.revision
        )
      }
      if until < time && !isUsed {
        self.remove(id, ifMatch: revision) { _ in }
      } else {
        self.commits.submit(
          CommitQueue.Ticket(entries: [.keep(key: live.key, until: max(until, time + 1000))], session: nil) { _ in })
      }
    }
  }

  /// Puts away the sessions that were not used for longest, where there are too many.
  private func putAway() {
    if live <= configuration.liveSessions { return }
    var uses: [(use: Double, live: LiveSession)] = []
    for shard in shards {
      for live in shard.sessions.withLock({ Array($0.values) }) {
        uses.append((live.withContent { $0.lastUse }, live))
      }
    }
    uses.sort { $0.use < $1.use }
    for (_, live) in uses.prefix(uses.count - configuration.liveSessions * 9 / 10) { putAway(live) }
  }

  /// Puts a session away unless somebody waits for it.
  func putAway(_ live: LiveSession) {
    let isIdle = live.withContent { content in
      guard content.pending.isEmpty, content.watchers.isEmpty, content.durable == content.session.revision else {
        return false
      }
      content.isGone = true
      return true
    }
    if isIdle { forget(live) }
  }

  /// Puts a session away, as if it had been idle for long. For tests and for those who move stores.
  public func putAway(_ id: String) {
    if let live = shard(id).sessions.withLock({ $0[id] }) { putAway(live) }
  }
}
