import Foundation
import Sessions

/// Keeps a second process out of a folder, as long as it lives; the kernel lets go when the process ends, however it ends.
final class FolderLock: Sendable {
  private let descriptor: Int32

  init(_ folder: String) throws {
    let path = "\(folder)/lock"
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    if descriptor < 0 { throw StoreError("\(path) cannot be made: \(String(cString: strerror(errno)))") }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      var buffer = [UInt8](repeating: 0, count: 32)
      let count = max(0, pread(descriptor, &buffer, buffer.count, 0))
      let owner = String(decoding: buffer.prefix(count), as: UTF8.self)
      close(descriptor)
      throw StoreError("the folder \(folder) is in use by another anneal (process \(owner)); give it another --data")
    }
    let owner = Array("\(getpid())".utf8)
    ftruncate(descriptor, 0)
    pwrite(descriptor, owner, owner.count, 0)
  }

  deinit { close(descriptor) }
}
