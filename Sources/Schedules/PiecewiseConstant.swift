public import JSON

/// One rate for each stretch between boundaries.
///
///     rate(t) = values[number of boundaries ≤ t]        side "right": a boundary step has the new value
///     rate(t) = values[number of boundaries < t]        side "left":  a boundary step still has the old one
///
/// Worked example, boundary 2, values 1 and 0.5: right 1, 1, 0.5, 0.5, 0.5; left 1, 1, 1, 0.5, 0.5.
///
/// Source: optax `piecewise_constant_schedule` (right), Keras `PiecewiseConstantDecay` (left).
public struct PiecewiseConstant: Schedule {
  /// To which stretch a boundary step belongs.
  public enum Side: String, Sendable, CaseIterable {
    /// To the one that it begins.
    case right
    /// To the one that it ends.
    case left
  }

  let boundaries: [Double]
  let values: [Double]
  let side: Side

  /// - Parameters:
  ///   - boundaries: steps in ascending order.
  ///   - values: the rates, one more than boundaries.
  ///   - side: to which stretch a boundary step belongs.
  public init(boundaries: [Double], values: [Double], side: Side = .right) {
    self.boundaries = boundaries
    self.values = values
    self.side = side
  }

  public func rate(at step: Double) -> Double {
    values[min(passed(boundaries, at: step, inclusive: side == .right), values.count - 1)]
  }

  public var form: JSONValue? {
    Self.definition.form([
      ("boundaries", .numbers(boundaries)), ("values", .numbers(values)), ("side", .string(side.rawValue)),
    ])
  }

  static let definition = Definition(
    type: "piecewise_constant",
    summary: "One rate for each stretch between boundaries.",
    parameters: [
      .required("boundaries", .numbers(.notNegative), "the steps at which the rate changes, ascending"),
      .required("values", .numbers(.notNegative), "the rates, one more than boundaries"),
      .choice("side", Side.right, "whether a boundary step has the new value (right) or still the old one (left)"),
    ],
    formula: "values[#{boundaries ≤ t}], or values[#{boundaries < t}] with side \"left\"",
    source: "optax.piecewise_constant_schedule; keras.optimizers.schedules.PiecewiseConstantDecay",
    example: ["type": "piecewise_constant", "boundaries": [2, 4], "values": [0.1, 0.05, 0.01]]
  ) { arguments throws(SpecificationError) in
    let boundaries = try arguments.numbers("boundaries")
    let values = try arguments.numbers("values")
    if zip(boundaries, boundaries.dropFirst()).contains(where: { $0 >= $1 }) {
      throw arguments.error("boundaries", "'boundaries' must ascend")
    }
    if values.count != boundaries.count + 1 {
      throw arguments.error(
        "values",
        "\(boundaries.count) boundaries need \(boundaries.count + 1) values, one for each stretch; \(values.count) were given"
      )
    }
    return PiecewiseConstant(boundaries: boundaries, values: values, side: try arguments.choice("side"))
  }
}
