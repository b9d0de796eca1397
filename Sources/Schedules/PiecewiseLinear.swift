public import JSON

/// Points joined by ramps; before the first and after the last the rate holds.
///
///     rate(t) = vᵢ + (vᵢ₊₁ − vᵢ) · shape((t − tᵢ)/(tᵢ₊₁ − tᵢ)),    tᵢ ≤ t < tᵢ₊₁
///
/// Worked example, (0, 0), (2, 1), (4, 0.2): 0, 0.5, 1, 0.6, 0.2.
///
/// Source: `numpy.interp`; optax `piecewise_interpolate_schedule`; the trapezoid of Xing et al., 2018.
public struct PiecewiseLinear: Schedule {
  /// The form of every ramp between two points.
  public enum Interpolation: String, Sendable, CaseIterable {
    case linear
    case cosine
  }

  let steps: [Double]
  let rates: [Double]
  let interpolation: Interpolation

  /// - Parameters:
  ///   - points: at least one; step and rate, the steps ascending.
  ///   - interpolation: the form of the ramps.
  public init(points: [(step: Double, rate: Double)], interpolation: Interpolation = .linear) {
    steps = points.map(\.step)
    rates = points.map(\.rate)
    self.interpolation = interpolation
  }

  public func rate(at step: Double) -> Double {
    let index = passed(steps, at: step)
    if index == 0 { return rates[0] }
    if index == steps.count { return rates[index - 1] }
    let progress = (step - steps[index - 1]) / (steps[index] - steps[index - 1])
    let shape = Shape(interpolation == .linear ? .linear : .cosine)
    return shape.value(progress, from: rates[index - 1], to: rates[index], steps: 1)
  }

  public var form: JSONValue? {
    let points = zip(steps, rates).map { JSONValue.numbers([$0, $1]) }
    return Self.definition.form([
      ("points", .array(points)), ("interpolation", .string(interpolation.rawValue)),
    ])
  }

  static let definition = Definition(
    type: "piecewise_linear",
    summary: "Points joined by straight lines or half waves; before the first and after the last the rate holds.",
    parameters: [
      .required("points", .points, "pairs of step and rate, the steps ascending"),
      .choice("interpolation", Interpolation.linear, "the form between two points"),
    ],
    formula: "v_i + (v_{i+1} − v_i)·shape((t − t_i)/(t_{i+1} − t_i)), t_i ≤ t < t_{i+1}",
    source: "numpy.interp; optax.piecewise_interpolate_schedule",
    example: ["type": "piecewise_linear", "points": [[0, 0], [2, 0.1], [4, 0.02]]]
  ) { arguments throws(SpecificationError) in
    let points = try arguments.points("points")
    for (index, pair) in zip(points, points.dropFirst()).enumerated() where pair.0.step >= pair.1.step {
      throw arguments.error("points", "the steps of 'points' must ascend; number \(index + 2) does not")
    }
    return PiecewiseLinear(points: points, interpolation: try arguments.choice("interpolation"))
  }
}
