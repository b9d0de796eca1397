import ArgumentParser
import Charts
import FoundationEssentials
import Glibc
import Service

struct PlotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot",
    abstract: "Draws schedules in the terminal, or as SVG into a file.",
    discussion: """
      Example: anneal plot '{"type":"cosine","base_lr":0.1,"total_steps":80}' --steps 100 --svg cosine.svg
      """)

  @Argument(help: "One or more schedules as JSON.")
  var schedules: [String]

  @OptionGroup var steps: StepOptions
  @OptionGroup var drawing: DrawingOptions

  func run() throws {
    let (chart, _) = try Offline.comparison(
      schedules: schedules, selection: try steps.selection(), isLogarithmic: drawing.log, title: drawing.title)
    try drawing.draw(chart)
  }
}

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compares schedules: peak, final rate, area and warm-up of each, and all curves in one chart.")

  @Argument(help: "Two or more schedules as JSON.")
  var schedules: [String]

  @OptionGroup var steps: StepOptions
  @OptionGroup var drawing: DrawingOptions

  @Flag(name: .customLong("table"), help: "Print the table without a chart.")
  var isTableAlone = false

  func run() throws {
    let (chart, table) = try Offline.comparison(
      schedules: schedules, selection: try steps.selection(), isLogarithmic: drawing.log, title: drawing.title)
    if !isTableAlone {
      try drawing.draw(chart)
      print()
    }
    printTable(table)
  }
}

/// How a chart is drawn.
struct DrawingOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Write the chart as SVG into a file; not in the terminal.", valueName: "file"))
  var svg: String?

  @Flag(help: "A logarithmic rate axis.")
  var log = false

  @Option(help: "The heading.")
  var title = ""

  @Option(help: "The width of the SVG in pixels, 240 to 4096; else 800.")
  var width: Int?

  @Option(help: "The height of the SVG in pixels, 160 to 4096; else 450.")
  var height: Int?

  @Flag(help: "Draw with ASCII alone, for terminals without Unicode.")
  var ascii = false

  /// The options as a request's query says them.
  var query: [String: String] {
    var query = ["title": title]
    if log { query["scale"] = "log" }
    if let width { query["width"] = "\(width)" }
    if let height { query["height"] = "\(height)" }
    return query
  }

  func draw(_ chart: Chart) throws {
    if let svg {
      var chart = chart
      chart.width = width ?? chart.width
      chart.height = height ?? chart.height
      try Data(chart.svg()).write(to: URL(filePath: svg))
      print("wrote \(svg)")
      return
    }
    let environment = ProcessInfo.processInfo.environment
    let isTerminal = isatty(STDOUT_FILENO) == 1
    let locale = environment["LC_ALL"] ?? environment["LC_CTYPE"] ?? environment["LANG"] ?? ""
    // A pipe may go anywhere; a terminal says by its locale what it can show.
    let isPlain = ascii || environment["TERM"] == "dumb" || isTerminal && !locale.uppercased().contains("UTF")
    var size = winsize()
    let hasSize = isTerminal && ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    let columns = hasSize ? Int(size.ws_col) : environment["COLUMNS"].flatMap(Int.init) ?? 80
    print(
      chart.text(
        columns: columns, rows: hasSize ? min(max(12, Int(size.ws_row) - 4), 40) : 24,
        usesColor: isTerminal && environment["NO_COLOR"] == nil && environment["TERM"] != "dumb",
        characters: isPlain ? .ascii : .braille))
  }
}
