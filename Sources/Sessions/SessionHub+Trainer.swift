import Dispatch
public import JSON
import Measures
import Synchronization

/// What trainers ask for.
extension SessionHub {
  /// Where the rate is not decided yet: how long a request waits for it.
  public static let longestWait = 60.0

  /// Takes reports and answers with the next rates, once the reports are on disk.
  ///
  /// - Parameter wait: seconds to wait for the other ranks of a quorum.
  public func report(
    _ id: String, _ request: ReportRequest, wait: Double = 0, isExplained: Bool = false,
    _ completion: @escaping Completion<JSONValue>
  ) {
    change(
      id,
      { (result: Result<(answer: ReportAnswer, accepted: Int), SessionError>) in
        if case .success(let (_, accepted)) = result, accepted > 0 { self.measures.reports.add(UInt64(accepted)) }
        switch result.map(\.answer) {
        case .failure(let error): completion(.failure(error))
        case .success(.rates(let answer)): completion(.success(answer))
        case .success(.failed(let error)): completion(.failure(error))
        case .success(.waiting(let step, let document)):
          if wait <= 0 { return completion(.success(document)) }
          self.next(
            id, step: step, count: request.count, attempt: request.attempt, wait: wait, isExplained: isExplained
          ) { result in
            if case .failure(let error) = result, error.kind == .notSealed { return completion(.success(document)) }
            completion(result)
          }
        }
      }
    ) { session, time in
      let (event, outcome, receipt) = try session.take(request, time: time)
      if receipt.step > session.sealedUntil {
        return (event, outcome, (.waiting(step: receipt.step, session.waiting(receipt)), receipt.accepted))
      }
      do {
        let answer = try session.answer(
          step: receipt.step, count: request.count, receipt: receipt, isExplained: isExplained)
        return (event, outcome, (.rates(answer), receipt.accepted))
      } catch let error as SessionError {
        // The report is taken all the same: it is of a step so old that the rate after it is no longer in memory.
        return (event, outcome, (.failed(error), receipt.accepted))
      }
    }
  }

  private enum ReportAnswer: Sendable {
    case rates(JSONValue)
    case waiting(step: Int, JSONValue)
    case failed(SessionError)
  }

  /// The rates from a step on, without a report.
  ///
  /// - Parameters:
  ///   - step: the first step; nil for the one after all reports.
  ///   - wait: seconds to wait until it is decided.
  public func next(
    _ id: String, step: Int?, count: Int?, attempt: Int?, wait: Double, isExplained: Bool = false,
    _ completion: @escaping Completion<JSONValue>
  ) {
    let deadline = Self.now() + min(max(wait, 0), Self.longestWait)
    next(id, step, count, attempt, deadline, isExplained, completion)
  }

  private func next(
    _ id: String, _ step: Int?, _ count: Int?, _ attempt: Int?, _ deadline: Double, _ isExplained: Bool,
    _ completion: @escaping Completion<JSONValue>
  ) {
    look(
      id, takesMemory: true,
      { (result: Result<JSONValue, SessionError>) in
        guard case .failure(let error) = result, error.kind == .notSealed, Self.now() < deadline else {
          return completion(result)
        }
        self.watch(id, until: deadline, past: step) {
          self.next(id, step, count, attempt, deadline, isExplained, completion)
        }
      }
    ) { session in
      try session.check(attempt: attempt)
      return try session.answer(
        step: step ?? session.lastStep + 1, count: count, isExplained: isExplained)
    }
  }

  /// Calls `body` once: when the session changes, is decided up to `step` already, ends, or the time is over.
  ///
  /// - Parameter revision: what the caller knows; later changes have been missed already.
  /// - Returns: a way to be called no more.
  @discardableResult
  func watch(
    _ id: String, until deadline: Double, past step: Int? = nil, after revision: Int? = nil,
    _ body: @escaping @Sendable () -> Void
  ) -> Watch {
    let watch = Watch(body)
    find(id) { found in
      guard case .success(let live) = found else { return watch.call() }
      // Before the watcher is there: it may be called, and end, at once.
      if self.store.isShared { self.lookout.begin(live) { [weak self] in self?.renew(live) { _ in } } }
      let isNews = live.withContent { content -> Bool in
        if content.isGone || step.map({ $0 <= content.durableSealed }) ?? false { return true }
        if let revision, content.durable > revision { return true }
        content.nextWatcher += 1
        let token = content.nextWatcher
        content.watchers[token] = { watch.call() }
        watch.onEnd {
          live.withContent { content in content.watchers[token] = nil }
          if self.store.isShared { self.lookout.end(live) }
        }
        return false
      }
      if isNews {
        if self.store.isShared { self.lookout.end(live) }
        return watch.call()
      }
      self.workers.asyncAfter(deadline: .now() + max(0, deadline - Self.now())) { watch.call() }
    }
    return watch
  }
}

/// Calls a closure once, or never where it is cancelled before.
final class Watch: Sendable {
  private struct State {
    var body: (@Sendable () -> Void)?
    var end: (@Sendable () -> Void)?
  }

  private let state: Mutex<State>

  init(_ body: @escaping @Sendable () -> Void) { state = Mutex(State(body: body)) }

  func onEnd(_ end: @escaping @Sendable () -> Void) { state.withLock { $0.end = end } }

  func call() {
    let taken = take()
    taken.end?()
    taken.body?()
  }

  func cancel() { take().end?() }

  private func take() -> State {
    state.withLock { state in
      defer { state = State() }
      return state
    }
  }
}

extension Session {
  /// What a rank of a quorum is told while others have not reported yet.
  func waiting(_ receipt: Receipt) -> JSONValue {
    let arrived = arrivals.first { $0.step == receipt.step - 1 }?.ranks.count ?? 0
    let members: [(String, JSONValue)] = [
      ("step", JSONValue(step: receipt.step)), ("learning_rate", .null), ("sealed_until", JSONValue(step: sealedUntil)),
      ("revision", JSONValue(step: revision)), ("attempt", JSONValue(step: attempt)),
      ("waiting_for", JSONValue(step: max(0, worldSize - arrived))),
    ]
    return .object(JSONObject(members + receipt.members))
  }
}
