import CLinux
import Foundation

/// A system call that failed, with what the system says about it.
public struct SystemError: Error, Sendable, CustomStringConvertible {
  public let call: String
  public let code: Int32

  /// For example "bind: Address already in use".
  public var description: String { "\(call): \(String(cString: strerror(code)))" }

  static func last(_ call: String) -> SystemError { SystemError(call: call, code: errno) }
}

/// Where a server listens.
public enum HTTPAddress: Sendable, Equatable {
  /// A TCP port; 0 for any free one. The host is an IPv4 or IPv6 address or a name.
  case tcp(host: String, port: UInt16)
  /// A Unix socket at a path of at most 107 octets, for the processes of this machine; its file is for its owner alone.
  case unix(path: String)

  /// The TCP port; nil for a Unix socket.
  public var port: UInt16? { if case .tcp(_, let port) = self { port } else { nil } }
}

/// The system calls on sockets, each a thin method that keeps the error number.
enum Socket {
  /// - Parameters:
  ///   - host: an IPv4 or IPv6 address, or a name; of several addresses the first is taken.
  ///   - port: 0 for any free one.
  /// - Returns: a non-blocking listening socket and its port.
  static func listen(host: String, port: UInt16, backlog: Int32) throws -> (descriptor: Int32, port: UInt16) {
    var hints = addrinfo()
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, String(port), &hints, &list)
    guard status == 0, let address = list else {
      throw SystemError(call: "the address \(host) (\(String(cString: gai_strerror(status))))", code: EINVAL)
    }
    defer { freeaddrinfo(list) }
    let flags = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(address.pointee.ai_family, flags, 0)
    if descriptor < 0 { throw SystemError.last("socket") }
    do {
      try set(descriptor, SOL_SOCKET, SO_REUSEADDR)
      if address.pointee.ai_family == AF_INET6 { try set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY) }
      if bind(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) != 0 {
        throw SystemError.last("bind to \(host) port \(port)")
      }
      if Glibc.listen(descriptor, backlog) != 0 { throw SystemError.last("listen") }
      return (descriptor, try boundPort(descriptor))
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// A listening Unix socket at `path`. What an earlier server left there is taken away; a living one is not.
  static func listen(path: String, backlog: Int32) throws -> Int32 {
    let flags = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(AF_UNIX, flags, 0)
    if descriptor < 0 { throw SystemError.last("socket") }
    do {
      try withAddress(path) { address, length in
        if bind(descriptor, address, length) == 0 { return }
        if errno != EADDRINUSE { throw SystemError.last("bind to \(path)") }
        let probe = socket(AF_UNIX, flags, 0)
        defer { close(probe) }
        // Refused: the file is there, and nobody behind it.
        if connect(probe, address, length) == 0 || errno != ECONNREFUSED {
          throw SystemError(call: "bind to \(path)", code: EADDRINUSE)
        }
        unlink(path)
        if bind(descriptor, address, length) != 0 { throw SystemError.last("bind to \(path)") }
      }
      // Before listen, so that nobody else gets in between.
      if chmod(path, 0o600) != 0 { throw SystemError.last("chmod \(path)") }
      if Glibc.listen(descriptor, backlog) != 0 { throw SystemError.last("listen") }
      return descriptor
    } catch {
      close(descriptor)
      throw error
    }
  }

  private static func withAddress(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Void
  ) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    if bytes.isEmpty || bytes.count >= room || bytes.contains(0) {
      throw SystemError(call: "a Unix socket's path has 1 to \(room - 1) octets: \(path)", code: ENAMETOOLONG)
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    try withUnsafePointer(to: address) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        try body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  private static func boundPort(_ descriptor: Int32) throws -> UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let status = withUnsafeMutableBytes(of: &storage) { bytes in
      getsockname(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
    }
    if status != 0 { throw SystemError.last("getsockname") }
    // The port stands at the same place in the addresses of both families.
    return withUnsafeBytes(of: &storage) { UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) }
  }

  /// The other end of a connection; the unspecified address where it has gone already.
  static func peer(_ descriptor: Int32) -> HTTPPeer {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let status = withUnsafeMutableBytes(of: &storage) { bytes in
      getpeername(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
    }
    if status != 0 { return .unknown }
    if Int32(storage.ss_family) == AF_UNIX { return HTTPPeer(address: "unix") }
    let text = withUnsafeBytes(of: &storage) { bytes in
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { text -> String in
        let address = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
        let failed = getnameinfo(
          address, length, text.baseAddress, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        guard failed == 0, let start = text.baseAddress else { return "" }
        return String(cString: start)
      }
    }
    return HTTPPeer(address: text)
  }

  private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32) throws {
    var on: Int32 = 1
    if setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<Int32>.size)) != 0 {
      throw SystemError.last("setsockopt")
    }
  }

  /// - Returns: a non-blocking connection, or a negated error number.
  static func accept(_ listener: Int32) -> Int32 {
    let descriptor = accept4(listener, nil, nil, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
    if descriptor < 0 { return -errno }
    // A response is written in one piece; waiting for more to send with it would only delay it.
    try? set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
    return descriptor
  }

  /// - Returns: the number of octets sent, or a negated error number. Never raises SIGPIPE.
  static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    while true {
      let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      if count >= 0 { return count }
      if errno != EINTR { return -Int(errno) }
    }
  }

  /// Sends several stretches of octets as one.
  ///
  /// - Returns: the number of octets sent, or a negated error number.
  static func send(_ descriptor: Int32, _ stretches: UnsafeMutableBufferPointer<iovec>) -> Int {
    var message = msghdr()
    message.msg_iov = stretches.baseAddress
    message.msg_iovlen = stretches.count
    while true {
      let count = sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
      if count >= 0 { return count }
      if errno != EINTR { return -Int(errno) }
    }
  }

  /// - Returns: the number of octets received, 0 at the end, or a negated error number.
  static func receive(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    while true {
      let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      if count >= 0 { return count }
      if errno != EINTR { return -Int(errno) }
    }
  }
}
