public import JSON
public import Policies

/// Reads a session's policies: flat JSON objects with a `type`, the type's parameters, and the `metric` to watch.
public struct RuleReader: Sendable {
  /// What a policy's rate is compared with where the policy does not say: the schedule's own.
  public let baseRate: Double
  /// The names of the parameter groups.
  public let groups: [String]

  public init(baseRate: Double, groups: [String]) {
    self.baseRate = baseRate
    self.groups = groups
  }

  /// Every type that can be a policy: ours, then the libraries'.
  public static let catalog = Catalog(SessionRules.all + Catalog.standard.definitions.filter(\.isLossDriven))

  /// - Parameter value: the policy, a JSON object.
  /// - Throws: ``SpecificationError`` for the first thing that is wrong, with a pointer from the policy's root.
  public func read(_ value: JSONValue) throws(SpecificationError) -> any Rule {
    guard case .object(let object) = value else {
      throw SpecificationError(
        pointer: .root, detail: "a policy is an object such as {\"type\": \"plateau\", …}, not \(value.typeName)")
    }
    if case .string(let type)? = object["type"], Self.catalog[type] == nil {
      let near = nearest(to: type, in: Self.catalog.types)
      let isSchedule = Catalog.standard[type] != nil
      let hint =
        isSchedule ? "'\(type)' is a schedule; it goes into 'schedule'" : "there is no policy '\(type.prefix(64))'"
      throw SpecificationError(
        pointer: JSONPointer.root.appending("type"),
        detail: hint + (near.map { "; did you mean '\($0)'?" } ?? "; GET /policies lists them"), suggestion: near)
    }
    var metric = "loss"
    if let value = object["metric"] {
      guard case .string(let name) = value, !name.isEmpty, name.utf8.count <= 64 else {
        throw SpecificationError(
          pointer: JSONPointer.root.appending("metric"), detail: "'metric' must be a text of 1 to 64 octets")
      }
      metric = name
    }
    var members = object.members.filter { $0.name != "metric" }.map { ($0.name, $0.value) }
    let reader = SpecificationReader(catalog: Self.catalog)
    if case .string(let type)? = object["type"], let definition = Self.catalog[type] {
      // What the library takes from the optimizer, or under a name of its own, the session knows.
      for name in ["base_lr", "learning_rate"] where object[name] == nil {
        if definition.parameters.contains(where: { $0.name == name }) { members.append((name, .number(baseRate))) }
      }
    }
    let arguments = try reader.arguments(.object(JSONObject(members)), pointer: .root, depth: 0)
    guard let rule = try arguments.definition.rule(arguments, RuleContext(metric: metric, groups: groups)) else {
      throw arguments.error("type", "\(arguments.definition.type) is a schedule, not a policy")
    }
    return rule
  }
}
