import JSON

/// Ramps that the literature knows by a name of their own; each lowers to ``Ramp`` or ``Linear``.
enum NamedRamps {
  static let all = [budgetedLinear, tanh, rex, kDecay]

  /// Worked example, 1 → 0 in 4: 1, 0.75, 0.5, 0.25, 0.
  static let budgetedLinear = Definition(
    type: "budgeted_linear",
    summary: "A straight line to 0 at the end of the budget: the decay to try first when the number of steps is given.",
    parameters: [.baseRate(), .totalSteps],
    formula: "base_lr·(1 − min(t/total_steps, 1))",
    source: "Li, Yumer and Ramanan, \"Budgeted Training\", ICLR 2020, arXiv:1905.04753",
    example: ["type": "budgeted_linear", "base_lr": 0.1, "total_steps": 4]
  ) { arguments throws(SpecificationError) in
    Linear(baseRate: try arguments.number("base_lr"), totalSteps: try arguments.number("total_steps"))
  }

  /// Worked example, 1 → 0 in 4 from −7 to 3: 1, 0.9999, 0.982, 0.2689, 0.0025.
  static let tanh = Definition(
    type: "tanh",
    summary: "Hyperbolic-tangent decay: flat, then a steep fall, then flat. It stops a little above end_lr.",
    parameters: [
      .baseRate(), .endRate, .totalSteps, .number("lower_bound", .any, -6, "the argument of tanh at step 0"),
      .number("upper_bound", .any, 3, "the argument of tanh at total_steps"),
    ],
    formula: "end_lr + (base_lr − end_lr)·(1 − tanh(lower_bound·(1 − p) + upper_bound·p))/2, p = min(t/total_steps, 1)",
    source: "Hsueh, Li and Wu, 2018, arXiv:1806.01593",
    example: ["type": "tanh", "base_lr": 0.1, "total_steps": 4]
  ) { arguments throws(SpecificationError) in
    Ramp(
      baseRate: try arguments.number("base_lr"), endRate: try arguments.number("end_lr"),
      totalSteps: try arguments.number("total_steps"),
      shape: .tanh(try arguments.number("lower_bound"), try arguments.number("upper_bound")))
  }

  /// Worked example, 1 → 0 in 4: 1, 0.8571, 0.6667, 0.4, 0.
  static let rex = Definition(
    type: "rex",
    summary: "Reflected exponential: it stays high for long and falls late.",
    parameters: [
      .baseRate(), .endRate, .totalSteps,
      .number(
        "beta", NumberRange(lower: 0, upper: 1, upperIsOpen: true), 0.5, "0 is a straight line, near 1 a late fall"),
    ],
    formula: "end_lr + (base_lr − end_lr)·(1 − p)/(1 − beta·p), p = min(t/total_steps, 1)",
    source: "Chen, Wolfe and Kyrillidis, \"REX\", MLSys 2022, arXiv:2107.04197",
    example: ["type": "rex", "base_lr": 0.1, "total_steps": 4]
  ) { arguments throws(SpecificationError) in
    var shape = Shape(.rex)
    shape.beta = try arguments.number("beta")
    return Ramp(
      baseRate: try arguments.number("base_lr"), endRate: try arguments.number("end_lr"),
      totalSteps: try arguments.number("total_steps"), shape: shape)
  }

  /// Worked example, cosine 1 → 0 in 4, k 2: 1, 0.9904, 0.8536, 0.4025, 0.
  static let kDecay = Definition(
    type: "k_decay",
    summary: "A decay whose progress is raised to the power k first: above 1 it stays high for longer.",
    parameters: [
      .baseRate(), .endRate, .totalSteps, .number("k", .positive, 2, "the exponent of the progress"),
      .choice("shape", Shape.Kind.cosine, "the form of the decay"),
    ],
    formula: "end_lr + (base_lr − end_lr)·(1 − shape(p^k)), p = min(t/total_steps, 1)",
    source: "Zhang and Li, \"k-decay\", 2020, arXiv:2004.05909",
    example: ["type": "k_decay", "base_lr": 0.1, "total_steps": 4, "k": 2]
  ) { arguments throws(SpecificationError) in
    let shape = Shape(try arguments.choice("shape")).with(kDecay: try arguments.number("k"))
    let baseRate = try arguments.number("base_lr")
    let endRate = try arguments.number("end_lr")
    if shape.kind == .exponential && (baseRate <= 0 || endRate <= 0) {
      throw arguments.error("end_lr", "the exponential shape needs rates greater than 0 at both ends")
    }
    return Ramp(
      baseRate: baseRate, endRate: endRate, totalSteps: try arguments.number("total_steps"), shape: shape)
  }
}
