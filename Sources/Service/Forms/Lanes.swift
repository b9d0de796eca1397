import Dispatch
import Foundation
import Synchronization

/// A long answer is made by several cores at a time: each makes a part, and the parts go out in their order.
enum Lanes {
  /// How many parts are made at a time. More than a few would only hold memory: the network takes one after another.
  static let count = min(4, max(1, ProcessInfo.processInfo.activeProcessorCount))

  /// How the next rows are made: one part of `small` rows, or, where much is left, several of `large` rows. There are more
  /// parts than cores, so that a core that has to send meanwhile does fewer of them.
  ///
  /// - Parameters:
  ///   - left: the rows that are still to come.
  ///   - pass: lets a long answer run far ahead; taken where one is to be had.
  static func split(_ left: Int, small: Int, large: Int, _ pass: inout LongAnswerPass?) -> (parts: Int, size: Int) {
    if pass == nil && left >= 12 * count * large { pass = LongAnswerPass.take() }
    let parts = (pass == nil ? 2 : 6) * count
    return left < parts * large ? (1, small) : (parts, large)
  }

  /// Makes `parts` parts, at once where there are several, and appends them to `buffer`.
  ///
  /// - Parameter make: appends the part of an index; called on several threads.
  /// - Throws: what the first part that failed has thrown.
  static func append(
    _ parts: Int, to buffer: inout [UInt8], _ make: @Sendable (_ part: Int, _ buffer: inout [UInt8]) throws -> Void
  ) throws {
    if parts == 1 { return try make(0, &buffer) }
    let results = Mutex([Result<[UInt8], any Error>?](repeating: nil, count: parts))
    DispatchQueue.concurrentPerform(iterations: parts) { part in
      let result = Result {
        var bytes: [UInt8] = []
        try make(part, &bytes)
        return bytes
      }
      results.withLock { $0[part] = result }
    }
    let made = try results.withLock { $0 }.map { result in try result?.get() ?? [] }
    // With some room at the end, for what frames it.
    buffer.reserveCapacity(made.reduce(buffer.count + 64) { $0 + $1.count })
    for bytes in made { buffer.append(contentsOf: bytes) }
  }
}

/// Lets a long answer run far ahead of its reader: the less cores wait for each other, the sooner it is there. A reader that
/// does not read holds the memory of it, so only a few answers at a time have one.
final class LongAnswerPass: Sendable {
  /// Octets that may be unsent while more are made.
  static let octetsAhead = 2 << 20

  /// 16 answers: some 50 MB at the most.
  private static let limit = 16
  private static let taken = Atomic(0)

  private init() {}

  deinit { Self.taken.subtract(1, ordering: .relaxed) }

  static func take() -> LongAnswerPass? {
    if taken.add(1, ordering: .relaxed).newValue <= limit { return LongAnswerPass() }
    taken.subtract(1, ordering: .relaxed)
    return nil
  }
}
