import Dispatch
import Measures
import Synchronization

/// Writes what all sessions have to write, as much as has come together in one go: the wait for the disk is shared.
final class CommitQueue: Sendable {
  /// What to do when it is written, or cannot be.
  struct Ticket: Sendable {
    var entries: [StoreEntry]
    /// The session whose log it is of. Where its last write has failed, this one must not be made.
    var session: LiveSession?
    var completion: @Sendable ((any Error)?) -> Void
  }

  private struct State {
    var waiting: [Ticket] = []
    var isRunning = false
  }

  /// So many entries make a transaction, at most.
  private static let largestBatch = 8192

  private let store: any SessionStore
  private let measures: SessionMeasures
  private let queue = DispatchQueue(label: "sessions.commit")
  private let state = Mutex(State())

  init(_ store: any SessionStore, _ measures: SessionMeasures) {
    self.store = store
    self.measures = measures
  }

  func submit(_ ticket: Ticket) {
    let begins = state.withLock { state in
      state.waiting.append(ticket)
      if state.isRunning { return false }
      state.isRunning = true
      return true
    }
    if begins { queue.async { self.run() } }
  }

  /// Returns when everything that was submitted before is written.
  func drain() { queue.sync {} }

  private func run() {
    while true {
      let tickets = state.withLock { state in
        let tickets = state.waiting
        state.waiting = []
        if tickets.isEmpty { state.isRunning = false }
        return tickets
      }
      if tickets.isEmpty { return }
      var start = 0
      while start < tickets.count {
        var end = start
        var size = 0
        while end < tickets.count && size < Self.largestBatch {
          size += tickets[end].entries.count
          end += 1
        }
        write(tickets[start..<end])
        start = end
      }
    }
  }

  private func write(_ tickets: ArraySlice<Ticket>) {
    let isTried = tickets.map { $0.session?.hasFailed != true }
    let good = zip(tickets, isTried).filter(\.1).map(\.0)
    var failure: (any Error)?
    let start = SessionHub.now()
    var lost: Set<Int> = []
    do {
      if good.isEmpty {
      } else if store.isShared {
        lost = try store.write(groups: good.map(\.entries))
        for index in lost where good.indices.contains(index) { good[index].session?.fail(isOvertaken: true) }
      } else {
        try store.write(good.flatMap(\.entries))
      }
    } catch {
      failure = error
      measures.failedCommits.add()
      for ticket in good { ticket.session?.fail() }
    }
    if !good.isEmpty { measures.commits.observe(SessionHub.now() - start) }
    var index = 0
    for (ticket, isTried) in zip(tickets, isTried) {
      var error = failure
      if isTried {
        if lost.contains(index) { error = StoreConflict() }
        index += 1
      } else {
        error = ticket.session?.isOvertaken == true ? StoreConflict() : StoreError("an earlier write has failed")
      }
      ticket.completion(error)
    }
  }
}
