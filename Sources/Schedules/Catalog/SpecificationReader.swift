public import JSON
public import Policies

/// Reads schedules as they stand on the wire: flat JSON objects, each with a `type` and that type's parameters.
public struct SpecificationReader: Sendable {
  /// The most schedules that one specification may hold, nested ones counted: each is evaluated at every step, so this
  /// bounds what a rate can cost.
  public static let largestScheduleCount = 256

  /// Nesting is bounded as well: evaluation recurses.
  static let largestDepth = 32

  let catalog: Catalog
  let horizon: Double
  let metrics: [Double]?

  /// - Parameters:
  ///   - catalog: the types that are known.
  ///   - horizon: the last step that will be asked for. The few compositions of torch that have no closed form are
  ///     stepped up to here while they are read.
  ///   - metrics: what a training reported, one a step: a loss-driven rule is run over it. Nil where nothing was recorded.
  public init(catalog: Catalog = .standard, horizon: Double = largestStep, metrics: [Double]? = nil) {
    self.catalog = catalog
    self.horizon = horizon
    self.metrics = metrics
  }

  /// - Parameter value: the schedule, a JSON object.
  /// - Returns: its curves, ready to be evaluated.
  /// - Throws: ``SpecificationError`` for the first thing that is wrong, with a pointer from the schedule's root.
  public func read(_ value: JSONValue) throws(SpecificationError) -> Curves {
    try checkCount(value)
    let arguments = try arguments(value, pointer: .root, depth: 0)
    if metrics != nil && !arguments.definition.isLossDriven {
      throw SpecificationError(
        pointer: JSONPointer.root.appending("type"),
        detail: "\(arguments.definition.type) follows the steps alone: 'metrics' would have no effect on it")
    }
    return try arguments.definition.build(arguments)
  }

  /// As ``read(_:)``, of a schedule that is multiplied with a rate: without a rate of its own it starts from 1.
  package func readFactor(_ value: JSONValue) throws(SpecificationError) -> Curves {
    try checkCount(value)
    return try curves(value, pointer: .root, depth: 1)
  }

  /// - Parameter value: a loss-driven rule, a JSON object.
  /// - Returns: the rule; nil where the type is a schedule that follows the steps alone.
  public func policy(_ value: JSONValue) throws(SpecificationError) -> (any Policy)? {
    let arguments = try arguments(value, pointer: .root, depth: 0)
    return try arguments.definition.policy(arguments)
  }

  /// The reader for a nested schedule whose clock may run ahead, up to `horizon`.
  func reaching(_ horizon: Double) -> SpecificationReader {
    horizon <= self.horizon
      ? self : SpecificationReader(catalog: catalog, horizon: min(horizon, largestStep), metrics: metrics)
  }

  /// Whether reading the schedule may take a while: a `ChainedScheduler` without a closed form is stepped up to the
  /// horizon. Everything else is read in the time that its text takes.
  public static func mayBeStepped(_ value: JSONValue) -> Bool {
    switch value {
    case .object(let object):
      object["type"] == .string(TorchChained.definition.type) || object.members.contains { mayBeStepped($0.value) }
    case .array(let elements): elements.contains(where: mayBeStepped)
    default: false
    }
  }

  func curves(_ value: JSONValue, pointer: JSONPointer, depth: Int) throws(SpecificationError) -> Curves {
    let arguments = try arguments(value, pointer: pointer, depth: depth)
    return try arguments.definition.build(arguments)
  }

  /// The object's type looked up and its names checked.
  func arguments(_ value: JSONValue, pointer: JSONPointer, depth: Int) throws(SpecificationError) -> Arguments {
    if depth > Self.largestDepth {
      throw SpecificationError(pointer: pointer, detail: "schedules nest at most \(Self.largestDepth) deep")
    }
    guard case .object(let object) = value else {
      throw SpecificationError(
        pointer: pointer,
        detail: "a schedule is an object such as {\"type\": \"cosine\", …}, not \(value.typeName)")
    }
    var typePointer: JSONPointer { pointer.appending("type") }
    guard let typeValue = object["type"] else {
      throw SpecificationError(
        pointer: typePointer, detail: "a schedule needs a 'type', such as \"cosine\"; GET /schedules lists them")
    }
    guard case .string(let type) = typeValue else {
      throw SpecificationError(pointer: typePointer, detail: "'type' must be a string, not \(typeValue.typeName)")
    }
    guard let definition = catalog[type] else {
      let near = nearest(to: type, in: catalog.types)
      let hint = near.map { "; did you mean '\($0)'?" } ?? ";"
      throw SpecificationError(
        pointer: typePointer, detail: "there is no schedule type '\(type.prefix(64))'\(hint) GET /schedules lists them",
        suggestion: near)
    }
    return try Arguments(definition, object, pointer: pointer, reader: self, depth: depth)
  }

  private func checkCount(_ value: JSONValue) throws(SpecificationError) {
    if count(value, limit: Self.largestScheduleCount) <= Self.largestScheduleCount { return }
    throw SpecificationError(
      pointer: .root, detail: "a schedule may hold at most \(Self.largestScheduleCount) schedules in all")
  }

  /// Counts the objects that claim to be schedules, and stops soon after the limit.
  private func count(_ value: JSONValue, limit: Int) -> Int {
    switch value {
    case .object(let object):
      var total = object["type"] == nil ? 0 : 1
      for member in object.members where total <= limit { total += count(member.value, limit: limit) }
      return total
    case .array(let elements):
      var total = 0
      for element in elements where total <= limit { total += count(element, limit: limit) }
      return total
    default: return 0
    }
  }
}
