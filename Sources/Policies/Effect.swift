/// What a policy does to the rate, as a small value: every sealed step can remember what made its rate.
public enum Effect: Codable, Equatable, Sendable {
  case none
  /// Multiplies the rate.
  case factor(Double)
  /// Puts `rate` in the place of `base`, and scales other rates alike: exact where a library's rule runs on a constant.
  case ratio(rate: Double, base: Double)
  /// A line or another ramp of the factor, from `from` at step `start` to 1 at `start + steps`.
  case ramp(from: Double, start: Int, steps: Int, shape: RampShape)
  /// From step `start` on multiplies by `factor`, for `hold` steps; then in `ramp` steps back to 1.
  case recovery(factor: Double, start: Int, hold: Int, ramp: Int)
  /// From step `start` on the rate falls from where it was to `floor`, and stays there.
  case cooldown(Cooldown)
  /// A learning-rate range test: the rate itself, from step `start` on.
  case sweep(Sweep)
  /// Effective rates a parameter group: the rate times the scale.
  case groups([GroupScale])

  /// The rate after the effect.
  ///
  /// - Parameters:
  ///   - rate: the rate before.
  ///   - step: the step that it is for.
  ///   - anchor: for a cooldown, the rate (after the effect) at the step before its start.
  public func apply(to rate: Double, at step: Int, anchor: Double?) -> Double {
    switch self {
    case .none, .groups: return rate
    case .factor(let factor): return rate * factor
    case .ratio(let changed, let base):
      if rate == base { return changed }
      return base == 0 ? rate : rate * (changed / base)
    case .ramp(let from, let start, let steps, let shape):
      if step >= start + steps { return rate }
      let part = Double(max(0, step - start)) / Double(steps)
      return rate * (from + (1 - from) * shape.part(part))
    case .recovery(let factor, let start, let hold, let ramp):
      if step < start { return rate }
      if step < start + hold { return rate * factor }
      if step >= start + hold + ramp { return rate }
      let part = Double(step - start - hold + 1) / Double(ramp + 1)
      return rate * (factor + (1 - factor) * part)
    case .cooldown(let cooldown): return cooldown.rate(rate, at: step, anchor: anchor)
    case .sweep(let sweep): return sweep.rate(rate, at: step)
    }
  }

  /// The step before which the rate must be known for ``apply(to:at:anchor:)``; nil where it need not.
  public var anchorStep: Int? { if case .cooldown(let cooldown) = self { cooldown.start } else { nil } }
}

/// How a factor rises.
public enum RampShape: String, Codable, Sendable, CaseIterable {
  case linear
  case cosine

  func part(_ part: Double) -> Double {
    switch self {
    case .linear: part
    case .cosine: (1 - cosineOfHalfTurns(part)) / 2
    }
  }
}

/// A cooldown "from now": η(s) = floor + (η_c − floor)·(1 − ((s − c)/d)^p), and the floor from c + d on.
///
/// Source: MiniCPM, arXiv:2404.06395; Hägele et al., arXiv:2405.18392: 1 − √x (p = ½) does best.
public struct Cooldown: Codable, Equatable, Sendable {
  public enum Shape: String, Codable, Sendable, CaseIterable {
    case linear
    case cosine
    case oneMinusSqrt = "1-sqrt"
  }

  /// The step c: the last one at the full rate.
  public var start: Int
  /// The length d in steps, at least 1.
  public var steps: Int
  public var shape: Shape
  /// The rate at the end, at least 0.
  public var floor: Double

  public init(start: Int, steps: Int, shape: Shape = .oneMinusSqrt, floor: Double = 0) {
    self.start = start
    self.steps = steps
    self.shape = shape
    self.floor = floor
  }

  /// Never above `anchor`: a floor that is higher than the rate it starts from holds that rate.
  func rate(_ rate: Double, at step: Int, anchor: Double?) -> Double {
    guard step >= start, let anchor else { return rate }
    if anchor <= floor { return anchor }
    // The end is reached exactly, by comparison and not by rounding.
    if step - start >= steps { return floor }
    let part = Double(step - start) / Double(steps)
    let left =
      switch shape {
      case .linear: 1 - part
      case .cosine: (1 + cosineOfHalfTurns(part)) / 2
      case .oneMinusSqrt: 1 - part.squareRoot()
      }
    return floor + (anchor - floor) * left
  }
}

/// The rates of a range test.
public struct Sweep: Codable, Equatable, Sendable {
  public enum Spacing: String, Codable, Sendable, CaseIterable {
    case exponential
    case linear
  }

  public var start: Int
  /// How many steps it takes from `low` to `high`, both included; at least 2.
  public var steps: Int
  public var low: Double
  public var high: Double
  public var spacing: Spacing
  /// From here on the test is over and the rate is `low`, until the trainer has gone back to where it began.
  public var stop: Int?

  public init(start: Int = 0, steps: Int, low: Double, high: Double, spacing: Spacing = .exponential) {
    self.start = start
    self.steps = steps
    self.low = low
    self.high = high
    self.spacing = spacing
  }

  /// The rate of the test's step number `index`, counted from 0.
  public func rate(_ index: Int) -> Double {
    if index >= steps - 1 { return high }
    let part = Double(index) / Double(steps - 1)
    return spacing == .linear ? low + (high - low) * part : low * power(high / low, part)
  }

  func rate(_ rate: Double, at step: Int) -> Double {
    if step < start { return rate }
    if let stop, step >= stop { return low }
    return step - start >= steps ? low : self.rate(step - start)
  }
}

/// The scale of one parameter group.
public struct GroupScale: Codable, Equatable, Sendable {
  public var group: String
  /// One scale for the group, or one for each reported parameter.
  public var scales: [Double]
  /// Whether the trainer reports a vector for the group.
  public var isVector: Bool

  public init(group: String, scales: [Double], isVector: Bool) {
    self.group = group
    self.scales = scales
    self.isVector = isVector
  }
}
