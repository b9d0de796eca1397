import Foundation
import HTTPServer
import JSON
import Schedules
import Service
import Testing
import Yams

/// The service behind real sockets.
@Suite struct ServerTests {
  private struct Running: ~Copyable {
    let server: HTTPServer
    let port: UInt16

    init(limits: HTTPServerLimits = HTTPServerLimits()) throws {
      server = HTTPServer(host: "127.0.0.1", port: 0, limits: limits, handler: Service())
      port = try #require(server.start().first?.port)
    }

    deinit {
      server.stop(within: 0)
      server.wait()
    }
  }

  private func post(_ content: String) -> String {
    "POST /schedule HTTP/1.1\r\nHost: a\r\nContent-Length: \(content.utf8.count)\r\n\r\n\(content)"
  }

  private func get(_ path: String, _ fields: String = "") -> String {
    "GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
  }

  private func expectHealthy(_ port: UInt16) throws {
    let client = try Client(port: port)
    client.send(get("/healthz"))
    #expect(try client.response().status == 200)
  }

  @Test func aConnectionServesManyRequests() throws {
    let running = try Running()
    let client = try Client(port: running.port)
    for steps in 1...50 {
      client.send(post("{\"schedule\":{\"type\":\"constant\",\"base_lr\":0.5},\"steps\":\(steps)}"))
      let (status, _, body) = try client.response()
      #expect(status == 200)
      let rates = JSONValue.array(Array(repeating: 0.5, count: steps))
      #expect(try JSONReader.read(body) == ["learning_rates": rates])
    }
  }

  @Test func pipelinedRequestsAreAnsweredInOrderWhateverTheirSize() throws {
    let running = try Running()
    let client = try Client(port: running.port)
    let counts = [1, 3000, 2, 1500, 3]
    client.send(counts.map { post("{\"schedule\":{\"type\":\"constant\",\"base_lr\":1},\"steps\":\($0)}") }.joined())
    for count in counts {
      let (_, _, body) = try client.response()
      guard case .object(let answer) = try JSONReader.read(body), case .array(let rates) = answer["learning_rates"]
      else {
        throw Client.Failure()
      }
      #expect(rates.count == count)
    }
  }

  @Test func aMillionRatesStreamToASlowReader() throws {
    let running = try Running()
    let client = try Client(port: running.port, receiveBuffer: 4096)
    let content = #"{"schedule":{"type":"cosine","base_lr":0.1,"total_steps":1000000},"steps":1000000}"#
    let request = post(content).replacing("Host: a", with: "Host: a\r\nConnection: close")
    client.send(request)
    let text = String(decoding: try client.rest(), as: UTF8.self)
    let parts = text.split(separator: "\r\n\r\n", maxSplits: 1)
    #expect(parts[0].contains("Transfer-Encoding: chunked"))
    var body: [UInt8] = []
    var rest = parts[1][...]
    while let line = rest.firstRange(of: "\r\n"), let size = Int(rest[..<line.lowerBound], radix: 16), size > 0 {
      let bytes = rest[line.upperBound...].utf8.prefix(size)
      body += bytes
      rest = rest[rest.utf8.index(bytes.endIndex, offsetBy: 2)...]
    }
    guard case .object(let answer) = try JSONReader.read(body), case .array(let rates) = answer["learning_rates"] else {
      throw Client.Failure()
    }
    #expect(rates.count == 1_000_000)
    #expect(rates.first == 0.1)
  }

  @Test func clientsThatLeaveInTheMiddleHarmNobody() throws {
    let running = try Running()
    let content = #"{"schedule":{"type":"cosine","base_lr":0.1,"total_steps":1000000},"steps":5000000}"#
    for cut in 0..<20 {
      let client = try Client(port: running.port)
      if cut.isMultiple(of: 2) { client.resetOnClose() }
      client.send(post(content))
      if cut % 4 < 2 { _ = try client.receive(1000) }
    }
    try expectHealthy(running.port)
  }

  @Test func aHugeContentIsRefusedAndTheServerGoesOn() throws {
    let running = try Running()
    let client = try Client(port: running.port)
    client.send("POST /schedule HTTP/1.1\r\nHost: a\r\nContent-Length: 104857600\r\n\r\n")
    let (status, head, body) = try client.response()
    #expect(status == 413)
    #expect(head.contains("application/problem+json") && head.contains("Connection: close"))
    #expect(!body.isEmpty)
    try expectHealthy(running.port)
  }

  @Test func anEndlessChunkedContentIsRefusedAndTheServerGoesOn() throws {
    let running = try Running()
    let client = try Client(port: running.port)
    client.send("POST /schedule HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    let chunk = "10000\r\n" + String(repeating: " ", count: 65536) + "\r\n"
    for _ in 0..<17 { client.send(chunk) }
    #expect(try client.response().status == 413)
    try expectHealthy(running.port)
  }

  @Test func twoContentLengthsAreRefusedAndTheServerGoesOn() throws {
    let running = try Running()
    let client = try Client(port: running.port)
    client.send(
      "POST /schedule HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na" + get("/healthz"))
    let text = String(decoding: try client.rest(), as: UTF8.self)
    #expect(text.hasPrefix("HTTP/1.1 400 "))
    #expect(text.ranges(of: "HTTP/1.1 ").count == 1)
    try expectHealthy(running.port)
  }

  @Test func aClientThatHasSentEverythingIsStillAnswered() throws {
    let running = try Running()
    let client = try Client(port: running.port)
    client.send(post(#"{"schedule":{"type":"constant","base_lr":1},"steps":2000}"#))
    client.endSending()
    #expect(try client.response().status == 200)
    #expect(try client.rest().isEmpty)
  }

  @Test func aPortInUseIsSaid() throws {
    let running = try Running()
    let second = HTTPServer(host: "127.0.0.1", port: running.port, handler: Service())
    let error = #expect(throws: SystemError.self) { try second.start() }
    #expect(error?.description.contains("Address already in use") == true)
  }

  @Test func stoppingLetsAnAnswerFinishAndRefusesNewConnections() throws {
    let running = try Running()
    let client = try Client(port: running.port, receiveBuffer: 4096)
    client.send(post(#"{"schedule":{"type":"constant","base_lr":0.25},"steps":1000000}"#))
    var bytes = try client.receive(100)
    running.server.stop(within: 10)
    bytes += try client.rest()
    #expect(String(decoding: bytes.suffix(10), as: UTF8.self).hasSuffix("\r\n0\r\n\r\n"))
    running.server.wait()
    #expect(throws: Client.Failure.self) { try Client(port: running.port) }
  }

  @Test func everyExampleOfTheContractIsAnswered() throws {
    let running = try Running()
    let client = try Client(port: running.port)
    client.send(get("/openapi.yaml"))
    let contract = try Yams.load(yaml: String(decoding: try client.response().body, as: UTF8.self))
    let path = ["paths", "/schedule", "post", "requestBody", "content", "application/json", "examples"]
    let node = path.reduce(contract) { node, key in (node as? [String: Any])?[key] }
    let examples = try #require(node as? [String: [String: Any]])
    var types: Set<String> = []
    for (name, example) in examples {
      let value = try #require(example["value"] as? [String: Any])
      client.send(post(JSONWriter.text(json(value))))
      let (status, _, body) = try client.response()
      #expect(status == 200, "\(name): \(String(decoding: body, as: UTF8.self))")
      if let type = (value["schedule"] as? [String: Any])?["type"] as? String { types.insert(type) }
    }
    client.send(get("/schedules"))
    guard case .object(let catalog) = try JSONReader.read(try client.response().body),
      case .array(let entries) = catalog["schedules"]
    else { throw Client.Failure() }
    for entry in entries {
      guard case .object(let object) = entry, case .string(let type) = object["type"] else { throw Client.Failure() }
      #expect(types.contains(type), "\(type) has no example in openapi.yaml")
      client.send(get("/schedules/\(type)"))
      #expect(try JSONReader.read(try client.response().body) == entry)
    }
  }

  @Test func everyExperimentOfTheContractIsMade() throws {
    let running = try Running()
    let post = ["paths", "/experiments", "post", "requestBody", "content", "application/json", "examples"]
    let examples = try #require(look(try contract(), post) as? [String: [String: Any]])
    #expect(examples.count >= 5)
    for (name, example) in examples {
      let text = JSONWriter.text(json(try #require(example["value"])))
      for format in ["json", "ndjson", "events", "svg"] {
        let client = try Client(port: running.port)
        // By HTTP/1.0 it comes without chunks.
        client.send(
          "POST /experiments?format=\(format) HTTP/1.0\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
        let bytes = try client.rest()
        let head = try #require(bytes.firstRange(of: Array("\r\n\r\n".utf8)))
        let body = Array(bytes[head.upperBound...])
        #expect(bytes.starts(with: Array("HTTP/1.1 200 ".utf8)), "\(name): \(String(decoding: body, as: UTF8.self))")
        if format != "json" { continue }
        let answer = try JSONReader.read(body)
        guard case .number(let count) = answer["runs_in_all"] else { throw Client.Failure() }
        #expect((answer["runs"] ?? answer["range_tests"])?.elements.count == Int(count), "\(name)")
        #expect(answer["error"] == nil, "\(name)")
      }
    }
  }

  @Test func theContractNamesEveryProblemOptimizerAndOutcome() throws {
    let running = try Running()
    let client = try Client(port: running.port)
    client.send(get("/experiments"))
    let catalog = try JSONReader.read(try client.response().body)
    let contract = try contract()
    for (schema, names) in [
      ("ExperimentProblemType", catalog["problems"]?.elements.map { $0["type"] }),
      ("ExperimentOptimizerType", catalog["optimizers"]?.elements.map { $0["type"] }),
      ("ExperimentOutcome", catalog["outcomes"]?.elements),
    ] {
      let words = look(contract, ["components", "schemas", schema, "enum"]) as? [String]
      #expect(words == names?.compactMap { $0?.string }, "\(schema)")
    }
    let limits = try #require(catalog["limits"])
    let fields = ["components", "schemas", "ExperimentRequest", "properties"]
    #expect(look(contract, fields + ["steps", "maximum"]) as? Int == limits["steps"].flatMap(whole))
    let runs = ["components", "schemas", "ExperimentHead", "properties", "runs_in_all", "maximum"]
    #expect(look(contract, runs) as? Int == limits["runs"].flatMap(whole))
  }

  private func whole(_ value: JSONValue) -> Int? { if case .number(let number) = value { Int(number) } else { nil } }

  private func contract() throws -> Any? {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../openapi.yaml")
    return try Yams.load(yaml: try String(contentsOf: url, encoding: .utf8))
  }

  private func look(_ contract: Any?, _ path: [String]) -> Any? {
    path.reduce(contract) { node, key in (node as? [String: Any])?[key] }
  }

  @Test func theContractNamesEveryParameterOfEveryType() throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../openapi.yaml")
    let contract = try Yams.load(yaml: try String(contentsOf: url, encoding: .utf8))
    func look(_ path: String...) -> Any? {
      path.reduce(contract) { node, key in (node as? [String: Any])?[key] }
    }
    let mapping = try #require(
      look("components", "schemas", "Schedule", "discriminator", "mapping") as? [String: String])
    #expect(Set(mapping.keys) == Set(Catalog.standard.types))
    for definition in Catalog.standard.definitions {
      let name = try #require(mapping[definition.type]?.split(separator: "/").last.map(String.init))
      let properties = try #require(look("components", "schemas", name, "properties") as? [String: Any])
      #expect(Set(properties.keys) == Set(definition.parameters.map(\.name) + ["type"]), "\(definition.type)")
    }
  }

  private func json(_ value: Any) -> JSONValue {
    switch value {
    case let object as [String: Any]: .object(JSONObject(object.map { ($0.key, json($0.value)) }))
    case let array as [Any]: .array(array.map(json))
    case let flag as Bool: .bool(flag)
    case let number as Int: .number(Double(number))
    case let number as Double: .number(number)
    default: .string("\(value)")
    }
  }
}
