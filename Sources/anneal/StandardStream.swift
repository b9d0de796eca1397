import Glibc

/// Standard output and standard error, octet for octet. Foundation's FileHandle would bring ICU into the program, whose
/// size it multiplies by four.
enum StandardStream {
  static let output = STDOUT_FILENO
  static let error = STDERR_FILENO

  /// Writes all of it.
  static func write(_ bytes: some Sequence<UInt8>, to descriptor: Int32 = output) throws {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        throw Failure(description: "the output cannot be written: \(String(cString: strerror(errno)))")
      }
    }
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }
}
