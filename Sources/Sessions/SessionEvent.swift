public import JSON
import Policies

/// One value of a report.
public struct ReportedMetric: Sendable, Equatable {
  public var name: String
  /// May be NaN or infinite. Of a vector, its Euclidean norm.
  public var value: Double
  public var vector: [Double]?

  public init(name: String, value: Double, vector: [Double]? = nil) {
    self.name = name
    self.value = value
    self.vector = vector
  }
}

/// What one rank reported of one step, without what was known already.
public struct AcceptedReport: Sendable, Equatable {
  public var step: Int
  public var rank: Int
  public var metrics: [ReportedMetric]
  /// The weight in the mean over ranks.
  public var samples: Double
  /// The rate that the trainer says it used.
  public var applied: Double?
  /// It came after its step had left the window: kept for the record, not shown to the policies.
  public var isLate: Bool
}

/// The reports that came with one request.
public struct ReportBatch: Sendable, Equatable {
  public var attempt: Int
  public var reports: [AcceptedReport]
  /// Rates are decided up to this step then.
  public var seal: Int
  /// Commands that a rank says it has carried out.
  public var acknowledged: [(id: String, rank: Int)]

  public static func == (a: ReportBatch, b: ReportBatch) -> Bool {
    a.attempt == b.attempt && a.reports == b.reports && a.seal == b.seal
      && a.acknowledged.elementsEqual(b.acknowledged, by: ==)
  }
}

/// What an operator may change of a session without changing its course.
public struct Patch: Sendable {
  public var labels: [(name: String, value: String)]?
  public var notes: String?
  public var retain: Int?

  public static let fields = ["labels", "notes", "retain"]

  public init(_ value: JSONValue) throws(SessionError) {
    let fields = try Fields(value, at: "", names: Self.fields)
    labels = try fields["labels"].map { (value) throws(SessionError) in
      try SessionSpecification.labels(value, at: "/labels")
    }
    notes = try fields.text("notes", largest: 4096)
    retain = try fields.integer("retain", 1...3_153_600_000)
  }
}

/// One entry of a session's log.
public struct SessionEvent: Sendable {
  public enum Change: Sendable {
    case created(specification: JSONValue, lineage: JSONValue?)
    case reports(ReportBatch)
    /// A restart: the state that it goes on from is part of the event.
    case attempt(Int, resumeStep: Int, worldSize: Int?, snapshot: JSONValue)
    /// A state that was saved elsewhere.
    case restored(JSONValue)
    case override(Override)
    case withdrawn(String)
    case command(Command)
    case patched(Patch)
  }

  /// Milliseconds since 1970. For people, not for the fold.
  public var time: Int
  public var change: Change

  public init(time: Int, change: Change) {
    self.time = time
    self.change = change
  }

  /// What it is called in the log, in history and in the stream of events.
  public var kind: String {
    switch change {
    case .created: "created"
    case .reports: "reports"
    case .attempt: "attempt"
    case .restored: "restored"
    case .override: "override"
    case .withdrawn: "withdrawn"
    case .command: "command"
    case .patched: "patched"
    }
  }
}

// MARK: JSON

extension SessionEvent {
  /// The log's text of the event, with what it did.
  public func encoded(_ outcome: Session.Outcome) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(160)
    JSONWriter.append(document(outcome), to: &text)
    return text
  }

  public func document(_ outcome: Session.Outcome) -> JSONValue {
    var members: [(String, JSONValue)] = [("kind", .string(kind)), ("time", JSONValue(step: time))]
    switch change {
    case .created(let specification, let lineage):
      members.append(("specification", specification))
      if let lineage { members.append(("lineage", lineage)) }
    case .reports(let batch):
      members.append(("attempt", JSONValue(step: batch.attempt)))
      members.append(
        (
          "reports",
          .array(
            zip(batch.reports.indices, batch.reports).map { index, report in
              report.document(rate: index < outcome.rates.count ? outcome.rates[index] : nil)
            })
        ))
      members.append(("sealed_until", JSONValue(step: batch.seal)))
      if let rate = outcome.sealedRate { members.append(("learning_rate", .report(rate))) }
      if !batch.acknowledged.isEmpty {
        members.append(
          (
            "acknowledged", .array(batch.acknowledged.map { ["id": .string($0.id), "rank": JSONValue(step: $0.rank)] })
          ))
      }
      if !outcome.decisions.isEmpty {
        members.append(("decisions", .array(outcome.decisions.map(\.document))))
      }
    case .attempt(let attempt, let step, let world, let snapshot):
      members.append(("attempt", JSONValue(step: attempt)))
      members.append(("resume_step", JSONValue(step: step)))
      if let world { members.append(("world_size", JSONValue(step: world))) }
      members.append(("snapshot", snapshot))
    case .restored(let snapshot): members.append(("snapshot", snapshot))
    case .override(let override): members.append(("override", override.document))
    case .withdrawn(let id): members.append(("id", .string(id)))
    case .command(let command): members.append(("command", command.document))
    case .patched(let patch):
      if let labels = patch.labels {
        members.append(("labels", .object(JSONObject(labels.map { ($0.name, .string($0.value)) }))))
      }
      if let notes = patch.notes { members.append(("notes", .string(notes))) }
      if let retain = patch.retain { members.append(("retain", JSONValue(step: retain))) }
    }
    return .object(JSONObject(members))
  }

  /// Reads the log's text.
  public init(_ text: [UInt8]) throws {
    try self.init(document: try JSONReader.read(text, depth: 256))
  }

  init(document value: JSONValue) throws {
    func corrupt(_ what: String) -> SessionError { SessionError(.unavailable, "the log cannot be read: \(what)") }
    guard let kind = value["kind"]?.string, let time = value["time"]?.whole else { throw corrupt("no event") }
    self.time = time
    switch kind {
    case "created":
      change = .created(specification: value["specification"] ?? .null, lineage: value["lineage"])
    case "reports":
      guard let attempt = value["attempt"]?.whole, let seal = value["sealed_until"]?.whole else {
        throw corrupt("reports")
      }
      let reports = try (value["reports"]?.elements ?? []).map { element in
        guard let report = AcceptedReport(stored: element) else { throw corrupt("a report") }
        return report
      }
      let acknowledged = (value["acknowledged"]?.elements ?? []).map {
        (id: $0["id"]?.string ?? "", rank: $0["rank"]?.whole ?? 0)
      }
      change = .reports(ReportBatch(attempt: attempt, reports: reports, seal: seal, acknowledged: acknowledged))
    case "attempt":
      guard let attempt = value["attempt"]?.whole, let step = value["resume_step"]?.whole,
        let snapshot = value["snapshot"]
      else { throw corrupt("an attempt") }
      change = .attempt(attempt, resumeStep: step, worldSize: value["world_size"]?.whole, snapshot: snapshot)
    case "restored": change = .restored(value["snapshot"] ?? .null)
    case "override": change = .override(try Override(stored: value["override"] ?? .null))
    case "withdrawn": change = .withdrawn(value["id"]?.string ?? "")
    case "command":
      guard let command = Command(stored: value["command"] ?? .null) else { throw corrupt("a command") }
      change = .command(command)
    case "patched":
      change = .patched(
        try Patch(
          .object(JSONObject(value.members.filter { Patch.fields.contains($0.name) }.map { ($0.name, $0.value) }))))
    default: throw corrupt("the kind '\(kind)' is of a newer anneal")
    }
  }
}

extension AcceptedReport {
  func document(rate: Double?) -> JSONValue {
    var members: [(String, JSONValue)] = [("step", JSONValue(step: step))]
    if rank != 0 { members.append(("rank", JSONValue(step: rank))) }
    if let rate { members.append(("learning_rate", .report(rate))) }
    // In their order: it is the order that the session knows the metrics in.
    for metric in metrics {
      if let vector = metric.vector {
        members.append(("vectors." + metric.name, .array(vector.map(JSONValue.report))))
      } else {
        members.append(("metrics." + metric.name, .report(metric.value)))
      }
    }
    if samples != 1 { members.append(("samples", .number(samples))) }
    if let applied { members.append(("learning_rate_applied", .number(applied))) }
    if isLate { members.append(("late", true)) }
    return .object(JSONObject(members))
  }

  init?(stored value: JSONValue) {
    guard let step = value["step"]?.whole else { return nil }
    self.step = step
    rank = value["rank"]?.whole ?? 0
    samples = value["samples"]?.reported ?? 1
    applied = value["learning_rate_applied"]?.reported
    isLate = value["late"] == true
    metrics = []
    for member in value.members {
      if member.name.hasPrefix("metrics."), let number = member.value.reported {
        metrics.append(ReportedMetric(name: String(member.name.dropFirst(8)), value: number))
      } else if member.name.hasPrefix("vectors.") {
        let vector = member.value.elements.compactMap(\.reported)
        metrics.append(ReportedMetric(name: String(member.name.dropFirst(8)), value: norm(vector), vector: vector))
      }
    }
  }
}

/// The Euclidean length.
func norm(_ vector: [Double]) -> Double { vector.reduce(0) { $0 + $1 * $1 }.squareRoot() }

extension Session.Decision {
  var document: JSONValue {
    ["policy": JSONValue(step: policy), "type": .string(type), "effect": .string(effect)]
  }
}

extension Command {
  public var document: JSONValue {
    var members: [(String, JSONValue)] = [
      ("id", .string(id)), ("type", .string(action.rawValue)), ("at_step", JSONValue(step: atStep)),
    ]
    if let resumeStep { members.append(("resume_step", JSONValue(step: resumeStep))) }
    members.append(("reason", .string(reason)))
    if isAcknowledged { members.append(("acknowledged", true)) }
    if !ranks.isEmpty { members.append(("acknowledged_by", .array(ranks.map { JSONValue(step: $0) }))) }
    return .object(JSONObject(members))
  }

  init?(stored value: JSONValue) {
    guard let id = value["id"]?.string, let action = value["type"]?.string.flatMap(Demand.Action.init(rawValue:)),
      let step = value["at_step"]?.whole
    else { return nil }
    self.init(
      id: id, action: action, atStep: step, resumeStep: value["resume_step"]?.whole,
      reason: value["reason"]?.string ?? "")
    isAcknowledged = value["acknowledged"] == true
    ranks = (value["acknowledged_by"]?.elements ?? []).compactMap(\.whole)
  }
}
