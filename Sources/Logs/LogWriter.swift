import Dispatch
import Glibc
import Logging
import Synchronization

/// Writes records to a file descriptor from a queue of its own: whoever logs never waits for the reader of the log.
public final class LogWriter: Sendable {
  private struct State {
    var waiting: [LogRecord] = []
    var dropped = 0
    var isRunning = false
  }

  private let descriptor: Int32
  private let format: LogFormat
  private let bound: Int
  private let queue = DispatchQueue(label: "logs.writer")
  private let state = Mutex(State())

  /// - Parameters:
  ///   - descriptor: where to; standard error by default.
  ///   - bound: so many records may wait; more are dropped, and a record tells how many.
  public init(descriptor: Int32 = 2, format: LogFormat, bound: Int = 8192) {
    self.descriptor = descriptor
    self.format = format
    self.bound = max(1, bound)
  }

  /// Takes a record to be written, or drops it where too many wait.
  public func submit(_ record: LogRecord) {
    let begins = state.withLock { state in
      if state.waiting.count >= bound {
        state.dropped += 1
        return false
      }
      state.waiting.append(record)
      if state.isRunning { return false }
      state.isRunning = true
      return true
    }
    if begins { queue.async { self.run() } }
  }

  /// Waits until what was submitted before is written, but not for longer than `seconds`.
  public func flush(within seconds: Double = 1) {
    let done = DispatchSemaphore(value: 0)
    queue.async { done.signal() }
    _ = done.wait(timeout: .now() + seconds)
  }

  private func run() {
    var output: [UInt8] = []
    while true {
      let (records, dropped) = state.withLock { state in
        defer { (state.waiting, state.dropped) = ([], 0) }
        if state.waiting.isEmpty && state.dropped == 0 { state.isRunning = false }
        return (state.waiting, state.dropped)
      }
      if records.isEmpty && dropped == 0 { return }
      for record in records {
        record.append(format, to: &output)
        if output.count >= 64 * 1024 { write(&output) }
      }
      if dropped > 0 {
        LogRecord(
          level: .warning, message: "log records were dropped: they come faster than they can be written",
          fields: ["dropped": .stringConvertible(dropped)]
        ).append(format, to: &output)
      }
      write(&output)
    }
  }

  /// Writes and empties `output`. Where it cannot be written there is nobody to tell.
  private func write(_ output: inout [UInt8]) {
    var start = 0
    while start < output.count {
      let count = output.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress.map { $0 + start }, $0.count - start)
      }
      if count < 0 && errno == EINTR { continue }
      if count < 0 && errno == EAGAIN {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&waiting, 1, 1000)
        continue
      }
      if count <= 0 { break }
      start += count
    }
    output.removeAll(keepingCapacity: output.capacity <= 1 << 20)
  }
}
