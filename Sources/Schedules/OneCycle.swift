import Foundation
public import JSON

/// One cycle: up to a peak, down to where it began, and on to a far smaller rate, in two or three phases.
///
///     initial = peak / div_factor,  final = initial / final_div_factor
///     two phases:   0 → pct·total: initial → peak;  → total: peak → final
///     three phases: 0 → pct·total: initial → peak;  → 2·pct·total: peak → initial;  → total: initial → final
///
/// Worked example, `max` 1, `total` 10, linear: 0.04, 0.36, 0.68, 1, 0.8571.
///
/// Source: Smith and Topin, "Super-Convergence", 2018, arXiv:1708.07120; torch `OneCycleLR`.
public struct OneCycle: Schedule {
  /// The form of the ramps.
  public enum Anneal: String, Sendable, CaseIterable {
    case cosine
    case linear
  }

  /// Where the phases meet.
  public enum Convention: String, Sendable, CaseIterable {
    /// At pct · total and total, as the paper draws it; the final rate holds.
    case clean
    /// One step earlier each (pct · total − 1, 2 · pct · total − 2, total − 1), and extrapolated past the last, as
    /// torch's `OneCycleLR` does.
    case torch
  }

  private struct Phase {
    let start: Double
    let end: Double
    let from: Double
    let to: Double
  }

  private let phases: [Phase]
  private let low: Double
  private let peak: Double
  private let final: Double
  private let pctStart: Double
  private let threePhase: Bool
  private let anneal: Anneal
  private let convention: Convention
  private let totalSteps: Double

  /// - Parameters:
  ///   - maxRate: the peak.
  ///   - totalSteps: the length of the whole cycle in steps; greater than 0.
  ///   - pctStart: the part of the cycle that rises, from 0 to 1; at most 0.5 in three phases.
  ///   - divFactor: the peak divided by the initial rate; greater than 0.
  ///   - finalDivFactor: the initial rate divided by the final one; greater than 0.
  ///   - anneal: the form of the ramps.
  ///   - threePhase: whether the fall to the initial rate mirrors the rise, before a third phase goes on to the final rate.
  public init(
    maxRate: Double, totalSteps: Double, pctStart: Double = 0.3, divFactor: Double = 25, finalDivFactor: Double = 1e4,
    anneal: Anneal = .cosine, threePhase: Bool = false
  ) {
    let initial = maxRate / divFactor
    self.init(
      low: initial, peak: maxRate, final: initial / finalDivFactor, totalSteps: totalSteps, pctStart: pctStart,
      anneal: anneal, threePhase: threePhase, convention: .clean)
  }

  /// The curve through three levels; with the levels turned around it is the momentum that goes with it.
  init(
    low: Double, peak: Double, final: Double, totalSteps: Double, pctStart: Double, anneal: Anneal, threePhase: Bool,
    convention: Convention
  ) {
    let early = convention == .torch ? 1.0 : 0
    var knots = [(pctStart * totalSteps - early, peak)]
    if threePhase { knots.append((2 * pctStart * totalSteps - 2 * early, low)) }
    knots.append((totalSteps - early, final))
    var phases: [Phase] = []
    var last = (0.0, low)
    for knot in knots {
      phases.append(Phase(start: last.0, end: knot.0, from: last.1, to: knot.1))
      last = knot
    }
    self.phases = phases
    self.low = low
    self.peak = peak
    self.final = final
    self.pctStart = pctStart
    self.threePhase = threePhase
    self.anneal = anneal
    self.convention = convention
    self.totalSteps = totalSteps
  }

  public func rate(at step: Double) -> Double {
    let last = phases[phases.count - 1]
    if convention == .clean && step >= totalSteps { return last.to }
    // An empty first phase has no steps of its own in the clean form; in torch's it divides by zero, and so does this.
    let phase = phases.first { step < $0.end || convention == .torch && step == $0.end } ?? last
    let progress = (step - phase.start) / (phase.end - phase.start)
    switch anneal {
    case .linear: return phase.from + (phase.to - phase.from) * progress
    case .cosine: return phase.to + (phase.from - phase.to) / 2 * (1 + cos(.pi * progress))
    }
  }

  public var end: ScheduleEnd? {
    if convention == .clean { return nil }
    let reason = "torch.OneCycleLR refuses to step past total_steps"
    return ScheduleEnd(lastStep: rate(at: totalSteps).isFinite ? totalSteps : totalSteps - 1, reason: reason)
  }

  public var form: JSONValue? {
    Self.definition.form([
      ("max_lr", .number(peak)), ("initial_lr", .number(low)), ("final_lr", .number(final)),
      ("total_steps", .number(totalSteps)), ("pct_start", .number(pctStart)), ("anneal", .string(anneal.rawValue)),
      ("three_phase", .bool(threePhase)), ("convention", .string(convention.rawValue)),
    ])
  }

  static let definition = Definition(
    type: "one_cycle",
    summary: "Up to a peak and down to a far smaller rate, in two or three phases.",
    parameters: [
      .baseRate("max_lr", "the peak"),
      .required("total_steps", .number(.positive), "the length of the whole cycle in steps"),
      .number("pct_start", .fraction, 0.3, "the part of the cycle that rises; at most 0.5 in three phases"),
      .number("div_factor", .positive, 25, "the peak divided by the initial rate"),
      .number("final_div_factor", .positive, 1e4, "the initial rate divided by the final one"),
      .optional("initial_lr", .number(.notNegative), "the initial rate, in place of div_factor"),
      .optional("final_lr", .number(.notNegative), "the final rate, in place of final_div_factor"),
      .choice("anneal", Anneal.cosine, "the form of the ramps"),
      .flag("three_phase", false, "fall to the initial rate as fast as it rose, then on to the final one"),
      .choice(
        "convention", Convention.clean,
        "whether the phases meet at pct_start·total_steps and total_steps, or one step earlier each, as torch does"),
    ],
    formula: "initial = max_lr/div_factor → max_lr at pct_start·total_steps → initial/final_div_factor at total_steps",
    source: "Smith and Topin, 2018, arXiv:1708.07120",
    example: ["type": "one_cycle", "max_lr": 0.1, "total_steps": 10]
  ) { arguments throws(SpecificationError) in
    let threePhase = try arguments.flag("three_phase")
    let pctStart = try arguments.number("pct_start")
    let convention: Convention = try arguments.choice("convention")
    if threePhase && pctStart > 0.5 && convention == .clean {
      throw arguments.error(
        "pct_start", "'pct_start' must be at most 0.5 in three phases: the fall is as long as the rise")
    }
    for (rate, factor) in [("initial_lr", "div_factor"), ("final_lr", "final_div_factor")]
    where arguments.has(rate) && arguments.has(factor) {
      throw arguments.error(rate, "give either '\(rate)' or '\(factor)', not both")
    }
    let peak = try arguments.number("max_lr")
    let ratio = try arguments.number("div_factor")
    let low = try arguments.optionalNumber("initial_lr") ?? peak / ratio
    let finalRatio = try arguments.number("final_div_factor")
    let final = try arguments.optionalNumber("final_lr") ?? low / finalRatio
    return OneCycle(
      low: low, peak: peak, final: final, totalSteps: try arguments.number("total_steps"), pctStart: pctStart,
      anneal: try arguments.choice("anneal"), threePhase: threePhase,
      convention: convention)
  }
}
