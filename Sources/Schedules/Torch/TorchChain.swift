import Foundation
import JSON

/// One member of a composition, with the base rate that it was constructed with.
struct TorchMember: Sendable {
  let scheduler: any TorchScheduler
  let base: Double

  /// One `step()`: the rate x becomes the rate at the own step `step`, which is at least 1.
  func stepped(_ x: Double, to step: Double) -> Double {
    switch scheduler.role {
    case .factor(let factor): x * factor.factor(after: step - 1, through: step)
    case .cosine(let cosine): cosine.stepped(x, to: step, base: base)
    case .absolute: scheduler.schedule(from: x, base: base).rate(at: step)
    }
  }
}

/// `ChainedScheduler`: at every step each member in turn changes the rate that the one before it left.
enum TorchChain {
  /// The most members' steps that are computed ahead for a chain that has no closed form.
  private static let largestWork = 1_000_000

  /// - Parameters:
  ///   - members: in their order.
  ///   - x: the rate at step 0.
  ///   - horizon: the last step that will be asked for.
  /// - Returns: the curve, in closed form wherever there is one.
  static func schedule(_ members: [TorchMember], from x: Double, horizon: Double) -> any Schedule {
    if let last = members.lastIndex(where: { if case .absolute = $0.scheduler.role { true } else { false } }) {
      let absolute = members[last]
      let curve = absolute.scheduler.schedule(from: x, base: absolute.base)
      if last == members.count - 1 && curve.rate(at: 0) == x { return curve }
      return Overwritten(first: x, curve: curve, after: Array(members[(last + 1)...]))
    }
    var factors: [any TorchFactor] = []
    var cosines: [(index: Int, cosine: TorchCosineAnnealing)] = []
    for (index, member) in members.enumerated() {
      switch member.scheduler.role {
      case .factor(let factor): factors.append(factor)
      case .cosine(let cosine): cosines.append((index, cosine))
      case .absolute: break
      }
    }
    if cosines.isEmpty {
      return ScheduleProduct(
        schedules: members.map { $0.scheduler.schedule(from: 1, base: 1) }, baseRate: x)
    }
    if cosines.count == 1, cosines[0].cosine.minimum == 0 {
      // Members before the cosine act on the rate at a restart before the base rate is added to it, those after it later.
      return CosineTimesFactors(
        first: x, base: members[cosines[0].index].base, cosine: cosines[0].cosine, factors: factors,
        factorsAfter: Array(factors[cosines[0].index...]))
    }
    return stepped(members, from: x, cosine: cosines.count == 1 ? cosines[0] : nil, factors: factors, horizon: horizon)
  }

  /// A chain that has to be stepped through: to the last change of the factors, after which the cosine stands alone; or
  /// as far as the work allows.
  private static func stepped(
    _ members: [TorchMember], from x: Double, cosine: (index: Int, cosine: TorchCosineAnnealing)?,
    factors: [any TorchFactor], horizon: Double
  ) -> any Schedule {
    let reach = Double(largestWork / members.count)
    let settled = factors.map(\.lastChange).max() ?? 0
    var rates = [x]
    func extend(through step: Double) {
      while Double(rates.count) <= min(step, horizon) {
        let step = Double(rates.count)
        rates.append(members.reduce(rates[rates.count - 1]) { $1.stepped($0, to: step) })
      }
    }
    guard let cosine, settled + 1 < reach else {
      extend(through: reach)
      return Ended(
        schedule: Table(rates: rates, tail: Constant(baseRate: rates[rates.count - 1])), lastStep: reach,
        reason: "this ChainedScheduler has no closed form (torch adds eta_min anew at every step)")
    }
    if settled >= horizon {
      extend(through: horizon)
      return Table(rates: rates, tail: Constant(baseRate: rates[rates.count - 1]))
    }
    // One step past a minimum, where the height is not 0 and the tail can be scaled from it.
    extend(through: cosine.cosine.height(at: settled) > 0 ? settled : settled + 1)
    let tail = CosineTail(
      start: Double(rates.count - 1), rate: rates[rates.count - 1], base: members[cosine.index].base,
      cosine: cosine.cosine)
    return Table(rates: rates, tail: tail)
  }

  /// Members after one that overwrites: each step they act once on what it wrote.
  private struct Overwritten: Schedule {
    var form: JSONValue? { nil }
    let first: Double
    let curve: any Schedule
    let after: [TorchMember]

    func rate(at step: Double) -> Double {
      step < 1 ? first : after.reduce(curve.rate(at: step)) { $1.stepped($0, to: step) }
    }

    var end: ScheduleEnd? { curve.end }
  }

  /// One cosine with minimum 0 among factors: a product until the first minimum, and after each minimum a product again,
  /// from the part of the base rate that torch adds there.
  private struct CosineTimesFactors: Schedule {
    var form: JSONValue? { nil }
    let first: Double
    let base: Double
    let cosine: TorchCosineAnnealing
    let factors: [any TorchFactor]
    let factorsAfter: [any TorchFactor]

    func rate(at step: Double) -> Double {
      if step < cosine.halfPeriod + 1 {
        return factors.reduce(first * cosine.height(at: step)) { $0 * $1.factor(after: 0, through: step) }
      }
      let waves = wholePeriods(in: step - 1 - cosine.halfPeriod, of: 2 * cosine.halfPeriod).count
      let restart = cosine.halfPeriod + 1 + waves * 2 * cosine.halfPeriod
      let restarted = factorsAfter.reduce(base) { $0 * $1.factor(after: restart - 1, through: restart) }
      return factors.reduce(restarted * cosine.height(at: step)) { $0 * $1.factor(after: restart, through: step) }
    }
  }

  /// A cosine from the rate it finds at `start`; from the next minimum on, the plain curve.
  private struct CosineTail: Schedule {
    var form: JSONValue? { nil }
    let start: Double
    let rate: Double
    let base: Double
    let cosine: TorchCosineAnnealing

    func rate(at step: Double) -> Double {
      let waves = wholePeriods(in: start + cosine.halfPeriod, of: 2 * cosine.halfPeriod).count
      let nextMinimum = cosine.halfPeriod * (2 * waves + 1)
      let scale =
        step <= nextMinimum ? (rate - cosine.minimum) / cosine.height(at: start) : base - cosine.minimum
      return cosine.minimum + scale * cosine.height(at: step)
    }
  }
}
