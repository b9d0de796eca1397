import Dispatch
public import JSON
import Policies
import Schedules

/// What operators ask for, and what a trainer asks for once a run.
extension SessionHub {
  // MARK: Making

  /// The names that a session may have.
  public static func check(name: String) throws(SessionError) {
    let isGood = name.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || [0x2d, 0x2e, 0x5f, 0x3a].contains(byte)
    }
    if name.isEmpty || name.utf8.count > 128 || !isGood {
      throw SessionError(.invalid, "a session's name has 1 to 128 letters, digits and - . _ :", pointer: "/id")
    }
  }

  /// The name that belongs to a text, the same one every time: FNV-1a, twice.
  static func name(of text: String) -> String {
    func hash(_ start: UInt64) -> String {
      let value = text.utf8.reduce(start) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
      return String(value, radix: 36)
    }
    return "s-" + hash(0xcbf2_9ce4_8422_2325) + hash(0x9e37_79b9_7f4a_7c15)
  }

  /// A name that nobody has.
  static func freshName() -> String {
    let letters = Array("abcdefghijkmnpqrstuvwxyz23456789")
    return "s-" + String((0..<16).map { _ in letters.randomElement() ?? "a" })
  }

  /// Makes a session under a name of the caller's.
  ///
  /// - Parameter token: for a specification that asks for one; the document of the new session has it, and no later one.
  public func put(
    _ id: String, _ document: JSONValue, token: SessionToken? = nil,
    _ completion: @escaping Completion<(JSONValue, isNew: Bool)>
  ) {
    do throws(SessionError) {
      try Self.check(name: id)
      _ = try SessionSpecification(document)
    } catch {
      return completion(.failure(error))
    }
    create(id, document, token: token) { result in
      completion(result.map { (Self.document($0, token), $0.isNew) })
    }
  }

  /// What a creation answers: with the token that was made for a new session.
  private static func document(_ made: (session: Session, isNew: Bool), _ token: SessionToken?) -> JSONValue {
    made.session.document(time: time()).with(made.isNew && made.session.specification.hasToken ? token : nil)
  }

  /// Makes a session under a new name; with the same key again, the same session.
  ///
  /// - Parameter token: for a specification that asks for one; the document of the new session has it, and no later one.
  public func post(
    _ document: JSONValue, idempotencyKey: String?, token: SessionToken? = nil,
    _ completion: @escaping Completion<JSONValue>
  ) {
    do throws(SessionError) { _ = try SessionSpecification(document) } catch { return completion(.failure(error)) }
    let id = Self.freshName()
    guard let key = idempotencyKey else {
      return create(id, document, token: token) { result in completion(result.map { Self.document($0, token) }) }
    }
    // One key at a time, in the order of arrival.
    keys.async {
      do {
        if let known = try self.store.value("idempotency/\(key)") {
          let id = String(decoding: known, as: UTF8.self)
          return self.look(id, completion) { session in
            guard session.specification.document == document else {
              throw SessionError(.invalid, "the Idempotency-Key was used with another specification")
            }
            return session.document(time: Self.time())
          }
        }
        let done = DispatchSemaphore(value: 0)
        let values = [StoreEntry.newValue(name: "idempotency/\(key)", value: Array(id.utf8))]
        let isKnown = Mark()
        self.create(id, document, values: values, token: token) { result in
          if case .failure(let error) = result, error.kind == .conflict {
            // Another server has answered a request with this key at the same moment.
            isKnown.set()
          } else {
            completion(result.map { Self.document($0, token) })
          }
          done.signal()
        }
        done.wait()
        if isKnown.isSet { self.post(document, idempotencyKey: key, token: token, completion) }
      } catch {
        completion(.failure(SessionError(.unavailable, "the store cannot be read: \(error)")))
      }
    }
  }

  // MARK: Looking

  public func document(_ id: String, _ completion: @escaping Completion<(JSONValue, revision: Int)>) {
    look(id, completion) { ($0.document(time: Self.time()), $0.revision) }
  }

  /// - Returns: by the completion, the sessions after a name, and the name to go on from.
  public func list(
    after name: String, limit: Int, state: String?, label: (name: String, value: String)?,
    _ completion: @escaping Completion<JSONValue>
  ) {
    workers.async {
      do {
        var found: [JSONValue] = []
        var last = name
        var hasMore = true
        // A rare state among many sessions must not keep a worker for ever: the cursor goes on where this page ends.
        var looked = 0
        while found.count < limit && hasMore && looked < 2000 {
          let names = try self.store.names(after: last, limit: min(limit, 200))
          hasMore = names.count == min(limit, 200)
          for id in names where found.count < limit {
            last = id
            looked += 1
            guard case .success(let outline) = self.outline(id, state, label) else { continue }
            if let outline { found.append(outline) }
          }
          if found.count == limit { hasMore = true }
        }
        var members: [(String, JSONValue)] = [("sessions", .array(found))]
        if hasMore { members.append(("cursor", .string(last))) }
        completion(.success(.object(JSONObject(members))))
      } catch {
        completion(.failure(SessionError(.unavailable, "the store cannot be read: \(error)")))
      }
    }
  }

  private func outline(
    _ id: String, _ state: String?, _ label: (name: String, value: String)?
  ) -> Result<JSONValue?, SessionError> {
    let box = Box<Result<JSONValue?, SessionError>>()
    look(id, { box.set($0) }) { session in
      let time = Self.time()
      if let state, session.state(time: time) != state { return nil }
      if let label, !session.labels.contains(where: { $0 == label }) { return nil }
      return session.outline(time: time)
    }
    return box.wait()
  }

  // MARK: Changing

  public func patch(
    _ id: String, _ value: JSONValue, ifMatch: Int?, _ completion: @escaping Completion<(JSONValue, revision: Int)>
  ) {
    let patch: Patch
    do throws(SessionError) { patch = try Patch(value) } catch { return completion(.failure(error)) }
    change(id, ifMatch: ifMatch, completion) { session, time in
      let event = SessionEvent(time: time, change: .patched(patch))
      let outcome = try session.apply(event)
      return (event, outcome, (session.document(time: time), session.revision))
    }
  }

  /// An operator's change of the course.
  ///
  /// - Parameters:
  ///   - isDryRun: answers what it would do, and does nothing.
  ///   - idempotencyKey: sent again with the same key, it is the same override.
  public func override(
    _ id: String, _ value: JSONValue, ifMatch: Int?, isDryRun: Bool, idempotencyKey: String? = nil,
    _ completion: @escaping Completion<(JSONValue, revision: Int)>
  ) {
    let isCommand = value["command"] != nil
    do throws(SessionError) {
      // What is wrong whatever the session says is told first.
      _ = isCommand ? try Self.commandFields(value) : nil
      if !isCommand { try Override.check(value) }
    } catch {
      return completion(.failure(error))
    }
    change(id, ifMatch: ifMatch, completion) { session, time in
      if isCommand { return try Self.command(value, &session, time, isDryRun) }
      if let idempotencyKey, let made = session.overrides.first(where: { $0.key == idempotencyKey }) {
        return (nil, Session.Outcome(), (made.document, session.revision))
      }
      var override = try Override(value, id: "o\(session.overrideCount + 1)", for: session, time: time)
      override.key = idempotencyKey
      let event = SessionEvent(time: time, change: .override(override))
      let preview = try Self.preview(session, event, override)
      if isDryRun {
        var members = override.document.members.map { ($0.name, $0.value) }
        members.append(("preview", preview))
        return (nil, Session.Outcome(), (.object(JSONObject(members)), session.revision))
      }
      let outcome = try session.apply(event)
      return (event, outcome, (override.document, session.revision))
    }
  }

  private struct CommandFields {
    var action: Demand.Action
    var step: Int?
    var resumeStep: Int?
    var reason: String
  }

  private static func commandFields(_ value: JSONValue) throws(SessionError) -> CommandFields {
    let fields = try Fields(value, at: "", names: ["command", "at_step", "resume_step", "reason"])
    return CommandFields(
      action: try fields.choice("command", .checkpoint),
      step: try fields.integer("at_step", 0...SessionSpecification.largestStep),
      resumeStep: try fields.integer("resume_step", 0...SessionSpecification.largestStep),
      reason: try fields.text("reason", largest: 1024) ?? "")
  }

  /// A command to the trainer, from an operator.
  private static func command(
    _ value: JSONValue, _ session: inout Session, _ time: Int, _ isDryRun: Bool
  ) throws -> (SessionEvent?, Session.Outcome, (JSONValue, revision: Int)) {
    let fields = try commandFields(value)
    let first = session.sealedUntil + 1
    let step = fields.step ?? first
    if step < first {
      throw SessionError(
        .conflict,
        "rates are sealed up to step \(session.sealedUntil); a command takes effect at \(first) at the earliest",
        pointer: "/at_step")
    }
    let command = Command(
      id: "c\(session.commandCount + 1)", action: fields.action, atStep: step, resumeStep: fields.resumeStep,
      reason: fields.reason)
    if isDryRun { return (nil, Session.Outcome(), (command.document, session.revision)) }
    let event = SessionEvent(time: time, change: .command(command))
    let outcome = try session.apply(event)
    return (event, outcome, (command.document, session.revision))
  }

  /// The curve before and after, from the change on.
  private static func preview(_ session: Session, _ event: SessionEvent, _ override: Override) throws -> JSONValue {
    var changed = session
    try changed.apply(event)
    var length = 100
    if case .cooldown(let cooldown) = override.change { length = max(length, cooldown.steps + 1) }
    if let until = override.untilStep { length = max(2, until - override.effectiveStep + 2) }
    let stride = max(1, length / 100)
    let first = max(0, override.effectiveStep - 1)
    let steps = (0...(length / stride + 1)).map { first + $0 * stride }
    return [
      "steps": .array(steps.map { .number(Double($0)) }),
      "before": .array(session.projection(steps).map { .number($0) }),
      "after": .array(changed.projection(steps).map { .number($0) }),
    ]
  }

  public func withdraw(
    _ id: String, override name: String, ifMatch: Int?, _ completion: @escaping Completion<Int>
  ) {
    change(id, ifMatch: ifMatch, completion) { session, time in
      guard let override = session.overrides.first(where: { $0.id == name }) else {
        throw SessionError(.unknown, "the session has no override '\(name.prefix(64))'")
      }
      if override.effectiveStep <= session.sealedUntil {
        throw SessionError(
          .conflict,
          "it is in effect: rates are sealed up to step \(session.sealedUntil); another override can undo it from there"
        )
      }
      let event = SessionEvent(time: time, change: .withdrawn(name))
      let outcome = try session.apply(event)
      return (event, outcome, session.revision)
    }
  }

  // MARK: Going back

  /// Opens the next attempt.
  public func restart(_ id: String, _ value: JSONValue, _ completion: @escaping Completion<JSONValue>) {
    let step: Int
    let world: Int?
    let expected: Int?
    do throws(SessionError) {
      let fields = try Fields(value, at: "", names: ["resume_step", "world_size", "attempt"])
      guard let given = try fields.integer("resume_step", 0...SessionSpecification.largestStep) else {
        throw fields.error("resume_step", "a restart needs 'resume_step', the first step that will be run again")
      }
      step = given
      world = try fields.integer("world_size", 1...SessionSpecification.largestWorld)
      expected = try fields.integer("attempt", 2...(1 << 31))
    } catch {
      return completion(.failure(error))
    }
    restart(id, step, world, expected, tries: 8, completion)
  }

  private func restart(
    _ id: String, _ step: Int, _ world: Int?, _ expected: Int?, tries: Int,
    _ completion: @escaping Completion<JSONValue>
  ) {
    find(id) { found in
      guard case .success(let live) = found else {
        if case .failure(let error) = found { completion(.failure(error)) }
        return
      }
      self.look(
        id,
        { (result: Result<Session, SessionError>) in
          guard case .success(let session) = result else {
            if case .failure(let error) = result { completion(.failure(error)) }
            return
          }
          self.workers.async {
            do {
              if let expected, expected == session.attempt, session.resumeStep == step {
                // The same request again: its answer was lost.
                return self.next(id, step: step, count: nil, attempt: expected, wait: 0, completion)
              }
              if let expected, expected != session.attempt + 1 {
                throw SessionError(
                  .staleAttempt, "the session is at attempt \(session.attempt); the next is \(session.attempt + 1)",
                  pointer: "/attempt")
              }
              try session.checkRewind(to: step, "resume_step")
              var rewinder = try self.rewound(session, live.key, to: step)
              let snapshot = try rewinder.finish().snapshot()
              self.change(
                id, ifMatch: session.revision,
                { (result: Result<JSONValue, SessionError>) in
                  if case .failure(let error) = result, error.kind == .revision, tries > 0 {
                    // A report of the old attempt came in between.
                    return self.restart(id, step, world, expected, tries: tries - 1, completion)
                  }
                  completion(result)
                }
              ) { session, time in
                let event = SessionEvent(
                  time: time,
                  change: .attempt(session.attempt + 1, resumeStep: step, worldSize: world, snapshot: snapshot))
                let outcome = try session.apply(event)
                return (event, outcome, try session.answer(step: step, count: nil))
              }
            } catch let error as SessionError {
              completion(.failure(error))
            } catch {
              completion(.failure(SessionError(.unavailable, "\(error)")))
            }
          }
        }
      ) { $0 }
    }
  }

  private func rewound(
    _ session: Session, _ key: Int64, to step: Int, keepsEvents: Bool = false
  ) throws -> Session.Rewinder {
    var rewinder = Session.Rewinder(of: session, to: step, keepsEvents: keepsEvents)
    var left = session.revision
    try store.forEachEvent(key, after: 0) { event in
      if left == 0 { return false }
      left -= 1
      try rewinder.take(event)
      return true
    }
    return rewinder
  }

  /// A new session with the same past.
  ///
  /// - Parameters:
  ///   - idempotencyKey: sent again with the same key, it is the same fork.
  ///   - token: for the fork of a session that has one.
  public func fork(
    _ id: String, _ value: JSONValue, idempotencyKey: String? = nil, token: SessionToken? = nil,
    _ completion: @escaping Completion<JSONValue>
  ) {
    do throws(SessionError) {
      // What is wrong whatever the session is, is told first.
      let fields = try Fields(value, at: "", names: ["at_step", "schedule", "id"])
      if let schedule = fields["schedule"] { _ = try SessionSpecification.schedule(schedule, at: "/schedule") }
    } catch {
      return completion(.failure(error))
    }
    find(id) { found in
      guard case .success(let live) = found else {
        if case .failure(let error) = found { completion(.failure(error)) }
        return
      }
      self.look(
        id,
        { (result: Result<Session, SessionError>) in
          self.workers.async {
            do {
              try self.fork(try result.get(), live.key, value, idempotencyKey, token, completion)
            } catch let error as SessionError {
              completion(.failure(error))
            } catch {
              completion(.failure(SessionError(.unavailable, "\(error)")))
            }
          }
        }
      ) { $0 }
    }
  }

  private func fork(
    _ session: Session, _ key: Int64, _ value: JSONValue, _ idempotencyKey: String?,
    _ token: SessionToken?, _ completion: @escaping Completion<JSONValue>
  ) throws {
    let fields = try Fields(value, at: "", names: ["at_step", "schedule", "id"])
    let step = try fields.integer("at_step", 0...SessionSpecification.largestStep) ?? session.lastStep + 1
    let derived = idempotencyKey.map { Self.name(of: "\(key)/\($0)") }
    let name = try fields.text("id", largest: 128) ?? derived ?? Self.freshName()
    try Self.check(name: name)
    try session.checkRewind(to: step, "at_step")
    var events = try rewound(session, key, to: step, keepsEvents: true).kept
    events.removeFirst()
    for index in events.indices {
      // Nobody has been given a rate of the fork yet.
      if case .reports(var batch) = events[index].change {
        batch.seal = min(batch.seal, step - 1)
        batch.attempt = 1
        events[index].change = .reports(batch)
      }
    }
    let time = Self.time()
    if let schedule = fields["schedule"] {
      let override: JSONValue = [
        "id": .string("o\(session.overrideCount + 1)"), "effective_step": JSONValue(step: step), "schedule": schedule,
        "reason": .string("forked with another schedule"), "time": JSONValue(step: time),
      ]
      _ = try SessionSpecification.schedule(schedule, at: "/schedule")
      events.append(SessionEvent(time: time, change: .override(try Override(stored: override))))
    }
    let lineage: JSONValue = [
      "session": .string(session.id), "at_step": JSONValue(step: step), "revision": JSONValue(step: session.revision),
      "attempt": JSONValue(step: session.attempt),
    ]
    create(name, session.specification.document, lineage: lineage, events: events, token: token) { result in
      completion(
        result.flatMap { made in
          // The same request again: its answer was lost.
          let isAgain = name == derived && made.session.lineage?["at_step"] == lineage["at_step"]
          return made.isNew || isAgain
            ? .success(Self.document(made, token))
            : .failure(SessionError(.conflict, "there is a session '\(name)' already", pointer: "/id"))
        })
    }
  }

  // MARK: The state, for the trainer's own checkpoint

  public func state(_ id: String, _ completion: @escaping Completion<JSONValue>) {
    look(id, completion) { session in
      [
        "format": 1, "session": .string(id), "specification": session.specification.document,
        "snapshot": try session.snapshot(),
      ]
    }
  }

  /// Takes a saved state up again: in a session of that specification, or in a new one.
  ///
  /// - Parameter token: for a new session whose specification asks for one; the answer then has it.
  public func restore(
    _ id: String, _ state: JSONValue, token: SessionToken? = nil, _ completion: @escaping Completion<JSONValue>
  ) {
    guard let document = state["specification"], let snapshot = state["snapshot"] else {
      return completion(.failure(SessionError(.invalid, "this is no state of a session", pointer: "/state")))
    }
    do throws(SessionError) { try Self.check(name: id) } catch { return completion(.failure(error)) }
    create(id, document, token: token) { result in
      switch result {
      case .failure(let error): completion(.failure(error))
      case .success(let made):
        let new = made.isNew && made.session.specification.hasToken ? token : nil
        self.change(id, { (result: Result<JSONValue, SessionError>) in completion(result.map { $0.with(new) }) }) {
          session, time in
          var trial = session
          try trial.restore(snapshot)
          let event = SessionEvent(time: time, change: .restored(snapshot))
          let outcome = try session.apply(event)
          return (event, outcome, try session.answer(step: session.resumeStep, count: nil))
        }
      }
    }
  }
}
