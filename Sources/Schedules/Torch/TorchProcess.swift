import JSON

/// A composition stepped as torch steps it: for a `ChainedScheduler` with a `SequentialLR` inside, whose restarts throw
/// away what the other members did, so that no closed form is worth having.
struct TorchProcess {
  private enum Kind {
    case leaf(TorchMember)
    case sequential([TorchProcess], milestones: [Double])
    case chained([TorchProcess])
  }

  /// The most steps of members that are computed ahead.
  private static let largestWork = 1_000_000

  private var kind: Kind
  private var clock = 0.0

  /// The state after construction.
  private init(_ node: TorchNode) {
    switch node {
    case .leaf(let member): kind = .leaf(member)
    case .sequential(let nodes, let milestones, _): kind = .sequential(nodes.map(Self.init), milestones: milestones)
    case .chained(let nodes): kind = .chained(nodes.map(Self.init))
    }
  }

  private var memberCount: Int {
    switch kind {
    case .leaf: 1
    case .sequential(let members, _), .chained(let members): members.reduce(0) { $0 + $1.memberCount }
    }
  }

  /// One `step()` of the scheduler.
  ///
  /// - Parameter x: the optimizer's rate before it.
  /// - Returns: the rate after it; nil where torch raises an error.
  private mutating func step(_ x: Double) -> Double? {
    clock += 1
    switch kind {
    case .leaf(let member): return member.stepped(x, to: clock)
    case .chained(var members):
      var rate = x
      for index in members.indices {
        guard let next = members[index].step(rate) else { return nil }
        rate = next
      }
      kind = .chained(members)
      return rate
    case .sequential(var members, let milestones):
      let index = passed(milestones, at: clock)
      let rate: Double?
      if index > 0 && milestones[index - 1] == clock {
        rate = members[index].restart()
      } else {
        rate = members[index].step(x)
      }
      kind = .sequential(members, milestones: milestones)
      return rate
    }
  }

  /// What a `SequentialLR` does at a milestone; torch has no such thing for a composition.
  private mutating func restart() -> Double? {
    guard case .leaf(let member) = kind else { return nil }
    clock = 0
    return member.scheduler.restart(base: member.base)
  }

  /// - Parameters:
  ///   - node: the composition, constructed.
  ///   - x: the rate at step 0.
  ///   - horizon: the last step that will be asked for.
  /// - Returns: its curve up to the horizon, as far as the work allows.
  static func schedule(_ node: TorchNode, from x: Double, horizon: Double) -> any Schedule {
    var process = TorchProcess(node)
    let reach = largestWork / max(1, process.memberCount)
    var rates = [x]
    var lastStep = reach
    var reason = "a ChainedScheduler with a SequentialLR inside is stepped, as far as step \(reach)"
    while Double(rates.count) <= min(Double(reach), horizon) {
      guard let next = process.step(rates[rates.count - 1]), next.isFinite else {
        lastStep = rates.count - 1
        reason = "torch raises an error at the next step"
        break
      }
      rates.append(next)
    }
    let tail = Constant(baseRate: rates[rates.count - 1])
    return Ended(schedule: Table(rates: rates, tail: tail), lastStep: Double(lastStep), reason: reason)
  }
}

/// Rates at the steps 0, 1, 2, …, then a schedule that goes on from the last of them on the same clock.
struct Table: Schedule {
  let rates: [Double]
  let tail: any Schedule

  /// The rates of a short table written out; a long one is no description.
  var form: JSONValue? {
    if rates.count > 1000 { return nil }
    let count = Double(rates.count)
    return ScheduleSequence(
      schedules: [RateTable(values: rates), Shift(by: count, schedule: tail)], boundaries: [count]
    ).form
  }

  func rate(at step: Double) -> Double {
    step < Double(rates.count) ? rates[Int(step)] : tail.rate(at: step)
  }
}
