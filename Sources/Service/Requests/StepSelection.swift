import JSON
import Schedules

/// The steps that a caller asks about.
enum StepSelection: Equatable {
  case range(start: Double, count: Int, stride: Double)
  case list([Double])

  var count: Int {
    switch self {
    case .range(_, let count, _): count
    case .list(let steps): steps.count
    }
  }

  /// The largest step.
  var last: Double {
    switch self {
    case .range(_, let count, _): count == 0 ? 0 : step(count - 1)
    case .list(let steps): steps.max() ?? 0
    }
  }

  func step(_ index: Int) -> Double {
    switch self {
    case .range(let start, _, let stride): start + Double(index) * stride
    case .list(let steps): steps[index]
    }
  }
}

// MARK: Reading

extension StepSelection {
  /// - Parameters:
  ///   - request: the object that has `steps` or `at`.
  ///   - otherwise: the selection where it has neither; nil where one of them is needed.
  ///   - limit: the most steps that may be selected.
  init(_ request: RequestObject, otherwise: StepSelection?, limit: Int) throws(Problem) {
    switch (request["steps"], request["at"]) {
    case (let steps?, nil): self = try Self.range(steps, limit: limit)
    case (nil, let steps?): self = try Self.list(steps, limit: limit)
    case (nil, nil):
      guard let otherwise else {
        throw .invalid("/steps", "the request needs 'steps' (a count, or start, count and stride) or 'at' (a list)")
      }
      self = otherwise
    case (_?, _?): throw .invalid("/at", "give either 'steps' or 'at', not both")
    }
  }

  private static func range(_ value: JSONValue, limit: Int) throws(Problem) -> StepSelection {
    var start = 0.0
    var stride = 1.0
    let count: Double
    switch value {
    case .number: count = try number(value, "/steps")
    case .object(let object):
      let names = ["start", "count", "stride"]
      for member in object.members where !names.contains(member.name) {
        let near = nearest(to: member.name, in: names)
        throw .invalid(
          JSONPointer.root.appending("steps").appending(member.name).description,
          "'steps' takes start, count and stride" + (near.map { "; did you mean '\($0)'?" } ?? ""), suggestion: near)
      }
      guard let given = object["count"] else { throw .invalid("/steps/count", "'steps' needs a 'count'") }
      count = try number(given, "/steps/count")
      if let value = object["start"] { start = try number(value, "/steps/start") }
      if let value = object["stride"] { stride = try number(value, "/steps/stride") }
      if stride <= 0 { throw .invalid("/steps/stride", "the stride must be greater than 0") }
    default:
      throw .invalid("/steps", "'steps' is a count or an object with start, count and stride, not \(value.typeName)")
    }
    let pointer = if case .object = value { "/steps/count" } else { "/steps" }
    guard let whole = Int(exactly: count) else { throw .invalid(pointer, "the count must be a whole number") }
    try check(whole, limit: limit, pointer)
    if start + stride * max(0, count - 1) > largestStep {
      throw .invalid(pointer, "steps go up to 2^53 (9007199254740992)")
    }
    return .range(start: start, count: whole, stride: stride)
  }

  private static func list(_ value: JSONValue, limit: Int) throws(Problem) -> StepSelection {
    guard case .array(let elements) = value else {
      throw .invalid("/at", "'at' is a list of steps such as [0, 10, 1000], not \(value.typeName)")
    }
    try check(elements.count, limit: limit, "/at")
    var steps: [Double] = []
    steps.reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() { steps.append(try number(element, "/at/\(index)")) }
    return .list(steps)
  }

  private static func number(_ value: JSONValue, _ pointer: String) throws(Problem) -> Double {
    guard case .number(let number) = value else {
      throw .invalid(pointer, "a number was expected, not \(value.typeName)")
    }
    if number < 0 { throw .invalid(pointer, "a step or a count must not be negative; the first step is 0") }
    if number > largestStep { throw .invalid(pointer, "steps go up to 2^53 (9007199254740992)") }
    return number
  }

  private static func check(_ count: Int, limit: Int, _ pointer: String) throws(Problem) {
    if count <= limit { return }
    throw .tooManyRates(pointer, limit: limit)
  }
}
