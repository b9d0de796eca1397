/// All schedule types that the engine knows.
public struct Catalog: Sendable {
  public let definitions: [Definition]
  private let index: [String: Int]

  /// - Parameter definitions: each type once.
  public init(_ definitions: [Definition]) {
    self.definitions = definitions
    index = Dictionary(
      definitions.enumerated().map { ($0.element.type, $0.offset) }, uniquingKeysWith: { first, _ in first })
  }

  /// The names of all types, in the catalog's order.
  public var types: [String] { definitions.map(\.type) }

  public subscript(type: String) -> Definition? { index[type].map { definitions[$0] } }

  /// The canonical types, then each framework's dialect. A new schedule is a file of its own and a line here.
  public static let standard = Catalog(
    canonical
      + combinators
      + torch
      + LossDriven.torch
      + OptaxSchedules.all
      + OptaxPiecewise.all
      + LossDriven.optax
      + KerasSchedules.all
      + LossDriven.keras
      + HuggingFaceSchedules.all
      + LossDriven.huggingFace
      + TimmSchedules.all
      + LossDriven.timm
      + PaddleSchedules.all
      + LossDriven.paddle
      + MMEngineSchedules.all
      + LossDriven.mmengine
      + DeepSpeedSchedules.all
      + MegatronSchedules.all
      + FairseqSchedules.all
      + Fairseq2Schedules.all
      + ComposerSchedules.all
      + NeMoSchedules.all
      + FastaiSchedules.all
  )

  static let canonical: [Definition] =
    [
      Constant.definition,
      Linear.definition,
      Step.definition,
      MultiStep.definition,
      PiecewiseConstant.definition,
      Exponential.definition,
      InverseTime.definition,
      Polynomial.definition,
      Cosine.definition,
      CosineRestarts.definition,
      Cyclic.definition,
      OneCycle.definition,
      InverseSquareRoot.definition,
      Noam.definition,
      Power.definition,
      Sigmoid.definition,
      Ramp.definition,
      PiecewiseLinear.definition,
      RateTable.definition,
      WarmupStableDecay.definition,
      ExpressionSchedule.definition,
    ] + NamedRamps.all

  static let combinators: [Definition] = [
    Warmup.definition,
    ScheduleSequence.definition,
    ScheduleProduct.definition,
    ScheduleSum.definition,
    Extreme.minimum,
    Extreme.maximum,
    Scale.definition,
    Clamp.definition,
    Shift.definition,
    Stretch.definition,
    Quantize.definition,
    Hold.definition,
    Repeat.definition,
    Noise.definition,
    Ended.definition,
  ]

  static let torch: [Definition] =
    TorchLeaf.all.map(\.definition) + [
      TorchSequential.definition, TorchChained.definition, ExpressionSchedule.lambda, TorchAveraging.definition,
    ]
}
