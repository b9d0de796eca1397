import JSON
import Testing

@testable import Schedules

/// One battery for every type of the catalog.
@Suite struct CatalogTests {
  private static let types = Catalog.standard.types

  /// A loss-driven rule is read with a recorded curve, as it needs one.
  private func read(_ value: JSONValue) throws -> any Schedule {
    var metrics: [Double]?
    if case .object(let object) = value, case .string(let type) = object["type"],
      Catalog.standard[type]?.isLossDriven ?? false
    {
      metrics = (0..<200).map { 1 / (1 + Double($0)) }
    }
    return try SpecificationReader(metrics: metrics).read(value).rate
  }

  private func definition(_ type: String) throws -> Definition { try #require(Catalog.standard[type]) }

  @Test func everyTypeHasOneName() { #expect(Set(Self.types).count == Self.types.count) }

  @Test(arguments: types) func theExampleIsAScheduleOfItsType(_ type: String) throws {
    let definition = try definition(type)
    let schedule = try read(definition.example)
    #expect(schedule.rate(at: 0).isFinite)
    guard case .object(let example) = definition.example else { throw Problem.noObject }
    #expect(example["type"] == .string(type))
  }

  @Test(arguments: types) func fillAgreesWithRateEverywhere(_ type: String) throws {
    let schedule = try read(try definition(type).example)
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 64) { rates in
      for (start, stride) in [(0.0, 1.0), (3, 0.5), (1e15, 7)] {
        schedule.fill(rates, from: start, stride: stride)
        for index in rates.indices {
          let rate = schedule.rate(at: start + Double(index) * stride)
          #expect(rates[index] == rate || rates[index].isNaN && rate.isNaN)
        }
      }
    }
  }

  @Test(arguments: types) func everyRequiredParameterIsNamedWhenItIsMissing(_ type: String) throws {
    let definition = try definition(type)
    guard case .object(let example) = definition.example else { throw Problem.noObject }
    for parameter in definition.parameters where parameter.isRequired || parameter.isBaseRate {
      let rest = example.members.filter { $0.name != parameter.name }.map { ($0.name, $0.value) }
      let error = #expect(throws: SpecificationError.self) { try read(.object(JSONObject(rest))) }
      #expect(error?.pointer.description == "/\(parameter.name)")
    }
  }

  @Test(arguments: types) func aMisspeltParameterIsRefusedWithTheRightName(_ type: String) throws {
    let definition = try definition(type)
    guard case .object(let example) = definition.example else { throw Problem.noObject }
    for parameter in definition.parameters where parameter.name.count > 3 {
      let rest = example.members.filter { $0.name != parameter.name }.map { ($0.name, $0.value) }
      let misspelt = String(parameter.name.dropLast())
      let error = #expect(throws: SpecificationError.self) { try read(.object(JSONObject(rest + [(misspelt, 1)]))) }
      // Two names may differ in the letter that is missing.
      #expect(error?.suggestion?.hasPrefix(misspelt) ?? false, "\(misspelt)")
      #expect(error?.pointer.description == "/\(misspelt)")
    }
  }

  @Test(arguments: types) func everyParameterRefusesTheWrongType(_ type: String) throws {
    let definition = try definition(type)
    guard case .object(let example) = definition.example else { throw Problem.noObject }
    for parameter in definition.parameters {
      let rest = example.members.filter { $0.name != parameter.name }.map { ($0.name, $0.value) }
      var wrongs: [JSONValue] = [.null]
      if case .mapping = parameter.kind { wrongs.append([1]) } else { wrongs.append(["a": 1]) }
      for wrong in wrongs {
        #expect(throws: SpecificationError.self, "\(parameter.name)") {
          try read(.object(JSONObject(rest + [(parameter.name, wrong)])))
        }
      }
    }
  }

  @Test(arguments: types) func noRateIsNegativeAndNoneIsNaN(_ type: String) throws {
    let schedule = try read(try definition(type).example)
    let last = min(1e15, schedule.end?.lastStep ?? 1e15)
    for step in [0, 0.5, 1, 2, 3, 5, 7, 9, 10, 99, 1e3, 1e6, 1e9, 1e12, 1e15] where step <= last {
      let rate = schedule.rate(at: step)
      #expect(rate >= 0 && rate.isFinite, "step \(step)")
    }
  }

  @Test func aNestedScheduleWithoutARateIsAFactor() throws {
    let schedule = try read(["type": "product", "base_lr": 0.5, "schedules": [["type": "constant"]]])
    #expect(schedule.rate(at: 3) == 0.5)
  }

  @Test func tooManySchedulesAreRefused() {
    let many = JSONValue.array(Array(repeating: ["type": "constant"], count: 300))
    #expect(throws: SpecificationError.self) { try read(["type": "product", "schedules": many]) }
  }

  @Test func theNearestNameIsFound() {
    #expect(nearest(to: "cosin", in: Self.types) == "cosine")
    #expect(nearest(to: "StepLR", in: Self.types) == "torch.StepLR")
    #expect(nearest(to: "torch.onecyclelr", in: Self.types) == "torch.OneCycleLR")
    #expect(nearest(to: "something else", in: Self.types) == nil)
    #expect(nearest(to: String(repeating: "x", count: 1_000_000), in: Self.types) == nil)
  }

  private enum Problem: Error { case noObject }
}
