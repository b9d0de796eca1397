import ArgumentParser
import Service

struct ScheduleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schedule",
    abstract: "Prints a schedule's rates: the step and the rate, a line each. No server needed.",
    discussion: """
      Example: anneal schedule '{"type":"cyclic","base_lr":0.001,"max_lr":0.1,"step_size_up":10}' --steps 40
      """)

  @Argument(help: "The schedule as JSON, or the whole content of a POST /schedule without its steps.")
  var schedule: String

  @OptionGroup var steps: StepOptions

  @Option(help: "Print a form of POST /schedule: json, ndjson, csv, npy or svg.")
  var format: String?

  @Flag(help: "Print what POST /schedule answers; short for --format json.")
  var json = false

  func run() throws {
    try Offline.writeRates(
      schedule: schedule, selection: try steps.selection(), form: json ? "json" : format
    ) { piece in
      try StandardStream.write(piece)
    }
  }
}

/// The steps that a command is about.
struct StepOptions: ParsableArguments {
  @Option(help: "How many steps, from 0 on; 100 where neither is given.")
  var steps: Int?

  @Option(parsing: .upToNextOption, help: "The steps to take instead.")
  var at: [Double] = []

  func selection() throws -> Offline.Selection {
    if steps != nil && !at.isEmpty { throw ValidationError("give either --steps or --at, not both") }
    return at.isEmpty ? .count(steps ?? 100) : .list(at)
  }
}
