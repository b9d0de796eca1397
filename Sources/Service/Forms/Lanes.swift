import Dispatch
import Foundation
import HTTPServer
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

  /// Makes `parts` parts at once.
  ///
  /// - Parameter make: makes the part of an index; called on several threads.
  /// - Returns: the parts in their order.
  /// - Throws: what the first part that failed has thrown.
  static func make(_ parts: Int, _ make: @Sendable (_ part: Int) throws -> [UInt8]) throws -> [[UInt8]] {
    let results = Mutex([Result<[UInt8], any Error>?](repeating: nil, count: parts))
    DispatchQueue.concurrentPerform(iterations: parts) { part in
      let result = Result { try make(part) }
      results.withLock { $0[part] = result }
    }
    return try results.withLock { results in
      defer { results = [] }
      return try results.map { result in try result?.get() ?? [] }
    }
  }
}

/// A content of rows that is long at times, and then made by several cores.
protocol LaneSource: HTTPBodySource {
  /// Appends what stands before the next row.
  func begin(_ buffer: inout [UInt8])

  /// How the next rows are made: see ``Lanes/split(_:small:large:_:)``.
  mutating func split() -> (parts: Int, size: Int)

  /// Appends the rows of one part of those that come next.
  func append(_ part: Int, size: Int, to buffer: inout [UInt8]) throws

  /// Goes on behind the rows that have been made, and appends what stands there.
  ///
  /// - Returns: whether there is more.
  mutating func finish(parts: Int, size: Int, _ buffer: inout [UInt8]) -> Bool
}

extension LaneSource {
  mutating func next(into buffer: inout [UInt8]) throws -> Bool {
    begin(&buffer)
    let (parts, size) = split()
    if parts == 1 {
      try append(0, size: size, to: &buffer)
    } else {
      for part in try make(parts, size, room: 0) { buffer.append(contentsOf: part) }
    }
    return finish(parts: parts, size: size, &buffer)
  }

  mutating func nextParts(room: Int) throws -> (parts: [[UInt8]], hasMore: Bool) {
    var first = [UInt8](repeating: 0, count: room)
    begin(&first)
    let (parts, size) = split()
    if parts == 1 {
      try append(0, size: size, to: &first)
      let hasMore = finish(parts: parts, size: size, &first)
      return ([first], hasMore)
    }
    var made = try make(parts, size, room: room)
    if first.count > room {
      // What stands before the rows is short: a part of its own.
      made.insert(first, at: 0)
    }
    let hasMore = finish(parts: parts, size: size, &made[made.count - 1])
    return (made, hasMore)
  }

  private func make(_ parts: Int, _ size: Int, room: Int) throws -> [[UInt8]] {
    try Lanes.make(parts) { part in
      var bytes = [UInt8](repeating: 0, count: room)
      try append(part, size: size, to: &bytes)
      return bytes
    }
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
