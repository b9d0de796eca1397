import ArgumentParser
import HTTPServer

/// Where `anneal serve` listens, and by which certificate.
struct ListenOptions: ParsableArguments {
  @Option(help: "The address to listen on.")
  var host = "127.0.0.1"

  @Option(help: "The TCP port; 0 for any free one.")
  var port: UInt16 = 8080

  @Option(
    help: ArgumentHelp(
      "In place of host and port: HOST:PORT, or unix:PATH for a Unix socket. May be given several times.",
      valueName: "address"))
  var listen: [String] = []

  @Option(help: ArgumentHelp("The PEM file with the certificate and its chain: serves HTTPS.", valueName: "file"))
  var tlsCert: String?

  @Option(help: ArgumentHelp("The PEM file with the certificate's private key.", valueName: "file"))
  var tlsKey: String?

  @Option(
    help: ArgumentHelp(
      "The PEM file with the issuers of clients' certificates: clients without one are refused.", valueName: "file"))
  var tlsClientCa: String?

  func validate() throws {
    _ = try addresses
    if (tlsCert == nil) != (tlsKey == nil) { throw ValidationError("--tls-cert and --tls-key go together") }
    if tlsClientCa != nil && tlsCert == nil { throw ValidationError("--tls-client-ca needs --tls-cert and --tls-key") }
  }

  /// The certificate, where one is given.
  var tls: TLSConfiguration? {
    guard let tlsCert, let tlsKey else { return nil }
    return TLSConfiguration(certificateFile: tlsCert, keyFile: tlsKey, clientIssuersFile: tlsClientCa)
  }

  var addresses: [HTTPAddress] {
    get throws {
      if listen.isEmpty { return [.tcp(host: host, port: port)] }
      return try listen.map { text in
        if text.hasPrefix("unix:") { return .unix(path: String(text.dropFirst(5))) }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
          throw ValidationError("--listen takes HOST:PORT or unix:PATH, not '\(text)'")
        }
        var host = text[..<colon]
        if host.hasPrefix("[") && host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return .tcp(host: String(host), port: port)
      }
    }
  }
}
