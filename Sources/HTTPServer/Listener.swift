import Synchronization

/// A socket that takes connections, and what lies between it and HTTP.
struct Listener: Sendable {
  let descriptor: Int32
  /// Nil for plain HTTP. A reload changes what new connections get, not what those that are there have.
  let secure: TLSBox?

  var tls: TLSContext? { secure?.context }
}

/// How many connections there are over all loops.
final class ConnectionCount: Sendable {
  private let current = Atomic(0)

  var value: Int { current.load(ordering: .relaxed) }

  /// - Returns: whether there was room for one more, which is then counted.
  func enter(limit: Int) -> Bool {
    if current.add(1, ordering: .relaxed).newValue <= limit { return true }
    leave()
    return false
  }

  func leave() { current.subtract(1, ordering: .relaxed) }
}
