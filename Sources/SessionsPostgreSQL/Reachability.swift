import Dispatch
import Sessions
import Synchronization

/// Whether the database can be reached: for all connections of a store.
///
/// Where it cannot, one thread looks for it and everybody else is refused at once: a server whose database hangs must not
/// hang with it.
final class Reachability: Sendable {
  private struct State {
    /// Why it cannot be reached; nil where it can, as far as is known.
    var failure: String?
    var look: (@Sendable () throws -> Void)?
  }

  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "sessions.reachability")

  /// The longest pause between two looks, in milliseconds.
  private static let longestPause = 2000

  /// Begins to look when the database is lost from now on.
  ///
  /// - Parameter look: throws where the database cannot be reached.
  func begin(_ look: @escaping @Sendable () throws -> Void) { state.withLock { $0.look = look } }

  /// Nobody looks any more.
  func end() { state.withLock { $0.look = nil } }

  /// - Throws: ``StoreError`` where it is known that the database cannot be reached.
  func check() throws {
    if let failure = state.withLock({ $0.failure }) { throw Self.error(failure) }
  }

  /// Takes note that the database could not be reached.
  func fail(_ reason: String) -> StoreError {
    let begins = state.withLock { state in
      if state.failure != nil || state.look == nil { return false }
      state.failure = reason
      return true
    }
    if begins { look(50) }
    return Self.error(reason)
  }

  private static func error(_ reason: String) -> StoreError {
    StoreError("the database cannot be reached: \(reason)")
  }

  private func look(_ pause: Int) {
    // Servers that have lost the same database must not all come back at the same moment.
    queue.asyncAfter(deadline: .now() + .milliseconds(Int.random(in: pause / 2...pause))) { [weak self] in
      guard let self, let look = self.state.withLock({ $0.look }) else { return }
      do {
        try look()
        self.state.withLock { $0.failure = nil }
      } catch {
        self.look(min(pause * 2, Self.longestPause))
      }
    }
  }
}
