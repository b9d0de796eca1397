public import JSON

/// Inverse square-root decay.
///
///     rate(t) = base · √(timescale / (t + shift))
///
/// Worked example, `base` 1, `timescale` 4, `shift` 4: 1, 0.8944, 0.8165, 0.7559, 0.7071.
///
/// Source: Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762; fairseq `inverse_sqrt`.
public struct InverseSquareRoot: Schedule {
  let baseRate: Double
  let timescale: Double
  let shift: Double

  /// - Parameters:
  ///   - baseRate: the rate where t + shift is `timescale`.
  ///   - timescale: in steps; greater than 0.
  ///   - shift: added to the step; at least 0. With 0 there is no rate at step 0; with `timescale` it is `baseRate` there.
  public init(baseRate: Double, timescale: Double, shift: Double = 0) {
    self.baseRate = baseRate
    self.timescale = timescale
    self.shift = shift
  }

  public func rate(at step: Double) -> Double { baseRate * (timescale / (step + shift)).squareRoot() }

  public var form: JSONValue? {
    Self.definition.form([("base_lr", .number(baseRate)), ("timescale", .number(timescale)), ("shift", .number(shift))])
  }

  static let definition = Definition(
    type: "inverse_sqrt",
    summary:
      "The rate falls like 1/√t. With shift 0 it is infinite at step 0: start at step 1, or set shift to timescale.",
    parameters: [
      .baseRate("base_lr", "the rate where t + shift is timescale"),
      .required("timescale", .number(.positive), "in steps"),
      .number("shift", .notNegative, 0, "added to the step; set it to timescale to begin at base_lr"),
    ],
    formula: "base_lr·√(timescale/(t + shift))",
    source: "Vaswani et al., 2017, arXiv:1706.03762; fairseq inverse_sqrt",
    example: ["type": "inverse_sqrt", "base_lr": 0.1, "timescale": 4, "shift": 4]
  ) { arguments throws(SpecificationError) in
    InverseSquareRoot(
      baseRate: try arguments.number("base_lr"), timescale: try arguments.number("timescale"),
      shift: try arguments.number("shift"))
  }
}
