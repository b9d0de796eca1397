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

  /// A clock that runs away may give no finite rate, but it takes nothing down with it.
  @Test(arguments: types) func noClockCrashesASchedule(_ type: String) throws {
    if try definition(type).isLossDriven { return }
    let inner = try read(try definition(type).example)
    for wild: any Schedule in [
      Stretch(speed: 1e300, schedule: inner), Stretch(speed: 1e12, schedule: inner),
      Stretch(by: 1e-307, schedule: inner),
      Shift(by: 1e308, schedule: inner), Repeat(period: 3, multiplier: 0.5, schedule: inner),
      Repeat(period: 1e-300, multiplier: 1e10, schedule: inner), Quantize(every: 1e-300, schedule: inner),
    ] {
      for step in [0, 0.5, 1, 7, 1e6, 1e15, largestStep] { _ = wild.rate(at: step) }
    }
  }

  @Test func aFasterClockSteppedAheadGetsTheRatesOfLaterSteps() throws {
    // Without a closed form: it is stepped as far as it will be asked.
    let chain: JSONValue = [
      "type": "torch.ChainedScheduler", "base_lr": 0.1,
      "schedulers": [
        ["type": "torch.CosineAnnealingLR", "T_max": 30, "eta_min": 0.01],
        ["type": "torch.ExponentialLR", "gamma": 0.99],
      ],
    ]
    let direct = try SpecificationReader(horizon: 1000).read(chain).rate
    let reader = SpecificationReader(horizon: 100)
    let fast = try reader.read(["type": "stretch", "speed": 4, "schedule": chain]).rate
    let slow = try reader.read(["type": "stretch", "by": 0.25, "schedule": chain]).rate
    let ahead = try reader.read(["type": "shift", "by": 300, "schedule": chain]).rate
    let held = try reader.read(["type": "hold", "from": 333, "schedule": chain]).rate
    for step in [0.0, 10, 99, 100] {
      #expect(fast.rate(at: step) == direct.rate(at: 4 * step) && slow.rate(at: step) == fast.rate(at: step))
      #expect(ahead.rate(at: step) == direct.rate(at: step + 300))
    }
    #expect(held.rate(at: 5) == direct.rate(at: 333))
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
