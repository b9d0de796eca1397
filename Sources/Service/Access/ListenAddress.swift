import Glibc

/// Where a server listens.
public enum ListenAddress {
  /// Whether only programs on the same machine can reach it: 127.0.0.0/8, ::1 or localhost. A name that only resolves to
  /// such an address does not count: it may resolve to another one tomorrow.
  public static func isLocal(_ host: String) -> Bool {
    if host.lowercased() == "localhost" { return true }
    var four = in_addr()
    if inet_pton(AF_INET, host, &four) == 1 { return UInt32(bigEndian: four.s_addr) >> 24 == 127 }
    var six = in6_addr()
    if inet_pton(AF_INET6, host, &six) == 1 {
      let bytes = withUnsafeBytes(of: &six) { Array($0) }
      return bytes == [UInt8](repeating: 0, count: 15) + [1]
        || bytes[..<13] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127]
    }
    return false
  }
}
