public import JSON

/// The schedule of the Transformer: a straight line up, then 1/√t.
///
///     rate(t) = base · d_model^−0.5 · min(t^−0.5, t · warmup^−1.5)
///
/// Worked example, `base` 1, `d_model` 64, `warmup` 2: 0, 0.0442, 0.0884, 0.0722, 0.0625.
///
/// Source: Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762; the paper counts its first step as 1.
public struct Noam: Schedule {
  let baseRate: Double
  let modelSize: Double
  let warmupSteps: Double

  /// - Parameters:
  ///   - baseRate: multiplies the whole.
  ///   - modelSize: the width of the model; greater than 0.
  ///   - warmupSteps: the step of the peak; greater than 0.
  public init(baseRate: Double = 1, modelSize: Double = 1, warmupSteps: Double = 4000) {
    self.baseRate = baseRate
    self.modelSize = modelSize
    self.warmupSteps = warmupSteps
  }

  public func rate(at step: Double) -> Double {
    if step <= 0 { return 0 }
    let scale = baseRate / modelSize.squareRoot()
    if step < warmupSteps { return scale * (step / warmupSteps) / warmupSteps.squareRoot() }
    return scale / step.squareRoot()
  }

  public var form: JSONValue? {
    Self.definition.form([
      ("base_lr", .number(baseRate)), ("d_model", .number(modelSize)), ("warmup_steps", .number(warmupSteps)),
    ])
  }

  static let definition = Definition(
    type: "noam",
    summary:
      "The schedule of the Transformer: a straight line up, then 1/√t. Shift it by 1 to count as the paper does.",
    parameters: [
      .number("base_lr", .notNegative, 1, "multiplies the whole"),
      .number("d_model", .positive, 512, "the width of the model"),
      .number("warmup_steps", .positive, 4000, "the step of the peak"),
    ],
    formula: "base_lr·d_model^−0.5·min(t^−0.5, t·warmup_steps^−1.5)",
    source: "Vaswani et al., 2017, arXiv:1706.03762",
    example: ["type": "noam", "d_model": 64, "warmup_steps": 2]
  ) { arguments throws(SpecificationError) in
    Noam(
      baseRate: try arguments.number("base_lr"), modelSize: try arguments.number("d_model"),
      warmupSteps: try arguments.number("warmup_steps"))
  }
}
