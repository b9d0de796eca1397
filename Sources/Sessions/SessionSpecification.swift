public import JSON
public import Policies
public import Schedules

/// What a session is to do: its schedule, the policies on it, and the terms on which it runs. Never changes.
public struct SessionSpecification: Sendable {
  /// A policy with what it is called.
  public struct NamedRule: Sendable {
    public let type: String
    public let rule: any Rule
    /// Reports of steps before this one are not shown to it: a warm-up before it.
    let firstStep: Int
  }

  /// Which ranks report.
  public enum RankMode: String, Sendable, CaseIterable {
    /// Rank 0 reports, the others ask.
    case leader
    /// A step is closed when all ranks have reported it.
    case quorum
  }

  /// How the reports of the ranks become one.
  public enum Aggregate: String, Sendable, CaseIterable {
    case mean
    case sum
    case min
    case max
    case median
  }

  /// What a trainer does without the server.
  public enum Fallback: String, Sendable, CaseIterable {
    case schedule
    case hold
  }

  public static let fields = [
    "schedule", "policies", "bounds", "groups", "ranks", "look_ahead", "on_nonfinite", "lease", "retain", "fallback",
    "seed", "labels", "token",
  ]

  /// The largest step that a trainer may report.
  public static let largestStep = 1 << 52
  public static let largestWorld = 4096
  public static let largestPolicyCount = 16
  public static let largestGroupCount = 256

  /// As the caller wrote it.
  public let document: JSONValue
  public let schedule: any Schedule
  public let rules: [NamedRule]
  public let minRate: Double
  public let maxRate: Double
  public let groups: [(name: String, multiplier: Double)]
  public let rankMode: RankMode
  public let worldSize: Int
  public let aggregate: Aggregate
  /// How many steps may be sealed beyond the last report.
  public let lookAhead: Int
  /// Seconds without a word from the trainer after which it is taken for stalled.
  public let lease: Int
  /// Seconds without a change after which the session is deleted.
  public let retain: Int
  public let fallback: Fallback
  public let labels: [(name: String, value: String)]
  /// Whether the session's trainer must have a token of its own.
  public let hasToken: Bool

  /// - Parameter value: the JSON object.
  /// - Throws: ``SessionError`` for the first thing that is wrong, with its pointer.
  public init(_ value: JSONValue) throws(SessionError) {
    let fields = try Fields(value, at: "", names: Self.fields)
    document = value
    let seed = try fields.integer("seed", 0...(1 << 53))
    schedule = try Self.schedule(fields["schedule"], at: "/schedule", seed: seed)

    let bounds = try fields["bounds"].map { (value) throws(SessionError) in
      try Fields(value, at: "/bounds", names: ["min", "max"])
    }
    minRate = try bounds?.number("min") ?? 0
    maxRate = try bounds?.number("max") ?? .infinity
    if minRate < 0 { throw SessionError(.invalid, "'min' must be at least 0", pointer: "/bounds/min") }
    if maxRate < minRate {
      throw SessionError(.invalid, "'max' must not be less than 'min'", pointer: "/bounds/max")
    }

    groups = try Self.groups(fields)
    let ranks = try fields["ranks"].map { (value) throws(SessionError) in
      try Fields(value, at: "/ranks", names: ["mode", "world_size", "aggregate"])
    }
    rankMode = try ranks?.choice("mode", RankMode.leader) ?? .leader
    worldSize = try ranks?.integer("world_size", 1...Self.largestWorld) ?? 1
    aggregate = try ranks?.choice("aggregate", Aggregate.mean) ?? .mean

    let reader = RuleReader(
      baseRate: Self.baseRate(fields["schedule"], schedule), groups: groups.isEmpty ? ["all"] : groups.map(\.name))
    var rules = try Self.rules(fields["policies"], reader)
    let action = try fields.choice("on_nonfinite", NonfiniteGuard.Action.hold)
    if action != .hold {
      var metrics = ["loss"]
      for name in rules.flatMap(\.rule.metrics) where !metrics.contains(name) { metrics.append(name) }
      rules.append(NamedRule(type: "on_nonfinite", rule: NonfiniteGuard(action, metrics: metrics), firstStep: 0))
    }
    self.rules = rules
    let canReact = rules.contains { !$0.rule.metrics.isEmpty }
    lookAhead = try fields.integer("look_ahead", 1...Self.largestStep) ?? (canReact ? 1 : Self.largestStep)
    lease = try fields.integer("lease", 1...31_536_000) ?? 900
    retain = try fields.integer("retain", 1...3_153_600_000) ?? 2_592_000
    fallback = try fields.choice("fallback", Fallback.schedule)
    labels = try Self.labels(fields["labels"] ?? .object(JSONObject()), at: "/labels")
    switch fields["token"] {
    case nil: hasToken = false
    case .bool(let flag)?: hasToken = flag
    case let value?: throw fields.error("token", "'token' is true or false, not \(value.typeName)")
    }
  }

  /// Reads a schedule that follows the steps alone.
  static func schedule(_ value: JSONValue?, at path: String, seed: Int? = nil) throws(SessionError) -> any Schedule {
    guard let value else {
      throw SessionError(.invalid, "a session needs a 'schedule', such as {\"type\": \"cosine\", …}", pointer: path)
    }
    do {
      return try SpecificationReader(horizon: 1_000_000).read(seeded(value, seed)).rate
    } catch {
      let isPolicy = error.detail.contains("driven by reports")
      throw SessionError(
        .invalid, isPolicy ? "\(error.detail); in a session it goes into 'policies'" : error.detail,
        pointer: path + error.pointer.description, suggestion: error.suggestion)
    }
  }

  /// The session's seed, for the schedules that take one and were not given their own.
  private static func seeded(_ value: JSONValue, _ seed: Int?) -> JSONValue {
    guard let seed else { return value }
    switch value {
    case .object(let object):
      var members = object.members.map { ($0.name, seeded($0.value, seed)) }
      if let type = object["type"]?.string, object["seed"] == nil,
        Catalog.standard[type]?.parameters.contains(where: { $0.name == "seed" }) == true
      {
        members.append(("seed", .number(Double(seed))))
      }
      return .object(JSONObject(members))
    case .array(let elements): return .array(elements.map { seeded($0, seed) })
    default: return value
    }
  }

  /// What a library's machine takes for the optimizer's rate.
  private static func baseRate(_ value: JSONValue?, _ schedule: any Schedule) -> Double {
    if case .number(let rate)? = value?["base_lr"], rate > 0 { return rate }
    let first = schedule.rate(at: 0)
    return first > 0 && first.isFinite ? first : 1
  }

  private static func groups(_ fields: Fields) throws(SessionError) -> [(name: String, multiplier: Double)] {
    guard let value = fields["groups"] else { return [] }
    guard case .object(let object) = value else {
      throw fields.error("groups", "'groups' is an object of multipliers such as {\"backbone\": 0.1, \"head\": 1}")
    }
    if object.members.count > largestGroupCount {
      throw fields.error("groups", "there may be at most \(largestGroupCount) groups")
    }
    var groups: [(name: String, multiplier: Double)] = []
    for member in object.members {
      guard case .number(let multiplier) = member.value, multiplier >= 0, multiplier <= 1e6 else {
        throw SessionError(
          .invalid, "a multiplier is a number from 0 to 1000000",
          pointer: "/groups" + JSONPointer.root.appending(member.name).description)
      }
      groups.append((member.name, multiplier))
    }
    return groups
  }

  private static func rules(_ value: JSONValue?, _ reader: RuleReader) throws(SessionError) -> [NamedRule] {
    guard let value else { return [] }
    guard case .array(let elements) = value, elements.count <= largestPolicyCount else {
      throw SessionError(
        .invalid, "'policies' is a list of at most \(largestPolicyCount) policies", pointer: "/policies")
    }
    var rules: [NamedRule] = []
    var firstStep = 0
    for (index, element) in elements.enumerated() {
      do {
        let rule = try reader.read(element)
        rules.append(NamedRule(type: element["type"]?.string ?? "", rule: rule, firstStep: firstStep))
        if let warmup = rule as? WarmupRule { firstStep = max(firstStep, warmup.steps) }
      } catch {
        throw SessionError(
          .invalid, error.detail, pointer: "/policies/\(index)\(error.pointer.description)",
          suggestion: error.suggestion)
      }
    }
    return rules
  }

  static func labels(_ value: JSONValue, at path: String) throws(SessionError) -> [(name: String, value: String)] {
    guard case .object(let object) = value, object.members.count <= 64 else {
      throw SessionError(.invalid, "'labels' is an object of at most 64 texts", pointer: path)
    }
    var labels: [(name: String, value: String)] = []
    for member in object.members {
      guard case .string(let text) = member.value, text.utf8.count <= 256, member.name.utf8.count <= 64 else {
        throw SessionError(
          .invalid, "a label is a text of at most 256 octets, its name of at most 64",
          pointer: path + JSONPointer.root.appending(member.name).description)
      }
      labels.append((member.name, text))
    }
    return labels
  }
}
