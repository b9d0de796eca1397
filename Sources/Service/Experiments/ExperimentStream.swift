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

  private struct State {
    var pending: [UInt8] = []
    var deliver: (@Sendable ([UInt8], Bool) -> Void)?
    var hasBegun = false
    var hasEnded = false
    var cells: [GridCell] = []
    /// Kept for a picture alone.
    var outcomes: [ExperimentJob.Outcome] = []
    var job: ExperimentJob?
  }

  private let request: ExperimentRequest
  private let document: ExperimentDocument
  private let format: Format
  private let pool: ExperimentPool
  private let state = Mutex(State())

  /// - Parameter pool: has a place for it already, which it leaves at its end.
  init(_ request: ExperimentRequest, _ format: Format, _ pool: ExperimentPool) {
    self.request = request
    self.format = format
    self.pool = pool
    document = ExperimentDocument(request: request)
  }

  deinit { if !state.withLock({ $0.hasEnded }) { pool.leave() } }

  func next(_ deliver: @escaping @Sendable ([UInt8], Bool) -> Void) {
    let job: ExperimentJob? = state.withLock { state in
      state.deliver = deliver
      if state.hasBegun { return nil }
      state.hasBegun = true
      if state.hasEnded { return nil }
      write(document.head, name: "experiment", to: &state.pending)
      let job = ExperimentJob(request) { [weak self] in self?.take($0) }
      state.job = job
      return job
    }
    if let job { pool.run(job) }
    send()
  }

  func cancel() {
    let job: ExperimentJob? = state.withLock { state in
      if !state.hasEnded { pool.leave() }
      state.hasEnded = true
      state.pending = []
      defer { state.job = nil }
      return state.job
    }
    job?.cancel()
    send()
  }

  private func take(_ news: ExperimentJob.News) {
    state.withLock { state in
      if state.hasEnded { return }
      switch news {
      case .progress(let part, let runsDone):
        let members: [(String, JSONValue)] = [
          ("part", .number((part * 1e4).rounded() / 1e4)), ("runs_done", .number(Double(runsDone))),
        ]
        if case .json = format { return }
        write(members, name: "progress", to: &state.pending)
      case .outcome(let index, let outcome):
        if case .run(let run) = outcome, case .grid(let grid) = request.kind {
          state.cells.append(GridCell(place: grid.place(index), run: run))
        }
        if case .picture = format {
          state.outcomes.append(outcome)
        } else {
          writeRun(index, document.outcome(index, outcome), to: &state.pending)
        }
      case .end:
        if case .picture(let draw) = format {
          state.pending = draw(state.outcomes)
        } else {
          write(document.summary(state.cells), name: "summary", to: &state.pending)
        }
        state.hasEnded = true
        state.job = nil
        pool.leave()
      }
    }
    send()
  }

  /// Hands over what there is, if it is waited for.
  private func send() {
    let (deliver, bytes, hasMore) = state.withLock { state in
      if state.pending.isEmpty && !state.hasEnded {
        return (nil as (@Sendable ([UInt8], Bool) -> Void)?, [UInt8](), true)
      }
      let deliver = state.deliver
      if deliver == nil { return (nil, [], true) }
      state.deliver = nil
      defer { state.pending = [] }
      return (deliver, state.pending, !state.hasEnded)
    }
    deliver?(bytes, hasMore)
  }

  // MARK: The three ways to write

  /// Writes the beginning, a progress or the end.
  private func write(_ members: [(String, JSONValue)], name: String, to bytes: inout [UInt8]) {
    let value = JSONValue.object(JSONObject(members))
    switch format {
    case .picture: return
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
      if name == "experiment" {
        // The document stays open for the runs.
        bytes += text.dropLast() + Array(",\"\(runsName)\":[".utf8)
      } else {
        bytes += Array((members.isEmpty ? "]" : "],").utf8) + text.dropFirst()
        bytes.append(UInt8(ascii: "\n"))
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
