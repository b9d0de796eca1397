import Experiments
import HTTPServer
import JSON
import Synchronization

/// The answer of `POST /experiments`: it begins at once and grows run by run; it ends, and the runs with it, when the client
/// leaves.
final class ExperimentStream: HTTPEventSource {
  /// How it is written.
  enum Format: Sendable {
    /// One document.
    case json
    /// One object a line.
    case lines
    /// Server-Sent Events.
    case events
    /// Nothing until the end, and then what is made of the runs.
    case picture(@Sendable ([ExperimentJob.Outcome]) -> [UInt8])
  }

  /// The most octets that are handed over at once: what a slow client has not taken stays here, where it counts.
  private static let pieceOctets = 256 * 1024

  private struct State {
    /// What is to be handed over, from `sent` on.
    var pending: [UInt8] = []
    var sent = 0
    var deliver: (@Sendable ([UInt8], Bool) -> Void)?
    var hasBegun = false
    var hasEnded = false
    var hasPlace = true
    /// Whether the client may have left without our knowing.
    var inputHasEnded = false
    var job: ExperimentJob?
  }

  /// What is kept of the runs for the end.
  private struct Kept {
    var cells: [GridCell] = []
    /// For a picture alone.
    var outcomes: [ExperimentJob.Outcome] = []
  }

  private let request: ExperimentRequest
  private let document: ExperimentDocument
  private let format: Format
  private let pool: ExperimentPool
  /// Never held for long: an event loop waits for it.
  private let state = Mutex(State())
  /// Touched by the job's news alone, which come one by one.
  private let kept = Mutex(Kept())

  /// - Parameter pool: has a place for it already, which it gives back when its last octet has been handed over, or it is
  ///   cancelled, or it is dropped.
  init(_ request: ExperimentRequest, _ format: Format, _ pool: ExperimentPool) {
    self.request = request
    self.format = format
    self.pool = pool
    document = ExperimentDocument(request: request)
  }

  deinit {
    state.withLock { state in
      state.job?.cancel()
      giveBackPlace(&state)
    }
  }

  private func giveBackPlace(_ state: inout State) {
    if state.hasPlace { pool.leave() }
    state.hasPlace = false
  }

  func next(_ deliver: @escaping @Sendable ([UInt8], Bool) -> Void) {
    let job: ExperimentJob? = state.withLock { state in
      state.deliver = deliver
      if state.hasBegun || state.hasEnded { return nil }
      state.hasBegun = true
      write(document.head, name: "experiment", to: &state.pending)
      let job = ExperimentJob(request) { [weak self] in self?.take($0) }
      state.job = job
      return job
    }
    if let job { pool.run(job) }
    send()
  }

  func cancel() {
    state.withLock { state in
      giveBackPlace(&state)
      // Whatever there is to say is on its way.
      if state.hasEnded { return }
      state.hasEnded = true
      state.job?.cancel()
      state.job = nil
      if !state.hasBegun { return }
      // To a client that has left this is not sent; one whose server stops must not take what it has for the whole.
      let problem = Problem.notReady("the server stops: ask another one", retryAfter: 10)
      write(problem.document, name: "error", to: &state.pending)
    }
    send()
  }

  func inputEnded() { state.withLock { $0.inputHasEnded = true } }

  private func take(_ news: ExperimentJob.News) {
    var bytes: [UInt8] = []
    var isEnd = false
    switch news {
    case .progress(let part, let runsDone):
      let (isAwaited, mayHaveLeft) = state.withLock { ($0.deliver != nil, $0.inputHasEnded) }
      // A client that is slow to read is not told how far it is: that would pile up.
      if !isAwaited { return }
      let members: [(String, JSONValue)] = [
        ("part", .number((part * 1e4).rounded() / 1e4)), ("runs_done", .number(Double(runsDone))),
      ]
      write(members, name: "progress", to: &bytes)
      // White space, which means nothing in a document, shows whether the client is still there.
      if bytes.isEmpty && mayHaveLeft { bytes = [UInt8(ascii: " ")] }
    case .outcome(let index, let outcome):
      kept.withLock { kept in
        if let cell = document.cell(index, outcome) { kept.cells.append(cell) }
        if case .picture = format { kept.outcomes.append(outcome) }
      }
      writeRun(index, document.outcome(index, outcome), to: &bytes)
    case .end:
      isEnd = true
      let kept = kept.withLock { kept in
        defer { kept = Kept() }
        return kept
      }
      if case .picture(let draw) = format {
        bytes = draw(kept.outcomes)
      } else {
        write(document.summary(kept.cells), name: "summary", to: &bytes)
      }
    }
    state.withLock { state in
      if state.hasEnded { return }
      state.pending += bytes
      if isEnd {
        state.hasEnded = true
        state.job = nil
      }
    }
    send()
  }

  /// Hands over what there is, if it is waited for.
  private func send() {
    let (deliver, bytes, hasMore) = state.withLock { state in
      guard let deliver = state.deliver, !state.pending.isEmpty || state.hasEnded else {
        return (nil as (@Sendable ([UInt8], Bool) -> Void)?, [UInt8](), true)
      }
      state.deliver = nil
      let end = min(state.sent + Self.pieceOctets, state.pending.count)
      let bytes = Array(state.pending[state.sent..<end])
      state.sent = end
      if end == state.pending.count { (state.pending, state.sent) = ([], 0) }
      let hasMore = !state.hasEnded || !state.pending.isEmpty
      if !hasMore { giveBackPlace(&state) }
      return (deliver, bytes, hasMore)
    }
    deliver?(bytes, hasMore)
  }

  // MARK: The three ways to write

  /// Writes the beginning, a progress, the end, or why there is none; in a document a progress has no place.
  private func write(_ members: [(String, JSONValue)], name: String, to bytes: inout [UInt8]) {
    let value = JSONValue.object(JSONObject(members))
    switch format {
    case .picture: return
    case .json where name == "progress": return
    case .lines:
      JSONWriter.append(.object(JSONObject([(name, value)])), to: &bytes)
      bytes.append(UInt8(ascii: "\n"))
    case .events:
      bytes += Array("event: \(name)\ndata: ".utf8)
      JSONWriter.append(value, to: &bytes)
      bytes += Array("\n\n".utf8)
    case .json:
      var text: [UInt8] = []
      JSONWriter.append(value, to: &text)
      switch name {
      // The document stays open for the runs.
      case "experiment": bytes += text.dropLast() + Array(",\"\(runsName)\":[".utf8)
      case "error": bytes += Array("],\"error\":".utf8) + text + Array("}\n".utf8)
      default: bytes += Array((members.isEmpty ? "]" : "],").utf8) + text.dropFirst() + Array("\n".utf8)
      }
    }
  }

  private var runsName: String { Self.runsName(request) }

  /// What the runs are called in the document.
  static func runsName(_ request: ExperimentRequest) -> String {
    if case .rangeTest = request.kind { "range_tests" } else { "runs" }
  }

  private func writeRun(_ index: Int, _ value: JSONValue, to bytes: inout [UInt8]) {
    switch format {
    case .picture: return
    case .json:
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      JSONWriter.append(value, to: &bytes)
    case .lines, .events:
      write(value.members.map { ($0.name, $0.value) }, name: String(runsName.dropLast()), to: &bytes)
    }
  }
}
