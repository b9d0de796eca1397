import ArgumentParser
import Foundation
import Service

struct ScheduleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schedule",
    abstract: "Prints a schedule's rates: the step and the rate, a line each. No server needed.",
    discussion: """
      Example: anneal schedule '{"type":"cyclic","base_lr":0.001,"max_lr":0.1,"step_size_up":10}' --steps 40
      """)

  @Argument(help: "The schedule as JSON, as POST /schedule takes it.")
  var schedule: String

  @Option(help: "How many steps, from 0 on.")
  var steps: Int?

  @Option(parsing: .upToNextOption, help: "The steps to print instead.")
  var at: [Double] = []

  @Flag(help: "Print what POST /schedule answers.")
  var json = false

  func validate() throws {
    if steps != nil && !at.isEmpty { throw ValidationError("give either --steps or --at, not both") }
  }

  func run() throws {
    let selection: OfflineSchedule.Selection = at.isEmpty ? .count(steps ?? 100) : .list(at)
    try OfflineSchedule.write(schedule: schedule, selection: selection, asJSON: json) { piece in
      try FileHandle.standardOutput.write(contentsOf: piece)
    }
  }
}
