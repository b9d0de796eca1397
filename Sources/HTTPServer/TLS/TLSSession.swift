import COpenSSL
import Glibc

/// TLS on one connection: octets of HTTP on one side, a socket on the other. Belongs to one event loop.
final class TLSSession {
  private let session: OpaquePointer
  private let descriptor: Int32
  private(set) var isEstablished = false
  /// Whether the last read or write can only go on when the socket takes octets.
  private(set) var wantsToWrite = false
  /// Whether the last write can only go on when the socket has octets.
  private(set) var wantsToRead = false
  /// After a failure nothing more may be sent, not even an orderly end.
  private var hasFailed = false

  /// - Returns: nil where there is no memory for it.
  init?(_ context: TLSContext, descriptor: Int32) {
    guard let session = SSL_new(context.pointer) else { return nil }
    self.session = session
    self.descriptor = descriptor
    SSL_set_accept_state(session)
    if SSL_set_fd(session, descriptor) != 1 { return nil }
  }

  deinit { SSL_free(session) }

  /// Goes on with the handshake.
  ///
  /// - Returns: 0 when it is done; otherwise a negated error number, `-EAGAIN` where the client has to say more first.
  func shakeHands() -> Int {
    ERR_clear_error()
    let status = SSL_do_handshake(session)
    if status == 1 {
      isEstablished = true
      wantsToRead = false
      wantsToWrite = false
      return 0
    }
    return outcome(status)
  }

  /// - Returns: the number of octets received, 0 at the client's orderly end, or a negated error number.
  func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    ERR_clear_error()
    wantsToWrite = false
    var count = 0
    let status = SSL_read_ex(session, buffer.baseAddress, buffer.count, &count)
    return status == 1 ? count : outcome(status)
  }

  /// - Returns: the number of octets sent, or a negated error number.
  func send(_ bytes: UnsafeRawBufferPointer) -> Int {
    ERR_clear_error()
    wantsToRead = false
    var count = 0
    let status = SSL_write_ex(session, bytes.baseAddress, bytes.count, &count)
    if status == 1 { return count }
    let result = outcome(status)
    return result == 0 ? -Int(EPIPE) : result
  }

  /// Tells the client that nothing more comes (close_notify), so that it can tell an end from a cut.
  func end() {
    if !isEstablished || hasFailed { return }
    ERR_clear_error()
    _ = SSL_shutdown(session)
  }

  /// The subject of the certificate that the client has proved to own.
  var clientSubject: String? {
    guard let certificate = SSL_get0_peer_certificate(session), let name = X509_get_subject_name(certificate),
      let text = X509_NAME_oneline(name, nil, 0)
    else { return nil }
    defer { CRYPTO_free(text, "", 0) }
    return String(cString: text)
  }

  private func outcome(_ status: Int32) -> Int {
    let code = errno
    switch SSL_get_error(session, status) {
    case SSL_ERROR_WANT_READ:
      wantsToRead = true
      return -Int(EAGAIN)
    case SSL_ERROR_WANT_WRITE:
      wantsToWrite = true
      return -Int(EAGAIN)
    case SSL_ERROR_ZERO_RETURN: return 0
    case SSL_ERROR_SYSCALL:
      hasFailed = true
      return -Int(code == 0 ? ECONNRESET : code)
    default:
      hasFailed = true
      // Plain HTTP sent to the TLS port: whoever typed http:// for https:// gets to know.
      if anneal_err_is_http_request(ERR_peek_error()) != 0 { sayThatThisIsTLS() }
      ERR_clear_error()
      return -Int(EPROTO)
    }
  }

  private func sayThatThisIsTLS() {
    let text = "this port speaks TLS: use https://\n"
    let response =
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: \(text.utf8.count)\r\n"
      + "Connection: close\r\n\r\n\(text)"
    _ = Array(response.utf8).withUnsafeBytes { Socket.send(descriptor, $0) }
  }
}
