public import Dispatch
import Foundation
import Synchronization

/// An HTTP/1.1 server on epoll event loops, one a core.
public final class HTTPServer: Sendable {
  private struct Running {
    var listener: Int32 = -1
    var loops: [EventLoop] = []
  }

  private let host: String
  private let port: UInt16
  private let limits: HTTPServerLimits
  private let handler: any HTTPHandler
  private let loopCount: Int
  private let running = Mutex(Running())
  private let group = DispatchGroup()

  /// - Parameters:
  ///   - host: the address to listen on.
  ///   - port: the TCP port; 0 for any free one.
  ///   - limits: what a client may ask for.
  ///   - loops: how many event loops; nil for as many as cores.
  ///   - handler: what answers.
  public init(
    host: String, port: UInt16, limits: HTTPServerLimits = HTTPServerLimits(),
    loops: Int? = nil, handler: any HTTPHandler
  ) {
    self.host = host
    self.port = port
    self.limits = limits
    loopCount = max(1, loops ?? ProcessInfo.processInfo.activeProcessorCount)
    self.handler = handler
  }

  /// Begins to listen and to answer.
  ///
  /// - Returns: the port that it listens on.
  /// - Throws: ``SystemError``, for example where the port is taken.
  public func start() throws -> UInt16 {
    // A client that closes early must not end the process.
    signal(SIGPIPE, SIG_IGN)
    let (listener, port) = try Socket.listen(host: host, port: self.port, backlog: 1024)
    let workers = DispatchQueue(label: "http.workers", attributes: .concurrent)
    let count = ConnectionCount()
    do {
      let loops = try (0..<loopCount).map { index in
        try EventLoop(
          index: index, listener: listener, limits: limits, handler: handler, count: count, workers: workers)
      }
      running.withLock { $0 = Running(listener: listener, loops: loops) }
      for loop in loops { loop.start(group, among: loops) }
    } catch {
      close(listener)
      throw error
    }
    return port
  }

  /// What goes on now, over all loops; zeros where the server does not run.
  public var activity: HTTPServerActivity {
    running.withLock { running in
      var activity = HTTPServerActivity()
      for loop in running.loops {
        activity.connections += loop.connectionCount
        activity.requestsInFlight += loop.inFlight.load(ordering: .relaxed)
        activity.acceptedConnections += loop.accepted.load(ordering: .relaxed)
      }
      return activity
    }
  }

  /// Stops: no new connections, idle ones end at once, the others after the response they are waiting for.
  ///
  /// Returns at once; ``wait()`` tells when it is done. A second call can shorten the time.
  ///
  /// - Parameter seconds: after this time the rest are cut off.
  public func stop(within seconds: Double) {
    running.withLock { running in
      // Shut down, not closed: the loops still know the descriptor, and its number must not be given to another file.
      if running.listener >= 0 { shutdown(running.listener, Int32(SHUT_RD)) }
      for loop in running.loops { loop.drain(seconds: seconds) }
    }
  }

  /// Blocks the calling thread until the server has stopped.
  public func wait() {
    group.wait()
    running.withLock { running in
      if running.listener >= 0 { close(running.listener) }
      running = Running()
    }
  }

  /// Stops on SIGTERM and SIGINT: the first signal lets responses end within `seconds`, the second cuts them off.
  ///
  /// - Returns: the signal sources, which work as long as they are kept.
  public func stopOnSignals(within seconds: Double) -> [any DispatchSourceSignal] {
    let count = SignalCount()
    return [SIGTERM, SIGINT].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { [weak self] in
        self?.stop(within: count.next() == 1 ? seconds : 0)
      }
      source.resume()
      return source
    }
  }
}

/// A look at a running server.
public struct HTTPServerActivity: Sendable, Equatable {
  /// Connections that are open.
  public var connections = 0
  /// Connections accepted since the start.
  public var acceptedConnections = 0
  /// Requests that the handler has and that are not answered to their end, streams of events among them.
  public var requestsInFlight = 0
}

/// How many signals have come.
private final class SignalCount: Sendable {
  private let count = Mutex(0)

  func next() -> Int {
    count.withLock {
      $0 += 1
      return $0
    }
  }
}
