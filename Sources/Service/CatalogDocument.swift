import JSON
import Schedules

/// The catalog as `GET /schedules` shows it, made from the schedules' own definitions.
enum CatalogDocument {
  static func all(_ catalog: Catalog) -> JSONValue {
    ["schedules": .array(catalog.definitions.map(one))]
  }

  /// What can stand in a session's `policies`, as `GET /policies` shows it.
  static var policies: JSONValue {
    let policies = RuleReader.catalog.definitions.map { definition -> JSONValue in
      let metric: JSONValue = [
        "name": "metric", "description": "the reported metric that it watches", "kind": "text", "required": false,
        "default": "loss",
      ]
      return [
        "type": .string(definition.type), "summary": .string(definition.summary),
        "formula": .string(definition.formula), "source": .string(definition.source),
        "parameters": .array([metric] + definition.parameters.map { Self.parameter($0) }),
        "example": definition.example,
      ]
    }
    return ["policies": .array(policies)]
  }

  static func one(_ definition: Definition) -> JSONValue {
    [
      "type": .string(definition.type),
      "summary": .string(definition.summary),
      "formula": .string(definition.formula),
      "source": .string(definition.source),
      "loss_driven": .bool(definition.isLossDriven),
      "picture": .string("/schedules/\(definition.type).svg"),
      "parameters": .array(definition.parameters.map(parameter)),
      "example": example(definition),
    ]
  }

  /// What a recorded loss may look like, for the examples of loss-driven rules: it improves, then it stays.
  static let exampleMetrics: [Double] = [1, 0.8, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7]

  /// A request that works, and the rates that it answers.
  private static func example(_ definition: Definition) -> JSONValue {
    let metrics = definition.isLossDriven ? exampleMetrics : nil
    let rate = try? SpecificationReader(metrics: metrics).read(definition.example).rate
    let steps = metrics?.count ?? 5
    let rates = (0..<steps).compactMap { step in rate.map { JSONValue.number($0.rate(at: Double(step))) } }
    var members: [(String, JSONValue)] = [("schedule", definition.example)]
    members.append(metrics.map { ("metrics", .array($0.map { .number($0) })) } ?? ("steps", 5))
    return .object(JSONObject(members + [("learning_rates", .array(rates))]))
  }

  static func parameter(_ parameter: Parameter) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("name", .string(parameter.name)), ("description", .string(parameter.summary)),
    ]
    func kind(_ name: String, _ range: NumberRange? = nil) {
      members.append(("kind", .string(name)))
      if let range { members.append(("range", .string(range.description))) }
    }
    switch parameter.kind {
    case .number(let range): kind("number", range)
    case .integer(let range): kind("integer", range)
    case .boolean: kind("boolean")
    case .choice(let words):
      kind("choice")
      members.append(("choices", .array(words.map { .string($0) })))
    case .numbers(let range): kind("array of numbers", range)
    case .points: kind("array of points")
    case .mapping(let range): kind("object of numbers", range)
    case .text: kind("text")
    case .texts: kind("array of texts")
    case .records(let fields):
      kind("array of objects")
      members.append(("fields", .array(fields.map(Self.parameter))))
    case .schedule: kind("schedule")
    case .numberOrSchedule(let range): kind("number or schedule", range)
    case .schedules: kind("array of schedules")
    }
    members.append(("required", .bool(parameter.isRequired || parameter.isBaseRate)))
    if parameter.isBaseRate { members.append(("default_when_nested", 1)) }
    if let value = parameter.defaultValue { members.append(("default", value)) }
    return .object(JSONObject(members))
  }

  // MARK: The README's tables

  /// The canonical types with their formulas, then a table for each dialect.
  static func markdown(_ catalog: Catalog) -> String {
    var text = ""
    var last: String?
    for definition in catalog.definitions {
      let dialect = definition.type.split(separator: ".").count > 1 ? String(definition.type.prefix { $0 != "." }) : ""
      if dialect != last {
        text += last == nil ? "" : "\n"
        text += dialect.isEmpty ? "| type | rate at step t |\n|---|---|\n" : "| \(dialect) | |\n|---|---|\n"
        last = dialect
      }
      let words = dialect.isEmpty ? definition.formula : definition.summary
      text += "| `\(definition.type)` | \(words.split(separator: "|").joined(separator: "\\|")) |\n"
    }
    return text
  }
}
