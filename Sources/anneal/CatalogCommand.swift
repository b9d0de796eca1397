import ArgumentParser
import Schedules
import Service

struct CatalogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "catalog", abstract: "Lists the schedule types, or shows one of them with its parameters.")

  @Argument(help: "A schedule type, such as cosine or torch.StepLR.")
  var type: String?

  @Flag(help: "Print what GET /schedules answers.")
  var json = false

  @Flag(help: "Print the README's tables.")
  var markdown = false

  func run() throws {
    if json || markdown {
      print(json ? Offline.catalogJSON : Offline.catalogMarkdown, terminator: "")
      return
    }
    guard let type else {
      let width = Catalog.standard.types.map(\.count).max() ?? 0
      for definition in Catalog.standard.definitions {
        let gap = String(repeating: " ", count: width - definition.type.count + 2)
        print("\(definition.type)\(gap)\(definition.summary)")
      }
      return
    }
    guard let definition = Catalog.standard[type] else {
      let hint = nearest(to: type, in: Catalog.standard.types).map { "; did you mean '\($0)'?" } ?? ""
      throw ValidationError("there is no schedule type '\(type)'\(hint)")
    }
    print("\(definition.type): \(definition.summary)\n\n    \(definition.formula)\n")
    for parameter in definition.parameters {
      print("  \(parameter.name): \(parameter.summary) (\(parameter.requirement))")
    }
    print("\nSource: \(definition.source)")
  }
}
