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

/// The content of `POST /schedule` with its steps checked, its schedule not read yet: what it will cost can be told.
struct ScheduleOutline {
  let specification: JSONValue
  let steps: StepSelection

  private static let fields = ["schedule", "steps", "at"]

  /// - Parameters:
  ///   - content: the request's content.
  ///   - limit: the most rates that one answer may hold.
  /// - Throws: ``Problem`` for the first thing that is wrong; nothing of the answer's size has been allocated then.
  init(_ content: [UInt8], limit: Int) throws(Problem) {
    let document: JSONValue
    do {
      document = try JSONReader.read(content)
    } catch {
      throw .malformed(error)
    }
    guard case .object(let object) = document else {
      throw .invalid(
        "", "the content is an object such as {\"schedule\": {…}, \"steps\": 100}, not \(document.typeName)")
    }
    for member in object.members where !Self.fields.contains(member.name) {
      let near = nearest(to: member.name, in: Self.fields.filter { object[$0] == nil })
      let hint = near.map { "; did you mean '\($0)'?" } ?? "; it takes schedule, and steps or at"
      throw .invalid(
        JSONPointer.root.appending(member.name).description,
        "the request has no field '\(member.name.prefix(64))'\(hint)", suggestion: near)
    }
    guard let specification = object["schedule"] else {
      throw .invalid("/schedule", "the request needs a 'schedule', such as {\"type\": \"cosine\", …}")
    }
    self.specification = specification
    switch (object["steps"], object["at"]) {
    case (let steps?, nil): self.steps = try Self.range(steps, limit: limit)
    case (nil, let steps?): self.steps = try Self.list(steps, limit: limit)
    case (nil, nil):
      throw .invalid("/steps", "the request needs 'steps' (a count, or start, count and stride) or 'at' (a list)")
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
    var problem = Problem.invalid(
      pointer, "one answer holds at most \(limit) rates; ask in parts, with start and count, or with a larger stride")
    problem.kind = "too-many-rates"
    problem.title = "The answer would be too large"
    throw problem
  }
}

/// The content of `POST /schedule`, checked and ready to be answered.
struct ScheduleRequest {
  let curves: Curves
  let steps: StepSelection

  /// - Throws: ``Problem`` for the first thing that is wrong with the schedule, or where it ends before the last step.
  init(_ outline: ScheduleOutline) throws(Problem) {
    steps = outline.steps
    do {
      curves = try SpecificationReader(horizon: outline.steps.last).read(outline.specification)
    } catch {
      throw .specification(error, under: "/schedule")
    }
    try checkEnd()
  }

  private func checkEnd() throws(Problem) {
    guard let end = curves.rate.end else { return }
    switch steps {
    case .list(let list):
      guard let index = list.firstIndex(where: { $0 > end.lastStep }) else { return }
      throw .invalid("/at/\(index)", "the schedule's last step is \(Self.text(end.lastStep)): \(end.reason)")
    case .range(_, let count, _):
      if count == 0 || steps.last <= end.lastStep { return }
      throw .invalid("/steps", "the schedule's last step is \(Self.text(end.lastStep)): \(end.reason)")
    }
  }

  /// Makes sure that every number of the answer is finite, before the first of them is sent.
  func checkFinite() throws(Problem) {
    var failing: Double?
    for schedule in [curves.rate] + curves.companions.map(\.schedule) {
      Rates(schedule, steps).forEachPiece { first, rates in
        guard let index = rates.firstIndex(where: { !$0.isFinite }) else { return true }
        failing = steps.step(first + index)
        return false
      }
    }
    if let failing {
      let advice = failing == 0 ? "; ask from step 1 on" : "; ask for fewer steps"
      throw .invalid(
        "/schedule", "the rate at step \(Self.text(failing)) is no finite number with these parameters\(advice)")
    }
  }

  private static func text(_ step: Double) -> String { JSONWriter.text(.number(step)) }
}
