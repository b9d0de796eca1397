import JSON
import Schedules

/// What a posted schedule is in canonical types: the answer of `POST /schedule?explain=true`.
struct Explanation {
  private let posted: Definition?
  private let request: ScheduleRequest

  init(_ outline: ScheduleOutline, _ request: ScheduleRequest) {
    self.request = request
    if case .object(let object) = outline.specification, case .string(let type) = object["type"] {
      posted = Catalog.standard[type]
    } else {
      posted = nil
    }
  }

  var document: JSONValue {
    var members: [(String, JSONValue)] = []
    if let posted { members.append(("posted", Self.entry(posted))) }
    // A form that would not read back explains nothing; so it is read back first.
    if let canonical = request.canonical, Self.isReadable(canonical) {
      members.append(("canonical", canonical))
      let types = Self.types(in: canonical)
      members.append(("types", .array(types.compactMap { Catalog.standard[$0].map(Self.entry) })))
    } else {
      members.append(("canonical", .null))
      members.append(
        ("note", "no canonical type describes this curve: the library's own steps are computed, one by one"))
    }
    return .object(JSONObject(members))
  }

  private static func entry(_ definition: Definition) -> JSONValue {
    [
      "type": .string(definition.type), "summary": .string(definition.summary),
      "formula": .string(definition.formula), "source": .string(definition.source),
    ]
  }

  private static func isReadable(_ canonical: JSONValue) -> Bool {
    var content: [UInt8] = []
    JSONWriter.append(canonical, to: &content)
    do {
      _ = try ScheduleRequest(ScheduleOutline(content, limit: 0, isForExplanation: true))
      return true
    } catch {
      return false
    }
  }

  /// The types that stand in a specification, each once, from the outside in.
  private static func types(in value: JSONValue) -> [String] {
    var types: [String] = []
    var found = [value]
    var next = 0
    while next < found.count {
      switch found[next] {
      case .object(let object):
        if case .string(let type) = object["type"], !types.contains(type) { types.append(type) }
        found += object.members.map(\.value).filter(\.isContainer)
      case .array(let elements): found += elements.filter(\.isContainer)
      default: break
      }
      next += 1
    }
    return types
  }
}

extension JSONValue {
  fileprivate var isContainer: Bool {
    switch self {
    case .array, .object: true
    case .null, .bool, .number, .string: false
    }
  }
}
