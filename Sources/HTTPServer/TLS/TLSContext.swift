import COpenSSL
import Glibc

/// Where a server's certificate is, and whom it trusts.
public struct TLSConfiguration: Sendable, Equatable {
  /// The PEM file with the certificate and those that lead to its issuer.
  public var certificateFile: String
  /// The PEM file with the certificate's private key.
  public var keyFile: String
  /// The PEM file with the issuers whose clients are let in; nil where clients need no certificate.
  public var clientIssuersFile: String?

  public init(certificateFile: String, keyFile: String, clientIssuersFile: String? = nil) {
    self.certificateFile = certificateFile
    self.keyFile = keyFile
    self.clientIssuersFile = clientIssuersFile
  }
}

/// What is wrong with a certificate or a key, with the file's name.
public struct TLSError: Error, Sendable, CustomStringConvertible {
  public let description: String
}

/// What all TLS connections share: certificate, key, rules. Never changed once made; a reload makes another one.
///
/// Unchecked: OpenSSL counts references to an SSL_CTX atomically, and `SSL_new` may be called from any thread.
final class TLSContext: @unchecked Sendable {
  let pointer: OpaquePointer
  let hasClientIssuers: Bool

  /// - Parameter previous: the context before it, whose sessions can be resumed in this one where no client
  ///   certificates are asked for (whom to trust may be just what has changed).
  /// - Throws: ``TLSError`` where a file is missing, is no PEM, or certificate and key do not belong together.
  init(_ configuration: TLSConfiguration, after previous: TLSContext? = nil) throws(TLSError) {
    ERR_clear_error()
    guard let context = SSL_CTX_new(TLS_server_method()) else { throw Self.error("TLS cannot be set up") }
    do throws(TLSError) {
      try Self.prepare(context, configuration)
    } catch {
      SSL_CTX_free(context)
      throw error
    }
    pointer = context
    hasClientIssuers = configuration.clientIssuersFile != nil
    if let previous, !hasClientIssuers, !previous.hasClientIssuers {
      _ = anneal_ssl_ctx_copy_ticket_keys(previous.pointer, pointer)
    }
  }

  deinit { SSL_CTX_free(pointer) }

  private static func prepare(_ context: OpaquePointer, _ configuration: TLSConfiguration) throws(TLSError) {
    if anneal_ssl_ctx_set_min_version_tls12(context) != 1 { throw error("TLS 1.2 cannot be set as the oldest version") }
    anneal_ssl_ctx_set_modes(context)
    // Sessions are bound to this service: OpenSSL asks for a name where client certificates are in play.
    let name = Array("anneal".utf8)
    SSL_CTX_set_session_id_context(context, name, UInt32(name.count))
    SSL_CTX_set_alpn_select_cb(context, chooseProtocol, nil)
    if SSL_CTX_use_certificate_chain_file(context, configuration.certificateFile) != 1 {
      throw error("the certificate \(configuration.certificateFile) cannot be used")
    }
    if SSL_CTX_use_PrivateKey_file(context, configuration.keyFile, SSL_FILETYPE_PEM) != 1
      || SSL_CTX_check_private_key(context) != 1
    {
      throw error("the key \(configuration.keyFile) cannot be used with the certificate")
    }
    if let issuers = configuration.clientIssuersFile {
      guard SSL_CTX_load_verify_locations(context, issuers, nil) == 1, let names = SSL_load_client_CA_file(issuers)
      else { throw error("the issuers of clients' certificates \(issuers) cannot be used") }
      SSL_CTX_set_client_CA_list(context, names)
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    }
  }

  private static func error(_ what: String) -> TLSError {
    var text = [CChar](repeating: 0, count: 256)
    let code = ERR_get_error()
    ERR_error_string_n(code, &text, text.count)
    ERR_clear_error()
    return TLSError(description: code == 0 ? what : "\(what): \(text.withUnsafeBufferPointer(Self.string))")
  }

  private static func string(_ text: UnsafeBufferPointer<CChar>) -> String {
    text.baseAddress.map { String(cString: $0) } ?? ""
  }
}

/// ALPN: `http/1.1` of what the client offers; a client that offers only other protocols gets an alert.
private let chooseProtocol: SSL_CTX_alpn_select_cb_func = { _, chosen, chosenLength, offered, offeredLength, _ in
  guard let offered, let chosen, let chosenLength else { return SSL_TLSEXT_ERR_ALERT_FATAL }
  let list = UnsafeBufferPointer(start: offered, count: Int(offeredLength))
  var index = 0
  while index < list.count {
    let length = Int(list[index])
    let start = index + 1
    guard start + length <= list.count else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    if list[start..<(start + length)].elementsEqual("http/1.1".utf8) {
      // The client's own octets, which OpenSSL keeps until it has answered.
      chosen.pointee = offered + start
      chosenLength.pointee = UInt8(length)
      return SSL_TLSEXT_ERR_OK
    }
    index = start + length
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL
}
