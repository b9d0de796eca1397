import ArgumentParser
import Service

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Shows a schedule of any framework in canonical types, with the formulas.",
    discussion: """
      Example: anneal explain '{"type":"torch.CosineAnnealingLR","base_lr":0.1,"T_max":50}'
      """)

  @Argument(help: "The schedule as JSON.")
  var schedule: String

  func run() throws { print(try Offline.explanation(schedule: schedule)) }
}
