import Dispatch
import JSON
import Synchronization

/// Changing a session, and looking at one.
///
/// Where the hub is the store's only writer, the session in memory is the truth. In a shared store it may be behind: another
/// server has written to the log. A change that writes learns so by its write, which the log takes only as its next event. Whatever
/// answers without a write (a look, a duplicate, a refusal) asks the store how long the log is. Where the memory is behind,
/// the session is brought up to date, and the whole operation is made anew.
extension SessionHub {
  /// What is to be done with a session.
  private struct Operation<Value: Sendable>: Sendable {
    var id: String
    var ifMatch: Int?
    var isLook = false
    /// Whether what is in memory is good enough where the store cannot be asked.
    var takesMemory = false
    var completion: Completion<Value>
    var decide: @Sendable (inout Session, Int) throws -> (SessionEvent?, Session.Outcome, Value)
    /// The length of the log, read after the operation has begun: a session in memory that knows as much is up to date.
    var head: Int?
    /// The store cannot be asked; the memory has to do.
    var isOffline = false
    var tries = 0
  }

  /// So often another server may be faster before an operation gives up.
  private static let mostTries = 64

  /// After another server's write so many changes ask first: else each would try to write and lose.
  static let contention = 8

  /// Changes a session and answers when the change is on disk.
  ///
  /// - Parameter decide: looks at the session and changes it by ``Session/apply(_:)`` alone; returns the event, nil where
  ///   nothing has changed, and the answer. In a shared store it may be called several times.
  func change<Value: Sendable>(
    _ id: String, ifMatch: Int? = nil, _ completion: @escaping Completion<Value>,
    _ decide: @escaping @Sendable (inout Session, Int) throws -> (SessionEvent?, Session.Outcome, Value)
  ) {
    perform(Operation(id: id, ifMatch: ifMatch, completion: completion, decide: decide))
  }

  /// Looks at a session as it is on disk or will be when `completion` is called.
  ///
  /// - Parameter takesMemory: whether what is in memory will do where a shared store cannot be reached.
  func look<Value: Sendable>(
    _ id: String, takesMemory: Bool = false, _ completion: @escaping Completion<Value>,
    _ body: @escaping @Sendable (Session) throws -> Value
  ) {
    perform(
      Operation(id: id, isLook: true, takesMemory: takesMemory, completion: completion) { session, _ in
        (nil, Session.Outcome(), try body(session))
      })
  }

  private func perform<Value: Sendable>(_ operation: Operation<Value>) {
    find(operation.id) { found in
      switch found {
      case .failure(let error): operation.completion(.failure(error))
      case .success(let live):
        do {
          switch try self.decide(operation, live) {
          case .wait: break
          case .answer(let value): operation.completion(.success(value))
          case .gone where self.store.isShared, .behind: self.renew(live, operation)
          case .gone:
            self.forget(live)
            self.perform(operation)
          case .ask: self.ask(live, operation)
          }
        } catch let error as SessionError {
          operation.completion(.failure(error))
        } catch {
          operation.completion(.failure(SessionError(.unavailable, "\(error)")))
        }
      }
    }
  }

  private enum Next<Value: Sendable>: Sendable {
    /// The session in memory is of no use any more.
    case gone
    /// It lacks what another server has written.
    case behind
    /// The store must be asked whether it lacks something.
    case ask
    case answer(Value)
    case wait
  }

  private func decide<Value: Sendable>(_ operation: Operation<Value>, _ live: LiveSession) throws -> Next<Value> {
    let isShared = store.isShared
    return try live.withContent { content -> Next<Value> in
      if content.isGone || live.hasFailed { return .gone }
      content.lastUse = Self.now()
      if isShared {
        if let head = operation.head {
          if head > content.session.revision { return .behind }
        } else if operation.isLook || content.contention > 0 {
          return .ask
        }
        if content.durable == content.session.revision { content.known = operation.isLook ? nil : content.session }
      }
      let isSure = !isShared || operation.head != nil
      let before = content.session.revision
      let event: SessionEvent?
      let outcome: Session.Outcome
      let value: Value
      do {
        if let ifMatch = operation.ifMatch, ifMatch != before {
          throw SessionError(.revision, "the session is at revision \(before)")
        }
        (event, outcome, value) = try operation.decide(&content.session, Self.time())
      } catch {
        // Changed, and then not to be told of: the memory is of no use, the disk knows nothing of it.
        if content.session.revision != before { live.fail() }
        if !isSure { return .ask }
        throw operation.isOffline ? Self.unreachable : error
      }
      let revision = content.session.revision
      if event == nil && !isSure { return .ask }
      if content.durable >= revision { return .answer(value) }
      content.pending.append(
        (
          revision,
          { ending in
            switch ending {
            case .durable: operation.completion(.success(value))
            // What is on disk is in memory again.
            case .failed where operation.takesMemory: self.again(operation)
            case .failed(let error): operation.completion(.failure(error))
            case .overtaken: self.again(operation)
            }
          }
        ))
      if let event { submit(event, outcome, live, &content) }
      return .wait
    }
  }

  private static var unreachable: SessionError {
    SessionError(.unavailable, "the store cannot be reached; what is sealed already is still answered")
  }

  /// Hands an event that is folded in already to the disk; the session's lock is held, so the log keeps its order.
  private func submit(
    _ event: SessionEvent, _ outcome: Session.Outcome, _ live: LiveSession, _ content: inout LiveSession.Content
  ) {
    let revision = content.session.revision
    let sealed = content.session.sealedUntil
    var entries = [StoreEntry.event(key: live.key, revision: revision, text: event.encoded(outcome))]
    if case .patched(let patch) = event.change, let retain = patch.retain {
      entries.append(.keep(key: live.key, until: event.time + retain * 1000))
    }
    content.eventsSinceSnapshot += 1
    if content.eventsSinceSnapshot >= configuration.snapshotInterval, let snapshot = try? content.session.snapshot() {
      content.eventsSinceSnapshot = 0
      entries.append(
        .snapshot(key: live.key, revision: revision, text: Array(JSONWriter.text(snapshot).utf8)))
    }
    commits.submit(
      CommitQueue.Ticket(entries: entries, session: live) { error in
        if error is StoreConflict {
          live.end(.overtaken)
        } else if let error {
          self.giveUp(live)
          live.end(.failed(SessionError(.unavailable, "the store cannot write: \(error)")))
        } else {
          live.committed(revision, sealed: sealed)
        }
      })
  }

  // MARK: Shared stores

  /// Makes an operation anew that another server was faster than.
  private func again<Value: Sendable>(_ operation: Operation<Value>) {
    var next = operation
    next.head = nil
    next.tries += 1
    if next.tries > Self.mostTries {
      return operation.completion(
        .failure(SessionError(.unavailable, "other servers write to the session all the time")))
    }
    let again = next
    // Two servers that write in turn must not keep step. The first time there is no reason to think so.
    let delay = next.tries < 2 ? 0 : Int.random(in: 0...(500 * min(next.tries, 20)))
    if delay == 0 { return workers.async { self.perform(again) } }
    workers.asyncAfter(deadline: .now() + .microseconds(delay)) { self.perform(again) }
  }

  /// Asks how long the log is, and goes on.
  private func ask<Value: Sendable>(_ live: LiveSession, _ operation: Operation<Value>) {
    heads.ask(live.key) { result in
      // The queue of heads must not be held up by one session.
      self.workers.async {
        var next = operation
        switch result {
        case .success(let head?):
          next.head = head
          live.withContent { content in
            if content.contention > 0 && head <= content.session.revision { content.contention -= 1 }
          }
        case .success(nil):
          // Deleted: whoever asks the store for it now is told so.
          self.forget(live)
          live.end(.overtaken)
        case .failure(let error):
          guard operation.takesMemory else {
            return operation.completion(
              .failure(SessionError(.unavailable, "the store cannot be read: \(error)")))
          }
          next.head = 0
          next.isOffline = true
        }
        self.perform(next)
      }
    }
  }

  /// Brings a session up to date, and goes on with the operation.
  private func renew<Value: Sendable>(_ live: LiveSession, _ operation: Operation<Value>) {
    renew(live) { error in
      if let error, !operation.takesMemory { return operation.completion(.failure(error)) }
      var next = operation
      next.tries += 1
      if error != nil {
        next.head = 0
        next.isOffline = true
      }
      if next.tries > Self.mostTries { return operation.completion(.failure(error ?? Self.unreachable)) }
      self.perform(next)
    }
  }

  /// Puts in the place of a session one that has all of the log.
  ///
  /// - Parameter body: called from a thread of the shard's.
  func renew(_ live: LiveSession, _ body: @escaping @Sendable (SessionError?) -> Void) {
    let shard = shard(live.id)
    shard.queue.async {
      let isHere = shard.sessions.withLock { $0[live.id] === live }
      if !isHere { return body(nil) }
      let known = live.retire()
      var failure: SessionError?
      do {
        let new = try self.load(live.id, from: known)
        new.withContent { $0.contention = Self.contention }
        shard.sessions.withLock { $0[live.id] = new }
      } catch {
        failure = error as? SessionError ?? SessionError(.unavailable, "the store cannot be read: \(error)")
        // A session that another server has deleted is not to be answered for any more.
        if error is SessionError { self.forget(live) } else { self.giveUp(live) }
      }
      live.fail(isOvertaken: true)
      live.end(failure.map { .failed($0) } ?? .overtaken)
      body(failure)
    }
  }

  /// Puts in the place of a session whose log cannot be written what of it is on disk, so that a server that has lost its store
  /// goes on answering what is sealed; or nothing, where the store is the hub's own and can be read.
  private func giveUp(_ live: LiveSession) {
    guard store.isShared, let known = live.retire() else { return forget(live) }
    let new = LiveSession(
      known.session, key: live.key, tokenHash: live.tokenHash, eventsSinceSnapshot: known.eventsSinceSnapshot,
      now: Self.now())
    new.withContent { $0.contention = Self.contention }
    shard(live.id).sessions.withLock { sessions in
      if sessions[live.id] === live { sessions[live.id] = new }
    }
  }
}

/// Something that has happened.
final class Mark: Sendable {
  private let value = Atomic(false)

  var isSet: Bool { value.load(ordering: .acquiring) }

  func set() { value.store(true, ordering: .releasing) }
}
