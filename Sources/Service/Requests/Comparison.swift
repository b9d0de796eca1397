import Foundation
import JSON
import Schedules

/// The content of `POST /compare`, read: several named curves over the same steps.
struct Comparison {
  struct Curve {
    let name: String
    let schedule: any Schedule
    let summary: CurveSummary
  }

  static let largestCount = 64

  private static let fields =
    ["schedules", "schedule", "grid", "steps", "at", "rates"] + Clock.fields

  let curves: [Curve]
  let steps: StepSelection
  /// Whether the rates are wanted beside the summaries.
  let hasRates: Bool

  /// - Parameters:
  ///   - content: the request's content.
  ///   - limit: the most rates that one answer may hold.
  init(_ content: [UInt8], limit: Int) throws(Problem) {
    let request = try RequestObject(
      try ScheduleOutline.document(content), at: .root, names: Self.fields,
      example: "{\"schedules\": [{…}, {…}], \"steps\": 100}")
    let clock = try Clock(request)
    hasRates = try request.flag("rates") ?? true
    let entries = try Self.entries(request)
    steps = try StepSelection(request, otherwise: nil, limit: limit / max(1, entries.count))
    if steps.count == 0 { throw .invalid("/steps", "a comparison needs at least one step") }
    var curves: [Curve] = []
    for entry in entries {
      if curves.contains(where: { $0.name == entry.name }) {
        throw .invalid(entry.pointer, "there is another schedule named '\(entry.name)'; give each a 'name' of its own")
      }
      let schedule = try Self.read(entry, clock, horizon: clock.horizon(steps.last))
      let checked = CheckedCurve(schedule: schedule, steps: steps, pointer: entry.pointer)
      curves.append(Curve(name: entry.name, schedule: schedule, summary: try checked.summary()))
    }
    self.curves = curves
  }

  // MARK: Entries

  /// A schedule that has been given, and where.
  struct Entry {
    let name: String
    let specification: JSONValue
    let pointer: String
  }

  /// What `schedules`, or `schedule` with its `grid`, holds.
  static func entries(_ request: RequestObject) throws(Problem) -> [Entry] {
    switch (request["schedules"], request["schedule"]) {
    case (_?, _?): throw .invalid("/schedule", "give either 'schedules' or one 'schedule' with a 'grid', not both")
    case (nil, let template?): return try grid(template, request)
    case (nil, nil):
      throw .invalid("/schedules", "the request needs 'schedules', a list, or one 'schedule' with a 'grid'")
    case (_?, nil): break
    }
    if request["grid"] != nil { throw .invalid("/grid", "'grid' goes with one 'schedule', not with 'schedules'") }
    let values = try request.array("schedules", largest: largestCount) ?? []
    if values.isEmpty { throw .invalid("/schedules", "'schedules' must hold at least one schedule") }
    var entries: [Entry] = []
    for (index, value) in values.enumerated() {
      let pointer = JSONPointer.root.appending("schedules").appending(index)
      guard case .object(let object) = value, object["type"] == nil, object["schedule"] != nil else {
        // A bare schedule goes by its type.
        entries.append(
          Entry(name: name(value, index, values), specification: value, pointer: pointer.description))
        continue
      }
      let named = try RequestObject(
        value, at: pointer, names: ["name", "schedule"], example: "{\"name\": \"long\", \"schedule\": {…}}")
      let specification = named["schedule"] ?? .null
      let given = try named.name("name")
      entries.append(
        Entry(
          name: given ?? name(specification, index, values), specification: specification,
          pointer: named.path("schedule")))
    }
    return entries
  }

  /// A schedule's type; with its number where it is not alone.
  private static func name(_ specification: JSONValue, _ index: Int, _ all: [JSONValue]) -> String {
    guard case .object(let object) = specification, case .string(let type) = object["type"] else {
      return "schedule \(index + 1)"
    }
    let same = all.filter { if case .object(let other) = $0 { other["type"] == object["type"] } else { false } }
    return same.count > 1 ? "\(type.prefix(64)) \(index + 1)" : String(type.prefix(64))
  }

  /// One schedule with some of its parameters varied: a family of curves.
  private static func grid(_ template: JSONValue, _ request: RequestObject) throws(Problem) -> [Entry] {
    guard let value = request["grid"] else {
      return [Entry(name: name(template, 0, [template]), specification: template, pointer: "/schedule")]
    }
    guard case .object(let axes) = value, !axes.members.isEmpty, case .object = template else {
      throw .invalid("/grid", "'grid' is an object such as {\"decay_constant\": [0.01, 0.05]} beside a 'schedule'")
    }
    var family = [(name: "", specification: template)]
    for axis in axes.members {
      let pointer = JSONPointer.root.appending("grid").appending(axis.name).description
      guard case .array(let values) = axis.value, !values.isEmpty else {
        throw .invalid(pointer, "'\(axis.name.prefix(64))' must be a list of values to try, at least one")
      }
      if family.count > largestCount / values.count {
        throw .invalid(pointer, "a grid may have at most \(largestCount) curves")
      }
      let path = axis.name.hasPrefix("/") ? String(axis.name.dropFirst()) : axis.name
      let tokens = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
      var next: [(name: String, specification: JSONValue)] = []
      for (name, specification) in family {
        for value in values {
          guard let varied = specification.setting(tokens[...], to: value) else {
            throw .invalid(pointer, "the schedule has no place '\(axis.name.prefix(64))' for a value")
          }
          let text = "\(path)=\(JSONWriter.text(value).prefix(32))"
          next.append((name.isEmpty ? text : "\(name), \(text)", varied))
        }
      }
      family = next
    }
    return family.map { Entry(name: $0.name, specification: $0.specification, pointer: "/schedule") }
  }

  private static func read(_ entry: Entry, _ clock: Clock, horizon: Double) throws(Problem) -> any Schedule {
    do {
      return clock.onSteps(try SpecificationReader(horizon: horizon).read(entry.specification).rate)
    } catch {
      throw .specification(error, under: entry.pointer)
    }
  }
}

extension JSONValue {
  /// The value with what stands at the path replaced, or added to its last object; nil where there is no such place.
  fileprivate func setting(_ path: ArraySlice<String>, to value: JSONValue) -> JSONValue? {
    guard let token = path.first else { return value }
    let rest = path.dropFirst()
    switch self {
    case .object(let object):
      guard let inner = object[token] ?? (rest.isEmpty ? .null : nil), let set = inner.setting(rest, to: value) else {
        return nil
      }
      var members = object.members.map { ($0.name, $0.name == token ? set : $0.value) }
      if object[token] == nil { members.append((token, set)) }
      return .object(JSONObject(members))
    case .array(var elements):
      guard let index = Int(token), elements.indices.contains(index), let set = elements[index].setting(rest, to: value)
      else { return nil }
      elements[index] = set
      return .array(elements)
    default: return nil
    }
  }
}
