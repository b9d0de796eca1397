import Dispatch
import Synchronization

/// Asks a shared store how long logs are, for as many sessions as have come together in one go.
final class HeadQueue: Sendable {
  /// - Parameter result: the last revision; nil for a session that is deleted.
  typealias Completion = @Sendable (_ result: Result<Int?, any Error>) -> Void

  private struct State {
    var waiting: [(key: Int64, completion: Completion)] = []
    var isRunning = false
  }

  private let store: any SessionStore
  private let queue = DispatchQueue(label: "sessions.heads")
  private let state = Mutex(State())

  init(_ store: any SessionStore) { self.store = store }

  /// Calls `completion` with the head as it is now or later, from a thread of the queue's own, which must not be kept.
  func ask(_ key: Int64, _ completion: @escaping Completion) {
    let begins = state.withLock { state in
      state.waiting.append((key, completion))
      if state.isRunning { return false }
      state.isRunning = true
      return true
    }
    if begins { queue.async { self.run() } }
  }

  private func run() {
    while true {
      let questions = state.withLock { state in
        let questions = state.waiting
        state.waiting = []
        if questions.isEmpty { state.isRunning = false }
        return questions
      }
      if questions.isEmpty { return }
      do {
        let heads = try store.heads(Array(Set(questions.map(\.key))))
        for (key, completion) in questions { completion(.success(heads[key])) }
      } catch {
        for (_, completion) in questions { completion(.failure(error)) }
      }
    }
  }
}
