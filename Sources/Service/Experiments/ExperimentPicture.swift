import Charts
import Experiments
import JSON
import Policies
import Schedules

/// What `POST /experiments` draws.
struct ExperimentPicture: Sendable {
  enum Kind: String, CaseIterable, Sendable {
    /// The loss over the steps, of every run; in a range test, over the rates.
    case loss
    /// How far the loss is above the least one, over the steps: what noise and rate leave of it, where the least is not 0.
    case distance
    /// The learning rate over the steps.
    case rate
    /// The parameters' own rates over the steps: the least, the median and the largest.
    case effectiveRates = "effective_rates"
    /// The way through the plane of a problem of two parameters.
    case path
    /// The loss at the end by rate, schedule and optimizer.
    case grid
  }

  private let request: ExperimentRequest
  private let kind: Kind
  private let options: PictureOptions

  /// - Parameter kind: nil for what shows the experiment best.
  /// - Throws: ``Problem`` where the experiment has no such picture.
  init(_ request: ExperimentRequest, _ kind: Kind?, _ options: PictureOptions) throws(Problem) {
    self.request = request
    self.options = options
    let isPlane = request.problem.view != nil
    switch (request.kind, kind) {
    case (.rangeTest, nil), (.rangeTest, .loss?): self.kind = .loss
    case (.rangeTest, _?):
      throw .invalidQuery("chart", "a range test has one chart, 'loss'", suggestion: Kind.loss.rawValue)
    case (.grid, .path?) where !isPlane:
      throw .invalidQuery("chart", "'path' needs a problem of two parameters, such as the ravine")
    case (.grid(let grid), .distance?) where grid.problem.leastLoss == nil:
      throw .invalidQuery(
        "chart", "'distance' needs a problem whose least loss is known, such as the ravine")
    case (.grid, let kind?): self.kind = kind
    case (.grid(let grid), nil): self.kind = grid.count > Chart.largestSeriesCount / 8 ? .grid : .loss
    }
  }

  func svg(_ outcomes: [ExperimentJob.Outcome]) -> [UInt8] {
    if let chart = curves(outcomes) { return chart.svg() }
    guard case .grid(let grid) = request.kind else { return [] }
    let runs = Self.runs(outcomes)
    return kind == .path ? path(grid, runs) : table(grid, runs)
  }

  /// The picture, where it is one of curves.
  func curves(_ outcomes: [ExperimentJob.Outcome]) -> Chart? {
    guard case .grid(let grid) = request.kind else { return rangeTest(outcomes) }
    let runs = Self.runs(outcomes)
    switch kind {
    case .loss: return losses(grid, runs)
    case .distance: return distances(grid, runs)
    case .rate: return curves(grid, runs, "learning rate") { [("", $0.learningRate)] }
    case .effectiveRates:
      return curves(grid, runs, "effective rate") { point in
        [
          ("least", point.effectiveRates?.least), ("median", point.effectiveRates?.median),
          ("largest", point.effectiveRates?.largest),
        ]
      }
    case .path, .grid: return nil
    }
  }

  private static func runs(_ outcomes: [ExperimentJob.Outcome]) -> [Run] {
    outcomes.compactMap { outcome in if case .run(let run) = outcome { run } else { nil } }
  }

  // MARK: Curves

  /// What tells a run from the others.
  private func name(_ grid: Experiments.Grid, _ index: Int) -> String {
    let place = grid.place(index)
    var parts: [String] = []
    if grid.optimizers.count > 1 { parts.append(grid.optimizers[place.optimizer].name) }
    if grid.schedules.count > 1 { parts.append(grid.schedules[place.schedule].name) }
    if let rates = request.rates, rates.count > 1 || parts.isEmpty { parts.append(Self.text(rates[place.rate])) }
    return parts.isEmpty ? grid.optimizers[place.optimizer].name : parts.joined(separator: ", ")
  }

  private static func text(_ number: Double) -> String { JSONWriter.text(.number(number)) }

  private func heading(_ otherwise: String) -> String { options.title.isEmpty ? otherwise : options.title }

  private var problemName: String {
    (request.problemForm.string ?? request.problemForm["type"]?.string ?? "problem").replacing("_", with: " ")
  }

  private func losses(_ grid: Experiments.Grid, _ runs: [Run]) -> Chart {
    let least = grid.problem.leastLoss
    var series: [Series] = []
    for (index, run) in runs.enumerated() {
      let name = name(grid, index)
      let validates = run.trace.contains { $0.validationLoss != nil }
      // Training and validation of a run share its color.
      let color = runs.count <= Chart.colorCount ? index : nil
      series.append(
        Series(name: validates ? "\(name), training" : name, points: points(run) { $0.loss }, color: color))
      if validates {
        series.append(
          Series(
            name: "\(name), validation", points: points(run) { $0.validationLoss }, isDashed: true, color: color))
      }
    }
    var lines: [ReferenceLine] = []
    if let least, least > 0 { lines.append(ReferenceLine(y: least, label: "least loss")) }
    let verdict = runs.count == 1 ? ": \(runs[0].verdict.outcome.rawValue.replacing("_", with: " "))" : ""
    return Chart(
      title: heading("Loss on the \(problemName)\(verdict)"), series: series, yLabel: "loss",
      yScale: options.isLogarithmic ?? true ? .logarithmic : .linear, width: options.width, height: options.height,
      referenceLines: lines
    )
  }

  private func distances(_ grid: Experiments.Grid, _ runs: [Run]) -> Chart {
    let least = grid.problem.leastLoss ?? 0
    return Chart(
      title: heading("Distance from the least loss on the \(problemName)"),
      series: runs.enumerated().map { index, run in
        Series(name: name(grid, index), points: points(run) { $0.loss - least })
      },
      yLabel: "loss above the least", yScale: options.isLogarithmic ?? true ? .logarithmic : .linear,
      width: options.width, height: options.height)
  }

  private func points(_ run: Run, _ value: (TracePoint) -> Double?) -> [Point] {
    run.trace.map { Point(x: Double($0.step), y: value($0) ?? .nan) }
  }

  private func curves(
    _ grid: Experiments.Grid, _ runs: [Run], _ label: String, _ values: (TracePoint) -> [(String, Double?)]
  ) -> Chart {
    var series: [Series] = []
    for (index, run) in runs.enumerated() {
      guard let first = run.trace.first else { continue }
      for (column, value) in values(first).enumerated() {
        let name = [name(grid, index), value.0].filter { !$0.isEmpty }.joined(separator: ", ")
        series.append(Series(name: name, points: points(run) { values($0)[column].1 }, isDashed: column % 3 == 1))
      }
    }
    var lines: [ReferenceLine] = []
    if grid.optimizers.count == 1, let curvature = grid.problem.largestCurvature {
      let limit = request.optimizers[0].optimizer(parameterCount: 1).stableRate(curvature: curvature)
      if let limit { lines.append(ReferenceLine(y: limit, label: "limit of stability")) }
    }
    return Chart(
      title: heading("\(label.capitalizingFirst) on the \(problemName)"), series: series, yLabel: label,
      yScale: options.isLogarithmic ?? (label != "learning rate") ? .logarithmic : .linear, width: options.width,
      height: options.height, referenceLines: lines
    )
  }

  private func rangeTest(_ outcomes: [ExperimentJob.Outcome]) -> Chart {
    var series: [Series] = []
    var marks: [PointMark] = []
    for (index, outcome) in outcomes.enumerated() {
      guard case .rangeTest(let test) = outcome else { continue }
      let curve = test.curve
      let name = request.optimizers[index].type
      let isAlone = outcomes.count == 1
      if isAlone {
        series.append(
          Series(name: "loss", points: zip(curve.rates, curve.losses).map { Point(x: $0, y: $1) }, isDashed: true))
      }
      series.append(
        Series(
          name: isAlone ? "smoothed loss" : name, points: zip(curve.rates, curve.smoothed).map { Point(x: $0, y: $1) }))
      if !isAlone { continue }
      for suggestion in curve.suggestions {
        guard let rate = suggestion.rate, let place = curve.rates.firstIndex(where: { $0 >= rate }) else { continue }
        marks.append(
          PointMark(
            Point(x: curve.rates[place], y: curve.smoothed[place]),
            label: "\(suggestion.name) \(ExperimentRequest.short(rate))"))
      }
    }
    return Chart(
      title: heading("Range test on the \(problemName)"), series: series, xLabel: "learning rate", yLabel: "loss",
      xScale: .logarithmic, yScale: options.isLogarithmic ?? true ? .logarithmic : .linear, width: options.width,
      height: options.height, pointMarks: marks
    )
  }

  // MARK: The plane and the table

  private func path(_ grid: Experiments.Grid, _ runs: [Run]) -> [UInt8] {
    let places = runs.flatMap { run in run.trace.compactMap { $0.position.map { (x: $0.x, y: $0.y) } } }
    let bounds = grid.problem.view?.including(places)
    guard let bounds, let surface = LossSurface(of: grid.problem, bounds: bounds, columns: 121, rows: 91) else {
      return losses(grid, runs).svg()
    }
    let paths = runs.enumerated().map { index, run in
      ContourChart.Path(
        name: name(grid, index), points: run.trace.compactMap { $0.position.map { Point(x: $0.x, y: $0.y) } })
    }
    return ContourChart(
      title: heading("Paths on the \(problemName)"),
      grid: Charts.Grid(columns: surface.columns, rows: surface.rows, values: surface.losses),
      xBounds: Bounds(bounds.x.lowerBound, bounds.x.upperBound),
      yBounds: Bounds(bounds.y.lowerBound, bounds.y.upperBound), paths: paths, width: options.width,
      height: options.height
    ).svg()
  }

  private func table(_ grid: Experiments.Grid, _ runs: [Run]) -> [UInt8] {
    let hasRates = request.rates != nil
    // The rates stand side by side; without them the schedules do.
    let columns = hasRates ? grid.rates.map(Self.text) : grid.schedules.map(\.name)
    var rows: [String] = []
    var cells: [[HeatMap.Cell]] = []
    for (index, run) in runs.enumerated() {
      let place = grid.place(index)
      let column = hasRates ? place.rate : place.schedule
      if column == 0 {
        let optimizer = grid.optimizers[place.optimizer].name
        let schedule = grid.schedules[place.schedule].name
        rows.append(!hasRates || grid.schedules.count == 1 ? optimizer : "\(optimizer), \(schedule)")
        cells.append([])
      }
      let cell = GridCell(place: place, run: run)
      // Below what rounding leaves of the start there is nothing to tell.
      let floor = abs(run.startLoss) * 1e-16
      cells[cells.count - 1].append(cell.score.isFinite ? .value(max(cell.score, floor)) : .diverged)
    }
    let validates = runs.contains { $0.finalValidationLoss != nil }
    return HeatMap(
      title: heading("Loss on the \(problemName) after \(grid.steps) steps"), rows: rows, columns: columns,
      cells: cells, columnLabel: hasRates ? "learning rate" : "schedule",
      valueLabel: validates ? "validation loss" : "loss", width: options.width, height: options.height
    ).svg()
  }
}

extension String {
  fileprivate var capitalizingFirst: String { prefix(1).uppercased() + dropFirst() }
}
