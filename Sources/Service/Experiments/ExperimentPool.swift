import Dispatch
import FoundationEssentials
import Glibc
import Synchronization

/// Runs the parts of experiments on threads of its own: as many at a time as there are cores, of several experiments in
/// turns, and of every experiment at least one. The kernel shares the cores among them, so a long experiment does not hold
/// up a short one; and the threads step back behind those that serve, which have more to do in less time.
///
/// Not on Dispatch: its concurrent queues share as many threads as there are cores, and whatever else is to be done on them
/// would wait until a long run is over.
final class ExperimentPool: Sendable {
  /// Something that is made in parts.
  protocol Job: AnyObject, Sendable {
    /// The next part; nil where none is left to begin. Must not wait for anything.
    func nextPart() -> (@Sendable () -> Void)?
  }

  /// How many experiments may be under way.
  static let largestCount = 32

  /// What the kernel takes of a thread's turn: 0 for those that serve, 19 at most.
  private static let niceness: Int32 = 10

  private struct Part: Sendable {
    let job: any Job
    let make: @Sendable () -> Void
  }

  private struct State {
    /// Those that have parts left to begin.
    var waiting: [any Job] = []
    /// How many parts of each are being made.
    var running: [ObjectIdentifier: Int] = [:]
    var runningParts = 0
    var places = 0
  }

  private let state = Mutex(State())
  private let width: Int

  init(width: Int = max(1, ProcessInfo.processInfo.activeProcessorCount)) { self.width = width }

  /// How many experiments have a place.
  var count: Int { state.withLock { $0.places } }

  /// Takes a place for an experiment, until ``leave()``.
  ///
  /// - Returns: false where there is none.
  func enter() -> Bool {
    state.withLock { state in
      if state.places >= Self.largestCount { return false }
      state.places += 1
      return true
    }
  }

  func leave() { state.withLock { $0.places -= 1 } }

  func run(_ job: any Job) {
    state.withLock { $0.waiting.append(job) }
    while let part = state.withLock({ takePart(&$0) }) {
      Self.detach {
        var next: Part? = part
        while let part = next {
          part.make()
          next = self.finish(part)
        }
      }
    }
  }

  private final class Work: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Runs this on a thread of its own, which steps back. Foundation's Thread would bring 44 MB of ICU into the program.
  private static func detach(_ body: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let work = Unmanaged.passRetained(Work(body))
    var thread = pthread_t()
    let status = pthread_create(
      &thread, &attributes,
      { pointer in
        guard let pointer else { return nil }
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, ExperimentPool.niceness)
        Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body()
        return nil
      }, work.toOpaque())
    if status != 0 {
      // There may be no more threads: then it waits for one of those that there are.
      work.release()
      DispatchQueue.global().async(execute: body)
    }
  }

  /// The part is done.
  ///
  /// - Returns: the one that the thread makes next.
  private func finish(_ part: Part) -> Part? {
    state.withLock { state in
      let id = ObjectIdentifier(part.job)
      let left = (state.running[id] ?? 1) - 1
      state.running[id] = left == 0 ? nil : left
      state.runningParts -= 1
      return takePart(&state)
    }
  }

  /// The next part of the job whose turn it is: of any where a core is free, else of one that has none under way.
  private func takePart(_ state: inout State) -> Part? {
    while let place = state.waiting.firstIndex(where: {
      state.runningParts < width || state.running[ObjectIdentifier($0)] == nil
    }) {
      let job = state.waiting.remove(at: place)
      guard let make = job.nextPart() else { continue }
      state.waiting.append(job)
      state.running[ObjectIdentifier(job), default: 0] += 1
      state.runningParts += 1
      return Part(job: job, make: make)
    }
    return nil
  }
}
