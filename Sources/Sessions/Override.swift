public import JSON
public import Policies
public import Schedules

/// An operator's change of the course.
public struct Override: Sendable {
  public enum Change: Sendable {
    /// Multiplies the rate.
    case factor(Double)
    /// Is the rate, whatever schedule and policies say.
    case learningRate(Double)
    /// Takes the place of the schedule; steps stay absolute.
    case schedule(JSONValue, any Schedule)
    /// From now down to a floor.
    case cooldown(Cooldown)

    var summary: String {
      switch self {
      case .factor(let factor): "times \(factor)"
      case .learningRate(let rate): "\(rate)"
      case .schedule: "another schedule"
      case .cooldown(let cooldown): Effect.cooldown(cooldown).summary
      }
    }
  }

  public static let fields = [
    "effective_step", "until_step", "factor", "learning_rate", "schedule", "cooldown", "reason", "author",
  ]
  public static let largestCount = 256

  public let id: String
  /// The first step that it changes.
  public let effectiveStep: Int
  /// The last step that it changes; nil for ever.
  public let untilStep: Int?
  public let change: Change
  public let reason: String
  public let author: String
  /// When it was made, in milliseconds since 1970.
  public let time: Int
  /// The Idempotency-Key that it was made with: the same one again makes no second override.
  var key: String?
  /// For a cooldown: the rate that it falls from, once that is sealed.
  var anchor: Double?

  /// - Parameters:
  ///   - value: what the operator sent.
  ///   - id: its name.
  ///   - session: what it is for.
  /// - Throws: ``SessionError`` for what makes no sense, or comes too late.
  init(_ value: JSONValue, id: String, for session: Session, time: Int) throws(SessionError) {
    let fields = try Fields(value, at: "", names: Self.fields)
    let first = session.sealedUntil + 1
    let effective = try fields.integer("effective_step", 0...SessionSpecification.largestStep) ?? first
    if effective < first {
      throw SessionError(
        .conflict, "rates are sealed up to step \(session.sealedUntil): the first step that can change is \(first)",
        pointer: "/effective_step")
    }
    try self.init(fields, id: id, effectiveStep: effective, time: time)
    let (low, high) = (session.specification.minRate, session.specification.maxRate)
    switch change {
    case .learningRate(let rate) where rate < low || rate > high:
      throw fields.error("learning_rate", "the session's bounds are \(low) to \(high)")
    case .cooldown(let cooldown) where cooldown.floor < low:
      if fields["cooldown"]?["floor"] != nil {
        throw SessionError(.invalid, "the session's bounds are \(low) to \(high)", pointer: "/cooldown/floor")
      }
      var raised = self
      raised = Override(
        id: id, effectiveStep: effective, untilStep: untilStep,
        change: .cooldown(
          Cooldown(start: cooldown.start, steps: cooldown.steps, shape: cooldown.shape, floor: low)),
        reason: reason, author: author, time: time)
      self = raised
    default: break
    }
    if session.overrides.count >= Self.largestCount {
      throw SessionError(.conflict, "a session holds at most \(Self.largestCount) overrides")
    }
  }

  /// Looks at what can be told without the session.
  static func check(_ value: JSONValue) throws(SessionError) {
    let fields = try Fields(value, at: "", names: fields)
    let effective = try fields.integer("effective_step", 0...SessionSpecification.largestStep) ?? 0
    _ = try Override(fields, id: "", effectiveStep: effective, time: 0)
  }

  private init(
    id: String, effectiveStep: Int, untilStep: Int?, change: Change, reason: String, author: String, time: Int
  ) {
    self.id = id
    self.effectiveStep = effectiveStep
    self.untilStep = untilStep
    self.change = change
    self.reason = reason
    self.author = author
    self.time = time
  }

  private init(_ fields: Fields, id: String, effectiveStep: Int, time: Int) throws(SessionError) {
    self.id = id
    self.effectiveStep = effectiveStep
    self.time = time
    untilStep = try fields.integer("until_step", effectiveStep...SessionSpecification.largestStep)
    reason = try fields.text("reason", largest: 1024) ?? ""
    author = try fields.text("author") ?? ""
    let given = ["factor", "learning_rate", "schedule", "cooldown"].filter { fields[$0] != nil }
    guard given.count == 1 else {
      let what = given.isEmpty ? "one of" : "only one of"
      throw SessionError(
        .invalid, "an override has \(what) 'factor', 'learning_rate', 'schedule' and 'cooldown'",
        pointer: given.count > 1 ? "/\(given[1])" : "")
    }
    switch given[0] {
    case "factor":
      let factor = try fields.number("factor") ?? 1
      if factor < 0 || factor > 1e6 { throw fields.error("factor", "'factor' is a number from 0 to 1000000") }
      change = .factor(factor)
    case "learning_rate":
      let rate = try fields.number("learning_rate") ?? 0
      if rate < 0 { throw fields.error("learning_rate", "'learning_rate' must be at least 0") }
      change = .learningRate(rate)
    case "schedule":
      let value = fields["schedule"] ?? .null
      change = .schedule(value, try SessionSpecification.schedule(value, at: "/schedule"))
    default:
      let cooldown = try Fields(fields["cooldown"] ?? .null, at: "/cooldown", names: ["steps", "shape", "floor"])
      guard let steps = try cooldown.integer("steps", 1...1_000_000_000) else {
        throw cooldown.error("steps", "a cooldown needs 'steps', its length")
      }
      let floor = try cooldown.number("floor") ?? 0
      if floor < 0 { throw cooldown.error("floor", "'floor' must be at least 0") }
      change = .cooldown(
        Cooldown(start: effectiveStep, steps: steps, shape: try cooldown.choice("shape", .oneMinusSqrt), floor: floor))
    }
  }

  func isActive(at step: Int) -> Bool { step >= effectiveStep && step <= untilStep ?? .max }

  func apply(to rate: Double, at step: Int) -> Double {
    switch change {
    case .factor(let factor): rate * factor
    case .learningRate(let rate): rate
    case .schedule: rate
    case .cooldown(let cooldown): Effect.cooldown(cooldown).apply(to: rate, at: step, anchor: anchor)
    }
  }

  // MARK: JSON

  /// As it stands in the log, in snapshots and in answers.
  public var document: JSONValue {
    var members: [(String, JSONValue)] = [("id", .string(id)), ("effective_step", JSONValue(step: effectiveStep))]
    if let untilStep { members.append(("until_step", JSONValue(step: untilStep))) }
    switch change {
    case .factor(let factor): members.append(("factor", .number(factor)))
    case .learningRate(let rate): members.append(("learning_rate", .number(rate)))
    case .schedule(let value, _): members.append(("schedule", value))
    case .cooldown(let cooldown):
      members.append(
        (
          "cooldown",
          [
            "steps": JSONValue(step: cooldown.steps), "shape": .string(cooldown.shape.rawValue),
            "floor": .number(cooldown.floor),
          ]
        ))
    }
    members += [("reason", .string(reason)), ("author", .string(author)), ("time", JSONValue(step: time))]
    if let key { members.append(("idempotency_key", .string(key))) }
    if let anchor { members.append(("from_rate", .number(anchor))) }
    return .object(JSONObject(members))
  }

  /// Reads ``document``.
  init(stored value: JSONValue) throws(SessionError) {
    guard let id = value["id"]?.string, let step = value["effective_step"]?.whole, let time = value["time"]?.whole
    else { throw SessionError(.unavailable, "the stored override cannot be read") }
    let rest = value.members.filter { !["id", "time", "from_rate", "idempotency_key"].contains($0.name) }.map {
      ($0.name, $0.value)
    }
    let fields = try Fields(.object(JSONObject(rest)), at: "", names: Self.fields)
    try self.init(fields, id: id, effectiveStep: step, time: time)
    anchor = value["from_rate"]?.reported
    key = value["idempotency_key"]?.string
  }
}
