import Dispatch
import Glibc
import HTTPServer
import Logging
import Service
import Synchronization

/// The end of a server: on the first signal it says that it is not ready, then stops listening and lets answers finish; the
/// second one ends it at once.
final class Shutdown: Sendable {
  private let server: HTTPServer
  private let operations: Operations
  private let delay: Double
  private let drainSeconds: Double
  private let log: Logger
  private let signals = Mutex(0)

  /// - Parameters:
  ///   - delay: seconds between the first signal and the end of listening.
  ///   - drainSeconds: seconds that answers get to finish.
  init(server: HTTPServer, operations: Operations, delay: Double, drainSeconds: Double, log: Logger) {
    self.server = server
    self.operations = operations
    self.delay = delay
    self.drainSeconds = drainSeconds
    self.log = log
  }

  /// - Returns: the signal sources, which work from now on as long as they are kept.
  func onSignals() -> [any DispatchSourceSignal] {
    [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")].map { number, name in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { self.begin(name) }
      // A signal that comes before the source is there is ignored: nobody must be told that the server listens until then.
      let isThere = DispatchSemaphore(value: 0)
      source.setRegistrationHandler { isThere.signal() }
      source.resume()
      isThere.wait()
      return source
    }
  }

  /// A signal may have come before there was anything to stop.
  func serverHasStarted() {
    let count = signals.withLock { $0 }
    if count > 1 { server.stop(within: 0) } else if count == 1 && delay <= 0 { server.stop(within: drainSeconds) }
  }

  /// What a signal does.
  func begin(_ signal: String) {
    let count = signals.withLock { count in
      count += 1
      return count
    }
    if count > 1 {
      log.notice("the server stops now", metadata: ["signal": .string(signal)])
      return server.stop(within: 0)
    }
    log.notice(
      "the server drains",
      metadata: [
        "signal": .string(signal), "delay_seconds": .stringConvertible(delay),
        "drain_seconds": .stringConvertible(drainSeconds),
      ])
    operations.beginDraining()
    if delay <= 0 { return server.stop(within: drainSeconds) }
    DispatchQueue.global().asyncAfter(deadline: .now() + delay) {
      // A second signal may have come: it must not be taken back.
      if self.signals.withLock({ $0 }) == 1 { self.server.stop(within: self.drainSeconds) }
    }
  }
}
