import Dispatch
import Foundation
import Synchronization

/// Runs the parts of experiments, as many at a time as there are cores, and of several experiments in turns: a long one
/// does not hold up a short one.
final class ExperimentPool: Sendable {
  /// Something that is made in parts.
  protocol Job: AnyObject, Sendable {
    /// The next part; nil where none is left to begin.
    func nextPart() -> (@Sendable () -> Void)?
  }

  /// How many experiments may be under way or wait.
  static let largestCount = 32

  private struct State {
    /// Those that have parts left to begin.
    var waiting: [any Job] = []
    var runningParts = 0
    var jobs = 0
  }

  private let state = Mutex(State())
  private let width: Int
  private let queue = DispatchQueue(label: "service.experiments", attributes: .concurrent)

  init(width: Int = max(1, ProcessInfo.processInfo.activeProcessorCount)) { self.width = width }

  /// Takes a place for an experiment, until ``leave()``.
  ///
  /// - Returns: false where there is none.
  func enter() -> Bool {
    state.withLock { state in
      if state.jobs >= Self.largestCount { return false }
      state.jobs += 1
      return true
    }
  }

  func leave() { state.withLock { $0.jobs -= 1 } }

  func run(_ job: any Job) {
    state.withLock { $0.waiting.append(job) }
    start()
  }

  private func start() {
    while let part = takePart() {
      queue.async {
        part()
        self.state.withLock { $0.runningParts -= 1 }
        self.start()
      }
    }
  }

  /// The next part of the job whose turn it is, where a core is free.
  private func takePart() -> (@Sendable () -> Void)? {
    state.withLock { state in
      while state.runningParts < width, !state.waiting.isEmpty {
        let job = state.waiting.removeFirst()
        guard let part = job.nextPart() else { continue }
        state.waiting.append(job)
        state.runningParts += 1
        return part
      }
      return nil
    }
  }
}
