import Dispatch
import Foundation
import Synchronization

/// A long answer is made by several cores at a time: each makes a part, and the parts go out in their order.
enum Lanes {
  /// How many parts are made at a time. More than a few would only hold memory: the network takes one after another.
  static let count = min(4, max(1, ProcessInfo.processInfo.activeProcessorCount))

  /// How the next rows are made: one part of `small` rows, or, where much is left, one of `large` rows by each core. The
  /// larger the parts, the less often cores wait for each other, and the more memory a reader that does not read holds.
  ///
  /// - Parameter left: the rows that are still to come.
  static func split(_ left: Int, small: Int, large: Int) -> (parts: Int, size: Int) {
    left < count * large ? (1, small) : (count, large)
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
    for case let result? in results.withLock({ $0 }) { buffer.append(contentsOf: try result.get()) }
  }
}
