import Dispatch
import Synchronization

/// Looks, while somebody waits for news of a session in a shared store, whether another server has written to it.
final class Lookout: Sendable {
  /// Milliseconds between two looks: so late, at most, is the news.
  static let interval = 150

  private struct State {
    var watched: [ObjectIdentifier: (live: LiveSession, count: Int, renew: @Sendable () -> Void)] = [:]
    var isRunning = false
  }

  private let heads: HeadQueue
  private let queue = DispatchQueue(label: "sessions.lookout")
  private let state = Mutex(State())

  init(_ heads: HeadQueue) { self.heads = heads }

  /// - Parameter renew: called where another server has written.
  func begin(_ live: LiveSession, _ renew: @escaping @Sendable () -> Void) {
    let begins = state.withLock { state in
      state.watched[ObjectIdentifier(live), default: (live, 0, renew)].count += 1
      if state.isRunning { return false }
      state.isRunning = true
      return true
    }
    if begins { look() }
  }

  func end(_ live: LiveSession) {
    state.withLock { state in
      guard let count = state.watched[ObjectIdentifier(live)]?.count else { return }
      state.watched[ObjectIdentifier(live)]?.count = count - 1
      if count == 1 { state.watched[ObjectIdentifier(live)] = nil }
    }
  }

  private func look() {
    queue.asyncAfter(deadline: .now() + .milliseconds(Self.interval)) {
      let watched = self.state.withLock { state in
        if state.watched.isEmpty { state.isRunning = false }
        return Array(state.watched.values)
      }
      if watched.isEmpty { return }
      for (live, _, renew) in watched {
        self.heads.ask(live.key) { result in
          // Where the store cannot be asked, the next look will tell.
          guard case .success(let head) = result else { return }
          let isBehind = live.withContent { content in head.map { $0 > content.session.revision } ?? true }
          if isBehind { renew() }
        }
      }
      self.look()
    }
  }
}
