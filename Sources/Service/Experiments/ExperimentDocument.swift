import Experiments
import JSON
import Policies
import Schedules

/// What `POST /experiments` says, as JSON. Numbers that are not finite become null.
struct ExperimentDocument: Sendable {
  let request: ExperimentRequest

  /// What all runs have in common.
  var head: [(String, JSONValue)] {
    let problem = request.problem
    var about: [(String, JSONValue)] = [
      ("specification", request.problemForm), ("parameters", .number(Double(problem.start.count))),
      ("start_loss", .finite(problem.loss(at: problem.start))),
    ]
    if let least = problem.leastLoss { about.append(("least_loss", .finite(least))) }
    if let curvature = problem.largestCurvature {
      about.append(("largest_curvature", .finite(curvature)))
      about.append(("stable_rate", .finite(2 / curvature)))
    }
    var members: [(String, JSONValue)] = [("problem", .object(JSONObject(about)))]
    if case .grid(let grid) = request.kind { members.append(("steps", .number(Double(grid.steps)))) }
    members.append(("runs_in_all", .number(Double(request.count))))
    members.append(("work", .number(request.work.rounded())))
    return members
  }

  func outcome(_ index: Int, _ outcome: ExperimentJob.Outcome) -> JSONValue {
    switch (outcome, request.kind) {
    case (.run(let run), .grid(let grid)): self.run(index, grid.place(index), run)
    case (.rangeTest(let test), _): rangeTest(index, test)
    case (.run, .rangeTest): .null
    }
  }

  private func optimizer(_ index: Int) -> JSONValue { request.optimizers[index].form ?? .string("") }

  private func run(_ index: Int, _ place: Experiments.Grid.Place, _ run: Run) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("index", .number(Double(index))), ("optimizer", optimizer(place.optimizer)),
      ("schedule", request.schedules[place.schedule].form),
      ("schedule_name", .string(request.schedules[place.schedule].name)),
    ]
    if let rates = request.rates { members.append(("rate", .number(rates[place.rate]))) }
    members += [
      ("verdict", Self.verdict(run.verdict)), ("ending", .string(run.ending.rawValue)),
      ("steps", .number(Double(run.steps))), ("start_loss", .finite(run.startLoss)),
      ("final_loss", .finite(run.finalLoss)), ("best_loss", .finite(run.bestLoss)),
      ("best_step", .number(Double(run.bestStep))), ("largest_rate", .finite(run.largestRate)),
    ]
    if let loss = run.finalValidationLoss { members.append(("final_validation_loss", .finite(loss))) }
    if let step = run.nonfiniteStep { members.append(("nonfinite_step", .number(Double(step)))) }
    members.append(("trace", Self.trace(run.trace)))
    return .object(JSONObject(members))
  }

  private static func verdict(_ verdict: Verdict) -> JSONValue {
    var members: [(String, JSONValue)] = [("outcome", .string(verdict.outcome.rawValue))]
    if let step = verdict.step { members.append(("step", .number(Double(step)))) }
    members.append(("words", .string(verdict.words)))
    members.append(("evidence", .object(JSONObject(verdict.evidence.map { ($0.name, .finite($0.value)) }))))
    if let agrees = verdict.agreesWithTheory { members.append(("agrees_with_theory", .bool(agrees))) }
    return .object(JSONObject(members))
  }

  /// The columns of a trace: those that the problem has.
  private static func trace(_ trace: [TracePoint]) -> JSONValue {
    func column(_ value: (TracePoint) -> Double?) -> JSONValue {
      .array(trace.map { value($0).map(JSONValue.finite) ?? .null })
    }
    var members: [(String, JSONValue)] = [
      ("steps", column { Double($0.step) }), ("losses", column(\.loss)),
    ]
    if trace.contains(where: { $0.validationLoss != nil }) {
      members.append(("validation_losses", column(\.validationLoss)))
    }
    members.append(("learning_rates", column(\.learningRate)))
    members.append(
      (
        "effective_rates",
        [
          "least": column { $0.effectiveRates?.least }, "median": column { $0.effectiveRates?.median },
          "largest": column { $0.effectiveRates?.largest },
        ]
      ))
    if trace.contains(where: { $0.position != nil }) {
      members.append(("path", ["x": column { $0.position?.x }, "y": column { $0.position?.y }]))
    }
    return .object(JSONObject(members))
  }

  private func rangeTest(_ index: Int, _ test: RangeTestRun) -> JSONValue {
    let suggestions = test.curve.suggestions.map { suggestion -> JSONValue in
      [
        "name": .string(suggestion.name), "source": .string(suggestion.source),
        "learning_rate": suggestion.rate.map(JSONValue.finite) ?? .null,
      ]
    }
    return [
      "index": .number(Double(index)), "optimizer": optimizer(index), "schedule": request.schedules[0].form,
      "steps": .number(Double(test.steps)), "has_diverged": .bool(test.hasDiverged),
      "suggestions": .array(suggestions),
      "curve": [
        "learning_rates": .array(test.curve.rates.map(JSONValue.finite)),
        "losses": .array(test.curve.losses.map(JSONValue.finite)),
        "smoothed": .array(test.curve.smoothed.map(JSONValue.finite)),
      ],
    ]
  }

  /// What the summary is made from; nil in a range test.
  func cell(_ index: Int, _ outcome: ExperimentJob.Outcome) -> GridCell? {
    guard case .run(let run) = outcome, case .grid(let grid) = request.kind else { return nil }
    return GridCell(place: grid.place(index), run: run)
  }

  /// What can be said when all runs are there: which was best, and how many there are of each outcome.
  ///
  /// - Parameter cells: of all runs, in their order; none of a range test.
  func summary(_ cells: [GridCell]) -> [(String, JSONValue)] {
    guard case .grid(let grid) = request.kind else { return [] }
    var result = GridResult(count: grid.count)
    for (index, cell) in cells.enumerated() where index < grid.count { result.cells[index] = cell }
    var members: [(String, JSONValue)] = []
    if let best = result.best, let index = cells.firstIndex(of: best) {
      members.append(("best", .number(Double(index))))
    }
    let counts = Verdict.Outcome.allCases.compactMap { outcome -> (String, JSONValue)? in
      let count = cells.count { $0.verdict.outcome == outcome }
      return count == 0 ? nil : (outcome.rawValue, .number(Double(count)))
    }
    members.append(("outcomes", .object(JSONObject(counts))))
    return members
  }
}

extension JSONValue {
  /// The number; null where JSON has no word for it.
  static func finite(_ number: Double) -> JSONValue { number.isFinite ? .number(number) : .null }
}
