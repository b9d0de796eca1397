import Foundation
import JSON
import Policies
import Sessions
import Testing

/// Our own rules, each by what it is for.
@Suite struct RuleTests {
  /// 2 + 6·(t + 200)^−¼ with noise and rare outliers, as losses of language models look.
  private static func curve(_ steps: Int, flatFrom: Int = .max, seed: UInt64) -> [Double] {
    var generator = Seeded(seed)
    return (0..<steps).map { step in
      // Normal by Box and Muller.
      let u = Double.random(in: .ulpOfOne...1, using: &generator)
      let v = Double.random(in: 0...1, using: &generator)
      let normal = (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
      let outlier = Double.random(in: 0...1, using: &generator) < 0.005 ? -log(u) : 0
      return 2 + 6 * pow(Double(min(step, flatFrom) + 200), -0.25) + 0.08 * normal + outlier
    }
  }

  private static func firings(_ rule: some Rule, _ curve: [Double]) -> [Int] {
    var state = rule.initialState
    var effect = rule.effect(state)
    var firings: [Int] = []
    for (step, loss) in curve.enumerated() {
      rule.reduce(&state, Report(step: step, value: loss))
      if rule.effect(state) != effect { firings.append(step) }
      effect = rule.effect(state)
    }
    return firings
  }

  @Test func aPlateauIsToldFromNoise() {
    var late = 0
    for seed in 1...20 {
      let improving = Self.curve(6000, seed: UInt64(seed))
      #expect(Self.firings(PlateauTrend(metric: "loss"), improving).isEmpty, "seed \(seed) fires while it improves")
      // What patience alone makes of the same curve.
      #expect(!Self.firings(LibraryRule(Plateau(baseRate: 0.1), metric: "loss"), improving).isEmpty)
      let flat = Self.curve(12_000, flatFrom: 6000, seed: UInt64(seed))
      let first = Self.firings(PlateauTrend(metric: "loss"), flat).first ?? .max
      #expect(first > 6000)
      if first > 10_000 { late += 1 }
    }
    #expect(late <= 2)
  }

  @Test func metricsThatCrossZeroOrRiseWorkToo() {
    let down = (0..<4000).map { 5 - Double($0) / 500 + (Seeded(UInt64($0)).unit - 0.5) / 5 }
    #expect(Self.firings(PlateauTrend(metric: "loss", window: 400), down).isEmpty)
    let up = down.map { -$0 }
    #expect(Self.firings(PlateauTrend(metric: "score", mode: .max, window: 400), up).isEmpty)
    let stays = down.prefix(2500) + (0..<1500).map { (Seeded(UInt64($0)).unit - 0.5) / 50 }
    #expect(!Self.firings(PlateauTrend(metric: "loss", window: 400), Array(stays)).isEmpty)
  }

  @Test func aSpikeLowersTheRateAndRampsItUpAgain() throws {
    let trainer = try Trainer([
      "schedule": ["type": "constant", "base_lr": 0.1],
      "policies": [["type": "spike", "wait": 5, "factor": 0.5, "hold": 10, "ramp": 4]],
    ])
    let rates = try trainer.run(0..<200) { step in
      (100..<120).contains(step) ? 40 : 2 + Seeded(UInt64(step)).unit / 10
    }
    let low = rates.indices.filter { rates[$0] < 0.1 }
    // Two outliers, five steps of waiting; then 10 steps low and 4 on the way back.
    #expect(low == Array(106..<120))
    #expect(rates[106..<116].allSatisfy { $0 == 0.05 })
    #expect(zip(rates[115..<121], rates[116..<121]).allSatisfy { $0 < $1 })
    #expect(rates[120...].allSatisfy { $0 == 0.1 })
  }

  @Test func aSpikeThatPassesByItselfIsLeftAlone() throws {
    let trainer = try Trainer([
      "schedule": ["type": "constant", "base_lr": 0.1], "policies": [["type": "spike", "wait": 20]],
    ])
    let rates = try trainer.run(0..<200) { (100..<110).contains($0) ? 40 : 2 + Seeded(UInt64($0)).unit / 10 }
    #expect(rates.allSatisfy { $0 == 0.1 })
  }

  @Test func aRollBackIsCommandedUntilItIsAcknowledgedAndNotForEver() throws {
    let trainer = try Trainer([
      "schedule": ["type": "constant", "base_lr": 0.1],
      "policies": [
        ["type": "spike", "wait": 0, "action": "roll_back", "back": 30, "max_actions": 2, "cooldown": 5, "hold": 10]
      ],
    ])
    func loss(_ step: Int) -> Double { (100..<150).contains(step) ? 40 : 2 + Seeded(UInt64(step)).unit / 10 }
    var step = 0
    var rollBacks: [JSONValue] = []
    while step < 150 && rollBacks.count < 10 {
      let answer = try trainer.post(["step": .number(Double(step)), "loss": .number(loss(step))])
      step += 1
      guard let command = answer["commands"]?.elements.first else { continue }
      #expect(command["type"] == "roll_back")
      #expect(try #require(command["at_step"]?.reported) > Double(step))
      // It is sent again as long as nobody says that it is done.
      let again = try trainer.post(["step": .number(Double(step)), "loss": .number(loss(step))])
      #expect(again["commands"]?.elements.first?["id"] == command["id"])
      let done = try trainer.post(["acknowledge": [command["id"] ?? .null]])
      #expect(done["commands"] == nil)
      rollBacks.append(command)
      step = Int(try #require(command["resume_step"]?.reported))
      let resumed = try trainer.restart(step)
      #expect(resumed["learning_rate"] == 0.05)
    }
    #expect(rollBacks.map { $0["resume_step"] } == [71, 71])
    #expect(step == 150)
    #expect(try trainer.replay()["verified"] == true)
  }

  @Test func aRangeTestSuggestsWhatTheLibrariesWould() throws {
    let trainer = try Trainer([
      "schedule": ["type": "constant", "base_lr": 0.01],
      "policies": [["type": "range_test", "low": 1e-6, "high": 1, "steps": 100, "divergence": 100]],
    ])
    var command: JSONValue?
    for step in 0..<100 {
      let rate = try rate(trainer.next(step))
      let bump = max(0, log10(rate) + 0.6)
      let loss = 2.3 - 1.8 / (1 + exp(-(log10(rate) + 3) * 2.5)) + 0.05 * sin(Double(step) * 1.7) + 0.8 * bump * bump
      command = try trainer.post(["step": .number(Double(step)), "loss": .number(loss)])["commands"]?.elements.first
    }
    let found = try wait { trainer.hub.suggestions(trainer.id, $0) }
    #expect(found["state"] == "finished")
    // numpy with the libraries' own lines.
    let expected = [
      "steep": 0.0049770235643321085, "valley": 0.0018738174228603828, "minimum": 0.04977023564332111,
      "slide": 0.0032745491628777285, "lightning": 6.135907273413174e-06, "torch_lr_finder": 0.0049770235643321085,
    ]
    for suggestion in found["suggestions"]?.elements ?? [] {
      let name = try #require(suggestion["name"]?.string)
      let rate = try #require(suggestion["learning_rate"]?.reported)
      #expect(abs(rate / (expected[name] ?? .nan) - 1) < 1e-9, "\(name)")
    }
    #expect(command?["type"] == "roll_back")
    #expect(command?["resume_step"] == 0)
    // Back at the beginning, the schedule is in force; the result stays.
    #expect(try rate(trainer.restart(0)) == 0.01)
    try trainer.run(0..<50) { _ in 1 }
    #expect(try wait { trainer.hub.suggestions(trainer.id, $0) } == found)
  }

  @Test func adaptiveRatesAreThoseOfTheOptimizers() throws {
    let gradients: [[Double]] = [[0.5, -2], [0.1, 0], [-3, 1e-3]]
    let (a, b, c) = (0.25, 0.25 + 0.01, 0.25 + 0.01 + 9)
    let sums: [String: [Double]] = [
      "adagrad": [a, b, c].map { 0.1 / ($0.squareRoot() + 1e-10) },
      "rmsprop": Self.running([0.25, 0.01, 9], 0.99).map { 0.1 / ($0.squareRoot() + 1e-8) },
      "adam": Self.running([0.25, 0.01, 9], 0.999).enumerated().map { index, v in
        0.1 / ((v / (1 - pow(0.999, Double(index + 1)))).squareRoot() + 1e-8)
      },
    ]
    for (type, expected) in sums {
      let trainer = try Trainer([
        "schedule": ["type": "constant", "base_lr": 0.1], "policies": [["type": .string(type)]],
        "groups": ["body": 1, "head": 2],
      ])
      for (step, vector) in gradients.enumerated() {
        let answer = try trainer.post([
          "step": .number(Double(step)),
          "gradients": ["body": .array(vector.map { .number($0) }), "head": .number(vector[0])],
        ])
        let body = numbers(answer["effective_rates"]?["body"])
        #expect(body.count == 2)
        #expect(abs(body[0] / expected[step] - 1) < 1e-14, "\(type)")
        let head = try #require(answer["effective_rates"]?["head"]?.reported)
        #expect(abs(head / (2 * expected[step]) - 1) < 1e-14)
      }
      #expect(try trainer.document()["policies"]?.elements.first?["state_bytes"] == 24)
      #expect(try trainer.replay()["verified"] == true)
    }
  }

  private static func running(_ squares: [Double], _ decay: Double) -> [Double] {
    var v = 0.0
    return squares.map {
      v = decay * v + (1 - decay) * $0
      return v
    }
  }

  @Test func aWarmUpKeepsTheRuleAfterItFromSeeing() throws {
    let trainer = try Trainer([
      "schedule": ["type": "constant", "base_lr": 0.1],
      "policies": [["type": "warmup", "warmup_steps": 10], ["type": "torch.ReduceLROnPlateau", "patience": 2]],
    ])
    let rates = try trainer.run(0..<20) { _ in 1 }
    #expect(rates[0..<9].enumerated().allSatisfy { abs($0.element - 0.1 * Double($0.offset + 1) / 10) < 1e-15 })
    // Steps 10 … 13: the best, then three bad ones.
    #expect(rates[9..<13].allSatisfy { $0 == 0.1 })
    #expect(abs(rates[13] - 0.01) < 1e-15)
  }
}

extension Seeded {
  /// The first number of the sequence, from 0 to 1.
  var unit: Double {
    var copy = self
    return Double.random(in: 0...1, using: &copy)
  }
}
