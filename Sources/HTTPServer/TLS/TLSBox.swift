import Synchronization

/// The TLS context that new connections get, which a reload exchanges.
final class TLSBox: Sendable {
  private let configuration: TLSConfiguration
  private let current: Mutex<TLSContext>

  init(_ configuration: TLSConfiguration) throws(TLSError) {
    self.configuration = configuration
    current = Mutex(try TLSContext(configuration))
  }

  var context: TLSContext { current.withLock { $0 } }

  /// Reads the files again; where that fails, what was there stays.
  func reload() throws(TLSError) {
    let next = try TLSContext(configuration, after: context)
    current.withLock { $0 = next }
  }
}
