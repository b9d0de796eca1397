/// What came of an experiment.
public struct Run: Sendable, Equatable {
  /// Why a run ended.
  public enum Ending: String, Sendable, CaseIterable {
    /// All steps were made.
    case completed
    /// The loss left every bound: see ``Experiment/divergence``.
    case diverged
    /// The caller wanted it so.
    case cancelled
    /// The schedule has no finite rate for the next step.
    case noRate = "no_rate"
  }

  /// What was recorded, in the order of the steps; at least one point.
  public internal(set) var trace: [TracePoint]
  public internal(set) var ending: Ending
  /// How many updates were made.
  public internal(set) var steps: Int
  /// The exact training loss at the start.
  public internal(set) var startLoss: Double
  /// The exact training loss after the last update; not finite where the run became so.
  public internal(set) var finalLoss: Double
  /// The validation loss after the last update; nil where the problem has none.
  public internal(set) var finalValidationLoss: Double?
  /// The least training loss: of all steps, or, where the steps see a batch, of the recorded ones.
  public internal(set) var bestLoss: Double
  /// Where it was.
  public internal(set) var bestStep: Int
  /// The first step whose loss was not finite; nil where all were.
  public internal(set) var nonfiniteStep: Int?
  /// The largest rate of an update; 0 where none was made.
  public internal(set) var largestRate: Double
  /// The parameters after the last update.
  public internal(set) var parameters: [Double]
  public internal(set) var verdict: Verdict
}

/// What is known of one moment of a run: the state after `step` updates, and the update that is made from there.
public struct TracePoint: Sendable, Equatable {
  /// How many updates were made before.
  public var step: Int
  /// The exact training loss; may be not finite at the last point of a run that diverged.
  public var loss: Double
  /// Nil where the problem has no validation.
  public var validationLoss: Double?
  /// The rate of the update that follows; nil where none does.
  public var learningRate: Double?
  /// What the parameters' own rates were in that update; nil where none follows.
  public var effectiveRates: EffectiveRates?
  /// Where the parameters are; nil where there are not two.
  public var position: Position?

  public struct Position: Sendable, Equatable {
    public var x: Double
    public var y: Double
  }
}

/// The rates of all parameters in one update, in short.
public struct EffectiveRates: Sendable, Equatable {
  public var least: Double
  public var median: Double
  public var largest: Double

  /// - Parameter rates: one for each parameter; nil comes of none.
  init?(_ rates: [Double]) {
    let sorted = rates.sorted()
    guard let first = sorted.first, let last = sorted.last else { return nil }
    least = first
    largest = last
    median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}
