import Measures

/// Writes what all sessions have to write, as much as has come together in one go: the wait for the disk is shared.
final class CommitQueue: Sendable {
  /// What to do when it is written, or cannot be.
  struct Ticket: Sendable {
    var entries: [StoreEntry]
    /// The session whose log it is of. Where its last write has failed, this one must not be made.
    var session: LiveSession?
    var completion: @Sendable ((any Error)?) -> Void
  }

  /// So many entries make a transaction, at most.
  private static let largestBatch = 8192

  private let queue: GatheringQueue<Ticket>

  init(_ store: any SessionStore, _ measures: SessionMeasures) {
    queue = GatheringQueue(label: "sessions.commit") { Self.write($0, store, measures) }
  }

  func submit(_ ticket: Ticket) { queue.submit(ticket) }

  /// Returns when everything that was submitted before is written.
  func drain() { queue.drain() }

  private static func write(_ tickets: [Ticket], _ store: any SessionStore, _ measures: SessionMeasures) {
    var start = 0
    while start < tickets.count {
      var end = start
      var size = 0
      while end < tickets.count && size < largestBatch {
        size += tickets[end].entries.count
        end += 1
      }
      write(tickets[start..<end], store, measures)
      start = end
    }
  }

  private static func write(
    _ tickets: ArraySlice<Ticket>, _ store: any SessionStore, _ measures: SessionMeasures
  ) {
    var good: [Ticket] = []
    for ticket in tickets {
      guard let session = ticket.session, session.hasFailed else {
        good.append(ticket)
        continue
      }
      ticket.completion(session.isOvertaken ? StoreConflict() : StoreError("an earlier write has failed"))
    }
    if good.isEmpty { return }
    var failure: (any Error)?
    var lost: Set<Int> = []
    let start = SessionHub.now()
    do {
      lost = try store.write(groups: good.map(\.entries))
      for index in lost where good.indices.contains(index) { good[index].session?.fail(isOvertaken: true) }
    } catch {
      failure = error
      measures.failedCommits.add()
      for ticket in good { ticket.session?.fail() }
    }
    measures.commits.observe(SessionHub.now() - start)
    for (index, ticket) in good.enumerated() { ticket.completion(lost.contains(index) ? StoreConflict() : failure) }
  }
}
