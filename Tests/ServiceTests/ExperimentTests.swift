import Dispatch
import Experiments
import Foundation
import JSON
import Sessions
import Synchronization
import Testing

@testable import HTTPServer
@testable import Service

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// What `POST /experiments` promises.
@Suite struct ExperimentTests {
  /// Three optimizers, two schedules and two rates, one of which makes plain descent diverge.
  private static let family = """
    {"problem":{"type":"ravine","condition_number":50},"optimizers":["sgd",{"type":"momentum"},"adam"],
    "schedules":[{"type":"constant"},{"type":"cosine","total_steps":300}],"rates":[0.01,100],"steps":300,"points":12}
    """
  private static let test = """
    {"problem":"rosenbrock","optimizers":["sgd","adam"],
    "schedule":{"type":"range_test","low":1e-5,"high":1,"steps":80}}
    """
  /// More than any test waits for.
  private static let long =
    #"{"problem":{"type":"ravine","dimension":100,"noise":1,"rotation":9},"rates":[0.001],"steps":1000000}"#
  private static let largeWork = 1e10

  // MARK: The forms

  @Test(arguments: [family, test])
  func documentLinesAndEventsHoldTheSameRunsInTheSameOrder(_ content: String) throws {
    let document = try JSONReader.read(try answer(content))
    let runs = (document["runs"] ?? document["range_tests"])?.elements ?? []
    let name = document["runs"] == nil ? "range_test" : "run"
    let lines = try Self.lines(try answer(content, query: "format=ndjson"))
    let events = try Self.events(try answer(content, query: "format=events"))
    #expect(runs.count == (name == "run" ? 12 : 2))
    for (index, run) in runs.enumerated() { #expect(run["index"] == .number(Double(index))) }
    for told in [lines, events] {
      #expect(told.filter { $0.name == name }.map(\.value) == runs)
      #expect(told.first?.name == "experiment" && told.last?.name == "summary")
      // What stands before and after the runs in the document.
      let rest = (told.first?.value.members ?? []) + (told.last?.value.members ?? [])
      let others = document.members.filter { !["runs", "range_tests"].contains($0.name) }
      #expect(rest.map(\.name) == others.map(\.name) && rest.map(\.value) == others.map(\.value))
    }
  }

  @Test func theSameRequestTwiceGivesTheSameOctets() throws {
    for content in [Self.family, Self.test] {
      for query in [nil, "format=svg"] {
        #expect(try answer(content, query: query) == answer(content, query: query))
      }
    }
  }

  @Test func theFormIsWhatTheClientPrefers() throws {
    let api = ExperimentAPI(largestWork: Self.largeWork)
    for (query, accept, type) in [
      (nil, nil, "application/json"), (nil, "text/event-stream", "text/event-stream"),
      (nil, "application/json, text/event-stream;q=0.5", "application/json"),
      (nil, "text/event-stream-x", nil), (nil, "text/html", nil),
      ("format=events", "image/svg+xml", "text/event-stream"),
      ("format=ndjson", nil, "application/x-ndjson"), (nil, "image/*", "image/svg+xml"),
    ] as [(String?, String?, String?)] {
      let response = try send(api, Self.long, query: query, fields: accept.map { ["Accept": $0] } ?? [:])
      #expect(response.status == (type == nil ? 406 : 200))
      if let type { #expect(response.fields["Content-Type"] == type) }
    }
  }

  @Test(
    arguments: [
      ("chart=loss", family), ("chart=rate", family), ("chart=effective_rates", family), ("chart=path", family),
      ("chart=grid", family), ("chart=distance", family), ("scale=linear", family), ("", test),
      ("chart=distance", #"{"problem":"noisy_logistic_regression","rates":[0,1,1e300],"steps":50}"#),
      ("chart=loss&width=300&height=200&title=a%26b", test),
      ("", #"{"problem":"two_moons","rates":[1e300],"steps":50}"#),
      ("chart=path", #"{"problem":"saddle","rates":[1e300,0],"steps":50}"#),
      ("chart=grid", #"{"problem":"rosenbrock","rates":[1e200,1e308],"steps":9}"#),
      ("chart=effective_rates", #"{"problem":"bowl","optimizer":"adam","rates":[0,1e-308],"steps":9}"#),
    ])
  func everyPictureIsWellFormed(_ query: String, _ content: String) throws {
    let bytes = try answer(content, query: query.isEmpty ? "format=svg" : "format=svg&\(query)")
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.hasPrefix("<svg") && isWellFormed(text), "\(text.prefix(200))")
    for word in ["\"nan", "\"inf", " nan", " inf", ",nan", ",inf"] { #expect(!text.lowercased().contains(word)) }
  }

  @Test func aPictureOfAsManyRunsAsThereMayBe() throws {
    let rates = (1...256).map { "\(Double($0) / 100)" }.joined(separator: ",")
    let content = """
      {"problem":"bowl","optimizers":["sgd","momentum","nesterov","adam"],"rates":[\(rates)],"steps":3}
      """
    for chart in ["loss", "distance", "rate", "effective_rates", "path", "grid"] {
      let text = String(decoding: try answer(content, query: "format=svg&chart=\(chart)"), as: UTF8.self)
      #expect(text.hasPrefix("<svg") && isWellFormed(text), "\(chart)")
    }
  }

  // MARK: Numbers

  @Test(
    arguments: [
      #"{"problem":"rosenbrock","optimizers":["sgd","adam","lion"],"rates":[0,1e-300,1,1e300],"steps":40,"points":40}"#,
      #"{"problem":"two_moons","rates":[1e308],"steps":9}"#,
      #"{"problem":"bowl","schedule":{"type":"inverse_sqrt","base_lr":1,"timescale":4},"steps":5}"#,
      #"{"problem":"bowl","schedule":{"type":"exponential","base_lr":1,"gamma":1e30},"steps":40}"#,
      #"{"problem":"bowl","schedule":{"type":"range_test","low":1e-300,"high":1e300,"steps":30,"divergence":1e300}}"#,
    ])
  func numbersAreFiniteOrNullEvenWhereARunDiverges(_ content: String) throws {
    // Reading it proves it: JSON has no words for the others, and the reader refuses what no double can hold.
    let document = try JSONReader.read(try answer(content))
    let runs = (document["runs"] ?? document["range_tests"])?.elements ?? []
    #expect(!runs.isEmpty)
    let words = String(decoding: try answer(content), as: UTF8.self)
    for word in [":nan", ":inf", ":-inf", "[nan", "[inf", ",nan", ",inf", "Infinity"] { #expect(!words.contains(word)) }
  }

  @Test func aColumnHasAPlaceForEveryRecordedStep() throws {
    let document = try JSONReader.read(try answer(Self.family))
    for run in document["runs"]?.elements ?? [] {
      let trace = try #require(run["trace"])
      let count = try #require(trace["steps"]?.elements.count)
      #expect(count >= 1 && count <= 12)
      let columns = [
        trace["losses"], trace["learning_rates"], trace["effective_rates"]?["least"],
        trace["effective_rates"]?["median"],
        trace["effective_rates"]?["largest"], trace["path"]?["x"], trace["path"]?["y"],
      ]
      for column in columns { #expect(column?.elements.count == count) }
    }
  }

  @Test func theStatedWorkIsAboutWhatIsDone() throws {
    for problem in ["two_moons", "noisy_logistic_regression", "polynomial_regression"] {
      let content = #"{"problem":"\#(problem)","rates":[0.001,0.01],"steps":200,"points":10}"#
      let request = try ExperimentRequest(Array(content.utf8), largestWork: 1e10)
      let done = Counter()
      guard case .grid(var grid) = request.kind else { throw NoAnswer() }
      grid.problem = Counted(inner: request.problem, counter: done)
      _ = grid.run()
      let work = done.value.load(ordering: .relaxed)
      #expect(request.work >= Double(work) * 0.8 && request.work <= Double(work) * 1.8, "\(problem): \(work)")
      #expect(try JSONReader.read(try answer(content))["work"] == .number(request.work.rounded()))
    }
  }

  // MARK: The range test

  @Test func aRangeTestSaysWhatASessionSaysOfTheSameLosses() throws {
    let document = try JSONReader.read(try answer(Self.test))
    let hub = SessionHub(store: MemoryStore())
    for test in document["range_tests"]?.elements ?? [] {
      let name = try #require(test["optimizer"]?["type"]?.string)
      let specification: JSONValue = [
        "schedule": ["type": "constant", "base_lr": 0.01],
        "policies": [["type": "range_test", "low": 1e-5, "high": 1, "steps": 80]],
      ]
      let _: Bool = try wait { done in hub.put(name, specification) { done($0.map { _ in true }) } }
      let losses = test["curve"]?["losses"]?.elements ?? []
      #expect(!losses.isEmpty)
      for (step, loss) in losses.enumerated() {
        let report = try ReportRequest(["step": .number(Double(step)), "loss": loss])
        let _: JSONValue = try wait { hub.report(name, report, $0) }
      }
      let found: JSONValue = try wait { hub.suggestions(name, $0) }
      #expect(found["suggestions"] == test["suggestions"])
      for column in ["learning_rates", "losses", "smoothed"] { #expect(found[column] == test["curve"]?[column]) }
      #expect(found["state"] == (test["has_diverged"] == .bool(true) ? "diverged" : "finished"))
    }
  }

  // MARK: While it goes on

  @Test func progressNeverGoesBackAndTheHeadComesFirst() throws {
    let content = #"{"problem":"two_moons","optimizers":["sgd","adam"],"rates":[0.1,0.2,0.3,1e200],"steps":3000}"#
    let told = try Self.lines(try answer(content, query: "format=ndjson"))
    #expect(told.first?.name == "experiment")
    var (last, lastDone, runs) = (0.0, 0.0, 0)
    for line in told {
      if line.name == "run" { runs += 1 }
      guard line.name == "progress" else { continue }
      guard case .number(let part) = line.value["part"], case .number(let done) = line.value["runs_done"] else {
        throw NoAnswer()
      }
      #expect(part >= last && part <= 1 && done >= lastDone && done <= 8)
      (last, lastDone) = (part, done)
    }
    #expect(runs == 8)
  }

  @Test func whatIsToldOfManyRunsMadeAtOnceIsInOrderAndDoesNotGoBack() throws {
    let rates = (1...200).map { "\($0)" }.joined(separator: ",")
    let content = #"{"problem":"bowl","optimizer":"sgd","rates":[\#(rates)],"steps":600}"#
    let request = try ExperimentRequest(Array(content.utf8), largestWork: 1e10)
    let told = Mutex<(indices: [Int], part: Double, isBack: Bool)>(([], 0, false))
    let isOver = DispatchSemaphore(value: 0)
    let job = ExperimentJob(request) { news in
      switch news {
      case .progress(let part, _):
        told.withLock { told in
          if part < told.part { told.isBack = true }
          told.part = part
        }
      case .outcome(let index, _): told.withLock { $0.indices.append(index) }
      case .end: isOver.signal()
      }
    }
    ExperimentPool(width: 8).run(job)
    isOver.wait()
    told.withLock { told in
      #expect(told.indices == Array(0..<200))
      #expect(!told.isBack)
    }
  }

  @Test func aCancelledJobEndsItsRunAndTellsNothingMore() throws {
    let request = try ExperimentRequest(Array(Self.long.utf8), largestWork: 1e10)
    let outcomes = Mutex(0)
    let own = Mutex<ExperimentJob?>(nil)
    let job = ExperimentJob(request) { news in
      if case .progress = news { own.withLock { $0 }?.cancel() } else { outcomes.withLock { $0 += 1 } }
    }
    own.withLock { $0 = job }
    // Made here, so that it must have come to its end when this goes on.
    let part = try #require(job.nextPart())
    part()
    own.withLock { $0 = nil }
    #expect(outcomes.withLock { $0 } == 0)
    #expect(job.nextPart() == nil)
  }

  @Test func aClientThatLeavesGivesItsPlaceBack() throws {
    let api = ExperimentAPI(largestWork: Self.largeWork)
    for query in [nil, "format=ndjson", "format=events", "format=svg"] {
      let source = try events(of: try send(api, Self.long, query: query))
      #expect(api.pool.count == 1)
      if query != "format=svg" {
        #expect(Self.piece(of: source).hasMore)
      }
      source.cancel()
      #expect(api.pool.count == 0)
      // The end is told of, and told as one that came too early.
      let (bytes, hasMore) = Self.piece(of: source)
      #expect(!hasMore)
      if let query, query != "format=svg" {
        let told = String(decoding: bytes, as: UTF8.self)
        #expect(told.contains("error") && told.contains("urn:anneal:problem:not-ready"))
      }
      source.cancel()
      #expect(api.pool.count == 0)
    }
  }

  @Test func aDocumentThatIsBrokenOffSaysSo() throws {
    let api = ExperimentAPI(largestWork: Self.largeWork)
    let source = try events(of: try send(api, Self.long))
    var bytes = Self.piece(of: source).bytes
    source.cancel()
    bytes += Self.piece(of: source).bytes
    let document = try JSONReader.read(bytes)
    #expect(document["error"]?["status"] == 503 && document["outcomes"] == nil)
  }

  /// Whether all places are given back. Whoever has just told some news, or handed the answer over, holds it a moment longer.
  private static func isEmptySoon(_ pool: ExperimentPool) -> Bool {
    let deadline = ContinuousClock.now + .seconds(30)
    while pool.count > 0 && ContinuousClock.now < deadline { sched_yield() }
    return pool.count == 0
  }

  @Test func anAnswerThatIsDroppedGivesItsPlaceBack() throws {
    let api = ExperimentAPI(largestWork: Self.largeWork)
    var kept: HTTPResponse? = try send(api, Self.long)
    #expect(api.pool.count == 1 && kept?.status == 200)
    kept = nil
    #expect(Self.isEmptySoon(api.pool))
    // And so does one that has begun.
    var source: (any HTTPEventSource)? = try events(of: try send(api, Self.long))
    #expect(Self.piece(of: try #require(source)).hasMore)
    source = nil
    #expect(Self.isEmptySoon(api.pool))
  }

  @Test func anExperimentThatIsOverGivesItsPlaceBack() throws {
    let api = ExperimentAPI(largestWork: Self.largeWork)
    for query in [nil, "format=ndjson", "format=svg"] {
      _ = try Self.body(of: try send(api, Self.family, query: query))
      #expect(api.pool.count == 0)
    }
  }

  @Test func theThirtyThirdExperimentIsRefusedWhile32AreUnderWay() throws {
    let api = ExperimentAPI(largestWork: Self.largeWork)
    var held = try (0..<32).map { _ in try send(api, Self.long) }
    #expect(held.allSatisfy { $0.status == 200 })
    let refusal = try send(api, Self.long)
    #expect(refusal.status == 503 && refusal.fields["Retry-After"] == "2")
    // What is wrong with a request is told all the same.
    #expect(try send(api, #"{"problem":"bowl"}"#).status == 422)
    held.removeLast()
    #expect(try send(api, Self.long).status == 200)
  }

  @Test func aLongExperimentDoesNotHoldUpAShortOne() throws {
    let api = ExperimentAPI(largestWork: Self.largeWork)
    let long = try (0..<8).map { _ in try events(of: try send(api, Self.long)) }
    for source in long { #expect(Self.piece(of: source).hasMore) }
    let short = try JSONReader.read(try Self.body(of: try send(api, Self.family)))
    #expect(short["runs"]?.elements.count == 12)
    #expect(api.pool.count == 8)
    for source in long { source.cancel() }
  }

  @Test func everyJobHasAThreadThoughThereAreMoreJobsThanCores() {
    // Each part waits until those of all jobs are under way.
    let pool = ExperimentPool(width: 1)
    let gate = Gate(count: 5)
    let jobs = (0..<5).map { _ in OneByOne(parts: 1) { gate.pass() } }
    for job in jobs { pool.run(job) }
    #expect(gate.open.wait(timeout: .now() + .seconds(60)) == .success)
  }

  @Test func whoeverReadsLateGetsItAllInPiecesOfBoundedSize() throws {
    let api = ExperimentAPI(largestWork: Self.largeWork)
    let rates = (1...50).map { "\(Double($0) / 100)" }.joined(separator: ",")
    let content = #"{"problem":"bowl","optimizer":"adam","rates":[\#(rates)],"steps":999,"points":999}"#
    let source = try events(of: try send(api, content, query: "format=events"))
    var (bytes, largest) = ([UInt8](), 0)
    while true {
      let (piece, hasMore) = Self.piece(of: source)
      // Its place is kept as long as there is something to hand over.
      #expect(!hasMore || api.pool.count == 1)
      largest = max(largest, piece.count)
      bytes += piece
      if !hasMore { break }
    }
    #expect(largest <= 256 * 1024 && bytes.count > 4 * largest)
    let told = try Self.events(bytes)
    #expect(told.count { $0.name == "run" } == 50 && told.last?.name == "summary")
  }

  // MARK: Errors

  @Test(
    arguments: [
      ("no problem", #"{"rates":[1]}"#, "/problem", nil),
      ("an unknown problem", #"{"problem":"ravin","rates":[1]}"#, "/problem", "ravine"),
      ("an unknown type", #"{"problem":{"type":"ravin"},"rates":[1]}"#, "/problem/type", "ravine"),
      ("a wrong number", #"{"problem":{"type":"bowl","dimension":0},"rates":[1]}"#, "/problem/dimension", nil),
      ("a start too short", #"{"problem":{"type":"bowl","start":[1]},"rates":[1]}"#, "/problem/start", nil),
      (
        "a batch too large", #"{"problem":{"type":"two_moons","samples":4,"batch_size":5},"rates":[1]}"#,
        "/problem/batch_size", nil
      ),
      ("an unknown optimizer", #"{"problem":"bowl","optimizer":"adm","rates":[1]}"#, "/optimizer", "adam"),
      (
        "an unknown optimizer in a list", #"{"problem":"bowl","optimizers":["sgd",{"type":"adm"}],"rates":[1]}"#,
        "/optimizers/1/type", "adam"
      ),
      (
        "a wrong hyperparameter", #"{"problem":"bowl","optimizers":["sgd",{"type":"adam","beta1":1}],"rates":[1]}"#,
        "/optimizers/1/beta1", nil
      ),
      (
        "a misspelt hyperparameter", #"{"problem":"bowl","optimizer":{"type":"adam","beta_1":0.9},"rates":[1]}"#,
        "/optimizer/beta_1", "beta1"
      ),
      (
        "a rate in the optimizer", #"{"problem":"bowl","optimizer":{"type":"adam","lr":0.9},"rates":[1]}"#,
        "/optimizer/lr", nil
      ),
      ("no optimizer at all", #"{"problem":"bowl","optimizers":[],"rates":[1]}"#, "/optimizers", nil),
      (
        "both optimizer and optimizers", #"{"problem":"bowl","optimizer":"sgd","optimizers":["sgd"],"rates":[1]}"#,
        "/optimizers", nil
      ),
      (
        "both schedule and schedules",
        #"{"problem":"bowl","schedule":{"type":"constant","base_lr":1},"schedules":[{"type":"constant","base_lr":1}]}"#,
        "/schedule", nil
      ),
      ("neither schedule nor rates", #"{"problem":"bowl"}"#, "/schedule", nil),
      ("a schedule without a rate", #"{"problem":"bowl","schedule":{"type":"constant"}}"#, "/schedule/base_lr", nil),
      (
        "an unknown schedule", #"{"problem":"bowl","schedules":[{"type":"cosin","base_lr":1}]}"#, "/schedules/0/type",
        "cosine"
      ),
      (
        "a schedule that ends before the steps",
        #"{"problem":"bowl","schedule":{"type":"torch.OneCycleLR","max_lr":1,"total_steps":9},"steps":11}"#, "/steps",
        nil
      ),
      (
        "a schedule that ends before the steps that nobody gave",
        #"{"problem":"bowl","schedules":[{"type":"constant","base_lr":1},{"type":"until","last_step":9,"schedule":{"type":"constant","base_lr":1}}]}"#,
        "/schedules/1", nil
      ),
      (
        "a rule that is driven by losses",
        #"{"problem":"bowl","schedule":{"type":"torch.ReduceLROnPlateau","base_lr":1}}"#,
        "/schedule/type", nil
      ),
      ("a negative rate", #"{"problem":"bowl","rates":[1,-1]}"#, "/rates/1", nil),
      ("a rate that is none", #"{"problem":"bowl","rates":["1"]}"#, "/rates/0", nil),
      ("no rates", #"{"problem":"bowl","rates":[]}"#, "/rates", nil),
      ("no steps", #"{"problem":"bowl","rates":[1],"steps":0}"#, "/steps", nil),
      ("half a step", #"{"problem":"bowl","rates":[1],"steps":1.5}"#, "/steps", nil),
      ("too many steps", #"{"problem":"bowl","rates":[1],"steps":1000001}"#, "/steps", nil),
      ("too many points", #"{"problem":"bowl","rates":[1],"points":2001}"#, "/points", nil),
      ("one point", #"{"problem":"bowl","rates":[1],"points":1}"#, "/points", nil),
      ("an unknown spacing", #"{"problem":"bowl","rates":[1],"spacing":"evn"}"#, "/spacing", "even"),
      ("too wide a tolerance", #"{"problem":"bowl","rates":[1],"tolerance":1}"#, "/tolerance", nil),
      ("no tolerance", #"{"problem":"bowl","rates":[1],"tolerance":0}"#, "/tolerance", nil),
      ("a budget of nothing", #"{"problem":"bowl","rates":[1],"budget":0}"#, "/budget", nil),
      ("more than the budget", #"{"problem":"bowl","rates":[1],"steps":1000,"budget":1000}"#, "/steps", nil),
      (
        "a wrong range test", #"{"problem":"bowl","schedule":{"type":"range_test","low":1,"high":0.1}}"#,
        "/schedule/high", nil
      ),
      (
        "a range test with steps of the request", #"{"problem":"bowl","schedule":{"type":"range_test"},"steps":9}"#,
        "/steps", nil
      ),
      ("an unknown field", #"{"problem":"bowl","rate":[1]}"#, "/rate", "rates"),
      ("no object", "[]", "", nil),
    ] as [(String, String, String, String?)])
  func isRefusedWithItsPointer(_ what: String, _ content: String, _ pointer: String, _ near: String?) throws {
    let api = ExperimentAPI(largestWork: Self.largeWork)
    let response = try send(api, content)
    guard case .bytes(let body) = response.body else { throw NoAnswer() }
    let problem = try JSONReader.read(body)
    #expect(response.status == 422 && problem["pointer"] == .string(pointer), "\(what): \(JSONWriter.text(problem))")
    #expect(problem["suggestion"] == near.map { .string($0) }, "\(what)")
    #expect(api.pool.count == 0)
  }

  @Test func tooManyRunsAreRefused() throws {
    let rates = (1...256).map { "\($0)" }.joined(separator: ",")
    let five = #"["sgd","adam","lion","nadam","radam"]"#
    let content = #"{"problem":"bowl","optimizers":\#(five),"rates":[\#(rates)],"steps":9}"#
    #expect(try problem(content)["pointer"] == "/rates")
    let many = #"{"problem":"bowl","rates":[\#(rates),1],"steps":9}"#
    #expect(try problem(many)["pointer"] == "/rates")
    let points = #"{"problem":"bowl","rates":[\#(rates)],"steps":900,"points":196}"#
    #expect(try problem(points)["pointer"] == "/points")
  }

  @Test func theBudgetIsTheOperatorsOrLess() throws {
    let content = #"{"problem":"bowl","rates":[1],"steps":1000,"budget":1e300}"#
    #expect(try problem(content, largestWork: 1000)["pointer"] == "/steps")
    #expect(try JSONReader.read(try answer(content))["runs"]?.elements.count == 1)
  }

  @Test(arguments: ["chart=loss", "format=svg&chart=lss", "format=xml", "format=svg&width=1", "chrt=loss"])
  func aWrongQueryIsAProblem(_ query: String) throws {
    #expect(try send(ExperimentAPI(largestWork: 1e9), Self.family, query: query).status == 422)
  }

  @Test func whatHasNoSuchPictureSaysSo() throws {
    let api = ExperimentAPI(largestWork: Self.largeWork)
    #expect(try send(api, Self.test, query: "format=svg&chart=path").status == 422)
    #expect(try send(api, #"{"problem":"two_moons","rates":[1]}"#, query: "format=svg&chart=path").status == 422)
    #expect(try send(api, #"{"problem":"two_moons","rates":[1]}"#, query: "format=svg&chart=distance").status == 422)
    #expect(api.pool.count == 0)
  }

  @Test func distancesAreThoseFromTheLeastLoss() throws {
    let content = #"{"problem":{"type":"polynomial_regression","degree":3},"rates":[0.1],"steps":20,"points":2}"#
    let document = try JSONReader.read(try answer(content))
    func number(_ value: JSONValue?) throws -> Double {
      guard case .number(let number)? = value else { throw NoAnswer() }
      return number
    }
    let least = try number(document["problem"]?["least_loss"])
    let highest = try number(document["problem"]?["start_loss"]) - least
    let lowest = try number(document["runs"]?.elements.first?["final_loss"]) - least
    let picture = String(decoding: try answer(content, query: "format=svg&chart=distance"), as: UTF8.self)
    // The description names the lowest and the highest value with four digits.
    let words = try #require(picture.firstMatch(of: /0\.1: from ([\d.e-]+) to ([\d.e-]+)\.</)).output
    let told = [Double(words.1), Double(words.2)].map { $0 ?? .nan }
    #expect(abs(told[0] - lowest) < 1e-3 * lowest)
    #expect(abs(told[1] - highest) < 1e-3 * highest)
  }

  // MARK: For people

  @Test(
    arguments: [
      (0.0, "0"), (1, "1"), (-1.005, "-1"), (123456, "123000"), (999.9, "1000"), (0.00012345, "0.000123"),
      (1.0099999e-23, "1.01e-23"), (9.999e30, "1e31"), (-4.56e-19, "-4.56e-19"),
      (Double.leastNonzeroMagnitude, "4.94e-324"),
      (Double.greatestFiniteMagnitude, "1.8e308"),
    ])
  func aNumberForPeopleHasThreeDigits(_ number: Double, _ text: String) {
    #expect(ExperimentRequest.short(number) == text)
  }

  // MARK: The catalog

  @Test func theCatalogSaysWhatThereIs() throws {
    let response = try send(ExperimentAPI(largestWork: 12345), "", method: "GET")
    guard case .bytes(let body) = response.body else { throw NoAnswer() }
    let catalog = try JSONReader.read(body)
    #expect(catalog["problems"]?.elements.compactMap { $0["type"]?.string } == ProblemCatalog.types)
    #expect(catalog["optimizers"]?.elements.compactMap { $0["type"]?.string } == OptimizerCatalog.types)
    #expect(catalog["limits"]?["work"] == 12345)
    for optimizer in catalog["optimizers"]?.elements ?? [] {
      #expect(optimizer["cost"]?["operations"] != nil && optimizer["example"] != nil)
    }
    for problem in catalog["problems"]?.elements ?? [] {
      let example = JSONWriter.text(try #require(problem["example"]))
      #expect(try JSONReader.read(try answer(#"{"problem":\#(example),"rates":[0.01],"steps":3}"#))["runs"] != nil)
    }
  }

  // MARK: Without a socket

  private struct NoAnswer: Error {}

  private func answer(_ content: String, query: String? = nil) throws -> [UInt8] {
    try Self.body(of: try send(ExperimentAPI(largestWork: Self.largeWork), content, query: query))
  }

  private func problem(_ content: String, largestWork: Double = largeWork) throws -> JSONValue {
    guard case .bytes(let body) = try send(ExperimentAPI(largestWork: largestWork), content).body else {
      throw NoAnswer()
    }
    return try JSONReader.read(body)
  }

  private func send(
    _ api: ExperimentAPI, _ content: String, query: String? = nil, fields: HTTPFields = [:], method: String = "POST"
  ) throws -> HTTPResponse {
    let head = HTTPRequestHead(method: method, path: "/experiments", query: query, minorVersion: 1, fields: fields)
    let reply = HTTPReply()
    let arrived = DispatchSemaphore(value: 0)
    let late = Mutex<HTTPResponse?>(nil)
    do {
      try api.respond(to: HTTPRequest(head: head, body: Array(content.utf8)), reply)
    } catch {
      return error.response
    }
    let early = reply.take { response in
      late.withLock { $0 = response }
      arrived.signal()
    }
    if early == nil { arrived.wait() }
    return try #require(
      early
        ?? late.withLock { late in
          defer { late = nil }
          return late
        })
  }

  private func events(of response: HTTPResponse) throws -> any HTTPEventSource {
    guard case .stream(let source) = response.body, let events = source as? any HTTPEventSource else {
      throw NoAnswer()
    }
    return events
  }

  /// The next piece, waited for.
  private static func piece(of source: any HTTPEventSource) -> (bytes: [UInt8], hasMore: Bool) {
    let arrived = DispatchSemaphore(value: 0)
    let piece = Mutex<([UInt8], Bool)>(([], false))
    source.next { bytes, hasMore in
      piece.withLock { $0 = (bytes, hasMore) }
      arrived.signal()
    }
    arrived.wait()
    return piece.withLock { $0 }
  }

  private static func body(of response: HTTPResponse) throws -> [UInt8] {
    guard response.status == 200, case .stream(let source) = response.body,
      let events = source as? any HTTPEventSource
    else { throw NoAnswer() }
    var body: [UInt8] = []
    while true {
      let (bytes, hasMore) = piece(of: events)
      body += bytes
      if !hasMore { return body }
    }
  }

  private func isWellFormed(_ text: String) -> Bool { XMLParser(data: Data(text.utf8)).parse() }

  private static func lines(_ bytes: [UInt8]) throws -> [(name: String, value: JSONValue)] {
    try bytes.split(separator: UInt8(ascii: "\n")).map { line in
      let member = try #require(try JSONReader.read(Array(line)).members.first)
      return (member.name, member.value)
    }
  }

  private static func events(_ bytes: [UInt8]) throws -> [(name: String, value: JSONValue)] {
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.hasSuffix("\n\n"))
    return try text.split(separator: "\n\n").map { event in
      let lines = event.split(separator: "\n")
      #expect(lines.count == 2 && lines[0].hasPrefix("event: ") && lines[1].hasPrefix("data: "))
      return (String(lines[0].dropFirst(7)), try JSONReader.read(Array(lines[1].dropFirst(6).utf8)))
    }
  }

  private func wait<Value: Sendable>(_ ask: (@escaping SessionHub.Completion<Value>) -> Void) throws -> Value {
    let arrived = DispatchSemaphore(value: 0)
    let result = Mutex<Result<Value, SessionError>?>(nil)
    ask { answer in
      result.withLock { $0 = answer }
      arrived.signal()
    }
    arrived.wait()
    return try #require(result.withLock { $0 }).get()
  }
}

// MARK: What tests put in place of what is real

private final class Counter: Sendable {
  let value = Atomic(0)
}

/// A problem whose costs are counted, in multiplications.
private struct Counted: Experiments.Problem {
  let inner: any Experiments.Problem
  let counter: Counter

  var start: [Double] { inner.start }
  var isStochastic: Bool { inner.isStochastic }
  var gradientCost: Double { inner.gradientCost }
  var lossCost: Double { inner.lossCost }

  func loss(at parameters: [Double], step: Int, gradient: inout [Double]) -> Double {
    counter.value.add(Int(inner.gradientCost), ordering: .relaxed)
    return inner.loss(at: parameters, step: step, gradient: &gradient)
  }

  func loss(at parameters: [Double]) -> Double {
    counter.value.add(Int(inner.lossCost / 2), ordering: .relaxed)
    return inner.loss(at: parameters)
  }

  func validationLoss(at parameters: [Double]) -> Double? {
    counter.value.add(Int(inner.lossCost / 2), ordering: .relaxed)
    return inner.validationLoss(at: parameters)
  }
}

private final class OneByOne: ExperimentPool.Job {
  private let left: Mutex<Int>
  private let part: @Sendable () -> Void

  init(parts: Int, _ part: @escaping @Sendable () -> Void) {
    left = Mutex(parts)
    self.part = part
  }

  func nextPart() -> (@Sendable () -> Void)? {
    left.withLock { left in
      if left == 0 { return nil }
      left -= 1
      return part
    }
  }
}

/// Lets nobody pass until as many are there as are awaited.
private final class Gate: Sendable {
  let open = DispatchSemaphore(value: 0)
  private let missing: Mutex<Int>
  private let passage = DispatchSemaphore(value: 0)
  private let count: Int

  init(count: Int) {
    missing = Mutex(count)
    self.count = count
  }

  func pass() {
    let isLast = missing.withLock { missing in
      missing -= 1
      return missing == 0
    }
    if !isLast { return passage.wait() }
    for _ in 1..<count { passage.signal() }
    open.signal()
  }
}
