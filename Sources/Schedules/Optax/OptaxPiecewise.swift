import Foundation
import JSON

/// optax's schedules through given points: those with `boundaries_and_scales`, the one-cycle schedules that are made of
/// them, and `sgdr_schedule`.
///
/// Facts: the source of optax 0.2.8. The scales are factors, each on the rate that the one before it left.
enum OptaxPiecewise {
  static let all = [piecewiseConstant, piecewiseInterpolate, linearOnecycle, cosineOnecycle, sgdr]

  private static func definition(
    _ name: String, _ summary: String, parameters: [Parameter], formula: String, example: [(String, JSONValue)],
    build: @escaping @Sendable (Arguments) throws(SpecificationError) -> any Schedule
  ) -> Definition {
    Definition(
      type: "optax.\(name)", summary: summary, parameters: parameters, formula: formula,
      source: "optax.\(name), optax 0.2.8",
      example: .object(JSONObject([("type", .string("optax.\(name)"))] + example)), schedule: build)
  }

  private static let initial = Parameter.required(
    "init_value", .number(.notNegative), "the rate before the first boundary")
  private static let scales = Parameter.optional(
    "boundaries_and_scales", .mapping(.notNegative),
    "steps (as names, in any order) and the factors that the rate is multiplied by there")

  static let piecewiseConstant = definition(
    "piecewise_constant_schedule", "At each boundary the rate is multiplied by that boundary's scale.",
    parameters: [initial, scales], formula: "init_value·∏ scales of the boundaries ≤ t",
    example: [("init_value", 0.1), ("boundaries_and_scales", ["3": 0.5, "6": 0.1])]
  ) { arguments throws(SpecificationError) in
    var values = [try arguments.number("init_value")]
    let points = try boundaries(arguments)
    for point in points { values.append(values[values.count - 1] * point.scale) }
    if points.isEmpty { return Constant(baseRate: values[0]) }
    return PiecewiseConstant(boundaries: points.map(\.step), values: values)
  }

  static let piecewiseInterpolate = definition(
    "piecewise_interpolate_schedule", "Ramps to each boundary, where the rate is its scale times the one before.",
    parameters: [
      .requiredChoice("interpolate_type", PiecewiseLinear.Interpolation.self, "the form of the ramps"), initial, scales,
    ],
    formula: "ramps through (0, init_value), (b_1, init_value·s_1), (b_2, init_value·s_1·s_2), …",
    example: [
      ("interpolate_type", "linear"), ("init_value", 0.01), ("boundaries_and_scales", ["5": 10, "20": 0.01]),
    ]
  ) { arguments throws(SpecificationError) in
    through(
      try arguments.choice("interpolate_type"), from: try arguments.number("init_value"), try boundaries(arguments))
  }

  private static let length = Parameter.required(
    "transition_steps", .integer(.atLeastOne), "the length of the cycle in steps")
  private static let peak = Parameter.required("peak_value", .number(.notNegative), "the rate at the peak")
  private static let divisor = Parameter.number("div_factor", .positive, 25, "the peak divided by the first rate")
  private static let finalDivisor = Parameter.number(
    "final_div_factor", .positive, 1e4, "the first rate divided by the last")

  static let linearOnecycle = definition(
    "linear_onecycle_schedule", "Straight lines up to a peak, back down, and on to a far smaller rate.",
    parameters: [
      length, peak, .number("pct_start", .fraction, 0.3, "where the peak is, as a part of the cycle"),
      .number("pct_final", .fraction, 0.85, "where the first rate is reached again"), divisor, finalDivisor,
    ],
    formula: "peak/div at 0, peak at ⌊pct_start·n⌋, peak/div at ⌊pct_final·n⌋, peak/div/final_div at n",
    example: [("transition_steps", 20), ("peak_value", 0.1)]
  ) { arguments throws(SpecificationError) in
    let steps = try arguments.number("transition_steps")
    let divisor = try arguments.number("div_factor")
    return through(
      .linear, from: try arguments.number("peak_value") / divisor,
      ordered([
        ((try arguments.number("pct_start") * steps).rounded(.down), divisor),
        ((try arguments.number("pct_final") * steps).rounded(.down), 1 / divisor),
        (steps, 1 / (try arguments.number("final_div_factor"))),
      ]))
  }

  static let cosineOnecycle = definition(
    "cosine_onecycle_schedule", "Half a cosine wave up to a peak, and one down to a far smaller rate.",
    parameters: [
      length, peak, .number("pct_start", .fraction, 0.3, "where the peak is, as a part of the cycle"), divisor,
      finalDivisor,
    ],
    formula: "peak/div at 0, peak at ⌊pct_start·n⌋, peak/div/final_div at n",
    example: [("transition_steps", 20), ("peak_value", 0.1)]
  ) { arguments throws(SpecificationError) in
    let steps = try arguments.number("transition_steps")
    let divisor = try arguments.number("div_factor")
    return through(
      .cosine, from: try arguments.number("peak_value") / divisor,
      ordered([
        ((try arguments.number("pct_start") * steps).rounded(.down), divisor),
        (steps, 1 / (divisor * (try arguments.number("final_div_factor")))),
      ]))
  }

  static let sgdr = definition(
    "sgdr_schedule", "Warm-ups and half cosine waves one after another, each with arguments of its own.",
    parameters: [
      .required(
        "cosine_kwargs", .records(OptaxSchedules.warmupCosineDecay.parameters),
        "the arguments of warmup_cosine_decay_schedule for each cycle")
    ],
    formula: "cycle i of warmup_cosine_decay_schedule on its own clock, after the decay_steps of those before it",
    example: [
      (
        "cosine_kwargs",
        [
          ["init_value": 0, "peak_value": 0.1, "warmup_steps": 2, "decay_steps": 10],
          ["init_value": 0, "peak_value": 0.05, "warmup_steps": 2, "decay_steps": 20],
        ]
      )
    ]
  ) { arguments throws(SpecificationError) in
    var cycles: [any Schedule] = []
    var boundaries: [Double] = []
    var step = 0.0
    for record in try arguments.records("cosine_kwargs") {
      cycles.append(try OptaxSchedules.warmupCosineDecay.build(record).rate)
      step += try record.number("decay_steps")
      boundaries.append(step)
    }
    return cycles.count == 1 ? cycles[0] : ScheduleSequence(schedules: cycles, boundaries: boundaries.dropLast())
  }

  // MARK: Boundaries and scales

  /// The boundaries in ascending order. They are names of a mapping: a step that is named twice has its last scale.
  private static func boundaries(
    _ arguments: Arguments
  ) throws(SpecificationError) -> [(step: Double, scale: Double)] {
    var pairs: [(Double, Double)] = []
    for (name, scale) in try arguments.mapping("boundaries_and_scales") {
      guard let step = Double(name), step >= 0, step <= largestStep, step == step.rounded() else {
        throw SpecificationError(
          pointer: arguments.pointer.appending("boundaries_and_scales").appending(name),
          detail: "'\(name.prefix(64))' is no step; the names of 'boundaries_and_scales' are whole numbers, 0 or more")
      }
      pairs.append((step, scale))
    }
    return ordered(pairs)
  }

  private static func ordered(_ pairs: [(step: Double, scale: Double)]) -> [(step: Double, scale: Double)] {
    var scales: [Double: Double] = [:]
    for pair in pairs { scales[pair.step] = pair.scale }
    return scales.sorted { $0.key < $1.key }.map { (step: $0.key, scale: $0.value) }
  }

  private static func through(
    _ interpolation: PiecewiseLinear.Interpolation, from initial: Double, _ boundaries: [(step: Double, scale: Double)]
  ) -> any Schedule {
    var points = [(step: 0.0, rate: initial)]
    for boundary in boundaries {
      let rate = points[points.count - 1].rate * boundary.scale
      // A boundary at step 0 leaves no ramp to it: the rate jumps.
      if boundary.step == 0 { points.removeLast() }
      points.append((boundary.step, rate))
    }
    return PiecewiseLinear(points: points, interpolation: interpolation)
  }
}
