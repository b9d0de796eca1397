import JSON
import Testing

@testable import Schedules

/// What a schedule says of itself in canonical types is the schedule.
@Suite struct FormTests {
  private static let types = Catalog.standard.definitions.filter { !$0.isLossDriven }.map(\.type)
  private static let canonical = Set((Catalog.canonical + Catalog.combinators).map(\.type))

  private func read(_ value: JSONValue) throws -> Curves { try SpecificationReader().read(value) }

  @Test(arguments: types) func theCanonicalFormOfEveryExampleGivesTheSameRates(_ type: String) throws {
    let curves = try read(try #require(Catalog.standard[type]).example)
    try expectSame(curves.rate)
    for companion in curves.companions { try expectSame(companion.schedule) }
  }

  private func expectSame(_ schedule: any Schedule) throws {
    let form = try #require(schedule.form)
    #expect(typeNames(in: form).subtracting(Self.canonical).isEmpty, "a form has canonical types only")
    let again = try read(form).rate
    #expect(again.form == form, "the form of the form is itself")
    #expect(again.end == schedule.end)
    let last = min(largestStep, schedule.end?.lastStep ?? largestStep)
    let peak = [0, 1, 5, 10, 50].map { schedule.rate(at: $0) }.max() ?? 0
    for step in Self.steps where step <= last {
      let (ours, theirs) = (again.rate(at: step), schedule.rate(at: step))
      #expect(theirs.isFinite || !schedule.isAlwaysFinite, "step \(step)")
      let isSame = abs(ours - theirs) <= 1e-12 * max(peak, abs(theirs)) || ours == theirs
      // What grows may leave the range of a double; the service refuses that, in either form.
      #expect(isSame || ours.isNaN && theirs.isNaN, "step \(step)")
    }
  }

  private static let steps =
    (0..<120).map(Double.init) + [0.25, 1.5, 9.75, 33.3, 999, 12_345, 1e6, 1e9, 1e12, 1e15, largestStep]

  private func typeNames(in value: JSONValue) -> Set<String> {
    switch value {
    case .object(let object):
      var types = object.members.reduce(into: Set<String>()) { $0.formUnion(self.typeNames(in: $1.value)) }
      if case .string(let type) = object["type"] { types.insert(type) }
      return types
    case .array(let elements): return elements.reduce(into: Set<String>()) { $0.formUnion(typeNames(in: $1)) }
    default: return []
    }
  }

  /// Valid numbers at random, within what each parameter allows, for every type whose parameters are plain.
  @Test(arguments: types) func randomValidParametersKeepTheirRatesThroughTheForm(_ type: String) throws {
    let definition = try #require(Catalog.standard[type])
    guard case .object(let example) = definition.example else { throw NoObject() }
    var random = SplitMix(state: UInt64(truncatingIfNeeded: type.utf8.reduce(7) { $0 &* 31 &+ Int($1) }))
    var tried = 0
    for _ in 0..<60 {
      var members = example.members.map { ($0.name, $0.value) }
      let share = random.unit()
      for parameter in definition.parameters {
        guard let value = sample(parameter, &random), random.unit() < share else { continue }
        members.removeAll { $0.0 == parameter.name }
        members.append((parameter.name, value))
      }
      // Rules between parameters refuse some of them; what is accepted must hold.
      guard let curves = try? read(.object(JSONObject(members))) else { continue }
      // A shape may leave the range of a double; such a form cannot be written.
      guard curves.rate.form != nil else { continue }
      try expectSame(curves.rate)
      tried += 1
    }
    #expect(tried > 0)
  }

  /// What grows may leave the range of a double, and a few are infinite at step 0; nothing else is ever not finite.
  @Test(arguments: types) func ratesAreFiniteAsFarAsStepsGo(_ type: String) throws {
    let definition = try #require(Catalog.standard[type])
    guard case .object(let example) = definition.example else { throw NoObject() }
    var random = SplitMix(state: 99)
    for _ in 0..<30 {
      var members = example.members.map { ($0.name, $0.value) }
      for parameter in definition.parameters {
        guard let value = sample(parameter, &random, growth: 1), random.unit() < 0.3 else { continue }
        members.removeAll { $0.0 == parameter.name }
        members.append((parameter.name, value))
      }
      guard let curves = try? read(.object(JSONObject(members))) else { continue }
      for schedule in [curves.rate] + curves.companions.map(\.schedule) {
        let last = min(largestStep, schedule.end?.lastStep ?? largestStep)
        for step in Self.steps where step >= 1 && step <= last {
          #expect(schedule.rate(at: step).isFinite, "\(JSONWriter.text(.object(JSONObject(members)))) at \(step)")
        }
      }
    }
  }

  /// - Parameter growth: the largest value of what multiplies at every step or cycle.
  private func sample(_ parameter: Parameter, _ random: inout SplitMix, growth: Double = 40) -> JSONValue? {
    let multiplies = ["gamma", "decay", "shrink", "factor", "m_mul", "lr_mul"].contains { parameter.name.contains($0) }
    func number(_ range: NumberRange) -> Double {
      let low = range.lower ?? 0
      let high = min(range.upper ?? 1e9, low + (random.unit() < 0.5 ? 1 : multiplies ? growth : 40))
      return low + (high - low) * max(random.unit(), 0.01)
    }
    switch parameter.kind {
    case .number(let range): return .number(number(range))
    case .integer(let range): return .number(number(range).rounded(.up))
    case .boolean: return .bool(random.unit() < 0.5)
    case .choice(let words): return .string(words[Int(random.unit() * Double(words.count))])
    default: return nil
    }
  }

  private struct NoObject: Error {}
}
