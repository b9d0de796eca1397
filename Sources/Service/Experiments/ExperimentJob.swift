import Dispatch
import Experiments
import JSON
import Synchronization

/// An experiment under way: its runs, made by the pool, are told in their order.
final class ExperimentJob: ExperimentPool.Job {
  /// What came of one run.
  enum Outcome: Sendable {
    case run(Run)
    case rangeTest(RangeTestRun)
  }

  /// What is told while it goes on.
  enum News: Sendable {
    /// So much of the work is done, from 0 to 1.
    case progress(part: Double, runsDone: Int)
    case outcome(index: Int, Outcome)
    /// All runs have been told.
    case end
  }

  private struct State {
    var next = 0
    var outcomes: [Outcome?]
    /// How many outcomes have been told.
    var told = 0
    var runsDone = 0
    /// The parts of the runs that are under way.
    var parts: [Int: Double] = [:]
    var lastProgress: DispatchTime?
  }

  let request: ExperimentRequest
  private let tell: @Sendable (News) -> Void
  private let isCancelled = Atomic(false)
  private let state: Mutex<State>

  /// - Parameter tell: called on the pool's threads, one call at a time.
  init(_ request: ExperimentRequest, _ tell: @escaping @Sendable (News) -> Void) {
    self.request = request
    self.tell = tell
    state = Mutex(State(outcomes: Array(repeating: nil, count: request.count)))
  }

  /// Ends the runs that are under way; nothing more is told.
  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  func nextPart() -> (@Sendable () -> Void)? {
    if isCancelled.load(ordering: .relaxed) { return nil }
    return state.withLock { state in
      guard state.next < request.count else { return nil }
      let index = state.next
      state.next += 1
      return { self.make(index) }
    }
  }

  private func make(_ index: Int) {
    let isCancelled = { self.isCancelled.load(ordering: .relaxed) }
    let outcome: Outcome
    switch request.kind {
    case .grid(let grid):
      let steps = Double(max(1, grid.steps))
      outcome = .run(
        grid.experiment(index).run(isCancelled: isCancelled) { done in self.progress(index, Double(done) / steps) })
    case .rangeTest(let test):
      let optimizer = request.optimizers[index]
      outcome = .rangeTest(
        RangeTestRun(test, on: request.problem, isCancelled: isCancelled) { optimizer.optimizer(parameterCount: $0) })
    }
    if isCancelled() { return }
    state.withLock { state in
      state.outcomes[index] = outcome
      state.parts[index] = nil
      state.runsDone += 1
      while state.told < state.outcomes.count, let outcome = state.outcomes[state.told] {
        tell(.outcome(index: state.told, outcome))
        state.outcomes[state.told] = nil
        state.told += 1
      }
      if state.told == state.outcomes.count { tell(.end) }
    }
  }

  /// Ten times a second at most.
  private func progress(_ index: Int, _ part: Double) {
    state.withLock { state in
      state.parts[index] = part
      let now = DispatchTime.now()
      if let last = state.lastProgress, now < last + .milliseconds(100) { return }
      state.lastProgress = now
      let done = Double(state.runsDone) + state.parts.values.reduce(0, +)
      tell(.progress(part: min(done / Double(max(1, request.count)), 1), runsDone: state.runsDone))
    }
  }
}
