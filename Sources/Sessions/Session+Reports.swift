import JSON
import Policies

/// Taking a trainer's reports: what is new becomes an event, the rest is said in the answer.
extension Session {
  /// A report that says otherwise than one before it.
  public struct Conflict: Sendable, Equatable {
    public var step: Int
    public var rank: Int
    public var metric: String
    /// Nil where the first value is not kept any more.
    public var kept: Double
    public var given: Double
  }

  /// A trainer that used another rate than it was given: often a checkpoint's own, which silently won.
  public struct Mismatch: Sendable, Equatable {
    public var step: Int
    public var sealed: Double
    public var applied: Double
  }

  /// What came of a request.
  public struct Receipt: Sendable, Equatable {
    public var accepted = 0
    public var duplicates = 0
    public var conflicts: [Conflict] = []
    /// Steps that had left the window: recorded, but not seen by the policies.
    public var late: [Int] = []
    public var mismatches: [Mismatch] = []
    /// The step that the answer is about.
    public var step = 0
  }

  /// Checks a request against the session and folds in what is new.
  ///
  /// - Returns: the event for the log, nil where nothing has changed; and what to tell the trainer.
  /// - Throws: ``SessionError``; nothing has changed then.
  public mutating func take(
    _ request: ReportRequest, time: Int
  ) throws -> (event: SessionEvent?, outcome: Outcome, receipt: Receipt) {
    try check(attempt: request.attempt)
    for item in request.items {
      if specification.rankMode == .leader && item.rank != 0 {
        throw SessionError(
          .invalid, "in this session rank 0 reports and the others ask: GET …/next?step=\(item.step + 1)&wait=30",
          pointer: "/rank")
      }
      if item.rank >= worldSize && specification.rankMode == .quorum {
        throw SessionError(.invalid, "the session has \(worldSize) ranks, counted from 0", pointer: "/rank")
      }
    }
    var receipt = Receipt()
    var accepted: [AcceptedReport] = []
    var names = Set(series.map(\.name))
    for item in request.items {
      if let report = compare(item, among: accepted, &receipt) { accepted.append(report) }
      if let applied = item.applied, let sealed = rate(at: item.step), !Self.isSame(applied, sealed) {
        receipt.mismatches.append(Mismatch(step: item.step, sealed: sealed, applied: applied))
      }
    }
    for metric in accepted.flatMap(\.metrics) { names.insert(metric.name) }
    if names.count > Self.metricLimit {
      throw SessionError(.invalid, "a session holds at most \(Self.metricLimit) metrics", pointer: "/metrics")
    }
    receipt.accepted = accepted.count
    let acknowledged = request.acknowledged.filter { id, rank in
      commands.contains { $0.id == id && !$0.isAcknowledged && !$0.ranks.contains(rank) }
    }
    let wanted = request.step.map { $0 + 1 }
    let seal = sealTarget(accepted, wanted: wanted, count: request.count ?? 1)
    var outcome = Outcome()
    var event: SessionEvent?
    if !accepted.isEmpty || !acknowledged.isEmpty || seal > sealedUntil {
      let batch = ReportBatch(attempt: attempt, reports: accepted, seal: seal, acknowledged: acknowledged)
      let made = SessionEvent(time: time, change: .reports(batch))
      outcome = try apply(made)
      event = made
    }
    receipt.step = wanted ?? lastStep + 1
    return (event, outcome, receipt)
  }

  /// A trainer that keeps its rates in 32 bits uses the same rate.
  private static func isSame(_ a: Double, _ b: Double) -> Bool { a == b || abs(a - b) <= 1e-6 * max(abs(a), abs(b)) }

  public func check(attempt given: Int?) throws(SessionError) {
    guard let given, given != attempt else { return }
    if given < attempt {
      throw SessionError(
        .staleAttempt, "attempt \(given) has ended: attempt \(attempt) began at step \(resumeStep)",
        pointer: "/attempt")
    }
    throw SessionError(
      .conflict, "the session is at attempt \(attempt); POST …/attempts opens another", pointer: "/attempt")
  }

  /// How far rates may be decided once `accepted` are folded in.
  private func sealTarget(_ accepted: [AcceptedReport], wanted: Int?, count: Int) -> Int {
    var copy = (last: lastStep, arrivals: arrivals)
    if specification.rankMode == .leader || worldSize == 1 {
      for report in accepted where !report.isLate { copy.last = max(copy.last, report.step) }
    } else if accepted.contains(where: { !$0.isLate }) {
      var session = self
      for report in accepted where !report.isLate { session.arrive(report) }
      copy.last = session.lastStep
    }
    let first = wanted ?? copy.last + 1
    let (open, overflow) = copy.last.addingReportingOverflow(specification.lookAhead)
    let limit = min(overflow ? .max : open, SessionSpecification.largestStep + 1)
    return max(sealedUntil, min(first + count - 1, limit))
  }

  /// What of the item is new; nil where nothing is.
  private func compare(_ item: ReportRequest.Item, among accepted: [AcceptedReport], _ receipt: inout Receipt)
    -> AcceptedReport?
  {
    var report = AcceptedReport(
      step: item.step, rank: item.rank, metrics: [], samples: item.samples, applied: item.applied, isLate: false)
    var duplicates = 0
    var conflicts = 0
    for metric in item.metrics {
      // Items come in the order of their steps: the same one twice in a request stands side by side.
      let before = accepted.reversed().prefix { $0.step == item.step && $0.rank == item.rank }
      let first = before.lazy.compactMap { $0.metrics.first { $0.name == metric.name } }.first
        .map { Known.value($0.value, $0.vector) }
      switch first ?? known(metric.name, item) {
      case .nothing: report.metrics.append(metric)
      case .late:
        report.metrics.append(metric)
        report.isLate = true
      case .something: duplicates += 1
      case .value(let value, let vector):
        let isEqual = value == metric.value || value.isNaN && metric.value.isNaN
        if isEqual && (vector == nil || metric.vector == nil || vector == metric.vector) {
          duplicates += 1
        } else {
          conflicts += 1
          receipt.conflicts.append(
            Conflict(step: item.step, rank: item.rank, metric: metric.name, kept: value, given: metric.value))
        }
      }
    }
    if !report.metrics.isEmpty {
      if report.isLate { receipt.late.append(item.step) }
      return report
    }
    // A step without a value is news as long as nobody has been as far.
    let isProgress =
      specification.rankMode == .leader || worldSize == 1
      ? item.step > max(lastStep, accepted.last?.step ?? -1)
      : item.step > lastStep && !hasArrived(item) && !accepted.contains { $0.step == item.step && $0.rank == item.rank }
    if isProgress && conflicts == 0 { return report }
    if conflicts == 0 { receipt.duplicates += 1 }
    return nil
  }

  private func hasArrived(_ item: ReportRequest.Item) -> Bool {
    arrivals.contains { $0.step == item.step && $0.ranks.contains(item.rank) }
  }

  private enum Known {
    case nothing
    case value(Double, [Double]?)
    /// It was reported; what, is only in the log.
    case something
    case late
  }

  private func known(_ name: String, _ item: ReportRequest.Item) -> Known {
    guard let index = seriesIndex(name) else { return item.step <= windowFloor ? .late : .nothing }
    let (position, isThere) = series[index].position(item.step)
    if isThere {
      let entry = series[index].entries[position]
      guard let ranks = entry.ranks else { return .value(entry.value, entry.vector) }
      if let value = ranks.first(where: { $0.rank == item.rank }) { return .value(value.value, nil) }
      return entry.isClosed ? .late : .nothing
    }
    if item.step > windowFloor { return .nothing }
    return series[index].known.contains(item.step) ? .something : .late
  }
}
