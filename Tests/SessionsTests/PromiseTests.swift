import JSON
import Sessions
import Testing

/// What must hold for every session, as the protocol numbers it.
@Suite struct PromiseTests {
  @Test("1: a first step after a restart that does not run at the served rate is warned of")
  func restartedCheckpointRate() throws {
    let trainer = try Trainer(["schedule": ["type": "exponential", "base_lr": 0.1, "gamma": 0.9]])
    try trainer.run(0..<20) { _ in 1 }
    let resumed = try trainer.restart(10)
    let expected = try rate(resumed)
    #expect(abs(expected - 0.1 * 0.34867844) < 1e-6)
    let silent = try trainer.post(["step": 10, "loss": 1, "learning_rate_applied": .number(expected)])
    #expect(silent["warnings"] == nil)
    try trainer.restart(10)
    let warned = try trainer.post(["step": 10, "loss": 1, "learning_rate_applied": 0.1])
    #expect(warned["warnings"]?.elements.first?["kind"] == "rate-mismatch")
    #expect(warned["warnings"]?.elements.first?["step"] == 10)
  }

  @Test("2: NaN and infinities neither end nor freeze a session", arguments: policies.map(\.name))
  func nonFinite(name: String) throws {
    let rules = try #require(policies.first { $0.name == name }?.policies)
    for action in ["hold", "back_off", "roll_back", "stop"] {
      let trainer = try Trainer(specification(rules, [("on_nonfinite", .string(action))]))
      for (index, word) in ["nan", "inf", "-inf", "nan", "nan"].enumerated() {
        let answer = try trainer.post([
          "step": .number(Double(index)), "loss": .string(word), "metrics": ["grad_norm": .string(word)],
          "gradients": .string(word),
        ])
        #expect(try rate(answer).isFinite)
      }
      let rates = try trainer.run(5..<200, loss: rough)
      #expect(rates.allSatisfy { $0.isFinite && $0 >= 0 })
      #expect(Set(rates).count > 1)
      #expect(try trainer.replay()["verified"] == true)
    }
  }

  @Test("3: a batch that is sent three times counts once, another value is a conflict, an old attempt is refused")
  func duplicates() throws {
    let trainer = try Trainer(specification([["type": "torch.ReduceLROnPlateau", "patience": 3]]))
    let reports = (0..<1000).map { step -> JSONValue in
      ["step": .number(Double(step)), "loss": .report(rough(step)), "metrics": ["val_loss": 3]]
    }
    let first = try trainer.post(["reports": .array(reports)])
    let state = try trainer.state()
    #expect(first["accepted"] == 1000)
    for _ in 0..<2 {
      let again = try trainer.post(["reports": .array(reports.shuffled())])
      #expect(again["duplicates"] == 1000)
      #expect(again["conflicts"] == nil)
      #expect(again["learning_rate"] == first["learning_rate"])
      #expect(again["revision"] == first["revision"])
    }
    #expect(try trainer.state() == state)
    let conflict = try trainer.post(["step": 999, "loss": 77])
    #expect(conflict["conflicts"]?.elements.first?["kept"] == .report(rough(999)))
    #expect(try trainer.document()["reports"] == 1000)
    try trainer.restart(900)
    #expect(throws: SessionError.self) { try trainer.post(["step": 900, "loss": 1, "attempt": 1]) }
    do {
      try trainer.post(["step": 900, "loss": 1, "attempt": 1])
    } catch let error as SessionError {
      #expect(error.kind == .staleAttempt)
    }
  }

  @Test("5: to resume at any step equals never having stopped, once, twice and thrice", arguments: policies.map(\.name))
  func resume(name: String) throws {
    let rules = try #require(policies.first { $0.name == name }?.policies)
    var generator = Seeded(7)
    for lookAhead in [1, 7] {
      let whole = try Trainer(specification(rules, [("look_ahead", .number(Double(lookAhead)))]))
      func report(_ trainer: Trainer, _ step: Int) throws -> Double {
        try rate(
          trainer.post([
            "step": .number(Double(step)), "loss": .report(rough(step)),
            "gradients": .report(abs(rough(step))), "count": .number(Double(lookAhead)),
          ]))
      }
      let rates = try (0..<150).map { try report(whole, $0) }
      let reference = try whole.state()
      let resumed = try Trainer(
        specification(rules, [("look_ahead", .number(Double(lookAhead)))]), id: "resumed")
      var reached = 0
      for _ in 0..<6 {
        let end = min(150, reached + Int.random(in: 1...60, using: &generator))
        for step in reached..<end { _ = try report(resumed, step) }
        // A range test that is over does not run again after its steps were wound back: that is its purpose.
        let lowest = name == "range test" ? min(end, 21) : 0
        let back = Int.random(in: min(lowest, end)...end, using: &generator)
        try resumed.restart(back)
        try resumed.restart(back)
        reached = back
      }
      let rest = try (reached..<150).map { try report(resumed, $0) }
      #expect(rest == Array(rates[reached...]), "\(name), look-ahead \(lookAhead), from \(reached)")
      if name != "range test" { #expect(try Self.essence(resumed.state()) == Self.essence(reference)) }
      #expect(try resumed.replay()["verified"] == true)
    }
  }

  /// What the policies remember; the commands of earlier attempts stay on the record.
  private static func essence(_ state: JSONValue) -> [JSONValue?] {
    [state["segments"], state["series"], state["sealed_until"], state["last_step"]]
      + (state["policies"]?.elements ?? []).map { $0["state"] }
  }

  @Test("6: in whatever order reports arrive, the policies end in the same state", arguments: policies.map(\.name))
  func anyOrder(name: String) throws {
    let rules = try #require(policies.first { $0.name == name }?.policies)
    var generator = Seeded(11)
    let steps = Array(0..<120)
    func state(_ order: [Int]) throws -> [JSONValue?] {
      let trainer = try Trainer(specification(rules))
      for step in order {
        try trainer.post([
          "step": .number(Double(step)), "loss": .report(rough(step)), "gradients": .report(abs(rough(step))),
        ])
      }
      #expect(try trainer.replay()["verified"] == true)
      return (try trainer.state()["policies"]?.elements ?? []).map { $0["state"] }
    }
    let reference = try state(steps)
    for _ in 0..<3 { #expect(try state(steps.shuffled(using: &generator)) == reference) }
  }

  @Test("6: ranks in any order see one rate a step, and the fold does not depend on the order")
  func quorum() throws {
    let ranks = 64
    var generator = Seeded(3)
    func run(_ shuffles: Bool) throws -> (rates: [Double], state: JSONValue) {
      let trainer = try Trainer(
        specification(
          [["type": "torch.ReduceLROnPlateau", "patience": 2, "factor": 0.7]],
          [("ranks", ["mode": "quorum", "world_size": .number(Double(ranks))])]))
      var rates: [Double] = []
      for step in 0..<40 {
        var order = Array(0..<ranks)
        if shuffles { order.shuffle(using: &generator) }
        for (index, rank) in order.enumerated() {
          let report: JSONValue = [
            "step": .number(Double(step)), "rank": .number(Double(rank)),
            "loss": .report(rough(step) + Double(rank) / 7), "samples": .number(Double(rank % 5 + 1)),
          ]
          let answer = try trainer.post(report)
          // Some die and send it again.
          if rank % 9 == 0 { #expect(try trainer.post(report)["duplicates"] == 1) }
          #expect((answer["learning_rate"] == .null) == (index < ranks - 1))
        }
        let seen = try (0..<5).map { _ in try rate(trainer.next(step + 1)) }
        #expect(Set(seen).count == 1)
        rates.append(seen[0])
      }
      #expect(try trainer.document()["reports"] == .number(Double(40 * ranks)))
      return (rates, try trainer.state())
    }
    let (inOrder, shuffled) = (try run(false), try run(true))
    #expect(inOrder.rates == shuffled.rates)
    #expect(Set(inOrder.rates).count > 3)
    #expect(inOrder.state["policies"] == shuffled.state["policies"])
  }

  @Test("7: an override lands at its step, and the dry run told the outcome")
  func dryRun() throws {
    let changes: [JSONValue] = [
      ["factor": 0.5, "effective_step": 30, "until_step": 60], ["learning_rate": 0.003],
      ["schedule": ["type": "linear", "base_lr": 0.2, "total_steps": 500], "effective_step": 40],
      ["cooldown": ["steps": 30, "shape": "cosine", "floor": 1e-4]],
      ["cooldown": ["steps": 50], "effective_step": 45],
    ]
    for change in changes {
      let trainer = try Trainer(
        ["schedule": ["type": "cosine", "base_lr": 0.1, "total_steps": 400], "bounds": ["max": 0.09]])
      try trainer.run(0..<25) { _ in 1 }
      let told = try trainer.override(change, isDryRun: true)
      let made = try trainer.override(change)
      #expect(told["effective_step"] == made["effective_step"])
      let steps = numbers(told["preview"]?["steps"]).map { Int($0) }
      let expected = numbers(told["preview"]?["after"])
      try trainer.run(25..<160) { _ in 1 }
      for (step, rate) in zip(steps, expected) where step > 0 && step < 160 {
        #expect(try SessionsTests.rate(trainer.next(step)) == rate, "step \(step) of \(JSONWriter.text(change))")
      }
      #expect(throws: SessionError.self) { try trainer.override(["factor": 2, "effective_step": 100]) }
    }
  }

  @Test("8: a cooldown from any step ends exactly at its floor and never rises on the way")
  func cooldown() throws {
    var generator = Seeded(5)
    for shape in ["linear", "cosine", "1-sqrt"] {
      for _ in 0..<12 {
        let trainer = try Trainer(
          specification([["type": "torch.ReduceLROnPlateau", "patience": 3, "factor": 0.9]]))
        let start = Int.random(in: 0...150, using: &generator)
        let length = Int.random(in: 1...80, using: &generator)
        let floor = Double.random(in: 0...1e-3, using: &generator)
        try trainer.run(0..<start, loss: rough)
        let made = try trainer.override([
          "cooldown": ["steps": .number(Double(length)), "shape": .string(shape), "floor": .number(floor)]
        ])
        let first = Int(try #require(made["effective_step"]?.reported))
        let rates = try trainer.run(start..<(first + length + 20), loss: rough)
        let from = first - start - 1
        let falling = rates[max(0, from)...]
        #expect(zip(falling, falling.dropFirst()).allSatisfy { $0 >= $1 })
        #expect(rates[(from + length)...].allSatisfy { $0 == floor })
      }
    }
  }

  @Test("10: after a time without the server the history holds the rates that were used")
  func fallback() throws {
    let trainer = try Trainer(
      specification([["type": "torch.ReduceLROnPlateau", "patience": 3, "factor": 0.5]], [("look_ahead", 5)]))
    let answer = try trainer.post(["step": 0, "loss": 1, "count": 5])
    let sealed = numbers(answer["learning_rates"])
    let planned = numbers(answer["fallback"]?["learning_rates"])
    #expect(answer["poll_by"] == 5)
    // Steps 1 … 5 at sealed rates, then the plan alone.
    let used = sealed + planned
    let reports = used.enumerated().map { index, rate -> JSONValue in
      ["step": .number(Double(index + 1)), "loss": 1, "learning_rate_applied": .number(rate)]
    }
    let back = try trainer.post(["reports": .array(reports)])
    #expect(back["warnings"] == nil)
    let page = try trainer.hub.pageNow(trainer.id, after: 0, limit: 100)
    let events = try page.events.map { try JSONReader.read($0.text) }
    let recorded = events.flatMap { $0["reports"]?.elements ?? [] }.dropFirst().compactMap {
      $0["learning_rate"]?.reported
    }
    #expect(Array(recorded) == used)
    #expect(try trainer.replay()["verified"] == true)
  }

  @Test(
    "11: the plateau machines of the libraries decide in a session as over a recorded curve",
    arguments: ["torch", "keras", "optax", "timm", "greedy"])
  func sameAsReplay(name: String) throws {
    guard case .object(var policy)? = policies.first(where: { $0.name == name })?.policies.elements.first else {
      return
    }
    let trainer = try Trainer(["schedule": ["type": "constant", "base_lr": 0.1], "policies": [.object(policy)]])
    let rates = try trainer.run(0..<300, loss: rough)
    policy = JSONObject(policy.members.map { ($0.name, $0.value) } + [("base_lr", 0.1)])
    let expected = try recordedRates(.object(policy), (0..<300).map(rough))
    #expect(rates == Array(expected.dropFirst()))
    #expect(Set(rates).count > 2)
  }
}
