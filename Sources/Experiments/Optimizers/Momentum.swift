import JSON
import Schedules

extension SGD {
  /// Heavy-ball momentum: ``SGD`` with a momentum by default.
  ///
  ///     b ← momentum·b + (1 − dampening)·g        (b = g in the first update)
  ///     θ ← θ − lr·b
  ///
  /// Source: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; `torch.optim.SGD`.
  static let withMomentum = OptimizerDefinition(
    type: "momentum",
    summary: "Steps against an average of the gradients, which rolls on like a heavy ball.",
    parameters: [
      .number("momentum", .positive, 0.9, "what is kept of the direction from one update to the next"),
      .number("dampening", .any, 0, "what is left out of a gradient that goes into the direction"),
      .coupledDecay,
    ],
    formula: "g = gradient + weight_decay·θ; b = momentum·b + (1 − dampening)·g, at first g; θ −= lr·b",
    source: "Polyak, 1964; torch.optim.SGD",
    example: ["type": "momentum", "momentum": 0.95],
    defaultLearningRate: 1e-3
  ) { arguments throws(SpecificationError) in
    let momentum = try arguments.number("momentum")
    let dampening = try arguments.number("dampening")
    let weightDecay = try arguments.number("weight_decay")
    return { SGD(parameterCount: $0, momentum: momentum, dampening: dampening, weightDecay: weightDecay) }
  }
}
