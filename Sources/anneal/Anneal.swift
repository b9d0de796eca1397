import ArgumentParser

@main
struct Anneal: ParsableCommand {
  /// The program's version, by semver.org; Scripts/catalog writes it into openapi.yaml, the image's label,
  /// Docker/kubernetes.yaml and the client in Python.
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
