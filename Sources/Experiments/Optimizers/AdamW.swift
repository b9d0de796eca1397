import JSON
import Schedules

extension Adam {
  /// AdamW: ``Adam`` whose weight decay shrinks the parameters and never enters the averages.
  ///
  ///     θ ← (1 − lr·weight_decay)·θ, then Adam's update
  ///
  /// Source: Loshchilov and Hutter, "Decoupled weight decay regularization", arXiv:1711.05101; `torch.optim.AdamW`.
  static let decoupled = OptimizerDefinition(
    type: "adamw",
    summary: "Adam whose weight decay shrinks the parameters and stays out of the averages.",
    parameters: parameters(
      .number("weight_decay", .notNegative, 0.01, "an update shrinks the parameters by lr·weight_decay")),
    formula: "θ −= lr·weight_decay·θ; m = beta1·m + (1 − beta1)·g; v = beta2·v + (1 − beta2)·g²; "
      + "θ −= lr·m/(1 − beta1ᵗ)/(√(v/(1 − beta2ᵗ)) + eps)",
    source: "Loshchilov and Hutter, arXiv:1711.05101; torch.optim.AdamW",
    example: ["type": "adamw", "weight_decay": 0.1],
    defaultLearningRate: 1e-3,
    maker(decoupled: true))
}
