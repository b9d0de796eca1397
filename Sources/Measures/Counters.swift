import Glibc
import Synchronization

/// Numbers side by side that only grow, added to from any thread without a lock.
///
/// All are 0 at first, in memory of the kernel's that costs nothing until it is written to: there may be many more than are
/// ever used.
///
/// Unchecked: the memory is only touched by atomic operations and lives as long as this does.
public final class Counters: @unchecked Sendable {
  public let count: Int
  private let base: UnsafeMutablePointer<Atomic<UInt64>>

  /// - Parameter count: how many; at least 1.
  public init(count: Int) {
    self.count = max(1, count)
    let memory = mmap(nil, Self.size(of: self.count), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let memory, memory != MAP_FAILED else { fatalError("out of memory") }
    // Pages of zeros: what an atomic 0 is in memory.
    base = memory.bindMemory(to: Atomic<UInt64>.self, capacity: self.count)
  }

  deinit { munmap(base, Self.size(of: count)) }

  /// Octets of so many counters: whole pages, so that two sets of them never share a line of the processor's cache.
  private static func size(of count: Int) -> Int {
    let page = 4096
    return (count * MemoryLayout<Atomic<UInt64>>.stride + page - 1) / page * page
  }

  /// Adds to the number at `index`; to none where there is no such index.
  @inline(__always) public func add(_ amount: UInt64, at index: Int) {
    if index < 0 || index >= count { return }
    base[index].add(amount, ordering: .relaxed)
  }

  /// The number at `index`; 0 where there is no such index.
  public subscript(_ index: Int) -> UInt64 {
    index < 0 || index >= count ? 0 : base[index].load(ordering: .relaxed)
  }
}

/// One number that only grows.
public final class Counter: Sendable {
  private let count = Atomic<UInt64>(0)

  public init() {}

  public func add(_ amount: UInt64 = 1) { count.add(amount, ordering: .relaxed) }

  public var value: UInt64 { count.load(ordering: .relaxed) }
}
