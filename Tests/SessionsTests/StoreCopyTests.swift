import JSON
import Sessions
import Testing

/// Sessions that move from one store to another.
@Suite struct StoreCopyTests {
  private typealias Kind = StoreTests.Kind

  /// Every store to each other kind of store.
  static var ways: [(from: StoreTests.Kind, to: StoreTests.Kind)] {
    Kind.here.flatMap { from in Kind.here.filter { $0 != from }.map { (from, $0) } }
  }

  /// Some policies of every kind.
  private static let some = policies.enumerated().filter { $0.offset % 3 == 0 }.map(\.element)

  /// A session for each of some policies, with a restart and a fork, and one that was deleted.
  @discardableResult
  private func fill(_ store: any SessionStore) throws -> [Trainer] {
    var trainers: [Trainer] = []
    for (name, rules) in Self.some {
      let trainer = try Trainer(specification(rules), id: name.replacing(" ", with: "-"), store: store)
      try trainer.run(0..<70, loss: rough)
      try trainer.restart(60)
      try trainer.run(60..<130, loss: rough)
      trainers += [trainer, try trainer.fork(["at_step": 100])]
    }
    let gone = try Trainer(specification([]), id: "gone", store: store)
    try wait { (done: @escaping SessionHub.Completion<Void>) in gone.hub.delete("gone", ifMatch: nil, done) }
    try store.write([.newValue(name: "state-key", value: [1, 2, 3])])
    return trainers
  }

  @Test(arguments: ways) func aCopyGoesOnAsTheOriginalWouldHave(from: StoreTests.Kind, to: StoreTests.Kind) throws {
    try StoreTests.with(from) { source in
      try StoreTests.with(to) { target in
        let trainers = try fill(source)
        let summary = try StoreCopy.run(from: source, to: target)
        #expect(summary.problems == [])
        #expect(summary.sessions == trainers.count && summary.deleted == 1)
        #expect(summary.events == summary.written && summary.events > 100 * Self.some.count)
        #expect(try target.value("state-key") == [1, 2, 3])
        #expect(try target.find("gone")?.isDeleted == true)
        let hub = SessionHub(store: target, configuration: SessionHub.Configuration())
        for original in trainers {
          let copy = Trainer(hub, original.id)
          #expect(try copy.state() == original.state(), "\(original.id)")
          #expect(try copy.document() == original.document())
          let end = try #require(original.document()["last_step"]?.reported)
          let steps = Int(end) + 1..<Int(end) + 20
          #expect(try copy.run(steps, loss: rough) == original.run(steps, loss: rough), "\(original.id)")
          #expect(try copy.replay()["verified"] == true)
        }
        #expect(try StoreCopy.verify(target).problems == [])
      }
    }
  }

  @Test(arguments: Kind.here) func aCopyThatIsBrokenOffGoesOnWhereItWas(to kind: StoreTests.Kind) throws {
    let source = MemoryStore()
    let trainers = try fill(source)
    let total = try StoreCopy.run(from: source, to: MemoryStore()).events
    try StoreTests.with(kind) { target in
      let flaky = FlakyStore(target)
      var (written, breaks) = (0, 0)
      while true {
        do {
          written += try StoreCopy.run(from: source, to: flaky, batch: 300).written
          break
        } catch {
          #expect("\(error)" == "no space left")
          breaks += 1
        }
      }
      #expect(breaks > 0 && written < total)
      // Once more has nothing to do, and brings what is new.
      #expect(try StoreCopy.run(from: source, to: target).written == 0)
      try trainers[0].run(130..<140, loss: rough)
      let news = try StoreCopy.run(from: source, to: target)
      #expect(news.written == 10 && news.events == total + 10 && news.problems == [])
    }
  }

  @Test func whatCannotBeCopiedIsNamedAndNothingOfItTouched() throws {
    let (source, target) = (MemoryStore(), MemoryStore())
    for store in [source, target] {
      let other = try Trainer(specification([]), id: "other", store: store)
      try other.run(0..<3) { _ in 1 }
    }
    let trainer = try Trainer(specification([]), id: "further", store: source)
    try trainer.run(0..<3) { _ in 1 }
    try target.write([.value(name: "state-key", value: [1])])
    try source.write([.value(name: "state-key", value: [2])])
    var summary = try StoreCopy.run(from: source, to: target)
    #expect(summary.sessions == 1 && summary.problems.count == 2)
    #expect(summary.problems[0].contains("secret"))
    #expect(summary.problems[1] == "other: the target has another session of that name")
    // The copy was used, and the original too.
    try Trainer(SessionHub(store: target, configuration: SessionHub.Configuration()), "further").run(3..<5) { _ in 2 }
    try trainer.run(3..<5) { _ in 1 }
    let before = try target.events(try #require(target.find("further")?.key), after: 0, limit: 99)
    summary = try StoreCopy.run(from: source, to: target)
    #expect(summary.problems.contains("further: its log in the target has gone another way, or further"))
    #expect(try target.events(try #require(target.find("further")?.key), after: 0, limit: 99) == before)
  }

  @Test func aRateThatIsNotWhatTheLogGivesIsFound() throws {
    let (store, altered) = (MemoryStore(), MemoryStore())
    let trainer = try Trainer(specification([["type": "torch.ReduceLROnPlateau", "patience": 2]]), store: store)
    try trainer.run(0..<30) { _ in 1 }
    let session = try #require(try store.sessions(after: "", limit: 1).first)
    for revision in [5, 20] {
      let copy = revision == 5 ? altered : MemoryStore()
      try copy.write([.create(id: session.id, key: session.key, time: 0, keepUntil: 0)])
      for event in try store.events(session.key, after: 0, limit: 99) {
        var text = String(decoding: event.text, as: UTF8.self)
        if event.revision == revision { text = text.replacing("\"metrics.loss\":1", with: "\"metrics.loss\":0.5") }
        try copy.write([.event(key: session.key, revision: event.revision, text: Array(text.utf8))])
      }
      let summary = try StoreCopy.verify(copy)
      #expect(summary.sessions == 0 && summary.problems.count == 1)
      #expect(summary.problems.first?.contains("the log does not give what is written") == true)
    }
  }
}
