import JSON
import Schedules

/// The unit that a schedule's lengths are in, and how many optimizer steps it takes.
///
/// A schedule's clock need not be the optimizer's steps. The steps that a caller asks about always are.
struct Clock {
  enum Unit: String, CaseIterable {
    case steps
    case epochs
    case samples
    case tokens
    /// The whole training is 1.
    case fraction
  }

  static let fields = [
    "unit", "steps_per_epoch", "batch_size", "gradient_accumulation", "processes", "tokens_per_sample", "total_steps",
    "stepped",
  ]

  private let unit: Unit
  /// The steps of a unit, or the units of a step: the one that is a whole number, so that nothing is rounded.
  private let stepsPerUnit: Double?
  private let unitsPerStep: Double?
  private let isStepped: Bool

  init(_ request: RequestObject) throws(Problem) {
    unit = try Self.unit(request)
    isStepped = try request.flag("stepped") ?? false
    var needed: [String]
    switch unit {
    case .steps: needed = []
    case .epochs: needed = ["steps_per_epoch"]
    case .samples: needed = ["batch_size", "gradient_accumulation", "processes"]
    case .tokens: needed = ["batch_size", "gradient_accumulation", "processes", "tokens_per_sample"]
    case .fraction: needed = ["total_steps"]
    }
    for name in Self.fields where request[name] != nil && !["unit", "stepped"].contains(name) {
      if needed.contains(name) { continue }
      throw .invalid(request.path(name), "'\(name)' has no meaning with the unit \"\(unit.rawValue)\"")
    }
    if isStepped && unit != .epochs {
      throw .invalid(request.path("stepped"), "'stepped' is for the unit \"epochs\": the rate changes once an epoch")
    }
    var product = 1.0
    for name in needed {
      guard let number = try request.positive(name) else {
        throw .invalid(
          request.path(name), "the unit \"\(unit.rawValue)\" needs '\(name)': state it, it is never guessed")
      }
      product *= number
    }
    if !product.isFinite { throw .invalid(request.path(needed[0]), "the steps of a unit leave the range of a double") }
    let isPerUnit = unit == .epochs || unit == .fraction
    stepsPerUnit = isPerUnit ? product : nil
    unitsPerStep = unit == .samples || unit == .tokens ? product : nil
  }

  private static func unit(_ request: RequestObject) throws(Problem) -> Unit {
    guard let value = request["unit"] else { return .steps }
    let words = Unit.allCases.map(\.rawValue)
    if case .string(let word) = value {
      // "epoch" is what many will write.
      if let unit = Unit(rawValue: word) ?? Unit(rawValue: word + "s") { return unit }
      let near = nearest(to: word, in: words)
      throw .invalid(request.path("unit"), "'unit' is one of \(words.joined(separator: ", "))", suggestion: near)
    }
    throw .invalid(request.path("unit"), "'unit' is one of \(words.joined(separator: ", ")), not \(value.typeName)")
  }

  /// The schedule, whose lengths are in the unit, on the clock of optimizer steps.
  func onSteps(_ schedule: any Schedule) -> any Schedule {
    if let stepsPerUnit {
      return Stretch(by: stepsPerUnit, schedule: isStepped ? Quantize(every: 1, schedule: schedule) : schedule)
    }
    if let unitsPerStep { return Stretch(speed: unitsPerStep, schedule: schedule) }
    return schedule
  }

  /// The last moment, in the schedule's own unit, that the step needs.
  func horizon(_ step: Double) -> Double {
    if let stepsPerUnit { return min(step / stepsPerUnit, largestStep) }
    if let unitsPerStep { return min(step * unitsPerStep, largestStep) }
    return step
  }
}
