public import Charts
import Dispatch
import Experiments
public import Foundation
import JSON
import Policies
import Schedules
import Synchronization

extension Offline {
  /// An experiment that has been made.
  public struct ExperimentReport: Sendable {
    /// A row for each run, the names of the columns first.
    public let table: [[String]]
    /// What each run amounts to, in the order of the rows.
    public let verdicts: [String]
    /// The losses, for a terminal; nil where there are too many runs to be told apart.
    public let chart: Chart?
    fileprivate let request: ExperimentRequest
    fileprivate let outcomes: [ExperimentJob.Outcome]

    /// - Parameters:
    ///   - chart: a chart of `POST /experiments`; nil for what shows the experiment best.
    ///   - query: `scale`, `width`, `height` and `title`, where they are not the default.
    /// - Throws: ``Invalid`` where the experiment has no such picture.
    public func svg(chart: String?, query: [String: String]) throws -> Data {
      try valid { () throws(Problem) in
        let query = Query(query.merging(chart.map { ["chart": $0] } ?? [:]) { old, _ in old })
        let kind = try query.optionalChoice("chart", of: ExperimentPicture.Kind.self)
        return Data(try ExperimentPicture(request, kind, try PictureOptions(query)).svg(outcomes))
      }
    }

    /// What `POST /experiments` answers.
    public func json() -> Data {
      let document = ExperimentDocument(request: request)
      let values = outcomes.enumerated().map { document.outcome($0.offset, $0.element) }
      let members =
        document.head + [(ExperimentStream.runsName(request), .array(values))]
        + document.summary(outcomes.enumerated().compactMap { document.cell($0.offset, $0.element) })
      var bytes: [UInt8] = []
      JSONWriter.append(.object(JSONObject(members)), to: &bytes)
      bytes.append(UInt8(ascii: "\n"))
      return Data(bytes)
    }
  }

  /// Makes an experiment, on all cores.
  ///
  /// - Parameters:
  ///   - content: what `POST /experiments` takes.
  ///   - progress: told the part that is done, from 0 to 1, and how many runs; some ten times a second.
  /// - Throws: ``Invalid``.
  public static func experiment(
    _ content: Data, progress: @escaping @Sendable (_ part: Double, _ runsDone: Int) -> Void
  ) throws -> ExperimentReport {
    let request = try valid { () throws(Problem) in
      try ExperimentRequest(Array(content), largestWork: .greatestFiniteMagnitude)
    }
    let outcomes = Mutex<[ExperimentJob.Outcome]>([])
    let done = DispatchSemaphore(value: 0)
    let job = ExperimentJob(request) { news in
      switch news {
      case .progress(let part, let runsDone): progress(part, runsDone)
      case .outcome(_, let outcome): outcomes.withLock { $0.append(outcome) }
      case .end: done.signal()
      }
    }
    ExperimentPool().run(job)
    done.wait()
    return report(request, outcomes.withLock { $0 })
  }

  private static func report(_ request: ExperimentRequest, _ outcomes: [ExperimentJob.Outcome]) -> ExperimentReport {
    var table: [[String]] = []
    var verdicts: [String] = []
    for (index, outcome) in outcomes.enumerated() {
      switch (outcome, request.kind) {
      case (.run(let run), .grid(let grid)):
        let place = grid.place(index)
        // Where the least loss is 0, the loss itself says how far it is.
        let least = grid.problem.leastLoss.flatMap { $0 > 0 ? $0 : nil }
        let validates = run.finalValidationLoss != nil
        if table.isEmpty {
          table.append(["optimizer", "schedule", "rate", "verdict", "at step", "final loss"])
          if least != nil { table[0].append("above the least") }
          if validates { table[0].append("validation loss") }
        }
        table.append([
          request.optimizers[place.optimizer].type, request.schedules[place.schedule].name,
          request.rates.map { JSONWriter.text(.number($0[place.rate])) } ?? "",
          run.verdict.outcome.rawValue.replacing("_", with: " "), run.verdict.step.map { "\($0)" } ?? "",
          Self.loss(run.finalLoss),
        ])
        if let least {
          // What rounding leaves of two equal losses is nothing.
          let distance = run.finalLoss - least
          table[table.count - 1].append(Self.loss(abs(distance) <= 1e-12 * least ? 0 : distance))
        }
        if validates { table[table.count - 1].append(Self.loss(run.finalValidationLoss ?? .nan)) }
        verdicts.append(run.verdict.words)
      case (.rangeTest(let test), _):
        if table.isEmpty { table.append(["optimizer", "suggestion", "rate", "from"]) }
        for suggestion in test.curve.suggestions {
          table.append([
            request.optimizers[index].type, suggestion.name, suggestion.rate.map(ExperimentRequest.short) ?? "none",
            suggestion.source,
          ])
        }
      case (.run, .rangeTest): break
      }
    }
    let picture = try? ExperimentPicture(request, .loss, PictureOptions())
    return ExperimentReport(
      table: table, verdicts: verdicts, chart: request.count <= 8 ? picture?.curves(outcomes) : nil, request: request,
      outcomes: outcomes)
  }

  private static func loss(_ loss: Double) -> String {
    loss.isFinite ? ExperimentRequest.short(loss) : "not finite"
  }

  // MARK: What optimizers cost

  /// What every optimizer costs for each parameter in one update.
  ///
  /// - Parameter isMeasured: whether the time is taken too, on this machine; some seconds.
  /// - Returns: a table, the names of the columns first, and bars of the operations, or of the time where it is taken.
  public static func optimizerCosts(isMeasured: Bool) -> (table: [[String]], chart: BarChart) {
    var table = [["optimizer", "operations", "of them ÷", "√", "state", "octets"]]
    if isMeasured { table[0].append("nanoseconds") }
    var bars: [BarChart.Bar] = []
    for definition in OptimizerCatalog.definitions {
      guard let specification = try? OptimizerCatalog.read(.string(definition.type)) else { continue }
      let cost = specification.cost
      var row = [
        definition.type, "\(cost.operations)", "\(cost.divisions)", "\(cost.squareRoots)", "\(cost.stateArrays)",
        "\(cost.stateOctets)",
      ]
      var bar = BarChart.Bar(
        label: definition.type, value: Double(cost.operations), note: "\(cost.stateOctets) octets of state")
      if isMeasured {
        let time = OptimizerCost.measure(specification, clock: ContinuousClock())
        row.append(JSONWriter.text(.number((time * 100).rounded() / 100)))
        bar = BarChart.Bar(label: definition.type, value: time, note: bar.note)
      }
      table.append(row)
      bars.append(bar)
    }
    let chart = BarChart(
      title: "What an update costs for one parameter", bars: bars,
      valueLabel: isMeasured ? "nanoseconds" : "floating-point operations")
    return (table, chart)
  }
}
