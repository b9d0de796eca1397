import Dispatch
import Synchronization

/// Handles what comes from many threads on one thread of its own: all that has come together while it was busy, in one go.
final class GatheringQueue<Item: Sendable>: Sendable {
  private struct State {
    var waiting: [Item] = []
    var isRunning = false
  }

  private let queue: DispatchQueue
  private let handle: @Sendable ([Item]) -> Void
  private let state = Mutex(State())

  /// - Parameter handle: gets at least one item, in the order of their coming.
  init(label: String, _ handle: @escaping @Sendable ([Item]) -> Void) {
    queue = DispatchQueue(label: label)
    self.handle = handle
  }

  func submit(_ item: Item) {
    let begins = state.withLock { state in
      state.waiting.append(item)
      if state.isRunning { return false }
      state.isRunning = true
      return true
    }
    if begins { queue.async { self.run() } }
  }

  /// Returns when everything that was submitted before is handled.
  func drain() { queue.sync {} }

  private func run() {
    while true {
      let items = state.withLock { state in
        let items = state.waiting
        state.waiting = []
        if items.isEmpty { state.isRunning = false }
        return items
      }
      if items.isEmpty { return }
      handle(items)
    }
  }
}
