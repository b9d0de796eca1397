import ArgumentParser

@main
struct Anneal: ParsableCommand {
  /// The program's version: in `--version`, in `anneal_build_info` and, by hand, in openapi.yaml.
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "anneal",
    abstract: "Learning rates for training jobs: every schedule, at any step, over HTTP or here.",
    version: version,
    subcommands: [
      Serve.self, ScheduleCommand.self, PlotCommand.self, CompareCommand.self, ExplainCommand.self, CatalogCommand.self,
      ExperimentCommand.self, OptimizersCommand.self,
      StoreCommand.self, TokenCommand.self, HealthcheckCommand.self,
    ])
}
