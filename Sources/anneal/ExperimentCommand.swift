import ArgumentParser
import Charts
import FoundationEssentials
import Glibc
import Service

struct ExperimentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "experiment",
    abstract: "Trains small problems with optimizers, schedules and rates, and says what came of it. No server needed.",
    discussion: """
      Every optimizer is tried with every schedule at every rate. Examples:

        anneal experiment ravine --optimizer sgd momentum adam --rate 0.001 0.01 0.1
        anneal experiment rosenbrock --optimizer adam --rate 0.01 --steps 5000 --chart path --svg path.svg
        anneal experiment two_moons --schedule '{"type":"range_test","low":1e-4,"high":10}'
        anneal experiment '{"type":"ravine","condition_number":1000}' --schedule '{"type":"cosine","base_lr":0.002,"total_steps":1000}'
      """)

  @Argument(help: "The problem: a type, or JSON with its parameters; GET /experiments lists them.")
  var problem: String

  @Option(parsing: .upToNextOption, help: "Optimizers: types, or JSON with their hyperparameters; else sgd.")
  var optimizer: [String] = []

  @Option(parsing: .upToNextOption, help: "Schedules as JSON; else constant. A range_test tries rates instead.")
  var schedule: [String] = []

  @Option(parsing: .upToNextOption, help: "Rates that the schedules, then without base_lr, are multiplied with.")
  var rate: [Double] = []

  @Option(help: "How many updates each run makes; 1000 where it is left out.")
  var steps: Int?

  @Option(help: "How many points of each run are kept.")
  var points: Int?

  @Option(
    help:
      "The chart for --svg: loss, distance, rate, effective_rates, path or grid; else what shows the experiment best.")
  var chart: String?

  @Option(
    help: "The part of the start's distance from the least loss that is left when a run has converged; else 1e-6.")
  var tolerance: Double?

  @Option(help: "How the points that are kept are spread: even, logarithmic or mixed.")
  var spacing: String?

  @Flag(help: "A linear loss axis.")
  var linear = false

  @Flag(name: .customLong("table"), help: "Print the table without a chart.")
  var isTableAlone = false

  @Flag(help: "Say in words what came of each run.")
  var words = false

  @Flag(help: "Print what POST /experiments answers.")
  var json = false

  @OptionGroup var drawing: DrawingOptions

  func validate() throws {
    if linear && drawing.log { throw ValidationError("give either --log or --linear, not both") }
  }

  func run() throws {
    let bar = ProgressBar()
    let report = try Offline.experiment(try content()) { bar.show($0, "\($1) runs done") }
    bar.clear()
    if json { return try StandardStream.write(report.json()) }
    if let svg = drawing.svg {
      var query = drawing.query
      if linear { query["scale"] = "linear" }
      try report.svg(chart: chart, query: query).write(to: URL(filePath: svg))
      print("wrote \(svg)")
    } else if !isTableAlone, let curves = report.chart {
      try drawing.draw(curves)
      print()
    }
    printTable(report.table)
    if words && report.verdicts.count > 1 {
      print()
      for (row, verdict) in zip(report.table.dropFirst(), report.verdicts) {
        print("\(row[..<3].filter { !$0.isEmpty }.joined(separator: ", ")): \(verdict)")
      }
    } else if report.verdicts.count == 1 {
      print("\n\(report.verdicts[0])")
    }
  }

  /// The request that the arguments stand for.
  private func content() throws -> Data {
    var members = ["\"problem\": \(Self.value(problem))"]
    if !optimizer.isEmpty { members.append("\"optimizers\": [\(optimizer.map(Self.value).joined(separator: ", "))]") }
    switch schedule.count {
    case 0: if rate.isEmpty { throw ValidationError("give --rate, --schedule, or both") }
    case 1: members.append("\"schedule\": \(schedule[0])")
    default: members.append("\"schedules\": [\(schedule.joined(separator: ", "))]")
    }
    if !rate.isEmpty { members.append("\"rates\": [\(rate.map { "\($0)" }.joined(separator: ", "))]") }
    if let steps { members.append("\"steps\": \(steps)") }
    if let points { members.append("\"points\": \(points)") }
    if let tolerance { members.append("\"tolerance\": \(tolerance)") }
    if let spacing { members.append("\"spacing\": \(Self.value(spacing))") }
    return Data("{\(members.joined(separator: ", "))}".utf8)
  }

  /// A type as a JSON string; JSON as it stands.
  private static func value(_ text: String) -> String {
    let isName = text.utf8.allSatisfy { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || $0 == UInt8(ascii: "_") }
    return isName ? "\"\(text)\"" : text
  }
}

struct OptimizersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "optimizers",
    abstract: "Lists the optimizers and what an update costs for one parameter: operations and memory.")

  @Flag(help: "Take the time too, on this machine: a million parameters, the best of five updates.")
  var measure = false

  @Option(help: ArgumentHelp("Write the costs as bars into an SVG file.", valueName: "file"))
  var svg: String?

  func run() throws {
    let (table, chart) = Offline.optimizerCosts(isMeasured: measure)
    if let svg {
      try Data(chart.svg()).write(to: URL(filePath: svg))
      print("wrote \(svg)")
    }
    printTable(table)
  }
}

/// Prints rows in columns.
func printTable(_ table: [[String]]) {
  guard let first = table.first else { return }
  let widths = first.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
  for row in table {
    let cells = zip(row, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
    var line = cells.joined(separator: "  ")
    while line.last == " " { line.removeLast() }
    print(line)
  }
}
