import Experiments
import JSON
import Schedules

/// What experiments are made of, as `GET /experiments` shows it, made from the definitions themselves.
enum ExperimentCatalogDocument {
  private static let problems = JSONValue.array(ProblemCatalog.definitions.map(problem))
  private static let optimizers = JSONValue.array(OptimizerCatalog.definitions.map(optimizer))

  static func document(_ largestWork: Double) -> JSONValue {
    [
      "problems": problems, "optimizers": optimizers,
      "outcomes": .array(Verdict.Outcome.allCases.map { .string($0.rawValue) }),
      "limits": [
        "work": .number(largestWork), "runs": .number(Double(ExperimentRequest.largestCount)),
        "steps": .number(Double(ExperimentRequest.largestSteps)),
        "points": .number(Double(ExperimentRequest.largestPoints)),
        "experiments": .number(Double(ExperimentPool.largestCount)),
      ],
    ]
  }

  private static func problem(_ definition: ProblemDefinition) -> JSONValue {
    let parameters = (try? ProblemCatalog.read(.string(definition.type)))?.start.count
    return [
      "type": .string(definition.type), "summary": .string(definition.summary),
      "formula": .string(definition.formula), "source": .string(definition.source),
      "parameter_count": parameters.map { .number(Double($0)) } ?? .null,
      "parameters": .array(definition.parameters.map(CatalogDocument.parameter)), "example": definition.example,
    ]
  }

  private static func optimizer(_ definition: OptimizerDefinition) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("type", .string(definition.type)), ("summary", .string(definition.summary)),
      ("formula", .string(definition.formula)), ("source", .string(definition.source)),
      ("default_learning_rate", .number(definition.defaultLearningRate)),
      ("parameters", .array(definition.parameters.map(CatalogDocument.parameter))), ("example", definition.example),
    ]
    if let cost = (try? OptimizerCatalog.read(.string(definition.type)))?.cost {
      members.append(
        (
          "cost",
          [
            "operations": .number(Double(cost.operations)),
            "additions_and_multiplications": .number(Double(cost.additionsAndMultiplications)),
            "divisions": .number(Double(cost.divisions)), "square_roots": .number(Double(cost.squareRoots)),
            "state_octets": .number(Double(cost.stateOctets)),
          ]
        ))
    }
    return .object(JSONObject(members))
  }
}
