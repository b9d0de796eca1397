import JSON
import Schedules

/// The content of `POST /schedule` with its steps checked, its schedule not read yet: what it will cost can be told.
struct ScheduleOutline {
  let request: RequestObject
  let specification: JSONValue
  let steps: StepSelection
  /// The recorded curve that a loss-driven rule is run over.
  let metrics: [Double]?
  /// The last step that matters: an explanation is of the whole curve, whatever steps stand beside it.
  let horizon: Double

  static let fields = ["schedule", "steps", "at", "metrics", "companions", "groups", "layer_decay"] + Clock.fields

  /// - Parameters:
  ///   - content: the request's content.
  ///   - limit: the most rates that one answer may hold.
  ///   - isForExplanation: whether no rates are asked for, so that the steps may be left out.
  /// - Throws: ``Problem`` for the first thing that is wrong; nothing of the answer's size has been allocated then.
  init(_ content: [UInt8], limit: Int, isForExplanation: Bool = false) throws(Problem) {
    request = try RequestObject(
      try Self.document(content), at: .root, names: Self.fields, example: "{\"schedule\": {…}, \"steps\": 100}")
    guard let specification = request["schedule"] else {
      throw .invalid("/schedule", "the request needs a 'schedule', such as {\"type\": \"cosine\", …}")
    }
    self.specification = specification
    metrics = try Metrics.read(request)
    // A recorded curve is a range of steps by itself.
    let recorded = metrics.map { StepSelection.range(start: 0, count: $0.count, stride: 1) }
    let otherwise = isForExplanation ? .range(start: 0, count: 0, stride: 1) : recorded
    steps = try StepSelection(request, otherwise: otherwise, limit: limit)
    horizon = isForExplanation ? largestStep : steps.last
  }

  static func document(_ content: [UInt8]) throws(Problem) -> JSONValue {
    do {
      return try JSONReader.read(content)
    } catch {
      throw .malformed(error)
    }
  }

  /// An upper bound of the curves that the answer will hold.
  var largestColumnCount: Int {
    var count = 2
    for name in ["companions", "groups"] {
      switch request[name] {
      case .array(let elements): count += elements.count
      case .object(let object): count += object.members.count
      default: break
      }
    }
    if request["layer_decay"] != nil { count += ParameterGroups.largestCount }
    return count
  }
}

/// The content of `POST /schedule`, checked and ready to be answered.
struct ScheduleRequest {
  /// One curve of the answer.
  struct Column {
    /// `learning_rates`, the name of a companion, or the name of a group.
    let name: String
    let isGroup: Bool
    let schedule: any Schedule
  }

  let columns: [Column]
  let steps: StepSelection

  /// - Throws: ``Problem`` for the first thing that is wrong with the schedule, or where it ends before the last step.
  init(_ outline: ScheduleOutline) throws(Problem) {
    steps = outline.steps
    let request = outline.request
    let clock = try Clock(request)
    let reader = SpecificationReader(horizon: clock.horizon(outline.horizon), metrics: outline.metrics)
    func read(_ value: JSONValue, _ pointer: String) throws(Problem) -> Curves {
      do {
        return try reader.read(value)
      } catch {
        throw .specification(error, under: pointer)
      }
    }
    let curves = try read(outline.specification, "/schedule")
    let main = clock.onSteps(curves.rate)
    var columns = [Column(name: "learning_rates", isGroup: false, schedule: main)]
    for companion in curves.companions {
      columns.append(Column(name: companion.name, isGroup: false, schedule: clock.onSteps(companion.schedule)))
    }
    if let value = request["companions"] {
      guard case .object(let object) = value else {
        throw .invalid("/companions", "'companions' is an object such as {\"momentum\": {…}}, not \(value.typeName)")
      }
      if object.members.count > 16 { throw .invalid("/companions", "there may be at most 16 companions") }
      for member in object.members {
        let pointer = JSONPointer.root.appending("companions").appending(member.name).description
        try Self.checkName(member.name, pointer, taken: columns.map(\.name))
        let companion = try read(member.value, pointer).rate
        columns.append(Column(name: member.name, isGroup: false, schedule: clock.onSteps(companion)))
      }
    }
    let groups = try ParameterGroups.read(request, main: main) { (value, pointer) throws(Problem) in
      clock.onSteps(try read(value, pointer).rate)
    }
    columns += groups.map { Column(name: $0.name, isGroup: true, schedule: $0.schedule) }
    self.columns = columns
    try checkEnd()
  }

  private static func checkName(_ name: String, _ pointer: String, taken: [String]) throws(Problem) {
    let isWord = name.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "_")
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
    if !isWord || name.isEmpty || name.utf8.count > 64 {
      throw .invalid(pointer, "a companion's name is a word of a–z, 0–9 and _, such as momentum or weight_decay")
    }
    if taken.contains(name) || ["groups", "step", "learning_rate"].contains(name) {
      throw .invalid(pointer, "the answer has a '\(name)' already")
    }
  }

  private func checkEnd() throws(Problem) {
    for column in columns {
      guard let end = column.schedule.end else { continue }
      switch steps {
      case .list(let list):
        guard let index = list.firstIndex(where: { $0 > end.lastStep }) else { continue }
        throw .invalid("/at/\(index)", "the schedule's last step is \(Self.text(end.lastStep)): \(end.reason)")
      case .range(_, let count, _):
        if count == 0 || steps.last <= end.lastStep { continue }
        throw .invalid("/steps", "the schedule's last step is \(Self.text(end.lastStep)): \(end.reason)")
      }
    }
  }

  /// Refuses an answer of more than `limit` rates in all its curves.
  func check(limit: Int) throws(Problem) {
    if steps.count > limit / columns.count { throw .tooManyRates("/steps", limit: limit) }
  }

  /// The most numbers that are looked at before the first is sent. A longer answer is looked at while it is made, and
  /// broken off where it would hold a number that is not finite.
  private static let largestCheck = 10_000_000

  /// Makes sure that every number of the answer is finite, before the first of them is sent.
  func checkFinite() throws(Problem) {
    var failing: Double?
    let reach = Self.largestCheck / columns.count
    for column in columns where !column.schedule.isAlwaysFinite {
      let last = column.schedule.rate(at: steps.last)
      if steps.count > 0 && !last.isFinite { failing = steps.last }
      Rates(column.schedule, steps).forEachPiece { first, rates in
        guard let index = rates.firstIndex(where: { !$0.isFinite }) else { return first < reach }
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

  static func text(_ step: Double) -> String { JSONWriter.text(.number(step)) }

  // MARK: Canonical form

  /// The same request in canonical types, without its steps: posted again it gives the same rates. Nil where a schedule
  /// has no canonical form.
  var canonical: JSONValue? {
    guard let form = columns[0].schedule.form else { return nil }
    var members: [(String, JSONValue)] = [("schedule", form)]
    var companions: [(String, JSONValue)] = []
    var groups: [JSONValue] = []
    for column in columns.dropFirst() {
      guard let form = column.schedule.form else { return nil }
      if column.isGroup {
        groups.append(["name": .string(column.name), "schedule": form])
      } else {
        companions.append((column.name, form))
      }
    }
    if !companions.isEmpty { members.append(("companions", .object(JSONObject(companions)))) }
    if !groups.isEmpty { members.append(("groups", .array(groups))) }
    return .object(JSONObject(members))
  }
}

/// Reads `metrics`: the losses that a training reported, one a step.
enum Metrics {
  /// JSON has no words for what a diverging loss is; reports carry these strings.
  private static let words: [String: Double] = ["nan": .nan, "inf": .infinity, "-inf": -.infinity]

  static func read(_ request: RequestObject) throws(Problem) -> [Double]? {
    guard let elements = try request.array("metrics", largest: 1_000_000) else { return nil }
    var metrics: [Double] = []
    metrics.reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
      switch element {
      case .number(let number): metrics.append(number)
      case .string(let word):
        guard let value = words[word] else { fallthrough }
        metrics.append(value)
      default:
        throw .invalid("/metrics/\(index)", "a metric is a number, or one of \"nan\", \"inf\" and \"-inf\"")
      }
    }
    return metrics
  }
}
