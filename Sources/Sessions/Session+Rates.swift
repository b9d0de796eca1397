public import Policies
import Schedules

/// Rates: clamp(schedule × policies × overrides), decided once a step.
extension Session {
  /// Decides the rates up to `target`. What is decided already stays.
  mutating func seal(through target: Int) {
    var from = sealedUntil + 1
    while from <= target {
      let effects = running.map(\.effect)
      setAnchors(at: from, effects)
      // A cooldown that begins further on needs the rate before its start.
      let next = nextAnchor(after: from, effects)
      let last = min(target, next.map { $0 - 1 } ?? target)
      append(Segment(from: from, effects: effects))
      sealedUntil = last
      from = last + 1
    }
  }

  /// Takes the rate that the trainer used on its own for the step after the last sealed one.
  mutating func adopt(_ rate: Double, at step: Int) {
    let effects = running.map(\.effect)
    setAnchors(at: step, effects)
    append(Segment(from: step, effects: effects, adopted: rate))
    sealedUntil = step
  }

  /// Takes back what was decided for steps from `step` on: for a new attempt, which has been given none of it.
  mutating func unseal(from step: Int) {
    segments.removeAll { $0.from >= step }
    sealedUntil = min(sealedUntil, step - 1)
    for (index, effect) in running.map(\.effect).enumerated() {
      if let start = effect.anchorStep, start >= step { anchors[index] = nil }
    }
    for index in overrides.indices {
      if case .cooldown(let cooldown) = overrides[index].change, cooldown.start >= step {
        overrides[index].anchor = nil
      }
    }
  }

  private mutating func append(_ segment: Segment) {
    if let last = segments.last, last.effects == segment.effects, last.adopted == nil, segment.adopted == nil { return }
    segments.append(segment)
    // Vectors of effective rates are large: fewer of them are kept.
    let size = segment.effects.reduce(1) { $0 + $1.size }
    let limit = max(4, Self.segmentLimit / max(1, size / 16))
    if segments.count > limit {
      segments.removeFirst(segments.count - limit)
      firstKeptStep = segments[0].from
    }
  }

  private mutating func setAnchors(at step: Int, _ effects: [Effect]) {
    for (index, effect) in effects.enumerated() {
      guard let start = effect.anchorStep, start <= step, anchors[index] == nil else { continue }
      anchors[index] = evaluate(max(0, step - 1), before: effects, stages: index)
    }
    for index in overrides.indices {
      guard case .cooldown(let cooldown) = overrides[index].change, overrides[index].anchor == nil,
        cooldown.start <= step
      else { continue }
      overrides[index].anchor = evaluate(max(0, step - 1), before: effects, stages: running.count + index)
    }
  }

  private func nextAnchor(after step: Int, _ effects: [Effect]) -> Int? {
    var next: Int?
    for effect in effects {
      if let start = effect.anchorStep, start > step { next = min(next ?? start, start) }
    }
    for override in overrides {
      if case .cooldown(let cooldown) = override.change, cooldown.start > step {
        next = min(next ?? cooldown.start, cooldown.start)
      }
    }
    return next
  }

  /// The value that enters a stage at a step, for an anchor: by the effects that the step was sealed with.
  private func evaluate(_ step: Int, before effects: [Effect], stages: Int) -> Double {
    let segment = segments.last { $0.from <= step }
    if let adopted = segment?.adopted { return adopted }
    return evaluate(step, segment?.effects ?? effects, stages: stages)
  }

  /// The rate of a sealed step; nil where it is not sealed, or has left the window.
  public func rate(at step: Int) -> Double? {
    guard step <= sealedUntil, step >= firstKeptStep, let segment = segment(step) else { return nil }
    return segment.adopted ?? evaluate(step, segment.effects)
  }

  private func segment(_ step: Int) -> Segment? {
    if let last = segments.last, last.from <= step { return last }
    return segments.last { $0.from <= step }
  }

  /// The effective rates of parameter groups at a sealed step, where a policy makes them.
  func groupScales(at step: Int) -> [GroupScale] {
    for effect in segment(step)?.effects ?? [] {
      if case .groups(let scales) = effect { return scales }
    }
    return []
  }

  /// The rate of any step as things stand now: sealed, or what it would be.
  public func projectedRate(at step: Int) -> Double {
    if let rate = rate(at: step) { return rate }
    return evaluate(step, running.map(\.effect))
  }

  func evaluate(_ step: Int, _ effects: [Effect], stages: Int = .max) -> Double {
    var rate = scheduled(at: step)
    for (index, effect) in effects.enumerated() {
      if index >= stages { return rate }
      rate = effect.apply(to: rate, at: step, anchor: anchors[index])
    }
    for (index, override) in overrides.enumerated() where override.isActive(at: step) {
      if effects.count + index >= stages { return rate }
      rate = override.apply(to: rate, at: step)
    }
    if stages != .max { return rate }
    // A product may leave the range of a double; what goes out never does.
    if rate.isNaN { rate = specification.minRate }
    return min(max(rate, specification.minRate), min(specification.maxRate, .greatestFiniteMagnitude))
  }

  /// The schedule in force at the step, the session's own or an override's; after its end, its last rate.
  func scheduled(at step: Int) -> Double {
    var schedule = specification.schedule
    for override in overrides {
      if case .schedule(_, let other) = override.change, override.isActive(at: step) { schedule = other }
    }
    let last = schedule.end.map { min($0.lastStep, Double(step)) } ?? Double(step)
    let rate = schedule.rate(at: last)
    return rate.isNaN ? 0 : max(0, rate)
  }

  /// Who made the rate what it is.
  public struct Factor: Sendable, Equatable {
    /// `schedule`, `policy`, `override`, `bounds` or `trainer`.
    public var by: String
    /// Which one.
    public var name: String
    /// The rate after it.
    public var rate: Double
    public var effect: String
  }

  /// Every stage that a step's rate went through.
  public func factors(at step: Int) -> [Factor] {
    let segment = step <= sealedUntil ? segment(step) : nil
    if let adopted = segment?.adopted {
      return [Factor(by: "trainer", name: "learning_rate_applied", rate: adopted, effect: "used without the server")]
    }
    let effects = segment?.effects ?? running.map(\.effect)
    var rate = scheduled(at: step)
    var factors = [Factor(by: "schedule", name: "schedule", rate: rate, effect: "")]
    for (index, effect) in effects.enumerated() where effect != .none {
      rate = effect.apply(to: rate, at: step, anchor: anchors[index])
      factors.append(
        Factor(by: "policy", name: specification.rules[index].type, rate: rate, effect: effect.summary))
    }
    for override in overrides where override.isActive(at: step) {
      rate = override.apply(to: rate, at: step)
      factors.append(Factor(by: "override", name: override.id, rate: rate, effect: override.change.summary))
    }
    let bounded = evaluate(step, effects)
    if bounded != rate { factors.append(Factor(by: "bounds", name: "bounds", rate: bounded, effect: "clamped")) }
    return factors
  }
}

extension Effect {
  /// How many numbers it holds, roughly.
  var size: Int { if case .groups(let scales) = self { scales.reduce(0) { $0 + $1.scales.count } } else { 1 } }

  /// What it does, in words.
  public var summary: String {
    switch self {
    case .none: "none"
    case .factor(let factor): "times \(factor)"
    case .ratio(let rate, let base): "\(rate) in place of \(base)"
    case .ramp(let from, let start, let steps, _): "from \(from) to 1 in \(steps) steps from \(start)"
    case .recovery(let factor, let start, let hold, let ramp):
      "times \(factor) from step \(start) for \(hold) steps, back in \(ramp)"
    case .cooldown(let cooldown): "down to \(cooldown.floor) in \(cooldown.steps) steps from \(cooldown.start)"
    case .sweep(let sweep):
      sweep.stop.map { "range test over at step \($0)" } ?? "range test, \(sweep.low) to \(sweep.high)"
    case .groups: "effective rates of parameter groups"
    }
  }
}
