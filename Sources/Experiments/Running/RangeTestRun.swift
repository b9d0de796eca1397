public import Policies

/// Smith's range test made on a problem instead of a training: the rate grows while the loss is watched.
///
/// The smoothing, the rule to stop and the suggestions are those of the sessions' `range_test`, the same code: both say the
/// same of the same losses.
public struct RangeTestRun: Sendable, Equatable {
  /// The losses that the steps saw over their rates, smoothed, and what they suggest.
  public let curve: RangeTestCurve
  /// Whether the test stopped because the loss diverged.
  public let hasDiverged: Bool
  /// How many steps were made.
  public let steps: Int
  /// Whether the caller ended it.
  public let isCancelled: Bool

  /// Makes the test.
  ///
  /// - Parameters:
  ///   - test: the rates, the smoothing and the rule to stop; its sweep's start is of no meaning here.
  ///   - problem: what is minimized, from its start.
  ///   - isCancelled: asked every 256 steps, or more often where steps are dear; true ends the test.
  ///   - progress: told the number of steps made, as often.
  ///   - optimizer: makes the optimizer for so many parameters.
  public init(
    _ test: RangeTest, on problem: any Problem, isCancelled: () -> Bool = { false },
    progress: (_ stepsDone: Int) -> Void = { _ in },
    optimizer: (_ parameterCount: Int) -> any Optimizer
  ) {
    var optimizer = optimizer(problem.start.count)
    var parameters = problem.start
    var gradient = [Double](repeating: 0, count: parameters.count)
    var state = test.initialState
    var step = 0
    var wasCancelled = false
    let stride = Experiment.stride(problem)
    while step < test.sweep.steps {
      if step % stride == 0 {
        if isCancelled() {
          wasCancelled = true
          break
        }
        progress(step)
      }
      let loss = problem.loss(at: parameters, step: step, gradient: &gradient)
      test.reduce(&state, Report(step: test.sweep.start + step, value: loss))
      step += 1
      if state.stop != nil { break }
      optimizer.update(&parameters, gradient: gradient, learningRate: test.sweep.rate(step - 1))
    }
    curve = test.curve(state)
    hasDiverged = state.hasDiverged
    steps = step
    self.isCancelled = wasCancelled
  }

  /// What the test costs at most, in the unit of ``Experiment/work``. Reading the suggestions off the curve, which is
  /// quadratic in the steps, is counted in.
  public static func work(_ test: RangeTest, on problem: any Problem) -> Double {
    let steps = Double(test.sweep.steps)
    return steps * Experiment.updateCost(problem) + steps * steps
  }
}
