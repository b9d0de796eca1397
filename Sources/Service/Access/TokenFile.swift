import Glibc

/// A file of tokens, one JSON object a line, for its owner's eyes only.
///
/// A change is written beside it, synced and renamed, so that a reader sees the old file or the new one; a lock keeps two
/// changes apart.
public struct TokenFile: Sendable {
  public let path: String

  /// The largest file that is read, in octets.
  static let largestSize = 16 * 1024 * 1024

  public init(path: String) { self.path = path }

  /// Tells one state of the file from another.
  struct Stamp: Equatable {
    private let device: UInt
    private let inode: UInt
    private let size: Int
    private let modified: [Int]

    fileprivate init(_ status: stat) {
      device = UInt(status.st_dev)
      inode = UInt(status.st_ino)
      size = Int(status.st_size)
      modified = [status.st_mtim, status.st_ctim].flatMap { [$0.tv_sec, $0.tv_nsec] }
    }
  }

  // MARK: Reading

  /// - Returns: nil where there is no file.
  /// - Throws: ``AccessError`` where that cannot be found out.
  func stamp() throws(AccessError) -> Stamp? {
    var status = stat()
    if stat(path, &status) == 0 { return Stamp(status) }
    if errno == ENOENT || errno == ENOTDIR { return nil }
    throw failure("cannot be looked at")
  }

  /// The tokens of the file, in its order.
  ///
  /// - Returns: nil where there is no file.
  /// - Throws: ``AccessError`` where it cannot be read, or a line is no token.
  public func tokens() throws(AccessError) -> [Token]? { try load()?.tokens }

  func load() throws(AccessError) -> (tokens: [Token], stamp: Stamp)? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw failure("cannot be read")
    }
    defer { close(descriptor) }
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw failure("cannot be looked at") }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { throw failure("cannot be read") }
      if count == 0 { break }
      content += buffer[..<count]
      if content.count > Self.largestSize { throw AccessError("\(path) is too large for a file of tokens") }
    }
    return (try parse(content), Stamp(status))
  }

  private func parse(_ content: [UInt8]) throws(AccessError) -> [Token] {
    var tokens: [Token] = []
    var ids: Set<String> = []
    for (index, line) in content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { continue }
      do throws(AccessError) {
        let token = try Token(line: line)
        if !ids.insert(token.id).inserted { throw AccessError("there is a token '\(token.id)' already") }
        tokens.append(token)
      } catch {
        throw AccessError("\(path), line \(index + 1): \(error)")
      }
    }
    return tokens
  }

  // MARK: Changing

  /// Adds a token at the end; makes the file where there is none.
  ///
  /// - Throws: ``AccessError`` where the file cannot be read or written; it is then as it was.
  public func add(_ token: Token) throws(AccessError) {
    try change { (tokens) throws(AccessError) in
      if tokens.contains(where: { $0.id == token.id }) { throw AccessError("there is a token '\(token.id)' already") }
      tokens.append(token)
    }
  }

  /// Takes a token out.
  ///
  /// - Returns: the token.
  /// - Throws: ``AccessError`` where there is none of that id, or the file cannot be read or written.
  @discardableResult
  public func remove(id: String) throws(AccessError) -> Token {
    var removed: Token?
    try change { (tokens) throws(AccessError) in
      guard let index = tokens.firstIndex(where: { $0.id == id }) else {
        throw AccessError("\(path) has no token '\(id)'; 'anneal token list' shows what it has")
      }
      removed = tokens.remove(at: index)
    }
    guard let removed else { throw AccessError("\(path) has no token '\(id)'") }
    return removed
  }

  private func change(_ body: (inout [Token]) throws(AccessError) -> Void) throws(AccessError) {
    let target = resolved
    let lock = open(target + ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    if lock < 0 { throw failure("cannot be locked") }
    // Closing it lets go of the lock.
    defer { close(lock) }
    while flock(lock, LOCK_EX) != 0 {
      if errno != EINTR { throw failure("cannot be locked") }
    }
    var tokens = try self.tokens() ?? []
    try body(&tokens)
    try replace(target, tokens.map { $0.line + "\n" }.joined())
  }

  /// The file itself, where the path is a link to it: a rename would put an end to the link.
  private var resolved: String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private func replace(_ target: String, _ text: String) throws(AccessError) {
    let folder = target.contains("/") ? String(target[..<(target.lastIndex(of: "/") ?? target.startIndex)]) : "."
    let beside = target + ".new"
    // What a change that was cut off has left.
    unlink(beside)
    let descriptor = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    if descriptor < 0 { throw failure("cannot be written") }
    do throws(AccessError) {
      defer { close(descriptor) }
      // Whatever the mask of the process is.
      if fchmod(descriptor, 0o600) != 0 { throw failure("cannot be written") }
      // Made by root, it is for whom the file or its folder belongs to: the server.
      var owner = stat()
      if geteuid() == 0, stat(target, &owner) == 0 || stat(folder.isEmpty ? "/" : folder, &owner) == 0 {
        if fchown(descriptor, owner.st_uid, owner.st_gid) != 0 { throw failure("cannot be given to its owner") }
      }
      let bytes = Array(text.utf8)
      var written = 0
      while written < bytes.count {
        let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { throw failure("cannot be written") }
        written += count
      }
      if fsync(descriptor) != 0 || rename(beside, target) != 0 { throw failure("cannot be written") }
    } catch {
      unlink(beside)
      throw error
    }
    let directory = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if directory >= 0 {
      fsync(directory)
      close(directory)
    }
  }

  private func failure(_ what: String) -> AccessError {
    AccessError("\(path) \(what): \(String(cString: strerror(errno)))")
  }
}
