/// What a client may ask of the server. Every field has a default that suits a service on the open network.
public struct HTTPServerLimits: Sendable {
  /// Octets of the request line; 414 beyond. Default 16 KiB, twice what nginx takes.
  public var requestLine = 16 * 1024
  /// Octets of all fields together; 431 beyond. Default 64 KiB.
  public var fields = 64 * 1024
  /// Number of fields; 431 beyond. Default 128: hyper's 100 and some more.
  public var fieldCount = 128
  /// Octets of content after decoding; 413 beyond. Default 1 MiB.
  public var content = 1024 * 1024
  /// Octets of a chunk's size line, extensions included; 400 beyond. Default 4 KiB.
  public var chunkLine = 4 * 1024
  /// Octets of all chunk extensions of a request; 400 beyond. Default 16 KiB (Go's CVE-2023-39326 had no bound).
  public var chunkExtensions = 16 * 1024
  /// Octets of trailer fields; 431 beyond. Default 8 KiB.
  public var trailers = 8 * 1024
  /// Seconds from a request's first octet to the end of its fields; 408 beyond. Default 10.
  public var headSeconds = 10.0
  /// Seconds from the end of the fields to the end of the content; 408 beyond. Default 30.
  public var bodySeconds = 30.0
  /// Seconds that a connection may stay open between two requests. Default 60.
  public var idleSeconds = 60.0
  /// Seconds without a sent octet while there is something to send. Default 10.
  public var writeSeconds = 10.0
  /// Seconds of reading on after a refusal, so that the client gets to see the response before a reset. Default 2.
  public var lingerSeconds = 2.0
  /// Octets unsent above which no more content is made and no further request is read. Default 384 KiB: a piece of a
  /// long answer is made while the one before it is sent.
  public var unsent = 384 * 1024
  /// Connections at a time, over all loops; more wait in the kernel's queue. Default 1024.
  public var connections = 1024
  /// Connections that the kernel keeps until they are accepted. Default 1024.
  public var backlog = 1024
  /// Seconds from a connection's start to the end of its TLS handshake. Default 5.
  public var handshakeSeconds = 5.0
  /// Requests that one connection may make; the last answer says `Connection: close`. Default 100,000: over in some
  /// seconds for a load generator, never for a trainer; it bounds what one connection can hold on to.
  public var requestsPerConnection = 100_000
  /// Seconds that one connection may live; it ends with the first answer after that. Default 3600, so that clients spread
  /// anew over servers that have come since.
  public var connectionSeconds = 3600.0
  /// Times that a compressed content may grow; 413 beyond. Default 100: JSON of rates grows by 3, an attack by 1000.
  public var decompressionRatio = 100
  /// Whether responses are compressed for clients that ask for it. Default true.
  public var compressesResponses = true
  /// Octets of content from which compressing a response is worth it. Default 1024.
  public var smallestCompressed = 1024

  public init() {}
}
