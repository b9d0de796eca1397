import JSON

/// Folds logs anew and compares with what is written.
struct Replay {
  let store: any SessionStore

  /// Folds the log of a session and compares every rate and every decision with what is written, and the state in memory at
  /// the end.
  func verify(_ session: Session, _ key: Int64) throws -> JSONValue {
    var (replayed, last, divergence) = try fold(
      Session(id: session.id, specification: session.specification), key, until: session.revision)
    if divergence == nil, try replayed.snapshot() != session.snapshot() {
      divergence = ["revision": JSONValue(step: session.revision), "detail": "the state in memory is another"]
    }
    return [
      "verified": .bool(divergence == nil), "events": JSONValue(step: last),
      "reports": JSONValue(step: replayed.reportCount), "divergence": divergence ?? .null,
    ]
  }

  /// Folds a log, as it is kept or copied, from its first event on.
  ///
  /// - Parameter other: a store whose log of the session must be the same, octet for octet.
  /// - Returns: how many events it has.
  /// - Throws: ``StoreError`` where a rate, a decision or the newest snapshot is not what the log gives.
  func verify(_ id: String, _ key: Int64, beside other: (any SessionStore)? = nil) throws -> Int {
    guard let first = try store.events(key, after: 0, limit: 1).first,
      case .created(let document, _) = try SessionEvent(first.text).change
    else { throw StoreError("the log does not begin with a specification") }
    let specification = try SessionSpecification(document)
    let kept = try store.snapshot(key)
    var atSnapshot: JSONValue?
    let (_, count, divergence) = try fold(Session(id: id, specification: specification), key, beside: other) {
      session in
      if session.revision == kept?.revision { atSnapshot = try session.snapshot() }
    }
    if let divergence {
      throw StoreError("the log does not give what is written: \(JSONWriter.text(divergence))")
    }
    if let kept {
      let restored = try Session.restored(
        id: id, specification: specification, snapshot: try JSONReader.read(kept.text, depth: 256))
      if try restored.snapshot() != atSnapshot {
        throw StoreError("the snapshot of revision \(kept.revision) is not what the log gives")
      }
    }
    return count
  }

  /// - Parameters:
  ///   - limit: so many events are folded, at most.
  ///   - body: sees the session after each event.
  /// - Returns: the session, the last revision, and where and how the log gives something else than is written.
  private func fold(
    _ session: Session, _ key: Int64, until limit: Int = .max, beside other: (any SessionStore)? = nil,
    _ body: (Session) throws -> Void = { _ in }
  ) throws -> (session: Session, last: Int, divergence: JSONValue?) {
    var replayed = session
    var last = 0
    while last < limit {
      let page = try store.events(key, after: last, limit: min(512, limit - last))
      if let other, try other.events(key, after: last, limit: page.count) != page {
        throw StoreError("the two logs differ after revision \(last)")
      }
      for text in page {
        last = text.revision
        let event = try SessionEvent(text.text)
        if case .attempt(_, let step, _, let snapshot) = event.change,
          let other = try mismatch(replayed, key, at: text.revision, step: step, snapshot)
        {
          return (replayed, last, other)
        }
        let outcome = try replayed.apply(event)
        let recorded = try JSONReader.read(text.text, depth: 256)
        let document = event.document(outcome)
        if document != recorded { return (replayed, last, Self.divergence(text.revision, recorded, document)) }
        try body(replayed)
      }
      if page.count < 512 { break }
    }
    return (replayed, last, nil)
  }

  /// Whether a restart's state is what the log before it gives.
  private func mismatch(
    _ session: Session, _ key: Int64, at revision: Int, step: Int, _ snapshot: JSONValue
  ) throws -> JSONValue? {
    var rewinder = Session.Rewinder(of: session, to: step)
    var left = revision - 1
    try store.forEachEvent(key, after: 0) { event in
      if left == 0 { return false }
      left -= 1
      try rewinder.take(event)
      return true
    }
    if try rewinder.finish().snapshot() == snapshot { return nil }
    return ["revision": JSONValue(step: revision), "detail": "the restart's state is not what the log gives"]
  }

  private static func divergence(_ revision: Int, _ recorded: JSONValue, _ replayed: JSONValue) -> JSONValue {
    let names = recorded.members.map(\.name).filter { recorded[$0] != replayed[$0] }
    let name = names.first ?? "kind"
    return [
      "revision": JSONValue(step: revision), "field": .string(name), "recorded": recorded[name] ?? .null,
      "replayed": replayed[name] ?? .null,
    ]
  }
}
