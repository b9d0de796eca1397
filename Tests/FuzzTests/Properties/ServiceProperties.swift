import Dispatch
import Synchronization

@testable import HTTPServer
import JSON
@testable import Service
import Sessions

/// The first octet chooses what is asked for; the others are the content of the request.
enum ScheduleProperties {
  static let targets = [
    ("/schedule", nil), ("/schedule", "format=csv"), ("/schedule", "format=ndjson"), ("/schedule", "format=npy"),
    ("/schedule", "format=svg"), ("/schedule", "explain=true"), ("/compare", nil), ("/compare", "format=svg"),
  ]

  private static let service = {
    var configuration = Service.Configuration()
    configuration.largestAnswer = 2000
    return Service(configuration: configuration)
  }()

  static func check(_ input: [UInt8]) throws(Broken) {
    guard let choice = input.first else { return }
    let (path, query) = targets[Int(choice) % targets.count]
    _ = try service.checkedAnswer("POST", path, query, Array(input.dropFirst()))
  }
}

/// The first octet chooses the form of the answer; the others are the content of the request.
enum ExperimentProperties {
  static let queries = [
    nil, "format=ndjson", "format=events", "format=svg", "format=svg&chart=path", "format=svg&chart=grid",
    "format=svg&chart=rate", "format=svg&chart=effective_rates",
  ]

  private static let service = {
    var configuration = Service.Configuration()
    // Some tenths of a millisecond: what is tried are requests, not the problems.
    configuration.largestExperiment = 3e5
    return Service(configuration: configuration)
  }()

  static func check(_ input: [UInt8]) throws(Broken) {
    guard let choice = input.first else { return }
    let query = queries[Int(choice) % queries.count]
    _ = try service.checkedAnswer("POST", "/experiments", query, Array(input.dropFirst()))
  }
}

/// The first line is a session's specification, each further one what its trainer sends; a line that begins with `>` goes
/// to `/attempts`, with `+` to `/overrides`, others to `/next`.
enum ReportProperties {
  private static let service = Service()
  private static let number = Atomic(0)

  static func check(_ input: [UInt8]) throws(Broken) {
    let lines = input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).prefix(20)
    let path = "/sessions/s\(number.add(1, ordering: .relaxed).newValue)"
    let created = try service.checkedAnswer("PUT", path, nil, Array(lines.first ?? []))
    if created.status != 201 { return }
    for line in lines.dropFirst() {
      switch line.first {
      case UInt8(ascii: ">"): _ = try service.checkedAnswer("POST", "\(path)/attempts", nil, Array(line.dropFirst()))
      case UInt8(ascii: "+"): _ = try service.checkedAnswer("POST", "\(path)/overrides", nil, Array(line.dropFirst()))
      default: _ = try service.checkedAnswer("POST", "\(path)/next", "explain=true", Array(line))
      }
    }
    for part in ["", "/next", "/history", "/state", "/suggestions", "/chart.svg"] {
      let answer = try service.checkedAnswer("GET", path + part, nil, [])
      try promise(part == "/next" || answer.status == 200, "GET \(part) of a session answers \(answer.status)")
    }
    let replay = try service.checkedAnswer("POST", "\(path)/replay", nil, [])
    try promise(replay.status == 200, "a session cannot be replayed: \(replay.status)")
    try promise(replay.text.contains("\"verified\":true"), "a replay gives other rates: \(replay.text)")
    let deleted = try service.checkedAnswer("DELETE", path, nil, [])
    try promise(deleted.status == 204, "a session cannot be deleted: \(deleted.status)")
  }
}

/// An answer, its content read.
struct Answer {
  let status: Int
  let octets: [UInt8]

  var text: String { String(decoding: octets, as: UTF8.self) }
}

extension Service {
  /// The answer to a request, which has to be 2xx or a problem with 4xx, in the form that it says, all numbers finite.
  func checkedAnswer(
    _ method: String, _ path: String, _ query: String?, _ content: [UInt8]
  ) throws(Broken) -> Answer {
    var head = HTTPRequestHead(method: method, path: path, query: query, minorVersion: 1, fields: [:])
    let response = screen(&head) ?? waited(HTTPRequest(head: head, body: content))
    let isGood = (200..<300).contains(response.status)
    try promise(isGood || (400..<500).contains(response.status), "\(method) \(path) answers \(response.status)")
    let answer = Answer(status: response.status, octets: Self.content(response))
    let type = response.fields["Content-Type"] ?? ""
    if !isGood {
      try promise(type == "application/problem+json", "an error of type \(type)")
      guard case .object(let problem)? = try? JSONReader.read(answer.octets) else {
        throw Broken(description: "an error that is no JSON object")
      }
      for name in ["type", "title", "detail"] {
        guard case .string(let text)? = problem[name], !text.isEmpty else {
          throw Broken(description: "a problem without its \(name)")
        }
      }
      try promise(problem["status"] == .number(Double(response.status)), "a problem of another status")
    } else if type.hasPrefix("application/json") {
      // The strict reader takes neither nan nor inf.
      try promise((try? JSONReader.read(answer.octets, depth: 1000)) != nil, "an answer that is no JSON")
    } else if type.hasPrefix("application/x-npy") {
      try Self.checkNumPy(answer.octets)
    } else if type == "image/svg+xml" {
      try promise(answer.text.hasPrefix("<svg") && answer.text.contains("</svg>"), "an answer that is no picture")
    } else if type == "application/x-ndjson" {
      for line in answer.octets.split(separator: UInt8(ascii: "\n")) {
        try promise((try? JSONReader.read(Array(line))) != nil, "a line that is no JSON")
      }
    } else if type == "text/event-stream" {
      for line in answer.octets.split(separator: UInt8(ascii: "\n")) where line.starts(with: Array("data: ".utf8)) {
        try promise((try? JSONReader.read(Array(line.dropFirst(6)))) != nil, "an event whose data is no JSON")
      }
    } else if type.hasPrefix("text/csv") {
      // Names in the first row may be any words.
      let rows = answer.text.contains("\"") ? [] : answer.text.split(whereSeparator: \.isNewline).dropFirst()
      for cell in rows.joined(separator: [","]).split(separator: ",") {
        try promise(Double(String(cell))?.isFinite == true, "a cell that is no finite number: \(String(cell))")
      }
    }
    return answer
  }

  private static func checkNumPy(_ file: [UInt8]) throws(Broken) {
    try promise(file.count >= 10 && file.starts(with: [0x93] + "NUMPY".utf8), "an answer that is no NumPy file")
    let numbers = file.dropFirst(10 + Int(file[8]) + Int(file[9]) << 8)
    for start in stride(from: numbers.startIndex, to: numbers.endIndex - 7, by: 8) {
      let bits = numbers[start..<(start + 8)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      try promise(Double(bitPattern: bits).isFinite, "a number that is not finite in a NumPy file")
    }
  }

  private func waited(_ request: HTTPRequest) -> HTTPResponse {
    let reply = HTTPReply()
    let arrived = DispatchSemaphore(value: 0)
    let late = Mutex<HTTPResponse?>(nil)
    respond(to: request, reply: reply)
    let early = reply.take { response in
      late.withLock { $0 = response }
      arrived.signal()
    }
    if let early { return early }
    arrived.wait()
    return late.withLock { $0 } ?? HTTPResponse(status: 500)
  }

  /// What a source tells to its end.
  private static func events(_ source: any HTTPEventSource) -> [UInt8] {
    var octets: [UInt8] = []
    var hasMore = true
    while hasMore {
      let told = Mutex<(piece: [UInt8], hasMore: Bool)>(([], false))
      let arrived = DispatchSemaphore(value: 0)
      source.next { piece, hasMore in
        told.withLock { $0 = (piece, hasMore) }
        arrived.signal()
      }
      arrived.wait()
      let news = told.withLock { $0 }
      octets += news.piece
      hasMore = news.hasMore
    }
    return octets
  }

  /// The content, of a streamed one the beginning.
  private static func content(_ response: HTTPResponse) -> [UInt8] {
    switch response.body {
    case .bytes(let octets): return octets
    case .stream(let source as any HTTPEventSource): return events(source)
    case .stream(var source):
      var octets: [UInt8] = []
      // The rows of some forms never end, and a piece of them is large; JSON is bounded, and must be whole. A source that
      // throws ends the connection.
      let type = response.fields["Content-Type"]
      let room = type == Form.json.contentType ? Int.max : 64 * 1024
      var hasMore = true
      while hasMore && octets.count < room { hasMore = (try? source.next(into: &octets)) ?? false }
      if octets.count > room {
        // Up to the end of a row; in NumPy's form 64 KiB are a whole number of numbers.
        let end = type == Form.npy.contentType ? room : octets[..<room].lastIndex(of: UInt8(ascii: "\n")) ?? room
        octets.removeSubrange(end...)
      }
      return octets
    }
  }
}
