public import JSON

/// Rates written out, one for each step; the last holds.
///
///     rate(t) = values[min(⌊t⌋, n − 1)]    or on the line between two values
///
/// Worked example, 1, 0.5, 0.2: 1, 0.5, 0.2, 0.2, 0.2.
///
/// Source: any schedule that a program made, such as torch's `LambdaLR` with a function that is none of ours.
public struct RateTable: Schedule {
  /// What stands between two steps.
  public enum Interpolation: String, Sendable, CaseIterable {
    /// The rate of the step before.
    case step
    case linear
  }

  /// What comes after the last value.
  public enum After: String, Sendable, CaseIterable {
    case hold
    case `repeat`
  }

  let values: [Double]
  let baseRate: Double
  let interpolation: Interpolation
  let after: After

  /// - Parameters:
  ///   - values: at least one.
  ///   - baseRate: multiplies every value.
  ///   - interpolation: what stands between two steps.
  ///   - after: what comes after the last value.
  public init(
    values: [Double], baseRate: Double = 1, interpolation: Interpolation = .step, after: After = .hold
  ) {
    self.values = values
    self.baseRate = baseRate
    self.interpolation = interpolation
    self.after = after
  }

  public func rate(at step: Double) -> Double {
    let count = Double(values.count)
    let position = after == .repeat ? step.truncatingRemainder(dividingBy: count) : min(step, count - 1)
    // A stretched clock can leave the range of a double.
    if !position.isFinite { return .nan }
    let index = Int(position)
    let value = values[index]
    if interpolation == .step || position == position.rounded(.down) { return baseRate * value }
    let next = values[index + 1 < values.count ? index + 1 : 0]
    return baseRate * (value + (next - value) * (position - position.rounded(.down)))
  }

  public var form: JSONValue? {
    Self.definition.form([
      ("values", .numbers(values)), ("base_lr", .number(baseRate)),
      ("interpolation", .string(interpolation.rawValue)), ("after", .string(after.rawValue)),
    ])
  }

  static let definition = Definition(
    type: "table",
    summary: "Rates written out, one for each step: whatever a program of yours computed.",
    parameters: [
      .required("values", .numbers(.any), "the rates of the steps 0, 1, 2, …"),
      .number("base_lr", .notNegative, 1, "multiplies every value"),
      .choice("interpolation", Interpolation.step, "between two steps: the earlier rate, or the line between both"),
      .choice("after", After.hold, "after the last value: it holds, or the table begins again"),
    ],
    formula: "base_lr·values[min(⌊t⌋, n − 1)]",
    source: "torch.optim.lr_scheduler.LambdaLR with a function of one's own, sampled",
    example: ["type": "table", "values": [0.1, 0.05, 0.02]]
  ) { arguments throws(SpecificationError) in
    let values = try arguments.numbers("values")
    if values.isEmpty { throw arguments.error("values", "'values' must hold at least one rate") }
    return RateTable(
      values: values, baseRate: try arguments.number("base_lr"), interpolation: try arguments.choice("interpolation"),
      after: try arguments.choice("after"))
  }
}
