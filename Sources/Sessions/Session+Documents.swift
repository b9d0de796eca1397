public import JSON
import Policies
import Schedules

/// What a session says of itself, as JSON.
extension Session {
  /// The whole document.
  ///
  /// - Parameter time: now, in milliseconds since 1970: whether the trainer is overdue depends on it.
  public func document(time: Int) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("id", .string(id)), ("state", .string(state(time: time))), ("revision", JSONValue(step: revision)),
      ("attempt", JSONValue(step: attempt)), ("resume_step", JSONValue(step: resumeStep)),
      ("last_step", lastStep < 0 ? .null : JSONValue(step: lastStep)),
      ("sealed_until", sealedUntil < 0 ? .null : JSONValue(step: sealedUntil)),
      ("learning_rate", sealedUntil < 0 ? .null : .report(projectedRate(at: sealedUntil))),
      ("reports", JSONValue(step: reportCount)), ("created_at", JSONValue(step: createdAt)),
      ("updated_at", JSONValue(step: updatedAt)), ("world_size", JSONValue(step: worldSize)),
      ("labels", .object(JSONObject(labels.map { ($0.name, .string($0.value)) }))), ("notes", .string(notes)),
      ("retain", JSONValue(step: retain)),
    ]
    if let lineage { members.append(("lineage", lineage)) }
    members += [
      ("specification", specification.document), ("policies", .array(running.indices.map(policy))),
      ("overrides", .array(overrides.map(\.document))), ("commands", .array(unacknowledged.map(\.document))),
      (
        "restarts",
        .array(
          restarts.suffix(16).map {
            ["attempt": JSONValue(step: $0.attempt), "resume_step": JSONValue(step: $0.step)]
          })
      ),
    ]
    return .object(JSONObject(members))
  }

  /// `waiting` before the first report, `running`, `stalled` after a lease without a word, `stopped`.
  public func state(time: Int) -> String {
    if isStopped { return "stopped" }
    if time - updatedAt > specification.lease * 1000 { return "stalled" }
    return reportCount == 0 && lastStep < 0 ? "waiting" : "running"
  }

  private func policy(_ index: Int) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("type", .string(specification.rules[index].type)),
      ("metrics", .array(running[index].metrics.map { .string($0) })),
      ("effect", .string(running[index].effect.summary)),
    ]
    if let adaptive = running[index] as? Running<Adaptive> {
      members.append(("state_bytes", JSONValue(step: adaptive.rule.memory(adaptive.state))))
    }
    if let trend = running[index] as? Running<PlateauTrend> {
      members.append(("verdict", .string(trend.state.verdict.rawValue)))
      if let improvement = trend.state.improvement, let error = trend.state.standardError {
        members.append(("improvement", .report(improvement)))
        members.append(("standard_error", .report(error)))
      }
    }
    return .object(JSONObject(members))
  }

  /// The short form, for lists.
  public func outline(time: Int) -> JSONValue {
    [
      "id": .string(id), "state": .string(state(time: time)), "revision": JSONValue(step: revision),
      "attempt": JSONValue(step: attempt), "last_step": lastStep < 0 ? .null : JSONValue(step: lastStep),
      "updated_at": JSONValue(step: updatedAt),
      "labels": .object(JSONObject(labels.map { ($0.name, .string($0.value)) })),
    ]
  }

  // MARK: The hot path

  /// The rates that a trainer goes on with.
  ///
  /// - Parameters:
  ///   - step: the step that it is about to make.
  ///   - count: how many rates it wants; nil for one, without the plan to go on alone.
  ///   - receipt: what came of its reports, where it made some.
  ///   - isExplained: whether to list what made the rate.
  /// - Throws: ``SessionError`` where the rate is not decided yet, or has left the window.
  public func answer(step: Int, count: Int?, receipt: Receipt? = nil, isExplained: Bool = false) throws -> JSONValue {
    guard step <= sealedUntil else {
      throw SessionError(
        .notSealed, "the rate of step \(step) is not decided yet; rates are sealed up to \(sealedUntil)")
    }
    guard let rate = rate(at: step) else {
      throw SessionError(
        .conflict,
        "the rate of step \(step) is no longer at hand: it has changed too often since; GET …/history has it",
        pointer: "/step")
    }
    var members: [(String, JSONValue)] = [
      ("step", JSONValue(step: step)), ("learning_rate", .number(rate)),
      ("sealed_until", JSONValue(step: sealedUntil)), ("revision", JSONValue(step: revision)),
      ("attempt", JSONValue(step: attempt)),
    ]
    if !specification.groups.isEmpty {
      let groups = specification.groups.map {
        ($0.name, JSONValue.number(min(rate * $0.multiplier, .greatestFiniteMagnitude)))
      }
      members.append(("groups", .object(JSONObject(groups))))
    }
    let scales = groupScales(at: step)
    if !scales.isEmpty { members.append(("effective_rates", effective(scales, rate))) }
    if let count {
      let last = min(sealedUntil, step + count - 1)
      let rates = (step...last).map { JSONValue.number(self.rate(at: $0) ?? rate) }
      members.append(("learning_rates", .array(rates)))
      members.append(("poll_by", JSONValue(step: sealedUntil)))
      members.append(("fallback", fallback(count)))
    }
    let commands = unacknowledged
    if !commands.isEmpty { members.append(("commands", .array(commands.map(\.document)))) }
    if let receipt { members += receipt.members }
    if let end = specification.schedule.end, Double(step) > end.lastStep {
      members.append(("note", .string("the schedule has ended at step \(Int(end.lastStep)): its last rate is held")))
    }
    if isExplained { members.append(("factors", .array(factors(at: step).map(\.document)))) }
    return .object(JSONObject(members))
  }

  private func effective(_ scales: [GroupScale], _ rate: Double) -> JSONValue {
    let groups = scales.map { scale -> (String, JSONValue) in
      let multiplier = specification.groups.first { $0.name == scale.group }?.multiplier ?? 1
      let rates = scale.scales.map { JSONValue.number(min(rate * multiplier * $0, .greatestFiniteMagnitude)) }
      return (scale.group, scale.isVector ? .array(rates) : rates.first ?? .null)
    }
    return .object(JSONObject(groups))
  }

  /// What to do without the server once the sealed rates are used up.
  private func fallback(_ count: Int) -> JSONValue {
    let after = JSONValue(step: sealedUntil)
    if specification.fallback == .hold {
      return ["mode": "hold", "after": after, "learning_rate": .number(projectedRate(at: sealedUntil))]
    }
    // A sealed run needs no plan beyond its end.
    let length = sealedUntil >= SessionSpecification.largestStep ? 0 : min(count, 1000)
    let rates = projection((0..<length).map { sealedUntil + 1 + $0 })
    return ["mode": "schedule", "after": after, "learning_rates": .array(rates.map { .number($0) })]
  }

  /// The rates of steps in ascending order, as they would be if nothing more were reported.
  public func projection(_ steps: [Int]) -> [Double] {
    var copy = self
    return steps.map { step in
      copy.seal(through: step)
      return copy.rate(at: step) ?? 0
    }
  }

  // MARK: Range tests

  /// What the session's range tests found.
  public var suggestions: JSONValue {
    let tests = running.compactMap { $0 as? Running<RangeTest> }
    guard let test = tests.first else {
      return ["state": "none", "suggestions": [], "learning_rates": [], "losses": [], "smoothed": []]
    }
    let curve = test.rule.curve(test.state)
    let status = test.state.stop == nil ? "running" : test.state.hasDiverged ? "diverged" : "finished"
    func numbers(_ values: [Double]) -> JSONValue { .array(values.map(JSONValue.report)) }
    return [
      "state": .string(status),
      "suggestions": .array(
        curve.suggestions.map { suggestion in
          [
            "name": .string(suggestion.name), "source": .string(suggestion.source),
            "learning_rate": suggestion.rate.map { .report($0) } ?? .null,
          ]
        }),
      "learning_rates": numbers(curve.rates), "losses": numbers(curve.losses), "smoothed": numbers(curve.smoothed),
    ]
  }
}

extension Session.Factor {
  var document: JSONValue {
    ["by": .string(by), "name": .string(name), "learning_rate": .report(rate), "effect": .string(effect)]
  }
}

extension Session.Receipt {
  /// What the answer tells; an uneventful report is not talked about.
  var members: [(String, JSONValue)] {
    var members: [(String, JSONValue)] = []
    if accepted > 1 { members.append(("accepted", JSONValue(step: accepted))) }
    if duplicates > 0 { members.append(("duplicates", JSONValue(step: duplicates))) }
    if !conflicts.isEmpty {
      let list = conflicts.prefix(100).map { conflict -> JSONValue in
        [
          "step": JSONValue(step: conflict.step), "rank": JSONValue(step: conflict.rank),
          "metric": .string(conflict.metric), "kept": .report(conflict.kept), "given": .report(conflict.given),
        ]
      }
      members.append(("conflicts", .array(Array(list))))
    }
    var warnings: [JSONValue] = []
    for mismatch in mismatches.prefix(10) {
      warnings.append([
        "kind": "rate-mismatch", "step": JSONValue(step: mismatch.step), "sealed": .number(mismatch.sealed),
        "applied": .number(mismatch.applied),
        "detail": "the trainer did not use the rate that it was given; did a restored checkpoint bring its own?",
      ])
    }
    if let first = late.first {
      warnings.append([
        "kind": "late", "step": JSONValue(step: first), "count": JSONValue(step: late.count),
        "detail": "the report is recorded, but came too late for the policies to see it in its place",
      ])
    }
    if !warnings.isEmpty { members.append(("warnings", .array(warnings))) }
    return members
  }
}
