import Foundation
public import JSON

/// Seeded noise on a schedule: the same seed and step give the same rate, on every machine and in any order.
///
///     rate(t) = schedule(t) · (1 + n(seed, ⌊t⌋))    for from ≤ t < until
///     n: std · a standard normal number, drawn anew while it is above `limit` in size; or uniform in ±limit
///
/// Worked example: std 0 is the schedule itself.
///
/// Source: the idea of timm's `noise_range`, `noise_pct`, `noise_std`; the numbers are splitmix64's (Steele et al., 2014).
public struct Noise: Schedule {
  /// The distribution of the noise.
  public enum Kind: String, Sendable, CaseIterable {
    case normal
    case uniform
  }

  /// Where the numbers come from.
  public enum Generator: String, Sendable, CaseIterable {
    /// splitmix64 over the seed and the step.
    case splitmix
    /// torch's own generator, seeded with seed + step, as timm's schedulers have it; the limit itself is refused too.
    case torch
  }

  let schedule: any Schedule
  let seed: Double
  let standardDeviation: Double
  let limit: Double
  let kind: Kind
  let generator: Generator
  let from: Double
  let until: Double

  /// - Parameters:
  ///   - schedule: what is disturbed.
  ///   - seed: a whole number from 0 to 2⁵³.
  ///   - standardDeviation: of normal noise, as a part of the rate; at least 0.
  ///   - limit: the largest noise, as a part of the rate; from 0 to 1.
  ///   - kind: the distribution.
  ///   - generator: where the numbers come from.
  ///   - from: the first step with noise.
  ///   - until: the first step without noise again.
  public init(
    schedule: any Schedule, seed: Double, standardDeviation: Double = 0.1, limit: Double = 0.67, kind: Kind = .normal,
    generator: Generator = .splitmix, from: Double = 0, until: Double = .infinity
  ) {
    self.schedule = schedule
    self.seed = seed
    self.standardDeviation = standardDeviation
    self.limit = limit
    self.kind = kind
    self.generator = generator
    self.from = from
    self.until = until
  }

  public func rate(at step: Double) -> Double {
    let rate = schedule.rate(at: step)
    return step < from || step >= until ? rate : rate * (1 + noise(step.rounded(.down)))
  }

  private func noise(_ step: Double) -> Double {
    if generator == .torch { return torchNoise(step) }
    var bits = SplitMix(state: Self.whole(seed) &* 0x9E37_79B9_7F4A_7C15 ^ Self.whole(step))
    // A first number is thrown away: neighboring steps have neighboring states.
    _ = bits.next()
    if kind == .uniform { return limit * (2 * bits.unit() - 1) }
    // Rejection, as in timm; after 64 refusals (a limit far below the deviation) the limit stands in.
    for _ in 0..<64 {
      let radius = (-2 * log(1 - bits.unit())).squareRoot()
      let noise = standardDeviation * radius * cos(2 * .pi * bits.unit())
      if abs(noise) <= limit { return noise }
    }
    return limit
  }

  /// The number as an integer; a stretched clock can leave the integers, and the range of a double.
  private static func whole(_ number: Double) -> UInt64 { UInt64(exactly: number.rounded(.down)) ?? .max }

  private func torchNoise(_ step: Double) -> Double {
    var random = TorchRandom(seed: Self.whole(seed) &+ Self.whole(step))
    if kind == .uniform { return 2 * (random.uniform() - 0.5) * limit }
    // timm draws until a number is below the limit, without end; a limit that far below the deviation is of no use.
    for _ in 0..<1000 {
      let noise = random.normal() * standardDeviation
      if abs(noise) < limit { return noise }
    }
    return 0
  }

  public var end: ScheduleEnd? { schedule.end }

  public var form: JSONValue? {
    var members: [(String, JSONValue?)] = [
      ("schedule", schedule.form), ("seed", .number(seed)), ("std", .number(standardDeviation)),
      ("limit", .number(limit)), ("kind", .string(kind.rawValue)),
      ("generator", .string(generator.rawValue)), ("from", .number(from)),
    ]
    if until.isFinite { members.append(("until", .number(until))) }
    return Self.definition.form(members)
  }

  static let definition = Definition(
    type: "noise",
    summary: "Seeded noise on a schedule: the same seed and step give the same rate, in any order.",
    parameters: [
      .required("schedule", .schedule, "what is disturbed"),
      .integer("seed", NumberRange(lower: 0, upper: largestStep), 42, "chooses the noise"),
      .number("std", .notNegative, 0.1, "the standard deviation of normal noise, as a part of the rate"),
      .number("limit", .notNegative, 0.67, "the largest noise, as a part of the rate"),
      .choice("kind", Kind.normal, "the distribution"),
      .choice("generator", Generator.splitmix, "where the numbers come from: torch is timm's, seeded with seed + step"),
      .number("from", .notNegative, 0, "the first step with noise"),
      .optional("until", .number(.notNegative), "the first step without noise again"),
    ],
    formula: "schedule(t)·(1 + n(seed, ⌊t⌋)), from ≤ t < until",
    source: "the noise of timm's schedulers, with numbers of splitmix64",
    example: [
      "type": "noise", "seed": 7, "std": 0.05, "schedule": ["type": "cosine", "base_lr": 0.1, "total_steps": 100],
    ]
  ) { arguments throws(SpecificationError) in
    Noise(
      schedule: try arguments.schedule("schedule"), seed: try arguments.number("seed"),
      standardDeviation: try arguments.number("std"), limit: try arguments.number("limit"),
      kind: try arguments.choice("kind"), generator: try arguments.choice("generator"),
      from: try arguments.number("from"),
      until: try arguments.optionalNumber("until") ?? .infinity)
  }
}

/// splitmix64: a generator whose whole state is one number, made to be seeded by a counter.
///
/// Source: Steele, Lea and Flood, OOPSLA 2014.
package struct SplitMix {
  package var state: UInt64

  package init(state: UInt64) { self.state = state }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }

  /// A number from 0 to below 1.
  package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
