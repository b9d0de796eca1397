/// What a run amounts to, in one word, in a sentence, and in the numbers that say so.
///
/// A verdict is a rule of thumb with stated thresholds, not a proof: each case of ``Outcome`` says what it means.
public struct Verdict: Sendable, Equatable {
  public enum Outcome: String, Sendable, CaseIterable {
    /// The distance from the least loss is at most ``Experiment/tolerance`` of what it was at the start, and stays there.
    /// Where the least loss is unknown: the loss is flat, and either the gradient has shrunk to a thousandth or, where
    /// steps are noisy, the loss itself varies by less than a hundredth of its fall.
    case converged
    /// Not there yet, and still falling: over the last eighth of the steps by more than a hundredth of the distance from
    /// the least loss, or, where that is unknown, by more than a 200th of the whole fall.
    case slow
    /// Not there yet; in the last quarter of the steps the gradient turned by more than a right angle in at least half of
    /// the steps, or the loss rose in at least a quarter of them. Only where steps are exact.
    case oscillating
    /// The loss left every bound (``Experiment/divergence``), or was above its start at the end and rising.
    case diverged
    /// Flat, and not there: the rate is too small for the steps that were left, or the place is a trap.
    case stalled
    /// Flat, and the training loss at least 1.5 times that of the truth that made the data, which the model cannot reach.
    case underfit
    /// The validation loss has risen from its least by at least a tenth, while the training loss fell.
    case overfit
    /// Flat, and the noise of the steps keeps the loss above the least: a smaller rate would let it fall.
    case noisyPlateau = "noisy_plateau"
    /// Cancelled, or the schedule has no rate any more.
    case unfinished
  }

  /// One number that speaks for the verdict.
  public struct Evidence: Sendable, Equatable {
    /// In snake case, such as `final_loss`.
    public let name: String
    /// Finite.
    public let value: Double
  }

  public var outcome: Outcome
  /// Where it happened: converged from this step on, diverged at it, least validation loss at it. Nil where there is no
  /// such step.
  public var step: Int?
  /// A sentence or two, in English.
  public var words: String
  public var evidence: [Evidence]
  /// Whether the run did what the theory of ``StableRate`` says; nil where that says nothing of this run.
  public var agreesWithTheory: Bool?

  init(
    _ outcome: Outcome, step: Int? = nil, words: String, evidence: [(name: String, value: Double?)] = [],
    agreesWithTheory: Bool? = nil
  ) {
    self.outcome = outcome
    self.step = step
    self.words = words
    self.evidence = evidence.compactMap { name, value in
      value.flatMap { $0.isFinite ? Evidence(name: name, value: $0) : nil }
    }
    self.agreesWithTheory = agreesWithTheory
  }

  /// The value of the evidence of that name.
  public subscript(name: String) -> Double? { evidence.first { $0.name == name }?.value }
}
