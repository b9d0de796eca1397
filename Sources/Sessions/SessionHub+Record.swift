import Dispatch
public import JSON
import Policies
import Synchronization

/// Reading and checking the log.
extension SessionHub {
  /// A piece of the log: texts as they stand there.
  public struct Page: Sendable {
    public var events: [StoredText]
    /// The last revision that is on disk.
    public var durable: Int
  }

  /// The log after a revision, as far as it is on disk.
  public func page(_ id: String, after revision: Int, limit: Int, _ completion: @escaping Completion<Page>) {
    find(id) { found in
      switch found {
      case .failure(let error): completion(.failure(error))
      case .success(let live):
        self.workers.async {
          do {
            var durable = live.withContent { $0.durable }
            let texts = try self.store.events(live.key, after: revision, limit: limit)
            // In a shared store all that is read is on disk, whoever has written it.
            if self.store.isShared { durable = max(durable, texts.last?.revision ?? 0) }
            completion(.success(Page(events: texts, durable: durable)))
          } catch {
            completion(.failure(SessionError(.unavailable, "the store cannot be read: \(error)")))
          }
        }
      }
    }
  }

  /// The log after a revision, for a thread that may wait.
  public func pageNow(_ id: String, after revision: Int, limit: Int) throws(SessionError) -> Page {
    let box = Box<Result<Page, SessionError>>()
    page(id, after: revision, limit: limit) { box.set($0) }
    return try box.wait().get()
  }

  /// What the session's range test found.
  public func suggestions(_ id: String, _ completion: @escaping Completion<JSONValue>) {
    look(id, completion) { $0.suggestions }
  }

  /// Calls `body` with the log's pieces on a worker, then with nil.
  ///
  /// - Parameter body: returns whether to go on.
  public func pages(
    _ id: String, after revision: Int, _ completion: @escaping Completion<Void>,
    _ body: @escaping @Sendable (JSONValue, Int) -> Bool
  ) {
    find(id) { found in
      switch found {
      case .failure(let error): completion(.failure(error))
      case .success(let live):
        self.workers.async {
          do {
            var last = revision
            while true {
              let page = try self.store.events(live.key, after: last, limit: 512)
              for text in page {
                last = text.revision
                if !body(try JSONReader.read(text.text, depth: 256), text.revision) { return completion(.success(())) }
              }
              if page.count < 512 { return completion(.success(())) }
            }
          } catch {
            completion(.failure(SessionError(.unavailable, "the store cannot be read: \(error)")))
          }
        }
      }
    }
  }

  /// Waits for news of a session: the log has grown beyond `revision`, the session has ended, or the time is over.
  ///
  /// - Returns: a way to stop waiting.
  public func awaitNews(
    _ id: String, after revision: Int, seconds: Double, _ body: @escaping @Sendable () -> Void
  ) -> @Sendable () -> Void {
    let watch = watch(id, until: Self.now() + seconds, after: revision, body)
    return { watch.cancel() }
  }

  // MARK: Replay

  /// Recomputes a session from its log: whether it gives the same, or what it would have given otherwise.
  public func replay(_ id: String, _ value: JSONValue, _ completion: @escaping Completion<JSONValue>) {
    do throws(SessionError) {
      // What is wrong whatever the session is, is told first.
      let fields = try Fields(value, at: "", names: ["schedule", "policies", "bounds", "groups"])
      var members = fields.object.members.map { ($0.name, $0.value) }
      if fields["schedule"] == nil { members.append(("schedule", ["type": "constant", "base_lr": 1])) }
      _ = try SessionSpecification(.object(JSONObject(members)))
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
              let session = try result.get()
              let fields = try Fields(value, at: "", names: ["schedule", "policies", "bounds", "groups"])
              let isOther = !value.members.isEmpty
              completion(
                .success(
                  isOther
                    ? try self.whatIf(session, live.key, fields)
                    : try Replay(store: self.store).verify(session, live.key)))
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

  /// The most steps that a comparison lists.
  private static let comparisonLimit = 1000

  /// What another schedule or other policies would have made of the same reports.
  private func whatIf(_ session: Session, _ key: Int64, _ fields: Fields) throws -> JSONValue {
    var members = session.specification.document.members.filter { fields[$0.name] == nil }.map { ($0.name, $0.value) }
    members += fields.object.members.map { ($0.name, $0.value) }
    let specification = try SessionSpecification(.object(JSONObject(members)))
    let rewinder = try {
      var rewinder = Session.Rewinder(of: session, to: session.sealedUntil + 1, keepsEvents: true)
      var left = session.revision
      try store.forEachEvent(key, after: 0) { event in
        if left == 0 { return false }
        left -= 1
        try rewinder.take(event)
        return true
      }
      return rewinder
    }()
    var recorded = Session(id: session.id, specification: session.specification)
    var replayed = Session(id: session.id, specification: specification)
    var first: JSONValue = .null
    var differing = 0
    var decisions: [JSONValue] = []
    var rows: [JSONValue] = []
    let stride = max(1, rewinder.kept.count / Self.comparisonLimit)
    for (index, event) in rewinder.kept.enumerated() {
      var other = event
      if case .reports(var batch) = event.change {
        // What the trainer used on its own is of the course that it took.
        for index in batch.reports.indices { batch.reports[index].applied = nil }
        other.change = .reports(batch)
      }
      try recorded.apply(event)
      let outcome = try replayed.apply(other)
      for decision in outcome.decisions where decisions.count < Self.comparisonLimit {
        var members = decision.document.members.map { ($0.name, $0.value) }
        members.append(("step", JSONValue(step: replayed.lastStep)))
        decisions.append(.object(JSONObject(members)))
      }
      guard case .reports(let batch) = event.change else { continue }
      let (was, would) = (recorded.rate(at: batch.seal), replayed.rate(at: batch.seal))
      let row: JSONValue = [
        "step": JSONValue(step: batch.seal), "recorded": was.map { .report($0) } ?? .null,
        "replayed": would.map { .report($0) } ?? .null,
      ]
      if was != would {
        differing += 1
        if first == .null { first = row }
      }
      if index % stride == 0 { rows.append(row) }
    }
    return [
      "divergence": first, "differing": JSONValue(step: differing), "decisions": .array(decisions),
      "learning_rates": .array(rows),
    ]
  }
}
