import JSON

/// torch's `SWALR`, the schedule of stochastic weight averaging: a ramp to the averaging rate, which then holds.
///
/// Worked example, 0.1 to 0.05 in 2 steps, linear: 0.1, 0.075, 0.05, 0.05.
///
/// Source: `torch.optim.swa_utils.SWALR`, torch 2.13, started on a fresh optimizer.
enum TorchAveraging {
  private enum Anneal: String, CaseIterable {
    case cos
    case linear
  }

  static let definition = Definition(
    type: "torch.SWALR",
    summary: "A ramp from the optimizer's rate to swa_lr, which then holds.",
    parameters: [
      .baseRate("base_lr", "the rate that the optimizer was given"),
      .required("swa_lr", .number(.notNegative), "the rate while weights are averaged"),
      .integer("anneal_epochs", .notNegative, 10, "the length of the ramp; with 0 the rate is swa_lr at once"),
      .choice("anneal_strategy", Anneal.cos, "the form of the ramp"),
    ],
    formula: "base_lr + (swa_lr − base_lr)·shape(min(t/anneal_epochs, 1))",
    source: "torch.optim.swa_utils.SWALR, torch 2.13",
    example: ["type": "torch.SWALR", "base_lr": 0.1, "swa_lr": 0.05, "anneal_epochs": 10]
  ) { arguments throws(SpecificationError) in
    let averaging = try arguments.number("swa_lr")
    let length = try arguments.number("anneal_epochs")
    if length == 0 { return Constant(baseRate: averaging) }
    let anneal: Anneal = try arguments.choice("anneal_strategy")
    return Ramp(
      baseRate: try arguments.number("base_lr"), endRate: averaging, totalSteps: length,
      shape: Shape(anneal == .cos ? .cosine : .linear))
  }
}
