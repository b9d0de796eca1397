import Dispatch
import JSON
import Sessions
import SessionsPostgreSQL
import Synchronization
import Testing

/// Several servers over one store: no session the wiser.
@Suite struct SharedStoreTests {
  enum Kind: String, CaseIterable {
    /// The store in memory, shared by the hubs of this process.
    case memory
    case postgresql

    static var here: [Kind] { allCases.filter { $0 != .postgresql || PostgreSQLServer.isInstalled } }
  }

  /// Makes stores over the same sessions: a server has a store of its own.
  private static func stores(_ kind: Kind, _ count: Int) throws -> (stores: [any SessionStore], url: String?) {
    if kind == .memory { return (Array(repeating: MemoryStore(isShared: true), count: count), nil) }
    let url = try PostgreSQLServer.shared.get().newDatabase()
    return (try (0..<count).map { _ in try PostgreSQLStore(url: url) }, url)
  }

  private static func trainers(_ kind: Kind, _ count: Int, _ document: JSONValue) throws -> [Trainer] {
    try stores(kind, count).stores.map { try Trainer(document, store: $0) }
  }

  @Test(arguments: Kind.here) func aTrainerThatGoesFromServerToServerGetsTheRatesOfOne(_ kind: Kind) throws {
    for (name, rules) in policies {
      let servers = try Self.trainers(kind, 3, specification(rules))
      let reference = try Trainer(specification(rules))
      for step in 0..<90 {
        let report: JSONValue = ["step": .number(Double(step)), "loss": .report(rough(step))]
        let rates = try rate(servers[step % 3].post(report))
        #expect(try rates == rate(reference.post(report)), "\(name), step \(step)")
        // Whoever is asked knows of it at once.
        #expect(try rate(servers[(step + 1) % 3].next(step)) == rate(reference.next(step)))
      }
      for server in servers { #expect(try server.state() == reference.state(), "\(name)") }
      #expect(try servers[1].replay()["verified"] == true)
    }
  }

  @Test(arguments: Kind.here) func whoeverReportsAStepFirstAllServersGiveItOneRate(_ kind: Kind) throws {
    let servers = try Self.trainers(kind, 3, specification([["type": "torch.ReduceLROnPlateau", "patience": 2]]))
    let rates = Mutex<[Int: Set<Double>]>([:])
    let failures = Mutex<[String]>([])
    for start in stride(from: 0, to: 60, by: 6) {
      // All servers get all reports, each in a thread of its own, with losses of their own.
      DispatchQueue.concurrentPerform(iterations: 3) { number in
        for step in start..<(start + 6) {
          do {
            let answer = try servers[number].post(
              ["step": .number(Double(step)), "loss": .number(1 + Double((step * 7 + number) % 5))])
            let value = try rate(answer)
            rates.withLock { _ = $0[step, default: []].insert(value) }
          } catch let error as SessionError where error.kind == .conflict || error.kind == .notSealed {
            // Another server is further already.
          } catch {
            failures.withLock { $0.append("\(error)") }
          }
        }
      }
    }
    #expect(failures.withLock { $0 } == [])
    #expect(rates.withLock { $0.values.allSatisfy { $0.count == 1 } })
    let states = try servers.map { try $0.state() }
    #expect(states.allSatisfy { $0 == states[0] })
    #expect(try servers[0].replay()["verified"] == true)
  }

  @Test(arguments: Kind.here) func aNameIsTakenOnceAndADeletedSessionIsGoneEverywhere(_ kind: Kind) throws {
    let stores = try Self.stores(kind, 2).stores
    let hubs = stores.map { SessionHub(store: $0, configuration: SessionHub.Configuration()) }
    let document: JSONValue = ["schedule": ["type": "constant", "base_lr": 1]]
    let made = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 8) { number in
      let isNew = try? wait { (done: @escaping SessionHub.Completion<Bool>) in
        hubs[number % 2].put("one", document) { done($0.map(\.1)) }
      }
      if isNew == true { made.add(1, ordering: .relaxed) }
    }
    #expect(made.load(ordering: .relaxed) == 1)
    let trainers = hubs.map { Trainer($0, "one") }
    try trainers[0].post(["step": 0, "loss": 1])
    #expect(try rate(trainers[1].next(0)) == 1)
    try wait { (done: @escaping SessionHub.Completion<Void>) in hubs[1].delete("one", ifMatch: nil, done) }
    for trainer in trainers {
      let error = #expect(throws: SessionError.self) { try trainer.post(["step": 1, "loss": 1]) }
      #expect(error?.kind == .deleted)
    }
  }

  @Test(arguments: Kind.here) func whoWaitsAtOneServerHearsOfWhatHappensAtAnother(_ kind: Kind) throws {
    let servers = try Self.trainers(kind, 2, specification([["type": "torch.ReduceLROnPlateau"]]))
    let (here, there) = (servers[0], servers[1])
    let rates = ResultBox<JSONValue>()
    // Step 1 is decided when step 0 is reported.
    here.hub.next(here.id, step: 1, count: nil, attempt: nil, wait: 20) { rates.set($0) }
    let answer = try rate(there.post(["step": 0, "loss": 1]))
    #expect(try rate(rates.value().get()) == answer)
    let revision = try #require(try here.document()["revision"]?.reported)
    let news = ResultBox<Bool>()
    let stop = here.hub.awaitNews(here.id, after: Int(revision), seconds: 20) { news.set(.success(true)) }
    defer { stop() }
    try wait { (done: @escaping SessionHub.Completion<Void>) in there.hub.delete(there.id, ifMatch: nil, done) }
    #expect(try news.value().get())
    // A stream of events ends here, and does not wait for news of what is gone.
    let error = #expect(throws: SessionError.self) { try here.hub.pageNow(here.id, after: 0, limit: 9) }
    #expect(error?.kind == .deleted)
  }

  @Test(.enabled(if: PostgreSQLServer.isInstalled))
  func tablesThatAreHalfMadeAreFinishedAndThoseOfANewerProgramLeftAlone() throws {
    let server = try PostgreSQLServer.shared.get()
    let url = try server.newDatabase()
    try PostgreSQLStore(url: url).write([.create(id: "a", key: 7, time: 1, keepUntil: 1)])
    // As if the program had ended before the last table, or before it had said that it was done.
    try server.query(url, "DROP TABLE anneal_names; DELETE FROM anneal_version")
    let store = try PostgreSQLStore(url: url)
    try store.write([.value(name: "n", value: [1])])
    #expect(try store.find("a")?.key == 7 && store.value("n") == [1])
    try server.query(url, "INSERT INTO anneal_version VALUES (99)")
    let error = #expect(throws: StoreError.self) { try PostgreSQLStore(url: url) }
    #expect(error?.description.contains("newer anneal (its tables are of version 99") == true)
  }

  @Test(.enabled(if: PostgreSQLServer.isInstalled)) func connectionsThatAreCutLoseNothingThatWasAcknowledged() throws {
    let (stores, url) = try Self.stores(.postgresql, 2)
    let servers = try stores.map { try Trainer(specification([["type": "torch.ReduceLROnPlateau"]]), store: $0) }
    let database = try #require(url)
    var (refused, cuts) = (0, 0)
    var acknowledged: [Int: Double] = [:]
    var step = 0
    while step < 120 {
      if step % 10 == 5 && acknowledged[step] == nil && refused < 40 {
        cuts += 1
        try PostgreSQLServer.shared.get().cutConnections(database)
      }
      do {
        let answer = try servers[step % 2].post(["step": .number(Double(step)), "loss": .number(1)])
        acknowledged[step] = try rate(answer)
        step += 1
      } catch let error as SessionError {
        #expect(error.kind == .unavailable, "\(error)")
        refused += 1
        if refused > 2000 { break }
      }
    }
    #expect(step == 120 && cuts >= 12)
    for server in servers {
      // A report is answered with the rate of the step after it.
      for (step, value) in acknowledged { #expect(try rate(server.next(step + 1)) == value) }
      #expect(try server.replay()["verified"] == true)
    }
  }
}
