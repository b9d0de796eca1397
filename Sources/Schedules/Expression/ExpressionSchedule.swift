public import JSON

/// A formula as a schedule.
///
///     rate(t) = formula at step t
///
/// Worked example, `1 - step / 4`: 1, 0.75, 0.5, 0.25, 0.
///
/// Source: the answer to torch's `LambdaLR`; see ``Expression`` for the language.
public struct ExpressionSchedule: Schedule {
  let expression: Expression
  let constants: [(name: String, value: Double)]
  let totalSteps: Double?
  let baseRate: Double?

  /// - Parameters:
  ///   - formula: the text.
  ///   - constants: further names and their values.
  ///   - totalSteps: the value of `total_steps`; greater than 0.
  ///   - baseRate: the value of `base_lr`.
  /// - Throws: ``ExpressionError`` with the column of what is wrong.
  public init(
    _ formula: String, constants: [(name: String, value: Double)] = [], totalSteps: Double? = nil,
    baseRate: Double? = nil
  ) throws(ExpressionError) {
    expression = try Expression(
      formula, constants: Dictionary(constants.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }),
      totalSteps: totalSteps, baseRate: baseRate)
    self.constants = constants
    self.totalSteps = totalSteps
    self.baseRate = baseRate
  }

  public func rate(at step: Double) -> Double { expression.value(step: step) }

  public var form: JSONValue? {
    var members: [(String, JSONValue?)] = [("formula", .string(expression.description))]
    if !constants.isEmpty {
      members.append(("constants", .object(JSONObject(constants.map { ($0.name, .number($0.value)) }))))
    }
    if let totalSteps { members.append(("total_steps", .number(totalSteps))) }
    if let baseRate { members.append(("base_lr", .number(baseRate))) }
    return Self.definition.form(members)
  }

  private static let constants = Parameter.optional("constants", .mapping(.any), "further names and their values")

  /// Reads a formula; an error in it points at the column.
  private static func read(
    _ arguments: Arguments, _ name: String, baseRate: Double?
  ) throws(SpecificationError) -> ExpressionSchedule {
    let text = try arguments.optionalText(name) ?? ""
    let constants = try arguments.mapping("constants")
    let totalSteps = try arguments.optionalNumber("total_steps")
    do {
      return try ExpressionSchedule(text, constants: constants, totalSteps: totalSteps, baseRate: baseRate)
    } catch {
      throw arguments.error(name, error.description, suggestion: error.suggestion)
    }
  }

  private static let total = Parameter.optional(
    "total_steps", .number(.positive), "the value of total_steps; progress is step/total_steps")

  static let definition = Definition(
    type: "expression",
    summary:
      "A formula over step, total_steps, progress and constants, with Python's operators and + - * / // % **, min, max, where, cos, exp, …",
    parameters: [
      .required(
        "formula", .text(4 * Expression.largestLength), "the rate at step, such as base_lr * 0.95 ** (step // 30)"),
      constants, total, .optional("base_lr", .number(.any), "the value of base_lr in the formula"),
    ],
    formula: "the formula at t",
    source: "torch.optim.lr_scheduler.LambdaLR; the operators are those of the Python Language Reference",
    example: [
      "type": "expression", "formula": "base_lr * where(step < 10, step / 10, max(0, 1 - progress) ** k)",
      "constants": ["k": 2], "total_steps": 100, "base_lr": 0.1,
    ]
  ) { arguments throws(SpecificationError) in
    try read(arguments, "formula", baseRate: try arguments.optionalNumber("base_lr"))
  }

  /// torch's `LambdaLR`: the formula is a factor on the optimizer's rate.
  static let lambda = Definition(
    type: "torch.LambdaLR",
    summary: "The optimizer's rate times a formula of the step: the body of the lambda, or the lambda itself.",
    parameters: [
      .baseRate("base_lr", "the rate that the optimizer was given"),
      .required("lr_lambda", .text(4 * Expression.largestLength), "such as lambda epoch: 0.95 ** epoch"),
      constants, total,
    ],
    formula: "base_lr·lr_lambda(t)", source: "torch.optim.lr_scheduler.LambdaLR, torch 2.13",
    example: ["type": "torch.LambdaLR", "base_lr": 0.1, "lr_lambda": "lambda epoch: 0.95 ** epoch"]
  ) { arguments throws(SpecificationError) in
    Scale(by: try arguments.number("base_lr"), schedule: try read(arguments, "lr_lambda", baseRate: nil))
  }
}
