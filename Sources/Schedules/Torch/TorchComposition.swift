import JSON

/// The tree of a composition as it stands on the wire, each scheduler with the base rate that it is constructed with.
indirect enum TorchNode {
  case leaf(TorchMember)
  case sequential([TorchNode], milestones: [Double], pointer: JSONPointer)
  case chained([TorchNode])
}

/// What constructors read from and write into the optimizer's parameter group.
private struct TorchOptimizer {
  var rate: Double
  /// torch's `initial_lr`: set by the first scheduler, overwritten by `OneCycleLR`.
  var initial: Double?
  /// The levels of the last `OneCycleLR` constructed.
  var levels: TorchOneCycleLevels?

  mutating func construct(
    _ value: JSONValue, pointer: JSONPointer, parent: Arguments
  ) throws(SpecificationError) -> TorchNode {
    let arguments = try parent.reader.arguments(value, pointer: pointer, depth: parent.depth + 1)
    let type = arguments.definition.type
    if type == TorchSequential.definition.type || type == TorchChained.definition.type {
      if arguments.has("base_lr") { throw Self.ownRate(arguments) }
      return try construct(composition: arguments)
    }
    guard let leaf = TorchLeaf.named(type) else {
      throw arguments.error(
        "type", "\(parent.definition.type) takes torch's schedulers; for others there are sequence and product")
    }
    if arguments.has("base_lr") && type != TorchLeaf.cyclic.definition.type { throw Self.ownRate(arguments) }
    let scheduler = try leaf.scheduler(arguments)
    var base: Double
    switch try leaf.effect(arguments) {
    case .none:
      base = initial ?? rate
      initial = base
    case .current(let written):
      // The first of all schedulers sets the initial rate; another one's own first step still computes from it.
      base = written
      initial = initial ?? written
      rate = initial ?? written
      return .leaf(TorchMember(scheduler: scheduler, base: base))
    case .levels(let written):
      base = written.initial
      initial = written.initial
      levels = written
    }
    rate = scheduler.first(rate, base: base)
    return .leaf(TorchMember(scheduler: scheduler, base: base))
  }

  private static func ownRate(_ arguments: Arguments) -> SpecificationError {
    arguments.error("base_lr", "the optimizer has one rate: give 'base_lr' with the outermost schedule only")
  }

  mutating func construct(composition arguments: Arguments) throws(SpecificationError) -> TorchNode {
    var members: [TorchNode] = []
    for (element, pointer) in try arguments.elements("schedulers") {
      members.append(try construct(element, pointer: pointer, parent: arguments))
    }
    if arguments.definition.type == TorchChained.definition.type { return .chained(members) }
    let milestones = try arguments.numbers("milestones")
    if milestones.count != members.count - 1 {
      throw arguments.error(
        "milestones",
        "torch.SequentialLR takes one milestone fewer than schedulers: \(members.count - 1), not \(milestones.count)")
    }
    if zip(milestones, milestones.dropFirst()).contains(where: { $0 > $1 }) {
      throw arguments.error("milestones", "'milestones' must ascend")
    }
    // The constructor puts the initial rate back and makes the first member's initial step anew.
    rate = initial ?? rate
    if case .leaf(let member) = members[passed(milestones, at: 0)] {
      let scheduler = levels.map(member.scheduler.settled) ?? member.scheduler
      rate = scheduler.first(rate, base: member.base)
    }
    return .sequential(members, milestones: milestones, pointer: arguments.pointer)
  }
}

extension TorchNode {
  /// The tree once all of it is constructed.
  func settled(_ levels: TorchOneCycleLevels?) -> TorchNode {
    guard let levels else { return self }
    switch self {
    case .leaf(let member):
      return .leaf(TorchMember(scheduler: member.scheduler.settled(levels), base: member.base))
    case .sequential(let nodes, let milestones, let pointer):
      return .sequential(nodes.map { $0.settled(levels) }, milestones: milestones, pointer: pointer)
    case .chained(let nodes): return .chained(nodes.map { $0.settled(levels) })
    }
  }

  static let notServed =
    "a composition that is the first of a SequentialLR inside a ChainedScheduler, or the other way around, is not served"

  /// Whether a `SequentialLR` somewhere in a chain begins with another composition, whose clock torch moves ahead.
  var nestsThreefold: Bool {
    switch self {
    case .leaf: return false
    case .chained(let nodes): return nodes.contains(where: \.nestsThreefold)
    case .sequential(let nodes, let milestones, _):
      if case .leaf = nodes[passed(milestones, at: 0)] { return nodes.contains(where: \.nestsThreefold) }
      return true
    }
  }

  /// The members of a chain, chains within it spliced in: a chain steps its members and does nothing else. Nil where
  /// a `SequentialLR` is among them.
  var chainMembers: [TorchMember]? {
    switch self {
    case .leaf(let member): return [member]
    case .chained(let nodes):
      var members: [TorchMember] = []
      for node in nodes {
        guard let more = node.chainMembers else { return nil }
        members += more
      }
      return members
    case .sequential: return nil
    }
  }

  /// The curve of a `SequentialLR`.
  ///
  /// - Parameters:
  ///   - initial: the optimizer's initial rate.
  ///   - head: how many steps ahead its clock is: each composition around it, of which it is the first member, has
  ///     stepped it once while it was constructed.
  ///   - horizon: the last step that will be asked for.
  static func sequence(
    _ nodes: [TorchNode], milestones: [Double], initial: Double, head: Double, horizon: Double
  ) throws(SpecificationError) -> any Schedule {
    let current = passed(milestones, at: head)
    var schedules: [any Schedule] = []
    for (index, node) in nodes.enumerated().dropFirst(current) {
      switch node {
      case .leaf(let member):
        let isRestart = index > current || head > 0 && index > 0 && milestones[index - 1] == head
        let start: Double?
        if isRestart {
          start = member.scheduler.restart(base: member.base)
        } else if head > 0 {
          start = member.scheduler.again(initial, base: member.base)
        } else {
          start = member.scheduler.first(initial, base: member.base)
        }
        guard let start, start.isFinite else {
          schedules.append(
            Ended(before: "torch divides by zero when SequentialLR starts a scheduler with total_iters 0"))
          continue
        }
        schedules.append(member.scheduler.schedule(from: start, base: member.base))
      case .chained, .sequential:
        if index > current {
          schedules.append(
            Ended(
              before:
                "torch raises NotImplementedError where SequentialLR switches to a composition that is not its first"))
          continue
        }
        schedules.append(try node.asFirst(initial: initial, head: head + 1, horizon: horizon))
      }
    }
    return ScheduleSequence(schedules: schedules, boundaries: milestones[current...].map { $0 - head })
  }

  /// The curve of a composition that is the first member of a `SequentialLR`.
  private func asFirst(initial: Double, head: Double, horizon: Double) throws(SpecificationError) -> any Schedule {
    switch self {
    case .leaf(let member): return member.scheduler.schedule(from: initial, base: member.base)
    case .sequential(let nodes, let milestones, _):
      return try Self.sequence(nodes, milestones: milestones, initial: initial, head: head, horizon: horizon)
    case .chained:
      guard let members = chainMembers else {
        throw SpecificationError(pointer: .root.appending("schedulers"), detail: Self.notServed)
      }
      let start = members.reduce(initial) { $1.scheduler.again($0, base: $1.base) }
      return TorchChain.schedule(members, from: start, horizon: horizon)
    }
  }
}

/// `torch.SequentialLR`, as torch runs it.
enum TorchSequential {
  static let definition = Definition(
    type: "torch.SequentialLR",
    summary: "One scheduler after another, each restarted from its base rate at its milestone.",
    parameters: [
      .baseRate("base_lr", "the rate that the optimizer was given"),
      .required("schedulers", .schedules, "torch's schedulers, without base_lr"),
      .required("milestones", .numbers(.notNegative), "the steps at which the second, third … begin, ascending"),
    ],
    formula: "schedulers[i](t − milestones[i−1]), i = #{milestones ≤ t}",
    source: "torch.optim.lr_scheduler.SequentialLR, torch 2.13",
    example: [
      "type": "torch.SequentialLR", "base_lr": 0.1, "milestones": [5],
      "schedulers": [
        ["type": "torch.LinearLR", "start_factor": 0.1, "total_iters": 5],
        ["type": "torch.CosineAnnealingLR", "T_max": 20],
      ],
    ]
  ) { arguments throws(SpecificationError) in
    var optimizer = TorchOptimizer(rate: try arguments.number("base_lr"))
    let node = try optimizer.construct(composition: arguments)
    guard case .sequential(let nodes, let milestones, _) = node.settled(optimizer.levels)
    else {
      throw arguments.error("a SequentialLR was expected")
    }
    return try TorchNode.sequence(
      nodes, milestones: milestones, initial: optimizer.initial ?? optimizer.rate, head: 0,
      horizon: arguments.reader.horizon)
  }
}

/// `torch.ChainedScheduler`, as torch runs it.
enum TorchChained {
  static let definition = Definition(
    type: "torch.ChainedScheduler",
    summary: "Several schedulers that each change the rate the others left, every step.",
    parameters: [
      .baseRate("base_lr", "the rate that the optimizer was given"),
      .required("schedulers", .schedules, "torch's schedulers, without base_lr"),
    ],
    formula:
      "the product of the factors; not where a cosine has a minimum or has passed it, and not after a scheduler that overwrites",
    source: "torch.optim.lr_scheduler.ChainedScheduler, torch 2.13",
    example: [
      "type": "torch.ChainedScheduler", "base_lr": 0.1,
      "schedulers": [
        ["type": "torch.LinearLR", "start_factor": 0.1, "total_iters": 5],
        ["type": "torch.ExponentialLR", "gamma": 0.9],
      ],
    ]
  ) { arguments throws(SpecificationError) in
    var optimizer = TorchOptimizer(rate: try arguments.number("base_lr"))
    let node = try optimizer.construct(composition: arguments)
    let settled = node.settled(optimizer.levels)
    guard let members = settled.chainMembers else {
      if settled.nestsThreefold { throw arguments.error("schedulers", TorchNode.notServed) }
      return TorchProcess.schedule(settled, from: optimizer.rate, horizon: arguments.reader.horizon)
    }
    return TorchChain.schedule(members, from: optimizer.rate, horizon: arguments.reader.horizon)
  }
}
