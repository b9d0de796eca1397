import ArgumentParser

@main
struct Anneal: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "anneal",
    abstract: "Learning rates for training jobs: every schedule, at any step, over HTTP or here.",
    version: "0.1.0",
    subcommands: [
      Serve.self, ScheduleCommand.self, PlotCommand.self, CompareCommand.self, ExplainCommand.self, CatalogCommand.self,
      TokenCommand.self, HealthcheckCommand.self,
    ])
}
