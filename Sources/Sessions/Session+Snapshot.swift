public import JSON
import Policies

/// The state as JSON: a session that was put away comes back unchanged.
extension Session {
  static let snapshotFormat = 1

  /// Everything but the specification.
  public func snapshot() throws -> JSONValue {
    let policies = try running.indices.map { index -> JSONValue in
      [
        "state": try JSONReader.read(running[index].encoded()), "base": try JSONReader.read(base[index].encoded()),
        "seen": [JSONValue(step: seen[index].step), JSONValue(step: seen[index].metric)],
        "anchor": anchors[index].map { .report($0) } ?? .null, "demanded": JSONValue(step: demanded[index]),
      ]
    }
    return [
      "format": JSONValue(step: Self.snapshotFormat),
      "revision": JSONValue(step: revision), "attempt": JSONValue(step: attempt),
      "resume_step": JSONValue(step: resumeStep), "world_size": JSONValue(step: worldSize),
      "sealed_until": JSONValue(step: sealedUntil), "last_step": JSONValue(step: lastStep),
      "report_count": JSONValue(step: reportCount),
      "labels": .object(JSONObject(labels.map { ($0.name, .string($0.value)) })), "notes": .string(notes),
      "retain": JSONValue(step: retain), "created_at": JSONValue(step: createdAt),
      "updated_at": JSONValue(step: updatedAt), "lineage": lineage ?? .null,
      "overrides": .array(overrides.map(\.document)), "commands": .array(commands.map(\.document)),
      "restarts": .array(
        restarts.map { [JSONValue(step: $0.revision), JSONValue(step: $0.attempt), JSONValue(step: $0.step)] }),
      "segments": .array(try segments.map(Self.document)), "first_kept_step": JSONValue(step: firstKeptStep),
      "series": .array(series.map(Self.document)), "window_floor": JSONValue(step: windowFloor),
      "policies": .array(policies), "command_count": JSONValue(step: commandCount),
      "override_count": JSONValue(step: overrideCount),
      "arrivals": .array(
        arrivals.map { ["step": JSONValue(step: $0.step), "ranks": .array($0.ranks.map { JSONValue(step: $0) })] }),
    ]
  }

  private static func document(_ segment: Segment) throws -> JSONValue {
    var members: [(String, JSONValue)] = [("from", JSONValue(step: segment.from))]
    if segment.effects.contains(where: { $0 != .none }) {
      members.append(("effects", try Codec.json(segment.effects)))
    }
    if let adopted = segment.adopted { members.append(("adopted", .report(adopted))) }
    return .object(JSONObject(members))
  }

  private static func document(_ series: Series) -> JSONValue {
    [
      "name": .string(series.name),
      "known": .array(series.known.ranges.map { [JSONValue(step: $0.lowerBound), JSONValue(step: $0.upperBound)] }),
      "entries": .array(
        series.entries.map { entry in
          var fields: [JSONValue] = [JSONValue(step: entry.step), .report(entry.value), .bool(entry.isClosed)]
          if entry.vector != nil || entry.ranks != nil {
            fields.append(entry.vector.map { .array($0.map(JSONValue.report)) } ?? .null)
            fields.append(
              entry.ranks.map { ranks in
                .array(ranks.map { [JSONValue(step: $0.rank), .report($0.value), .number($0.samples)] })
              } ?? .null)
          }
          return .array(fields)
        }),
    ]
  }

  /// Takes the state over from a snapshot.
  ///
  /// - Throws: where it is not one of this specification's.
  mutating func restore(_ value: JSONValue) throws {
    func corrupt(_ what: String) -> SessionError {
      SessionError(.invalid, "the state cannot be read: \(what)", pointer: "/state")
    }
    func whole(_ name: String) throws -> Int {
      guard let number = value[name]?.whole else { throw corrupt("no '\(name)'") }
      return number
    }
    guard try whole("format") == Self.snapshotFormat else { throw corrupt("it is of another version of anneal") }
    let policies = value["policies"]?.elements ?? []
    guard policies.count == running.count else { throw corrupt("it has other policies") }
    attempt = try whole("attempt")
    resumeStep = try whole("resume_step")
    worldSize = try whole("world_size")
    sealedUntil = try whole("sealed_until")
    lastStep = try whole("last_step")
    reportCount = try whole("report_count")
    labels = (value["labels"]?.members ?? []).map { ($0.name, $0.value.string ?? "") }
    notes = value["notes"]?.string ?? ""
    retain = try whole("retain")
    createdAt = try whole("created_at")
    if let lineage = value["lineage"], lineage != .null { self.lineage = lineage }
    overrides = try (value["overrides"]?.elements ?? []).map { try Override(stored: $0) }
    commands = (value["commands"]?.elements ?? []).compactMap { Command(stored: $0) }
    restarts = (value["restarts"]?.elements ?? []).compactMap { element in
      let numbers = element.elements.compactMap(\.whole)
      return numbers.count == 3 ? Restart(revision: numbers[0], attempt: numbers[1], step: numbers[2]) : nil
    }
    segments = try (value["segments"]?.elements ?? []).map { element in
      guard let from = element["from"]?.whole else { throw corrupt("a segment") }
      let effects =
        try element["effects"].map { try Codec.value([Effect].self, $0) } ?? running.map { _ in Effect.none }
      guard effects.count == running.count else { throw corrupt("a segment") }
      return Segment(from: from, effects: effects, adopted: element["adopted"]?.reported)
    }
    firstKeptStep = try whole("first_kept_step")
    series = try (value["series"]?.elements ?? []).map(Self.series)
    windowFloor = try whole("window_floor")
    commandCount = try whole("command_count")
    overrideCount = try whole("override_count")
    arrivals = (value["arrivals"]?.elements ?? []).map {
      Arrival(step: $0["step"]?.whole ?? 0, ranks: ($0["ranks"]?.elements ?? []).compactMap(\.whole))
    }
    for (index, policy) in policies.enumerated() {
      guard let state = policy["state"], let base = policy["base"],
        let seen = policy["seen"]?.elements.compactMap(\.whole), seen.count == 2
      else { throw corrupt("a policy") }
      try running[index].restore(Array(JSONWriter.text(state).utf8))
      try self.base[index].restore(Array(JSONWriter.text(base).utf8))
      self.seen[index] = ReportKey(step: seen[0], metric: seen[1])
      anchors[index] = policy["anchor"]?.reported
      demanded[index] = policy["demanded"]?.whole ?? 0
    }
  }

  private static func series(_ value: JSONValue) throws -> Series {
    guard let name = value["name"]?.string else { throw SessionError(.invalid, "the state cannot be read: a series") }
    let known = (value["known"]?.elements ?? []).compactMap { element -> ClosedRange<Int>? in
      let ends = element.elements.compactMap(\.whole)
      return ends.count == 2 && ends[0] <= ends[1] ? ends[0]...ends[1] : nil
    }
    var series = Series(name: name, known: Intervals(known))
    for element in value["entries"]?.elements ?? [] {
      let fields = element.elements
      guard fields.count >= 3, let step = fields[0].whole, let number = fields[1].reported else { continue }
      var entry = Entry(step: step, value: number, isClosed: fields[2] == true)
      if fields.count == 5 {
        if case .array(let vector) = fields[3] { entry.vector = vector.compactMap(\.reported) }
        if case .array(let ranks) = fields[4] {
          entry.ranks = ranks.compactMap { rank in
            let parts = rank.elements
            guard parts.count == 3, let number = parts[0].whole, let value = parts[1].reported,
              let samples = parts[2].reported
            else { return nil }
            return RankValue(rank: number, value: value, samples: samples)
          }
        }
      }
      series.entries.append(entry)
    }
    return series
  }

  /// A session as it was at a snapshot, ready for the events that follow it.
  public static func restored(
    id: String, specification: SessionSpecification, snapshot: JSONValue
  ) throws -> Session {
    var session = Session(id: id, specification: specification)
    try session.restore(snapshot)
    session.revision = snapshot["revision"]?.whole ?? 0
    session.updatedAt = snapshot["updated_at"]?.whole ?? 0
    return session
  }
}
