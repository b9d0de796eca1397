/// What counts as an improvement on the best metric so far.
///
/// A metric that is not a number is never an improvement: every comparison with it is false, as in the libraries.
public struct Improvement: Sendable, Equatable {
  /// Whether a metric should fall or rise.
  public enum Mode: String, Sendable, CaseIterable {
    case min
    case max
  }

  /// Whether the threshold is a part of the best metric or a difference.
  public enum ThresholdMode: String, Sendable, CaseIterable {
    case relative = "rel"
    case absolute = "abs"
  }

  public var mode: Mode
  /// How much better a metric must be; at least 0.
  public var threshold: Double
  public var thresholdMode: ThresholdMode

  public init(mode: Mode = .min, threshold: Double = 1e-4, thresholdMode: ThresholdMode = .relative) {
    self.mode = mode
    self.threshold = threshold
    self.thresholdMode = thresholdMode
  }

  /// Whether `metric` improves on `best`. With a relative threshold and a negative best, torch's rule lets a slightly
  /// worse metric pass; so does this.
  func isBetter(_ metric: Double, than best: Double) -> Bool {
    switch (mode, thresholdMode) {
    case (.min, .relative): metric < best * (1 - threshold)
    case (.min, .absolute): metric < best - threshold
    case (.max, .relative): metric > best * (1 + threshold)
    case (.max, .absolute): metric > best + threshold
    }
  }

  /// What every metric improves on.
  var worst: Double { mode == .min ? .infinity : -.infinity }
}
