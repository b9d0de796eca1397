public import JSON
public import Policies
import Schedules

/// One training job's session: a pure fold of its specification and an ordered log of events. No I/O, no clock: times
/// come with the events and decide nothing.
public struct Session: Sendable {
  /// What made the rates of a range of steps.
  struct Segment: Sendable, Equatable {
    /// The first step; the range goes to the next segment, or to where rates are sealed.
    var from: Int
    var effects: [Effect]
    /// The rate that the trainer used on its own, where it did.
    var adopted: Double?
  }

  /// How many reports of a metric are kept: so far back a report that comes late is put in its place, and one that
  /// comes again with another value is noticed.
  static let windowLimit = 256
  /// Entries leave the window in bundles.
  static let windowSlack = 64
  /// So many changes of the rate back, sealed rates are answered from memory.
  static let segmentLimit = 256
  static let metricLimit = 64
  static let commandLimit = 64

  public let id: String
  public let specification: SessionSpecification
  /// Where it was forked from, or nil.
  public internal(set) var lineage: JSONValue?
  /// Counts the events.
  public internal(set) var revision = 0
  /// Counts the trainer's starts, from 1.
  public internal(set) var attempt = 1
  /// The first step of this attempt.
  public internal(set) var resumeStep = 0
  public internal(set) var worldSize: Int
  /// Rates are decided up to this step, included; −1 for none.
  public internal(set) var sealedUntil = -1
  /// The last step that was reported (in a quorum: by all ranks); −1 for none.
  public internal(set) var lastStep = -1
  /// How many reports the log holds, all attempts together.
  public internal(set) var reportCount = 0
  public internal(set) var labels: [(name: String, value: String)]
  public internal(set) var notes = ""
  public internal(set) var retain: Int
  /// Milliseconds since 1970, from the events.
  public internal(set) var createdAt = 0
  public internal(set) var updatedAt = 0
  public internal(set) var overrides: [Override] = []
  public internal(set) var commands: [Command] = []
  /// The restarts: which revision, which step.
  public internal(set) var restarts: [Restart] = []

  var segments: [Segment] = []
  /// Steps before this are no longer answered from memory.
  var firstKeptStep = 0
  var series: [Series] = []
  /// Reports up to this step have left the window.
  var windowFloor = -1
  var running: [any RunningRule]
  /// The rules as they were after ``windowFloor``: what a late report is folded in from.
  var base: [any RunningRule]
  /// What each rule has seen last: a report before that makes it start again from the base.
  var seen: [ReportKey]
  /// For each rule that is a cooldown: the rate it falls from.
  var anchors: [Double?]
  /// The number of each rule's last demand that became a command.
  var demanded: [Int]
  var commandCount = 0
  var overrideCount = 0
  /// In a quorum: which ranks have reported the steps after ``lastStep``.
  var arrivals: [Arrival] = []

  struct ReportKey: Sendable, Equatable, Comparable {
    var step: Int
    var metric: Int

    static func < (a: ReportKey, b: ReportKey) -> Bool { (a.step, a.metric) < (b.step, b.metric) }
  }

  struct Arrival: Sendable, Equatable {
    var step: Int
    var ranks: [Int]
  }

  public struct Restart: Sendable, Equatable {
    public var revision: Int
    public var attempt: Int
    public var step: Int
  }

  /// A session before its first event.
  init(id: String, specification: SessionSpecification) {
    self.id = id
    self.specification = specification
    worldSize = specification.worldSize
    labels = specification.labels
    retain = specification.retain
    running = specification.rules.map { $0.rule.started() }
    base = running
    seen = running.map { _ in ReportKey(step: -1, metric: -1) }
    anchors = running.map { _ in nil }
    demanded = running.map { _ in 0 }
  }

  /// Whether the trainer has been told to stop and knows it.
  public var isStopped: Bool { commands.contains { $0.action == .stop && $0.isAcknowledged } }

  public var unacknowledged: [Command] { commands.filter { !$0.isAcknowledged } }

  // MARK: The fold

  /// Takes the next event of the log.
  ///
  /// - Returns: what it did to the rates.
  /// - Throws: where the event does not fit: a log of another session, or one that was tampered with.
  @discardableResult
  public mutating func apply(_ event: SessionEvent) throws -> Outcome {
    revision += 1
    updatedAt = event.time
    switch event.change {
    case .created(_, let lineage):
      createdAt = event.time
      self.lineage = lineage
      seal(through: min(specification.lookAhead - 1, 0))
    case .reports(let batch): return fold(batch)
    case .attempt(let attempt, let step, let world, let snapshot):
      let kept = (commands, commandCount, restarts, running, reportCount, overrideCount)
      try restore(snapshot)
      (commands, commandCount, restarts, reportCount, overrideCount) = (kept.0, kept.1, kept.2, kept.4, kept.5)
      let effects = running.map(\.effect)
      for index in running.indices {
        running[index] = running[index].rewound(from: kept.3[index], to: step)
        base[index] = running[index]
        demanded[index] = running[index].demand?.number ?? demanded[index]
      }
      // What the trainer was to do before it restarted, it has done or cannot do any more.
      for index in commands.indices { commands[index].isAcknowledged = true }
      self.attempt = attempt
      resumeStep = step
      if let world { worldSize = world }
      arrivals = []
      // A rule that has learned from the abandoned steps changes the new attempt from its first step on.
      if running.map(\.effect) != effects { unseal(from: step) }
      restarts.append(Restart(revision: revision, attempt: attempt, step: step))
      if restarts.count > 1024 { restarts.removeFirst() }
      seal(through: max(sealedUntil, step))
    case .restored(let snapshot):
      let (created, number, restarts) = (createdAt, max(attempt, 1), self.restarts)
      try restore(snapshot)
      createdAt = created
      self.restarts = restarts
      attempt = max(attempt, number) + 1
      resumeStep = lastStep + 1
      self.restarts.append(Restart(revision: revision, attempt: attempt, step: resumeStep))
      seal(through: max(sealedUntil, resumeStep))
    case .override(let override):
      overrideCount += 1
      overrides.append(override)
    case .withdrawn(let id): overrides.removeAll { $0.id == id }
    case .command(let command):
      commandCount += 1
      append(command)
    case .patched(let patch):
      if let labels = patch.labels { self.labels = labels }
      if let notes = patch.notes { self.notes = notes }
      if let retain = patch.retain { self.retain = retain }
    }
    return Outcome()
  }

  /// What an event did.
  public struct Outcome: Sendable, Equatable {
    /// The rate of each report's step, in the batch's order; nil where it has left the window.
    public var rates: [Double?] = []
    /// The rate of the last sealed step.
    public var sealedRate: Double?
    public var decisions: [Decision] = []
  }

  /// A policy that has changed what it does to the rate.
  public struct Decision: Sendable, Equatable {
    public var policy: Int
    public var type: String
    public var effect: String
  }

  private mutating func fold(_ batch: ReportBatch) -> Outcome {
    var outcome = Outcome()
    // The steps that the trainer has run already had the rates of the time before these reports.
    for report in batch.reports where report.step > sealedUntil {
      seal(through: report.step - 1)
      if let applied = report.applied { adopt(applied, at: report.step) } else { seal(through: report.step) }
    }
    outcome.rates = batch.reports.map { rate(at: $0.step) }
    reportCount += batch.reports.count
    let before = running.map(\.effect)
    var rebuilds = [Bool](repeating: false, count: running.count)
    for report in batch.reports where !report.isLate {
      for metric in report.metrics { insert(metric, of: report, rebuilds: &rebuilds) }
      arrive(report)
    }
    for report in batch.reports where report.isLate {
      for metric in report.metrics {
        if let index = seriesIndex(metric.name) { series[index].known.insert(report.step) }
      }
    }
    for index in running.indices where rebuilds[index] { rebuild(index) }
    trimWindow()
    for (id, rank) in batch.acknowledged { acknowledge(id, by: rank) }
    for (index, effect) in running.map(\.effect).enumerated() where effect != before[index] {
      if case .groups = effect { continue }
      outcome.decisions.append(
        Decision(policy: index, type: specification.rules[index].type, effect: effect.summary))
    }
    seal(through: batch.seal)
    command()
    outcome.sealedRate = sealedUntil >= 0 ? rate(at: sealedUntil) : nil
    return outcome
  }

  private mutating func command() {
    for index in running.indices {
      guard let demand = running[index].demand, demand.number > demanded[index] else { continue }
      demanded[index] = demand.number
      commandCount += 1
      append(
        Command(
          id: "c\(commandCount)", action: demand.action, atStep: sealedUntil + 1, resumeStep: demand.resumeStep,
          reason: demand.reason))
    }
  }

  mutating func append(_ command: Command) {
    commands.append(command)
    if commands.count > Self.commandLimit { commands.removeFirst() }
  }

  private mutating func acknowledge(_ id: String, by rank: Int) {
    guard let index = commands.firstIndex(where: { $0.id == id }) else { return }
    if specification.rankMode == .leader {
      commands[index].isAcknowledged = true
    } else {
      if !commands[index].ranks.contains(rank) { commands[index].ranks.append(rank) }
      if commands[index].ranks.count >= worldSize { commands[index].isAcknowledged = true }
    }
  }
}

/// What the trainer is to do, at one step on all ranks, until it says that it has.
public struct Command: Sendable, Equatable {
  public var id: String
  public var action: Demand.Action
  /// Beyond every step that was sealed when it was given.
  public var atStep: Int
  public var resumeStep: Int?
  public var reason: String
  public var isAcknowledged = false
  /// In a quorum: who has acknowledged it.
  var ranks: [Int] = []

  init(id: String, action: Demand.Action, atStep: Int, resumeStep: Int?, reason: String) {
    self.id = id
    self.action = action
    self.atStep = atStep
    self.resumeStep = resumeStep
    self.reason = reason
  }
}
