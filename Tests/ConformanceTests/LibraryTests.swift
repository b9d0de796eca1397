import Foundation
import JSON
import Schedules
import Testing

/// What the libraries themselves return, and what they refuse.
@Suite struct LibraryTests {
  @Test(arguments: ["torch", "torch-compositions"]) func everyRateOfTorchIsReproduced(_ file: String) throws {
    let cases = try lines(file)
    #expect(cases.count > 80)
    for vector in cases {
      let last = try numbers(vector["steps"]).max() ?? 0
      let curves = try SpecificationReader(horizon: last).read(try #require(specification(vector)))
      try compare(curves.rate, vector, "expected")
      if vector["momentum"] != nil { try compare(try #require(curves.momentum), vector, "momentum") }
    }
  }

  @Test(arguments: [("keras", 80), ("optax", 105), ("transformers", 60), ("timm", 53), ("timm-noise", 4)])
  func everyRateOfTheOtherLibrariesIsReproduced(_ file: String, _ count: Int) throws {
    let cases = try lines(file)
    #expect(cases.count == count)
    for vector in cases {
      try compare(try SpecificationReader().read(try #require(specification(vector))).rate, vector, "expected")
    }
  }

  /// What the frameworks' own classes returned when Scripts/dialect-vectors ran them.
  @Test func everyRateOfTheFrameworksThatWereRunIsReproduced() throws {
    let cases = try lines("dialects")
    #expect(cases.count == 193)
    var counts: [String: Int] = [:]
    for vector in cases {
      guard case .string(let type) = vector["type"] else { throw NotAVector() }
      counts[String(type.prefix { $0 != "." }), default: 0] += 1
      let reader = SpecificationReader(metrics: try vector["metrics"].map(numbers))
      let curves = try reader.read(try #require(specification(vector)))
      try compare(curves.rate, vector, "expected")
      for companion in ["momentum", "weight_decay"] where vector[companion] != nil {
        let curve = try #require(curves.companions.first { $0.name == companion })
        try compare(curve.schedule, vector, companion)
      }
    }
    for dialect in [
      "deepspeed", "megatron", "fairseq", "fairseq2", "composer", "nemo", "paddle", "mmengine", "fastai",
    ] {
      #expect(counts[dialect, default: 0] >= 6, "\(dialect) has too few cases")
    }
  }

  @Test func everyPlateauRuleReducesWhenItsLibraryDoes() throws {
    let cases = try lines("plateaus")
    #expect(cases.count == 46)
    for vector in cases {
      let reader = SpecificationReader(metrics: try numbers(vector["metrics"]))
      try compare(try reader.read(try #require(specification(vector))).rate, vector, "expected")
    }
  }

  @Test func whatALibraryRefusesIsRefusedHere() throws {
    let cases = try lines("errors")
    #expect(cases.count == 36)
    for vector in cases {
      let value = try #require(specification(vector))
      let step = try #require(number(vector["at"]))
      let isRefused: Bool
      do {
        guard case .string(let type) = vector["type"] else { throw NotAVector() }
        let isLossDriven = Catalog.standard[type]?.isLossDriven ?? false
        let schedule = try SpecificationReader(metrics: isLossDriven ? [] : nil).read(value).rate
        isRefused = schedule.end.map { $0.lastStep < step } ?? false
      } catch is SpecificationError {
        isRefused = true
      }
      #expect(isRefused, "\(JSONWriter.text(value))")
    }
  }

  private func compare(_ schedule: any Schedule, _ vector: JSONObject, _ column: String) throws {
    let steps = try numbers(vector["steps"])
    let expected = try numbers(vector[column])
    let relative = vector["dtype"] == "float32" ? 2e-6 : 1e-9
    let tolerance = max(relative * (expected.map(abs).max() ?? 0), 1e-15)
    for (step, rate) in zip(steps, expected) {
      // Where a library's 32- and 64-bit runs disagree, either is right.
      if case .object(let also) = vector["also"], let other = number(also["\(Int(step))"]),
        abs(schedule.rate(at: step) - other) <= tolerance
      {
        continue
      }
      #expect(
        abs(schedule.rate(at: step) - rate) <= tolerance, "\(JSONWriter.text(.object(vector)).prefix(200)) at \(step)")
    }
  }

  private func lines(_ name: String) throws -> [JSONObject] {
    let url = try #require(Bundle.module.url(forResource: name, withExtension: "jsonl", subdirectory: "Vectors"))
    return try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map { line in
      guard case .object(let object) = try JSONReader.read(Array(line.utf8)) else { throw NotAVector() }
      return object
    }
  }

  private struct NotAVector: Error {}

  private func number(_ value: JSONValue?) -> Double? {
    if case .number(let number) = value { number } else { nil }
  }

  private func numbers(_ value: JSONValue?) throws -> [Double] {
    guard case .array(let elements) = value else { throw NotAVector() }
    return try elements.map { try #require(number($0)) }
  }

  /// The schedule as the wire has it: `type`, `base_lr` and the arguments in one flat object, at every depth.
  private func specification(_ vector: JSONObject) -> JSONValue? {
    guard let type = vector["type"], case .object(let arguments) = vector["args"] else { return nil }
    var members: [(String, JSONValue)] = [("type", type)]
    if let rate = vector["base_lr"], rate != .null, arguments["base_lr"] == nil { members.append(("base_lr", rate)) }
    for member in arguments.members {
      guard ["schedulers", "schedules"].contains(member.name), case .array(let children) = member.value else {
        members.append((member.name, member.value))
        continue
      }
      let flat = children.compactMap { child -> JSONValue? in
        guard case .object(let object) = child else { return nil }
        return object["args"] == nil ? child : specification(object)
      }
      members.append((member.name, .array(flat)))
    }
    return .object(JSONObject(members))
  }
}
