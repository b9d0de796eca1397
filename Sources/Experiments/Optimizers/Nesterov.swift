import JSON
import Schedules

extension SGD {
  /// Nesterov's momentum: ``SGD`` that looks ahead.
  ///
  ///     b ← momentum·b + g        (b = g in the first update)
  ///     θ ← θ − lr·(g + momentum·b)
  ///
  /// Source: Nesterov, 1983, in the form of Sutskever et al., "On the importance of initialization and momentum in deep
  /// learning", 2013, as `torch.optim.SGD` has it.
  static let nesterov = OptimizerDefinition(
    type: "nesterov",
    summary: "Momentum that corrects itself by the gradient where it is going.",
    parameters: [
      .number("momentum", .positive, 0.9, "what is kept of the direction from one update to the next"), .coupledDecay,
    ],
    formula: "g = gradient + weight_decay·θ; b = momentum·b + g; θ −= lr·(g + momentum·b)",
    source: "Nesterov, 1983; Sutskever et al., 2013; torch.optim.SGD",
    example: ["type": "nesterov", "momentum": 0.95],
    defaultLearningRate: 1e-3
  ) { arguments throws(SpecificationError) in
    let momentum = try arguments.number("momentum")
    let weightDecay = try arguments.number("weight_decay")
    return { SGD(parameterCount: $0, momentum: momentum, weightDecay: weightDecay, nesterov: true) }
  }
}
