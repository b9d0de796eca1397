import CLinux
import Dispatch
import Foundation
import Synchronization

/// One thread, one epoll descriptor, and the connections that it accepted: they are touched on that thread alone.
///
/// `epoll_wait` runs as the one long-lived work item of a serial Dispatch queue; other threads reach the loop through its
/// mailbox and an eventfd. (A DispatchSource for each connection is slower on Linux and loses ends of connections.)
///
/// Unchecked: every stored variable but the mailbox, which is a mutex, is used only inside `run`, on the queue's one item.
final class EventLoop: @unchecked Sendable {
  private enum Message {
    /// A connection that another loop has accepted and this one shall serve.
    case adopt(descriptor: Int32, tls: TLSContext?)
    case response(HTTPResponse, connection: UInt64)
    case pieces([BodyPiece], (any HTTPBodySource)?, connection: UInt64)
    case pieceFailed(connection: UInt64)
    case drain(deadline: Double)
  }

  private final class Connection {
    let descriptor: Int32
    let id: UInt64
    /// The layer between socket and HTTP; nil for plain HTTP.
    let tls: TLSSession?
    /// When a handshake that is still under way has taken too long.
    let handshakeDeadline: Double
    var machine: ConnectionMachine
    var interest: UInt32 = 0
    /// False from its end on.
    var isOpen = true
    /// Whether it was idle at the last look.
    var hasRested = false
    /// What the connection's stream of events waits for.
    var events: (any HTTPEventSource)?
    /// When the handler got the request that it is at.
    var started = 0.0

    init(descriptor: Int32, id: UInt64, tls: TLSSession?, handshakeDeadline: Double, machine: ConnectionMachine) {
      self.descriptor = descriptor
      self.id = id
      self.tls = tls
      self.handshakeDeadline = handshakeDeadline
      self.machine = machine
    }

    var isShakingHands: Bool { tls.map { !$0.isEstablished } ?? false }

    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
      tls.map { $0.receive(into: buffer) } ?? Socket.receive(descriptor, into: buffer)
    }

    func send(_ stretches: UnsafeMutableBufferPointer<iovec>) -> Int {
      let first = UnsafeRawBufferPointer(start: stretches[0].iov_base, count: stretches[0].iov_len)
      if let tls { return tls.send(first) }
      return stretches.count == 1 ? Socket.send(descriptor, first) : Socket.send(descriptor, stretches)
    }
  }

  private static let wakeTag: UInt64 = 0
  /// The tag of the first listener; the others follow, and then the connections.
  private static let listenerTag: UInt64 = 1
  private static let connectionTag: UInt64 = 64
  /// Milliseconds between two looks at the deadlines.
  private static let sweepMilliseconds: Int32 = 250
  /// Requests that are answered before the answers are sent: a client of several connections is then woken once, not once
  /// an answer, and asks for several things at a time in its turn.
  private static let answersAtATime = 32
  /// How often a loop that has just had something to do looks for more before it sleeps, giving way to other threads each
  /// time: some 10 µs in all. To wake a sleeping thread takes longer than that, and clients that have been answered
  /// ask again soon.
  private static let looksBeforeSleep = 20

  private let listeners: [Listener]
  private let limits: HTTPServerLimits
  private let index: Int
  private let handler: any HTTPHandler
  private let context: ConnectionContext
  private let count: ConnectionCount
  private let queue: DispatchQueue
  private let workers: DispatchQueue
  private let poll: Int32
  private let wake: Int32
  private let mailbox = Mutex<[Message]>([])
  /// How many connections this loop serves, those on their way to it included.
  private let load = Atomic(0)
  /// Requests that the handler has and that are not answered to their end.
  let inFlight = Atomic(0)
  /// Connections that this loop has been given since the start.
  let accepted = Atomic(0)
  /// Connections that this loop serves now.
  var connectionCount: Int {
    let load = load.load(ordering: .relaxed)
    return load >= Self.ended ? 0 : load
  }
  /// The load of a loop that has ended: more than any other can have.
  private static let ended = Int.max / 2
  /// All loops of the server, this one among them.
  private var loops: [EventLoop] = []

  private var connections: [UInt64: Connection] = [:]
  /// Connections that may have something to send.
  private var answered: [Connection] = []
  private var nextID = EventLoop.connectionTag
  private var coding: ResponseCoding
  private var listens = false
  /// Held so that, out of descriptors, a client can be taken from the kernel's queue and told so by an end.
  private var spare: Int32 = -1
  private var dates = DateCache()
  private var now = 0.0
  private var drainDeadline: Double?
  private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

  init(
    index: Int, listeners: [Listener], limits: HTTPServerLimits, handler: any HTTPHandler, count: ConnectionCount,
    workers: DispatchQueue
  ) throws {
    self.index = index
    self.listeners = listeners
    coding = ResponseCoding(limits: limits)
    self.limits = limits
    self.handler = handler
    context = ConnectionContext(
      limits: limits, screen: { handler.screen(&$0) }, failure: { handler.failure($0) },
      decorate: { handler.decorate(&$0, for: $1) })
    self.count = count
    self.workers = workers
    queue = DispatchQueue(label: "http.loop.\(index)")
    poll = epoll_create1(Int32(EPOLL_CLOEXEC))
    if poll < 0 { throw SystemError.last("epoll_create1") }
    wake = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
    if wake < 0 {
      close(poll)
      throw SystemError.last("eventfd")
    }
  }

  deinit {
    close(poll)
    close(wake)
  }

  /// Begins to serve, in a work item of `group`.
  ///
  /// - Parameter loops: all loops of the server; a connection goes to the one with the fewest.
  func start(_ group: DispatchGroup, among loops: [EventLoop]) {
    queue.async(group: group) {
      self.loops = loops
      self.run()
      self.loops = []
    }
  }

  /// Ends idle connections now, others after their response, all of them after `seconds`.
  func drain(seconds: Double) { post(.drain(deadline: Self.clock() + seconds)) }

  private func post(_ message: Message) {
    mailbox.withLock { $0.append(message) }
    var one: UInt64 = 1
    _ = write(wake, &one, 8)
  }

  private static func clock() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// The `Date` field's value at this turn of the loop.
  private var date: [UInt8] = []

  // MARK: The loop

  private func run() {
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC)
    _ = control(EPOLL_CTL_ADD, wake, EPOLLIN.rawValue, Self.wakeTag)
    listen(true)
    var events = [epoll_event](repeating: epoll_event(), count: 128)
    var sweep = 0.0
    var wasBusy = false
    while true {
      let ready = waitForEvents(&events, looks: wasBusy ? Self.looksBeforeSleep : 0)
      wasBusy = ready > 0
      now = Self.clock()
      date = dates.value(at: Foundation.time(nil))
      for event in events.prefix(max(0, Int(ready))) {
        switch event.data.u64 {
        case Self.wakeTag: readMailbox()
        case let tag where tag < Self.connectionTag: accept(listeners[Int(tag - Self.listenerTag)])
        case let id:
          guard let connection = connections[id] else { continue }
          if connection.isShakingHands {
            shakeHands(connection)
            continue
          }
          let readable = EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue | EPOLLRDHUP.rawValue
          if event.events & readable != 0 || connection.tls?.wantsToWrite == true { receive(connection) }
          if act(connection) { answered.append(connection) }
          if answered.count >= Self.answersAtATime { sendAnswers() }
        }
      }
      sendAnswers()
      if now >= sweep {
        sweep = now + Double(Self.sweepMilliseconds) / 1000
        checkDeadlines()
        if drainDeadline == nil && !listens && count.value < limits.connections { listen(true) }
      }
      if let drainDeadline {
        if now >= drainDeadline { for connection in connections.values { end(connection) } }
        let hasEnded = load.compareExchange(expected: 0, desired: Self.ended, ordering: .relaxed).exchanged
        if hasEnded { break }
      }
    }
    if spare >= 0 { close(spare) }
  }

  /// - Parameter looks: how often to look before sleeping.
  /// - Returns: how many events there are; 0 or less where none came in time for the next sweep.
  private func waitForEvents(_ events: inout [epoll_event], looks: Int) -> Int32 {
    for _ in 0..<looks {
      let ready = epoll_wait(poll, &events, Int32(events.count), 0)
      if ready != 0 { return ready }
      sched_yield()
    }
    return epoll_wait(poll, &events, Int32(events.count), Self.sweepMilliseconds)
  }

  private func control(_ operation: Int32, _ descriptor: Int32, _ events: UInt32, _ tag: UInt64) -> Bool {
    var event = epoll_event()
    event.events = events
    event.data.u64 = tag
    return epoll_ctl(poll, operation, descriptor, &event) == 0
  }

  private func listen(_ on: Bool) {
    if listens == on { return }
    listens = on
    // Exclusive: one loop, not all of them, wakes for a new connection.
    let events = EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue
    for (index, listener) in listeners.enumerated() {
      _ = control(
        on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener.descriptor, events, Self.listenerTag + UInt64(index))
    }
  }

  private func accept(_ listener: Listener) {
    // A few at a time, so that a burst spreads over the loops.
    for _ in 0..<4 where listens {
      if !count.enter(limit: limits.connections) {
        listen(false)
        return
      }
      let descriptor = Socket.accept(listener.descriptor)
      if descriptor < 0 {
        count.leave()
        if descriptor == -EMFILE || descriptor == -ENFILE { refuseForLackOfDescriptors(listener) }
        // Anything else concerns one client that has gone again; the listener is level-triggered and stays.
        return
      }
      // The kernel wakes whichever loop it likes, often the same one; the loops even it out.
      let least = loops.min { $0.load.load(ordering: .relaxed) < $1.load.load(ordering: .relaxed) } ?? self
      if least.load.load(ordering: .relaxed) < load.load(ordering: .relaxed), least.reserve() {
        least.post(.adopt(descriptor: descriptor, tls: listener.tls))
      } else {
        load.add(1, ordering: .relaxed)
        adopt(descriptor, listener.tls)
      }
    }
  }

  /// Counts a connection that will be sent to this loop.
  ///
  /// - Returns: false where the loop has ended and would never see it.
  private func reserve() -> Bool {
    if load.add(1, ordering: .relaxed).oldValue < Self.ended { return true }
    load.subtract(1, ordering: .relaxed)
    return false
  }

  /// Serves a connection that is already counted.
  private func adopt(_ descriptor: Int32, _ context: TLSContext?) {
    let id = nextID
    nextID += 1
    accepted.add(1, ordering: .relaxed)
    let tls = context.flatMap { TLSSession($0, descriptor: descriptor) }
    let machine = ConnectionMachine(context: self.context, peer: Socket.peer(descriptor), now: now)
    let connection = Connection(
      descriptor: descriptor, id: id, tls: tls, handshakeDeadline: now + limits.handshakeSeconds, machine: machine)
    connection.interest = EPOLLIN.rawValue
    connections[id] = connection
    let lacksTLS = context != nil && tls == nil
    if lacksTLS || !control(EPOLL_CTL_ADD, descriptor, connection.interest, id) {
      end(connection)
    } else if drainDeadline != nil {
      connection.machine.drain()
      advance(connection)
    }
  }

  /// Takes one client from the queue and ends it, then leaves the listener alone until the next sweep.
  private func refuseForLackOfDescriptors(_ listener: Listener) {
    if spare >= 0 { close(spare) }
    let descriptor = Socket.accept(listener.descriptor)
    if descriptor >= 0 { close(descriptor) }
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC)
    listen(false)
  }

  private func readMailbox() {
    var value: UInt64 = 0
    _ = read(wake, &value, 8)
    let messages = mailbox.withLock { messages in
      defer { messages = [] }
      return messages
    }
    for message in messages {
      switch message {
      case .adopt(let descriptor, let tls): adopt(descriptor, tls)
      case .response(let response, let id):
        guard let connection = connections[id] else { continue }
        respond(response, connection)
        advance(connection)
      case .pieces(let pieces, let source, let id):
        guard let connection = connections[id] else { continue }
        connection.machine.append(pieces, source, now: now)
        advance(connection)
      case .pieceFailed(let id):
        guard let connection = connections[id] else { continue }
        connection.machine.pieceFailed()
        advance(connection)
      case .drain(let deadline):
        drainDeadline = min(deadline, drainDeadline ?? .infinity)
        listen(false)
        for connection in connections.values {
          connection.machine.drain()
          connection.events?.cancel()
          advance(connection)
        }
      }
    }
  }

  private func checkDeadlines() {
    for connection in connections.values {
      if connection.isShakingHands {
        if connection.handshakeDeadline <= now { end(connection) }
        continue
      }
      if connection.machine.deadline <= now {
        connection.machine.timeout(now: now, date: date)
        advance(connection)
      } else if !connection.machine.isIdle {
        connection.hasRested = false
      } else if !connection.hasRested {
        connection.hasRested = true
        connection.machine.rest()
      }
    }
  }

  // MARK: One connection

  private func shakeHands(_ connection: Connection) {
    guard let tls = connection.tls else { return }
    switch tls.shakeHands() {
    case 0:
      let peer = Socket.peer(connection.descriptor)
      connection.machine.established(
        HTTPPeer(address: peer.address, isEncrypted: true, certificateSubject: tls.clientSubject), now: now)
      // The first request may have come with the handshake's last octets.
      receive(connection)
      advance(connection)
    case -Int(EAGAIN): wait(connection, for: (tls.wantsToWrite ? EPOLLOUT : EPOLLIN).rawValue)
    default: end(connection)
    }
  }

  private func receive(_ connection: Connection) {
    // A bounded number of times, so that one client that never pauses does not keep the others waiting. A TLS record
    // has 16 KiB at most: there a short read is not the end of what there is.
    for turn in 0..<(connection.tls == nil ? 2 : 8) {
      // The first time even where it is not wanted: a reset is only learned of by reading.
      if turn > 0 && !connection.machine.wantsInput { return }
      let count = buffer.withUnsafeMutableBytes { connection.receive(into: $0) }
      if count > 0 {
        let now = now
        buffer.withUnsafeBytes { connection.machine.received(UnsafeRawBufferPointer(rebasing: $0[..<count]), now: now) }
        if count < buffer.count && connection.tls == nil { return }
      } else {
        if count == 0 {
          connection.machine.inputEnded()
          connection.events?.inputEnded()
        }
        if count < 0 && count != -Int(EAGAIN) { connection.machine.failed() }
        return
      }
    }
  }

  /// Sends what has been answered since the last time.
  private func sendAnswers() {
    for connection in answered where connection.isOpen { advance(connection) }
    answered.removeAll(keepingCapacity: true)
  }

  /// Does what the machine asks for, sends what it has to send, and waits for what it waits for.
  private func advance(_ connection: Connection) {
    while act(connection) {
      if connection.machine.unsent == 0 { break }
      let sent = connection.machine.withUnsent { connection.send($0) }
      if sent == -Int(EAGAIN) { break }
      if sent < 0 { connection.machine.failed() } else { connection.machine.sent(sent, now: now) }
    }
    if !connection.isOpen { return }
    var interest = connection.machine.wantsInput ? EPOLLIN.rawValue : 0
    if connection.machine.unsent > 0 {
      interest |= (connection.tls?.wantsToRead == true ? EPOLLIN : EPOLLOUT).rawValue
    }
    if connection.tls?.wantsToWrite == true { interest |= EPOLLOUT.rawValue }
    wait(connection, for: interest)
  }

  /// Does what the machine asks for.
  ///
  /// - Returns: whether the connection is still there.
  private func act(_ connection: Connection) -> Bool {
    while let action = connection.machine.next(now: now, date: date) {
      switch action {
      case .deliver(let request): deliver(request, connection)
      case .pull(let source, let chunked): pull(source, chunked: chunked, connection)
      case .finished(let exchange): finished(exchange, connection)
      case .shutDownWriting:
        connection.tls?.end()
        _ = shutdown(connection.descriptor, Int32(SHUT_WR))
      case .close:
        end(connection)
        return false
      }
    }
    return true
  }

  private func wait(_ connection: Connection, for interest: UInt32) {
    if interest == connection.interest { return }
    connection.interest = interest
    _ = control(EPOLL_CTL_MOD, connection.descriptor, interest, connection.id)
  }

  private func finished(_ exchange: ConnectionMachine.Exchange, _ connection: Connection) {
    let seconds = connection.started > 0 ? max(0, Self.clock() - connection.started) : 0
    if connection.started > 0 { inFlight.subtract(1, ordering: .relaxed) }
    connection.started = 0
    handler.finished(
      HTTPExchange(
        head: exchange.head, status: exchange.status, requestOctets: exchange.requestOctets,
        responseOctets: exchange.responseOctets, seconds: seconds, isComplete: exchange.isComplete, loop: index))
  }

  private func deliver(_ request: HTTPRequest, _ connection: Connection) {
    let reply = HTTPReply()
    connection.started = Self.clock()
    inFlight.add(1, ordering: .relaxed)
    handler.respond(to: request, reply: reply)
    if let response = reply.takeEarly() {
      respond(response, connection)
      return
    }
    let id = connection.id
    if let response = reply.take(orLater: { [weak self] in self?.post(.response($0, connection: id)) }) {
      respond(response, connection)
    }
  }

  private func respond(_ response: HTTPResponse, _ connection: Connection) {
    guard let head = connection.machine.head else { return }
    connection.machine.respond(coding.apply(response, for: head), now: now, date: date)
  }

  private func pull(_ source: any HTTPBodySource, chunked: Bool, _ connection: Connection) {
    let id = connection.id
    if let events = source as? any HTTPEventSource {
      connection.events = events
      events.next { [weak self] bytes, hasMore in
        let piece = BodyPiece(bytes, chunked: chunked, isLast: !hasMore)
        self?.post(.pieces([piece], hasMore ? events : nil, connection: id))
      }
      if connection.machine.inputHasEnded { events.inputEnded() }
      if drainDeadline != nil { events.cancel() }
      return
    }
    workers.async {
      var source = source
      do {
        let (pieces, hasMore) = try BodyPiece.next(of: &source, chunked: chunked)
        self.post(.pieces(pieces, hasMore ? source : nil, connection: id))
      } catch {
        self.post(.pieceFailed(connection: id))
      }
    }
  }

  private func end(_ connection: Connection) {
    if connections.removeValue(forKey: connection.id) == nil { return }
    connection.isOpen = false
    if connection.machine.endsInOrder { connection.tls?.end() }
    // Cut off in the middle: whoever counts requests in flight is told all the same.
    connection.machine.failed()
    while case .finished(let exchange)? = connection.machine.next(now: now, date: []) {
      finished(exchange, connection)
    }
    connection.events?.cancel()
    close(connection.descriptor)
    count.leave()
    load.subtract(1, ordering: .relaxed)
  }
}
