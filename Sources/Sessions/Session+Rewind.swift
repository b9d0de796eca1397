import JSON

/// Going back: the session as it would be had it stopped before a step.
extension Session {
  /// What belongs to the course that leads to a step: reports of steps from there on, and those that earlier restarts
  /// have left behind, do not.
  ///
  /// Fed with the whole log in order, holding one event at a time.
  struct Rewinder {
    private(set) var session: Session
    private let restarts: [Restart]
    private let step: Int
    private var revision = 0
    /// Reports were left out since the last restart: what was sealed upon them is not taken over.
    private var hasDropped = false
    /// The effective events, where they are wanted for a fork.
    private(set) var kept: [SessionEvent] = []
    private let keepsEvents: Bool

    init(of session: Session, to step: Int, keepsEvents: Bool = false) {
      self.session = Session(id: session.id, specification: session.specification)
      restarts = session.restarts
      self.step = step
      self.keepsEvents = keepsEvents
    }

    /// Steps before this are of the course.
    private var limit: Int {
      restarts.reduce(step) { limit, restart in restart.revision > revision ? min(limit, restart.step) : limit }
    }

    mutating func take(_ event: SessionEvent) throws {
      revision += 1
      switch event.change {
      case .reports(var batch):
        let count = batch.reports.count
        batch.reports.removeAll { $0.step >= limit }
        if batch.reports.count < count { hasDropped = true }
        if hasDropped { batch.seal = min(batch.seal, limit - 1) }
        if batch.reports.isEmpty && batch.seal <= session.sealedUntil { return }
        try apply(SessionEvent(time: event.time, change: .reports(batch)))
      case .attempt(_, let resume, let world, _):
        hasDropped = false
        if let world { session.worldSize = world }
        session.arrivals = []
        if resume <= limit { session.seal(through: max(session.sealedUntil, resume)) }
      case .restored:
        hasDropped = false
        try apply(event)
        if session.lastStep >= step {
          throw SessionError(
            .conflict, "a state of step \(session.lastStep) was restored: the session cannot go back further",
            pointer: "/resume_step")
        }
      case .created, .override, .withdrawn, .command, .patched: try apply(event)
      }
    }

    private mutating func apply(_ event: SessionEvent) throws {
      try session.apply(event)
      if keepsEvents { kept.append(event) }
    }

    /// The session before `step`, its rate at that step decided.
    mutating func finish() -> Session {
      session.seal(through: max(session.sealedUntil, step))
      return session
    }
  }

  /// - Parameter step: the first step of the new attempt.
  func checkRewind(to step: Int, _ field: String) throws(SessionError) {
    if step > sealedUntil + 1 {
      throw SessionError(
        .invalid,
        "rates are sealed up to step \(sealedUntil): the session can go on from step \(sealedUntil + 1) at most",
        pointer: "/\(field)")
    }
  }
}
