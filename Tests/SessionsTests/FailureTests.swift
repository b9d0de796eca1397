import JSON
import Sessions
import Testing

@Suite struct FailureTests {
  @Test(
    "a store that fails now and then loses nothing that was acknowledged, and rates go on",
    arguments: policies.map(\.name))
  func flakyStore(name: String) throws {
    let rules = try #require(policies.first { $0.name == name }?.policies)
    let trainer = try Trainer(specification(rules), store: FlakyStore())
    let reference = try Trainer(specification(rules))
    var refused = 0
    var step = 0
    while step < 120 {
      let report: JSONValue = ["step": .number(Double(step)), "loss": .report(rough(step))]
      do {
        let answer = try trainer.post(report)
        #expect(try rate(answer) == rate(reference.post(report)))
        #expect(answer["duplicates"] == nil)
        step += 1
      } catch let error as SessionError {
        #expect(error.kind == .unavailable)
        refused += 1
        // What was decided before is still served.
        #expect(try rate(trainer.next(step)).isFinite)
      }
    }
    #expect(refused > 30)
    #expect(try trainer.state() == reference.state())
    #expect(try trainer.replay()["verified"] == true)
  }

  @Test func aRateThatIsNoLongerInMemoryIsRefusedAndNothingIsLost() throws {
    let trainer = try Trainer(specification([["type": "hf.greedy", "patience": 0, "min_lr": 1e-9]]))
    try trainer.run(0..<1500, loss: rough)
    do {
      try trainer.post(["step": 3, "loss": .report(rough(3))])
      Issue.record("the rate of step 4 should have left the window")
    } catch let error as SessionError {
      #expect(error.kind == .conflict)
    }
    // A metric that comes so late is recorded, and the policies do not see it.
    let state = try trainer.state()["policies"]
    #expect(throws: SessionError.self) { try trainer.post(["step": 5, "metrics": ["val_loss": 2]]) }
    #expect(try trainer.state()["policies"] == state)
    #expect(try trainer.document()["reports"] == 1501)
    try trainer.run(1500..<1510, loss: rough)
    #expect(try trainer.replay()["verified"] == true)
    trainer.hub.putAway(trainer.id)
    #expect(try trainer.document()["reports"] == 1511)
  }
}
