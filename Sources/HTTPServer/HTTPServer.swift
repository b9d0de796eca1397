import Dispatch
import Foundation
import Synchronization

/// An HTTP/1.1 server on epoll event loops, one a core.
public final class HTTPServer: Sendable {
  private struct Running {
    var listeners: [Listener] = []
    var loops: [EventLoop] = []
  }

  private let addresses: [HTTPAddress]
  private let secure: TLSBox?
  private let limits: HTTPServerLimits
  private let handler: any HTTPHandler
  private let loopCount: Int
  private let running = Mutex(Running())
  private let group = DispatchGroup()

  /// - Parameters:
  ///   - addresses: where to listen; at most 60.
  ///   - tls: the certificate for the TCP ports; nil for plain HTTP. Unix sockets are plain.
  ///   - limits: what a client may ask for.
  ///   - loops: how many event loops; nil for as many as cores.
  ///   - handler: what answers.
  /// - Throws: ``TLSError`` where certificate or key cannot be used.
  public convenience init(
    addresses: [HTTPAddress], tls: TLSConfiguration? = nil, limits: HTTPServerLimits = HTTPServerLimits(),
    loops: Int? = nil, handler: any HTTPHandler
  ) throws {
    self.init(addresses: addresses, secure: try tls.map(TLSBox.init), limits: limits, loops: loops, handler: handler)
  }

  private init(
    addresses: [HTTPAddress], secure: TLSBox?, limits: HTTPServerLimits, loops: Int?, handler: any HTTPHandler
  ) {
    self.addresses = Array(addresses.prefix(60))
    self.secure = secure
    self.limits = limits
    loopCount = max(1, loops ?? ProcessInfo.processInfo.activeProcessorCount)
    self.handler = handler
  }

  /// A server of plain HTTP on one TCP port.
  ///
  /// - Parameters:
  ///   - host: the address to listen on.
  ///   - port: the TCP port; 0 for any free one.
  ///   - limits: what a client may ask for.
  ///   - loops: how many event loops; nil for as many as cores.
  ///   - handler: what answers.
  public convenience init(
    host: String, port: UInt16, limits: HTTPServerLimits = HTTPServerLimits(),
    loops: Int? = nil, handler: any HTTPHandler
  ) {
    self.init(addresses: [.tcp(host: host, port: port)], secure: nil, limits: limits, loops: loops, handler: handler)
  }

  /// Begins to listen and to answer.
  ///
  /// - Returns: the addresses that it listens on, with their real ports.
  /// - Throws: ``SystemError``, for example where the port is taken.
  @discardableResult public func start() throws -> [HTTPAddress] {
    // A client that closes early must not end the process.
    signal(SIGPIPE, SIG_IGN)
    let workers = DispatchQueue(label: "http.workers", attributes: .concurrent)
    let count = ConnectionCount()
    let backlog = Int32(clamping: limits.backlog)
    var listeners: [Listener] = []
    var bound: [HTTPAddress] = []
    do {
      for address in addresses {
        switch address {
        case .tcp(let host, let port):
          let (descriptor, port) = try Socket.listen(host: host, port: port, backlog: backlog)
          listeners.append(Listener(descriptor: descriptor, secure: secure))
          bound.append(.tcp(host: host, port: port))
        case .unix(let path):
          listeners.append(Listener(descriptor: try Socket.listen(path: path, backlog: backlog), secure: nil))
          bound.append(address)
        }
      }
      let loops = try (0..<loopCount).map { index in
        try EventLoop(
          index: index, listeners: listeners, limits: limits, handler: handler, count: count, workers: workers)
      }
      running.withLock { $0 = Running(listeners: listeners, loops: loops) }
      for loop in loops { loop.start(group, among: loops) }
    } catch {
      for listener in listeners { close(listener.descriptor) }
      throw error
    }
    return bound
  }

  /// Reads certificate and key again, for connections to come; those that are there go on with what they have.
  ///
  /// - Throws: ``TLSError`` where they cannot be used; what was there stays in use then.
  public func reloadTLS() throws { try secure?.reload() }

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
      for listener in running.listeners { shutdown(listener.descriptor, Int32(SHUT_RD)) }
      for loop in running.loops { loop.drain(seconds: seconds) }
    }
  }

  /// Blocks the calling thread until the server has stopped.
  public func wait() {
    group.wait()
    running.withLock { running in
      for listener in running.listeners { close(listener.descriptor) }
      if !running.listeners.isEmpty {
        for case .unix(let path) in addresses { unlink(path) }
      }
      running = Running()
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
