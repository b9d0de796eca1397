import Experiments
import JSON
import Schedules
import Synchronization
import Testing

/// How optimizers are read, and what they cost.
@Suite struct OptimizerCatalogTests {
  private static func error(_ value: JSONValue) throws -> SpecificationError {
    try #require(throws: SpecificationError.self) {
      try OptimizerCatalog.read(value, pointer: JSONPointer.root.appending("optimizer"))
    }
  }

  @Test func aNameAloneIsAnOptimizerWithTheDefaults() throws {
    #expect(OptimizerCatalog.types.count == 11)
    for definition in OptimizerCatalog.definitions {
      let short = try OptimizerCatalog.read(.string(definition.type))
      let long = try OptimizerCatalog.read(["type": .string(definition.type)])
      #expect(short.type == definition.type)
      #expect(short.hyperparameters == long.hyperparameters)
      #expect(short.hyperparameters.map(\.name) == definition.parameters.map(\.name))
      #expect(short.form == .object(JSONObject([("type", .string(definition.type))])))
      #expect(definition.defaultLearningRate > 0)
      #expect(!definition.summary.isEmpty && !definition.formula.isEmpty && !definition.source.isEmpty)
    }
  }

  @Test func theDefaultsAreThoseOfTorch() throws {
    let defaults = OptimizerCatalog.definitions.map { definition in
      let values = definition.parameters.map { "\($0.name) \($0.defaultValue.map { JSONWriter.text($0) } ?? "none")" }
      return "\(definition.type) \(JSONWriter.text(.number(definition.defaultLearningRate))): "
        + values.joined(separator: ", ")
    }
    #expect(
      defaults == [
        "sgd 0.001: momentum 0, dampening 0, weight_decay 0, nesterov false",
        "momentum 0.001: momentum 0.9, dampening 0, weight_decay 0",
        "nesterov 0.001: momentum 0.9, weight_decay 0",
        "adagrad 0.01: lr_decay 0, weight_decay 0, initial_accumulator_value 0, eps 1e-10",
        "rmsprop 0.01: alpha 0.99, eps 1e-08, weight_decay 0, momentum 0, centered false",
        "adam 0.001: beta1 0.9, beta2 0.999, eps 1e-08, weight_decay 0, amsgrad false",
        "adamw 0.001: beta1 0.9, beta2 0.999, eps 1e-08, weight_decay 0.01, amsgrad false",
        "adadelta 1: rho 0.9, eps 1e-06, weight_decay 0",
        "nadam 0.002: beta1 0.9, beta2 0.999, eps 1e-08, weight_decay 0, momentum_decay 0.004, "
          + "decoupled_weight_decay false",
        "radam 0.001: beta1 0.9, beta2 0.999, eps 1e-08, weight_decay 0, decoupled_weight_decay false",
        "lion 0.0001: beta1 0.9, beta2 0.99, weight_decay 0",
      ])
  }

  @Test func everyExampleIsReadAndReadsBack() throws {
    for definition in OptimizerCatalog.definitions {
      let specification = try OptimizerCatalog.read(definition.example)
      #expect(specification.type == definition.type)
      let again = try OptimizerCatalog.read(try #require(specification.form))
      #expect(again.hyperparameters == specification.hyperparameters)
    }
  }

  @Test func everyParameterIsRefusedWhenItIsWrong() throws {
    for definition in OptimizerCatalog.definitions {
      for parameter in definition.parameters {
        var wrong: [JSONValue] = ["text", .null, [1]]
        if case .number(let range) = parameter.kind {
          if let lower = range.lower { wrong.append(.number(lower - 1)) }
          if let upper = range.upper { wrong.append(.number(range.upperIsOpen ? upper : upper + 1)) }
        } else {
          wrong.append(1)
        }
        for value in wrong {
          let type = ("type", JSONValue.string(definition.type))
          let error = try Self.error(.object(JSONObject([type, (parameter.name, value)])))
          #expect(error.pointer.description == "/optimizer/\(parameter.name)")
          #expect(error.detail.contains("'\(parameter.name)' must be"))
        }
      }
    }
  }

  @Test func whatIsNoOptimizerIsRefusedWithTheNearestName() throws {
    var error = try Self.error("adm")
    #expect(error.pointer.description == "/optimizer")
    #expect(error.suggestion == "adam")
    #expect(error.detail == "there is no optimizer 'adm'; did you mean 'adam'?")

    error = try Self.error(["type": "AdamW2"])
    #expect(error.pointer.description == "/optimizer/type")
    #expect(error.suggestion == "adamw")

    error = try Self.error(["type": "zzzzzzzzz"])
    #expect(error.suggestion == nil)
    #expect(error.detail.hasSuffix("there are \(OptimizerCatalog.types.joined(separator: ", "))"))

    error = try Self.error(["type": "adam", "betas": [0.9, 0.99]])
    #expect(error.pointer.description == "/optimizer/betas")
    #expect(error.detail == "adam has no parameter 'betas'; did you mean 'beta1'?")

    error = try Self.error(["type": "adam", "lr": 0.1])
    #expect(error.pointer.description == "/optimizer/lr")
    #expect(error.detail.contains("comes from the schedule"))

    let others: [JSONValue] = [.null, 3, [], ["type": 3], [:], true]
    for value in others { _ = try Self.error(value) }
  }

  @Test func whatTorchRefusesTogetherIsRefused() throws {
    #expect(try Self.error(["type": "sgd", "nesterov": true]).pointer.description == "/optimizer/nesterov")
    let error = try Self.error(["type": "sgd", "nesterov": true, "momentum": 0.9, "dampening": 0.1])
    #expect(error.pointer.description == "/optimizer/dampening")
  }

  // MARK: Costs

  /// Counted by hand on the formulas, as torch carries them out: additions and multiplications, divisions, roots, and the
  /// arrays of the state. m + w·(g − m) are 3, beta2·v + (1 − beta2)·g·g are 4, θ − lr·d are 2, √v + eps is 1 and a root.
  @Test(
    arguments: [
      (["type": "sgd"], 2, 0, 0, 0),
      (["type": "sgd", "weight_decay": 0.1], 4, 0, 0, 0),
      (["type": "momentum"], 5, 0, 0, 1),
      (["type": "nesterov"], 7, 0, 0, 1),
      (["type": "adagrad"], 5, 1, 1, 1),
      (["type": "rmsprop"], 7, 1, 1, 1),
      (["type": "rmsprop", "centered": true], 12, 1, 1, 2),
      (["type": "rmsprop", "momentum": 0.9], 9, 1, 1, 2),
      (["type": "rmsprop", "momentum": 0.9, "centered": true], 14, 1, 1, 3),
      (["type": "adam"], 10, 2, 1, 2),
      (["type": "adam", "weight_decay": 0.1], 12, 2, 1, 2),
      (["type": "adam", "amsgrad": true], 11, 2, 1, 3),
      (["type": "adamw"], 11, 2, 1, 2),
      (["type": "adadelta"], 13, 1, 2, 2),
      (["type": "nadam"], 12, 3, 1, 2),
      (["type": "radam"], 13, 2, 1, 2),
      (["type": "radam", "beta2": 0.5], 9, 1, 0, 2),
      (["type": "lion"], 9, 0, 0, 1),
      (["type": "lion", "weight_decay": 0.1], 10, 0, 0, 1),
    ] as [(JSONValue, Int, Int, Int, Int)])
  func theCostIsThatOfTheFormula(_ text: JSONValue, _ sums: Int, _ divisions: Int, _ roots: Int, _ arrays: Int) throws {
    let cost = try OptimizerCatalog.read(text).cost
    #expect(cost.additionsAndMultiplications == sums)
    #expect(cost.divisions == divisions)
    #expect(cost.squareRoots == roots)
    #expect(cost.stateArrays == arrays)
    #expect(cost.operations == sums + divisions + roots)
    #expect(cost.stateOctets == 8 * arrays)
  }

  @Test func theStateIsTheMemoryThatTheValueHolds() throws {
    for definition in OptimizerCatalog.definitions {
      var variants: [JSONValue] = [.string(definition.type), definition.example]
      for parameter in definition.parameters {
        let type = ("type", JSONValue.string(definition.type))
        let isFlag = if case .boolean = parameter.kind { true } else { false }
        variants.append(.object(JSONObject([type, (parameter.name, isFlag ? true : 0.5)])))
      }
      for variant in variants where variant["nesterov"] == nil {
        let specification = try OptimizerCatalog.read(variant)
        var optimizer = specification.optimizer(parameterCount: 1000)
        var parameters = [Double](repeating: 1, count: 1000)
        optimizer.update(&parameters, gradient: parameters, learningRate: 0.1)
        // What is kept for the effective rates alone says so by its name.
        let arrays = Mirror(reflecting: optimizer).children.filter { !($0.label ?? "").hasPrefix("last") }
          .compactMap { $0.value as? [Double] }
        let octets = arrays.reduce(0) { $0 + $1.count * MemoryLayout<Double>.stride }
        #expect(octets == 1000 * specification.cost.stateOctets, "\(variant)")
        #expect(optimizer.cost == specification.cost)
      }
    }
  }

  /// A clock that is two milliseconds later each time that it is read, but one the fourth time.
  private final class SteppingClock: Clock, Sendable {
    private let reads = Mutex(0)

    struct Instant: InstantProtocol {
      var offset: Duration
      func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
      func duration(to other: Instant) -> Duration { other.offset - offset }
      static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    var now: Instant {
      let count = reads.withLock { reads in
        reads += 1
        return reads
      }
      return Instant(offset: .milliseconds(count * 2 - (count >= 4 ? 1 : 0)))
    }
    var minimumResolution: Duration { .nanoseconds(1) }
    func sleep(until deadline: Instant, tolerance: Duration?) async throws {}
  }

  @Test(arguments: OptimizerCatalog.types) func theTimeIsThatOfTheShortestRun(_ type: String) throws {
    let specification = try OptimizerCatalog.read(.string(type))
    let time = OptimizerCost.measure(specification, parameterCount: 1000, runs: 3, clock: SteppingClock())
    #expect(time == 1000, "1 ms for 1000 parameters")
    #expect(OptimizerCost.measure(specification, parameterCount: 0, runs: 0, clock: SteppingClock()) == 2e6)
  }
}
