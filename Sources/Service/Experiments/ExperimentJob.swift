import Dispatch
import Experiments
import JSON
import Policies
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
    /// So much of the work is done, from 0 to 1; never less than before.
    case progress(part: Double, runsDone: Int)
    case outcome(index: Int, Outcome)
    /// All runs have been told.
    case end
  }

  private struct State {
    var outcomes: [Outcome?]
    /// How many outcomes have been told.
    var told = 0
    var hasToldEnd = false
    /// Whether a thread tells; what comes meanwhile is told by it too.
    var isTelling = false
    var runsDone = 0
    /// The parts of the runs that are under way.
    var parts: [Int: Double] = [:]
    var lastPart = 0.0
    var lastProgress: DispatchTime?
  }

  let request: ExperimentRequest
  private let tell: @Sendable (News) -> Void
  private let isCancelled = Atomic(false)
  private let next = Atomic(0)
  private let state: Mutex<State>

  /// - Parameter tell: called on the pool's threads, one call at a time. It may take its time: nobody waits for it but the
  ///   run that it is told of.
  init(_ request: ExperimentRequest, _ tell: @escaping @Sendable (News) -> Void) {
    self.request = request
    self.tell = tell
    state = Mutex(State(outcomes: Array(repeating: nil, count: request.count)))
  }

  /// Ends the runs that are under way; nothing more is told.
  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  func nextPart() -> (@Sendable () -> Void)? {
    if isCancelled.load(ordering: .relaxed) || next.load(ordering: .relaxed) >= request.count { return nil }
    let index = next.add(1, ordering: .relaxed).oldValue
    if index >= request.count { return nil }
    return { self.make(index) }
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
      let steps = Double(max(1, test.sweep.steps))
      outcome = .rangeTest(
        RangeTestRun(
          test, on: request.problem, isCancelled: isCancelled,
          progress: { done in self.progress(index, Double(done) / steps) },
          optimizer: { optimizer.optimizer(parameterCount: $0) }))
    }
    if isCancelled() { return }
    let tells = state.withLock { state in
      state.outcomes[index] = outcome
      state.parts[index] = nil
      state.runsDone += 1
      defer { state.isTelling = true }
      return !state.isTelling
    }
    if tells { tellOutcomes() }
  }

  /// Tells what there is to tell; the caller has the turn, which ends here.
  private func tellOutcomes() {
    while let news = state.withLock({ nextNews(&$0) }) { tell(news) }
  }

  private func nextNews(_ state: inout State) -> News? {
    if state.told < state.outcomes.count, let outcome = state.outcomes[state.told] {
      state.outcomes[state.told] = nil
      state.told += 1
      return .outcome(index: state.told - 1, outcome)
    }
    if state.told == state.outcomes.count && !state.hasToldEnd {
      state.hasToldEnd = true
      return .end
    }
    state.isTelling = false
    return nil
  }

  /// Ten times a second at most.
  private func progress(_ index: Int, _ part: Double) {
    let news: News? = state.withLock { state in
      state.parts[index] = part
      let now = DispatchTime.now()
      if let last = state.lastProgress, now < last + .milliseconds(100) { return nil }
      if state.isTelling { return nil }
      state.isTelling = true
      state.lastProgress = now
      let done = Double(state.runsDone) + state.parts.values.reduce(0, +)
      // The sum is rounded in another order each time.
      state.lastPart = max(state.lastPart, min(done / Double(max(1, request.count)), 1))
      return .progress(part: state.lastPart, runsDone: state.runsDone)
    }
    guard let news else { return }
    tell(news)
    tellOutcomes()
  }
}
