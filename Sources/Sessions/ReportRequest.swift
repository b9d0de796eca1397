public import JSON
import Policies

/// What a trainer sends to get its next rates.
public struct ReportRequest: Sendable {
  /// One step of one rank, not compared with what is known yet.
  struct Item: Sendable {
    var step: Int
    var rank: Int
    var metrics: [ReportedMetric]
    var samples: Double
    var applied: Double?
  }

  static let itemFields = ["step", "loss", "metrics", "gradients", "rank", "samples", "learning_rate_applied"]
  public static let fields = itemFields + ["attempt", "reports", "count", "acknowledge"]
  public static let largestBatch = 1000
  /// The most rates that one answer may hold.
  public static let largestCount = 10_000

  var items: [Item]
  /// The attempt that the trainer believes to be of.
  public var attempt: Int?
  /// How many rates it wants; nil for one.
  public var count: Int?
  var acknowledged: [(id: String, rank: Int)]
  /// The step that the answer follows on: the last one of the request's own; nil to go on after all reports.
  public var step: Int?

  /// - Throws: ``SessionError`` for the first field that makes no sense.
  public init(_ value: JSONValue) throws(SessionError) {
    let fields = try Fields(value, at: "", names: Self.fields)
    attempt = try fields.integer("attempt", 1...(1 << 31))
    count = try fields.integer("count", 1...Self.largestCount)
    items = []
    let rank = try fields.integer("rank", 0...(SessionSpecification.largestWorld - 1)) ?? 0
    if let item = try Self.item(fields, rank: rank) {
      items.append(item)
      step = item.step
    } else if let name = Self.itemFields.first(where: { $0 != "rank" && fields[$0] != nil }) {
      throw fields.error("step", "'\(name)' is of a step: give 'step' too")
    }
    if let batch = fields["reports"] {
      guard case .array(let elements) = batch, elements.count <= Self.largestBatch else {
        throw fields.error("reports", "'reports' is a list of at most \(Self.largestBatch) reports")
      }
      for (index, element) in elements.enumerated() {
        let inner = try Fields(element, at: "/reports/\(index)", names: Self.itemFields)
        guard let item = try Self.item(inner, rank: rank) else {
          throw inner.error("step", "a report needs its 'step'")
        }
        items.append(item)
        if fields["step"] == nil { step = max(step ?? 0, item.step) }
      }
    }
    // Within one request the order does not matter either.
    items.sort { ($0.step, $0.rank) < ($1.step, $1.rank) }
    acknowledged = []
    if let value = fields["acknowledge"] {
      guard case .array(let elements) = value, elements.count <= Session.commandLimit else {
        throw fields.error("acknowledge", "'acknowledge' is a list of the ids of commands")
      }
      for (index, element) in elements.enumerated() {
        guard let id = element.string, id.utf8.count <= 64 else {
          throw SessionError(.invalid, "a command's id is a text", pointer: "/acknowledge/\(index)")
        }
        acknowledged.append((id, rank))
      }
    }
  }

  private static func item(_ fields: Fields, rank: Int) throws(SessionError) -> Item? {
    guard let step = try fields.integer("step", 0...SessionSpecification.largestStep) else { return nil }
    let rank = try fields.integer("rank", 0...(SessionSpecification.largestWorld - 1)) ?? rank
    let samples = try fields.number("samples") ?? 1
    if samples <= 0 || samples > 1e15 { throw fields.error("samples", "'samples' must be greater than 0") }
    let applied = try fields.number("learning_rate_applied")
    if let applied, applied < 0 {
      throw fields.error("learning_rate_applied", "'learning_rate_applied' must be at least 0")
    }
    var metrics: [ReportedMetric] = []
    if let loss = fields["loss"] {
      guard let value = loss.reported else {
        throw fields.error("loss", "'loss' is a number, or one of \"nan\", \"inf\" and \"-inf\"")
      }
      metrics.append(ReportedMetric(name: "loss", value: value))
    }
    if let value = fields["metrics"] {
      guard case .object(let object) = value, object.members.count <= Session.metricLimit else {
        throw fields.error("metrics", "'metrics' is an object of at most \(Session.metricLimit) numbers")
      }
      for member in object.members {
        let path = fields.path + "/metrics" + JSONPointer.root.appending(member.name).description
        guard let value = member.value.reported else {
          throw SessionError(
            .invalid, "a metric is a number, or one of \"nan\", \"inf\" and \"-inf\"", pointer: path)
        }
        if member.name.isEmpty || member.name.utf8.count > 64 || member.name.hasPrefix("gradients/") {
          throw SessionError(
            .invalid, "a metric's name has 1 to 64 octets and does not begin with gradients/", pointer: path)
        }
        if metrics.contains(where: { $0.name == member.name }) {
          throw SessionError(.invalid, "'\(member.name)' is given twice", pointer: path)
        }
        metrics.append(ReportedMetric(name: member.name, value: value))
      }
    }
    try metrics += gradients(fields)
    return Item(step: step, rank: rank, metrics: metrics, samples: samples, applied: applied)
  }

  private static func gradients(_ fields: Fields) throws(SessionError) -> [ReportedMetric] {
    guard let value = fields["gradients"] else { return [] }
    // A single norm or vector is that of the only group.
    let members: [(String, JSONValue)]
    switch value {
    case .object(let object): members = object.members.map { ($0.name, $0.value) }
    default: members = [("all", value)]
    }
    if members.count > Session.metricLimit {
      throw fields.error("gradients", "there may be at most \(Session.metricLimit) groups")
    }
    var metrics: [ReportedMetric] = []
    for (group, value) in members {
      let name = Adaptive.metric(group)
      if let norm = value.reported {
        metrics.append(ReportedMetric(name: name, value: norm))
      } else if case .array(let elements) = value, !elements.isEmpty, elements.count <= Adaptive.largestVector {
        let vector = elements.compactMap(\.reported)
        if vector.count == elements.count {
          metrics.append(ReportedMetric(name: name, value: norm(vector), vector: vector))
          continue
        }
        throw fields.error("gradients", "a vector of gradients holds numbers")
      } else {
        throw fields.error(
          "gradients", "a group's gradients are a norm, or a vector of at most \(Adaptive.largestVector) numbers")
      }
    }
    return metrics
  }
}
