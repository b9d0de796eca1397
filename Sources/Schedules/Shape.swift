import Foundation

/// The form of a ramp: how much of the way from its start to its end it has gone.
///
/// Worked example, half way: linear 0.5, cosine 0.5, sqrt 0.7071, power 2 0.25, polynomial 2 0.75.
///
/// Source: the decays of the libraries, each named below.
public struct Shape: Sendable, Equatable {
  /// The forms by name.
  public enum Kind: String, Sendable, CaseIterable {
    /// p.
    case linear
    /// (1 − cos(π·p))/2.
    case cosine
    /// 1 − (1 − p)^power: the decay of torch, Keras and Hugging Face.
    case polynomial
    /// p^power: timm, fastai.
    case power
    /// √p: the "1-sqrt" cooldown, Hägele et al., 2024, arXiv:2405.18392.
    case sqrt
    /// 1 − √(1 − p): Hugging Face's warm-up of type "1-sqrt".
    case oneMinusSqrt = "one_minus_sqrt"
    /// The same factor every step; start and end must be greater than 0.
    case exponential
    /// (1 − ratio^p)/(1 − ratio): an exponential that reaches its end; Megatron-LM, timm.
    case normalizedExponential = "normalized_exponential"
    /// (tanh(lower·(1 − p) + upper·p) − 1)/2 + 1: Hsueh et al., 2018, arXiv:1806.01593. It stops short of the end.
    case tanh
    /// 1 − (1 − p)/(1 − beta·p): Chen et al., MLSys 2022, arXiv:2107.04197.
    case rex
    /// ln(1 + t)/ln(steps), at most 1: DeepSpeed's warm-up.
    case logarithmic
    /// The start all the way, then the end at once.
    case constant
  }

  public var kind: Kind
  /// The exponent of `polynomial` and `power`; greater than 0.
  public var power = 1.0
  /// Of `normalizedExponential`: what is left after the whole length without the norm; greater than 0, not 1.
  public var ratio = 0.5
  /// Of `tanh`: the arguments at the start and at the end.
  public var lowerBound = -6.0
  public var upperBound = 3.0
  /// Of `rex`: 0 is a straight line; below 1.
  public var beta = 0.5
  /// The progress p is raised to this first; greater than 0. Zhang and Li, "k-decay", 2020, arXiv:2004.05909.
  public var kDecay = 1.0

  public init(_ kind: Kind) { self.kind = kind }

  static func polynomial(_ power: Double) -> Shape {
    var shape = Shape(.polynomial)
    shape.power = power
    return shape
  }

  static func power(_ power: Double) -> Shape {
    var shape = Shape(.power)
    shape.power = power
    return shape
  }

  static func normalizedExponential(_ ratio: Double) -> Shape {
    var shape = Shape(.normalizedExponential)
    shape.ratio = ratio
    return shape
  }

  static func tanh(_ lowerBound: Double, _ upperBound: Double) -> Shape {
    var shape = Shape(.tanh)
    shape.lowerBound = lowerBound
    shape.upperBound = upperBound
    return shape
  }

  func with(kDecay: Double) -> Shape {
    var shape = self
    shape.kDecay = kDecay
    return shape
  }

  /// The value between `start` and `end` at `progress`, a part of the length from 0 to 1.
  ///
  /// - Parameter steps: the length in steps.
  func value(_ progress: Double, from start: Double, to end: Double, steps: Double) -> Double {
    let progress = kDecay == 1 ? progress : pow(progress, kDecay)
    if kind == .exponential { return start * pow(end / start, progress) }
    // Written from the end that each form is exact at: what is left for decays, what is done for the others.
    switch kind {
    case .linear: return start + (end - start) * progress
    case .cosine: return end + (start - end) * ((1 + cos(.pi * progress)) / 2)
    case .polynomial: return end + (start - end) * pow(1 - progress, power)
    case .power: return end + (start - end) * (1 - pow(progress, power))
    case .sqrt: return end + (start - end) * (1 - progress.squareRoot())
    case .oneMinusSqrt: return end + (start - end) * (1 - progress).squareRoot()
    case .normalizedExponential:
      return end + (start - end) * ((pow(ratio, progress) - ratio) / (1 - ratio))
    case .tanh:
      let argument = lowerBound * (1 - progress) + upperBound * progress
      return end + (start - end) * ((1 - Foundation.tanh(argument)) / 2)
    case .rex: return end + (start - end) * ((1 - progress) / (1 - beta * progress))
    case .logarithmic:
      let done = min(log(1 + progress * steps) / log(max(2, steps)), 1)
      return start + (end - start) * done
    case .constant: return progress < 1 ? start : end
    case .exponential: return start
    }
  }
}
