/// Names one request: the client's `X-Request-Id` where it sent a sound one, otherwise a number of this server's.
public struct HTTPRequestID: Sendable, Equatable, CustomStringConvertible {
  /// The client's own name for it.
  private let given: String?
  private let start: UInt32
  private let number: UInt32

  init() { self.init(given: nil, start: 0, number: 0) }

  private init(given: String?, start: UInt32, number: UInt32) {
    self.given = given
    self.start = start
    self.number = number
  }

  public var description: String {
    var bytes: [UInt8] = []
    append(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends the name: the client's, or 8 hexadecimal digits of the start, a hyphen and 8 of the number.
  func append(to output: inout [UInt8]) {
    if let given {
      output.append(contentsOf: given.utf8)
      return
    }
    Self.append(start, to: &output)
    output.append(UInt8(ascii: "-"))
    Self.append(number, to: &output)
  }

  private static func append(_ word: UInt32, to output: inout [UInt8]) {
    for shift in stride(from: 28, through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: word >> UInt32(shift)) & 15
      output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }

  /// Whether a client's name may stand in logs and in the response: 1 to 128 octets of a token, `/`, `:`, `=` or `@`.
  private static func isSound(_ name: String) -> Bool {
    let bytes = name.utf8
    return !bytes.isEmpty && bytes.count <= 128 && bytes.allSatisfy { isTokenOctet($0) || "/:=@".utf8.contains($0) }
  }

  /// Gives requests their names. Belongs to one event loop.
  struct Numbers {
    /// Tells this loop of this run of the server from others.
    private let start: UInt32
    private var number: UInt32 = 0

    init(start: UInt32 = .random(in: .min ... .max)) { self.start = start }

    mutating func next(_ given: String?) -> HTTPRequestID {
      number &+= 1
      if let given, HTTPRequestID.isSound(given) { return HTTPRequestID(given: given, start: start, number: number) }
      return HTTPRequestID(given: nil, start: start, number: number)
    }
  }
}
