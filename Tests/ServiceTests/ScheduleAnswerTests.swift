import Dispatch
@testable import HTTPServer
import JSON
@testable import Service
import Synchronization
import Testing

/// What `POST /schedule` and `POST /compare` answer beyond one curve in JSON.
@Suite struct ScheduleAnswerTests {
  private static let cosine = #"{"type":"cosine","base_lr":0.1,"total_steps":4}"#

  // MARK: Groups and companions

  @Test func aGroupMultipliesFreezesOrGoesItsOwnWay() throws {
    let answer = try object(
      """
      {"schedule":{"type":"linear","base_lr":1,"total_steps":4},"steps":4,"groups":[{"name":"head","multiplier":2},
      {"name":"frozen","freeze_steps":2},{"name":"own","schedule":{"type":"constant","base_lr":3},"multiplier":0.5}]}
      """)
    guard case .object(let groups) = answer["groups"] else { throw NoAnswer() }
    #expect(groups["head"] == [2, 1.5, 1, 0.5])
    #expect(groups["frozen"] == [0, 0, 0.5, 0.25])
    #expect(groups["own"] == [1.5, 1.5, 1.5, 1.5])
  }

  @Test func layerDecayGivesEveryLayerItsPart() throws {
    let answer = try object(
      #"{"schedule":{"type":"constant","base_lr":1},"steps":1,"layer_decay":{"decay":0.5,"layers":3}}"#)
    guard case .object(let groups) = answer["groups"] else { throw NoAnswer() }
    #expect(groups.members.map(\.name) == ["layer_0", "layer_1", "layer_2", "layer_3"])
    #expect(groups.members.map(\.value) == [[0.125], [0.25], [0.5], [1]])
  }

  @Test func companionsStandBesideTheRate() throws {
    let answer = try object(
      "{\"schedule\":\(Self.cosine),\"steps\":2,\"companions\":{\"weight_decay\":{\"type\":\"constant\",\"base_lr\":0.5}}}"
    )
    #expect(answer["weight_decay"] == [0.5, 0.5])
  }

  // MARK: Units

  @Test(
    arguments: [
      (#""unit":"epochs","steps_per_epoch":10"#, #"[0,9,10,40]"#, [0.1, 0.055, 0.05, 0]),
      (#""unit":"epochs","steps_per_epoch":10,"stepped":true"#, #"[0,9,10,40]"#, [0.1, 0.1, 0.05, 0]),
      (#""unit":"samples","batch_size":1,"gradient_accumulation":1,"processes":1"#, "[0,1,2]", [0.1, 0.05, 0]),
      (
        #""unit":"tokens","batch_size":0.5,"gradient_accumulation":1,"processes":2,"tokens_per_sample":1"#, "[1]",
        [0.05]
      ),
      (#""unit":"fraction","total_steps":50"#, "[0,50,100]", [0.1, 0.05, 0]),
    ] as [(String, String, [Double])])
  func theScheduleCountsWhatItsUnitSays(_ clock: String, _ at: String, _ rates: [Double]) throws {
    let line = #"{"type":"linear","base_lr":0.1,"total_steps":2}"#
    let answer = try object("{\"schedule\":\(line),\"at\":\(at),\(clock)}")
    guard case .array(let values) = answer["learning_rates"] else { throw NoAnswer() }
    #expect(values.count == rates.count)
    for (value, rate) in zip(values, rates) {
      guard case .number(let number) = value else { throw NoAnswer() }
      #expect(abs(number - rate) < 1e-15)
    }
  }

  // MARK: Errors

  @Test(
    arguments: [
      ("a unit without its numbers", #""unit":"samples","batch_size":4"#, "/gradient_accumulation"),
      ("a number without its unit", #""steps_per_epoch":4"#, "/steps_per_epoch"),
      ("an unknown unit", #""unit":"epoch_s""#, "/unit"), ("stepped samples", #""stepped":true"#, "/stepped"),
      ("a group without a name", #""groups":[{"multiplier":2}]"#, "/groups/0/name"),
      ("a name twice", #""groups":[{"name":"a"},{"name":"a"}]"#, "/groups/1/name"),
      ("a negative multiplier", #""groups":[{"name":"a","multiplier":-1}]"#, "/groups/0/multiplier"),
      ("a misspelt group field", #""groups":[{"name":"a","multipler":1}]"#, "/groups/0/multipler"),
      (
        "an error in a group's schedule", #""groups":[{"name":"a","schedule":{"type":"cosin"}}]"#,
        "/groups/0/schedule/type"
      ),
      ("a wrong layer count", #""layer_decay":{"decay":0.5,"layers":1.5}"#, "/layer_decay/layers"),
      ("a companion with a bad name", #""companions":{"Weight":{"type":"constant"}}"#, "/companions/Weight"),
      (
        "a companion that is there already", #""companions":{"learning_rates":{"type":"constant"}}"#,
        "/companions/learning_rates"
      ),
      ("metrics for a schedule", #""metrics":[1,2]"#, "/schedule/type"),
    ])
  func isRefusedWithItsPointer(_ what: String, _ field: String, _ pointer: String) throws {
    let problem = try object("{\"schedule\":\(Self.cosine),\"steps\":2,\(field)}")
    #expect(problem["status"] == 422 && problem["pointer"] == .string(pointer), "\(JSONWriter.text(.object(problem)))")
  }

  @Test func aLossDrivenRuleNeedsItsMetricsAndKnowsNoFuture() throws {
    let rule = #""schedule":{"type":"torch.ReduceLROnPlateau","base_lr":1,"patience":0,"factor":0.5}"#
    #expect(try object("{\(rule),\"steps\":2}")["status"] == 422)
    #expect(try object("{\(rule),\"metrics\":[1,1],\"at\":[2]}")["learning_rates"] == [0.5])
    #expect(try object("{\(rule),\"metrics\":[1,1],\"at\":[3]}")["pointer"] == "/at/0")
    #expect(try object("{\(rule),\"metrics\":[1,\"nan\",\"inf\"]}")["learning_rates"] == [1, 1, 0.5])
    #expect(try object("{\(rule),\"metrics\":[1,\"big\"]}")["pointer"] == "/metrics/1")
  }

  // MARK: Forms

  @Test(
    arguments: [
      (nil, nil, "application/json"), (nil, "*/*", "application/json"), (nil, "text/csv", "text/csv"),
      (nil, "text/*", "text/csv"), (nil, "application/x-ndjson;q=0.5, text/csv;q=0.4", "application/x-ndjson"),
      (nil, "image/svg+xml, application/json;q=0.1", "image/svg+xml"),
      (nil, "application/json;q=0, */*", "application/x-ndjson"),
      ("npy", "text/csv", "application/x-npy"), (nil, "text/html", nil), (nil, "application/json;q=0", nil),
    ] as [(String?, String?, String?)])
  func theFormIsWhatTheClientPrefers(_ format: String?, _ accept: String?, _ type: String?) throws {
    let response = try send(
      "/schedule", "{\"schedule\":\(Self.cosine),\"steps\":2}", query: format.map { "format=\($0)" },
      fields: accept.map { ["Accept": $0] } ?? [:])
    #expect(response.status == (type == nil ? 406 : 200))
    if let type { #expect(response.fields["Content-Type"]?.hasPrefix(type) ?? false) }
  }

  @Test(arguments: [
    "format=xml", "format=json&format=csv", "explian=true", "width=1&format=svg", "explain=maybe", "a=%ff",
  ])
  func aWrongQueryIsAProblem(_ query: String) throws {
    let response = try send("/schedule", "{\"schedule\":\(Self.cosine),\"steps\":2}", query: query)
    #expect(response.status == 422)
  }

  @Test func anExplanationPostedAgainGivesTheSameRates() throws {
    let body = """
      "schedule":{"type":"timm.CosineLRScheduler","base_lr":0.1,"t_initial":10,"warmup_t":3,"lr_min":0.01,"cycle_limit":3,
      "cycle_decay":0.5},"unit":"epochs","steps_per_epoch":7,"groups":[{"name":"head","multiplier":3,"freeze_steps":5}]
      """
    let explained = try object("{\(body)}", query: "explain=true")
    guard case .object(let canonical) = explained["canonical"] else { throw NoAnswer() }
    let again = JSONWriter.text(.object(JSONObject(canonical.members.map { ($0.name, $0.value) } + [("steps", 300)])))
    #expect(try object(again) == object("{\(body),\"steps\":300}"))
  }

  @Test func whatHasNoCanonicalFormIsNotMadeUp() throws {
    let explained = try object(
      """
      {"schedule":{"type":"torch.ChainedScheduler","base_lr":0.1,"schedulers":[{"type":"torch.CosineAnnealingLR","T_max":30,
      "eta_min":0.01},{"type":"torch.ExponentialLR","gamma":0.99}]}}
      """, query: "explain=true")
    #expect(explained["canonical"] == .null && explained["note"] != nil)
  }

  // MARK: Compare

  @Test func aComparisonSaysWhatEachCurveAmountsTo() throws {
    let answer = try object(
      """
      {"schedules":[{"type":"warmup","warmup_steps":2,"then":{"type":"linear","base_lr":1,"total_steps":4}},
      {"name":"flat","schedule":{"type":"constant","base_lr":0.5}}],"steps":7}
      """, path: "/compare")
    guard case .array(let curves) = answer["curves"], case .object(let first) = curves[0],
      case .object(let summary) = first["summary"], case .object(let second) = curves[1],
      case .object(let flat) = second["summary"]
    else { throw NoAnswer() }
    #expect(first["name"] == "warmup" && second["name"] == "flat")
    #expect(first["learning_rates"] == [0, 0.5, 1, 0.75, 0.5, 0.25, 0])
    #expect(summary["peak"] == 1 && summary["peak_step"] == 2 && summary["final"] == 0 && summary["area"] == 3)
    #expect(summary["half_step"] == 5 && summary["warmup_steps"] == 2)
    #expect(flat["area"] == 3.5 && flat["half_step"] == .null && flat["warmup_steps"] == 0)
  }

  @Test func aFamilyOfExponentialsKnowsItsHalfLives() throws {
    let answer = try object(
      """
      {"schedule":{"type":"exponential","base_lr":1,"decay_constant":1},"grid":{"decay_constant":[0.5,0.25],
      "base_lr":[1,2]},"steps":3,"rates":false}
      """, path: "/compare")
    guard case .array(let curves) = answer["curves"], case .object(let last) = curves[3],
      case .object(let summary) = last["summary"], case .object(let exponential) = summary["exponential"],
      case .number(let halfLife) = exponential["half_life"], case .object(let slopes) = exponential["sensitivity"],
      case .number(let slope) = slopes["decay_constant"]
    else { throw NoAnswer() }
    #expect(last["name"] == "decay_constant=0.25, base_lr=2" && last["learning_rates"] == nil)
    // ln 2 / 0.25, and −t·η = −2 · 2 · e^(−0.5).
    #expect(abs(halfLife - 2.772588722239781) < 1e-12 && abs(slope + 2.4261226388505337) < 1e-12)
  }

  @Test func aDecayWithoutAConstantIsComparedWithoutOne() throws {
    let answer = try object(
      #"{"schedules":[{"type":"exponential","base_lr":1,"decay_rate":0.5,"decay_steps":5e-324}],"steps":3}"#,
      path: "/compare")
    #expect(
      JSONWriter.text(.object(answer)).contains("\"summary\"") && !JSONWriter.text(.object(answer)).contains("nan"))
  }

  @Test(
    arguments: [
      (#"{"steps":1}"#, "/schedules"), (#"{"schedules":[],"steps":1}"#, "/schedules"),
      (#"{"schedules":[{"type":"cosin"}],"steps":1}"#, "/schedules/0/type"),
      (#"{"schedules":[{"type":"constant","base_lr":1}],"steps":0}"#, "/steps"),
      (#"{"schedules":[{"type":"constant","base_lr":1}]}"#, "/steps"),
      (#"{"schedule":{"type":"constant","base_lr":1},"grid":{"x":[]},"steps":1}"#, "/grid/x"),
      (#"{"schedule":{"type":"constant","base_lr":1},"grid":{"a/b":[1]},"steps":1}"#, "/grid/a~1b"),
    ])
  func aWrongComparisonIsRefused(_ content: String, _ pointer: String) throws {
    let problem = try object(content, path: "/compare")
    #expect(problem["status"] == 422 && problem["pointer"] == .string(pointer), "\(JSONWriter.text(.object(problem)))")
  }

  // MARK: Pictures

  @Test func everyTypeHasAPicture() throws {
    guard case .array(let entries) = try object("", path: "/schedules")["schedules"] else { throw NoAnswer() }
    #expect(entries.count > 150)
    for entry in entries {
      guard case .object(let object) = entry, case .string(let type) = object["type"] else { throw NoAnswer() }
      let response = try send("/schedules/\(type).svg", "")
      #expect(response.status == 200 && response.fields["Content-Type"] == "image/svg+xml", "\(type)")
      let text = String(decoding: try Self.body(response), as: UTF8.self)
      #expect(text.hasPrefix("<svg") || text.hasPrefix("<?xml"), "\(type)")
      #expect(text.contains("<path") || text.contains("<polyline") || text.contains("<circle"), "\(type)")
    }
    #expect(try send("/schedules/cosin.svg", "").status == 404)
  }

  // MARK: Without a socket

  private struct NoAnswer: Error {}

  private func object(_ content: String, path: String = "/schedule", query: String? = nil) throws -> JSONObject {
    guard case .object(let object) = try JSONReader.read(try Self.body(try send(path, content, query: query))) else {
      throw NoAnswer()
    }
    return object
  }

  private static func body(_ response: HTTPResponse) throws -> [UInt8] {
    var body: [UInt8] = []
    switch response.body {
    case .bytes(let bytes): body = bytes
    case .stream(var source): while try source.next(into: &body) {}
    }
    return body
  }

  private func send(
    _ path: String, _ content: String, query: String? = nil, fields: HTTPFields = [:]
  ) throws -> HTTPResponse {
    let service = Service()
    var head = HTTPRequestHead(
      method: content.isEmpty ? "GET" : "POST", path: path, query: query, minorVersion: 1, fields: fields)
    if let refusal = service.screen(&head) { return refusal }
    let reply = HTTPReply()
    let arrived = DispatchSemaphore(value: 0)
    let late = Mutex<HTTPResponse?>(nil)
    service.respond(to: HTTPRequest(head: head, body: Array(content.utf8)), reply: reply)
    let early = reply.take { response in
      late.withLock { $0 = response }
      arrived.signal()
    }
    if early == nil { arrived.wait() }
    return try #require(early ?? late.withLock { $0 })
  }
}
