import Glibc

/// What the kernel tells of this process; a figure is nil where it does not.
public struct ProcessFigures: Sendable {
  public private(set) var cpuSeconds: Double?
  public private(set) var residentBytes: UInt64?
  public private(set) var virtualBytes: UInt64?
  /// Seconds since 1970.
  public private(set) var startTime: Double?
  public private(set) var openDescriptors: Int?
  public private(set) var maximumDescriptors: UInt64?

  /// Reads /proc; some 100 µs, more with many open files.
  public init() {
    let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
    // The second field is the program's name in parentheses, which may hold anything: what follows the last one is counted.
    let fields = Self.text("/proc/self/stat").split(separator: ")").last?.split(separator: " ") ?? []
    func field(_ number: Int) -> UInt64? { fields.count > number - 3 ? UInt64(fields[number - 3]) : nil }
    if let user = field(14), let system = field(15) { cpuSeconds = Double(user + system) / ticks }
    virtualBytes = field(23)
    residentBytes = field(24).map { $0 * UInt64(max(1, sysconf(Int32(_SC_PAGESIZE)))) }
    let boot = Self.text("/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
    if let boot = boot.flatMap({ Double($0.dropFirst(6)) }), let start = field(22) {
      startTime = boot + Double(start) / ticks
    }
    openDescriptors = Self.descriptors()
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      maximumDescriptors = UInt64(limit.rlim_cur)
    }
  }

  private static func text(_ path: String) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    if file < 0 { return "" }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
      let count = read(file, &buffer, buffer.count)
      if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
    }
  }

  private static func descriptors() -> Int? {
    guard let folder = opendir("/proc/self/fd") else { return nil }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    // Without `.`, `..` and the folder itself.
    return max(0, count - 3)
  }
}
