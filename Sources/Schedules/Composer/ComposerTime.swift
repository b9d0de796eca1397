import JSON

/// Composer's times ("10ep", "0.5dur", "100ba", "1e6tok"), converted as its `_convert_time` does.
struct ComposerTime {
  enum Unit: String, CaseIterable {
    case epoch = "ep"
    case batch = "ba"
    case sample = "sp"
    case token = "tok"
    case duration = "dur"
  }

  /// A whole length in batches, samples or tokens.
  struct Length {
    let value: Double
    let unit: Unit
  }

  private let arguments: Arguments

  init(_ arguments: Arguments) { self.arguments = arguments }

  static let parameters = [
    Parameter.optional("max_duration", .text(32), "the length of the training, such as 10ep; needed for times in dur"),
    Parameter.optional("batches_per_epoch", .integer(.atLeastOne), "needed for times in ep"),
    Parameter.optional("samples_per_batch", .integer(.atLeastOne), "needed for times in sp"),
    Parameter.optional("tokens_per_batch", .integer(.atLeastOne), "needed for times in tok"),
    Parameter.number("scale_schedule_ratio", .positive, 1, "multiplies all times but those in dur and warm-ups"),
  ]

  /// The time of the field `name`, cut to whole units.
  ///
  /// - Parameter isScaled: whether `scale_schedule_ratio` multiplies it.
  func length(_ name: String, isScaled: Bool = true) throws(SpecificationError) -> Length {
    guard let text = try arguments.optionalText(name) else {
      throw arguments.error(name, "'\(name)' is a time such as 10ep, 100ba or 0.5dur")
    }
    return try length(of: text, name, isScaled: isScaled)
  }

  func length(of text: String, _ name: String, isScaled: Bool = true) throws(SpecificationError) -> Length {
    let (value, unit) = try Self.parse(text, name, arguments)
    let ratio = isScaled ? try arguments.number("scale_schedule_ratio") : 1
    switch unit {
    case .duration:
      guard let duration = try arguments.optionalText("max_duration") else {
        throw arguments.error("max_duration", "'\(name)' is a part of the training: 'max_duration' says how long it is")
      }
      let (whole, wholeUnit) = try Self.parse(duration, "max_duration", arguments)
      switch wholeUnit {
      case .duration: throw arguments.error("max_duration", "'max_duration' cannot be in dur")
      case .epoch: return Length(value: (value * (try batchesPerEpoch(name)) * whole).rounded(.down), unit: .batch)
      default: return Length(value: (value * whole).rounded(.down), unit: wholeUnit)
      }
    case .epoch: return Length(value: (value * (try batchesPerEpoch(name)) * ratio).rounded(.down), unit: .batch)
    default: return Length(value: (value * ratio).rounded(.down), unit: unit)
    }
  }

  private func batchesPerEpoch(_ name: String) throws(SpecificationError) -> Double {
    guard let count = try arguments.optionalNumber("batches_per_epoch") else {
      throw arguments.error("batches_per_epoch", "'\(name)' is in epochs: 'batches_per_epoch' says how long one is")
    }
    return count
  }

  /// A schedule whose clock counts `unit`, on the clock of batches.
  func onBatches(_ schedule: any Schedule, _ unit: Unit) throws(SpecificationError) -> any Schedule {
    switch unit {
    case .sample, .token:
      let name = unit == .sample ? "samples_per_batch" : "tokens_per_batch"
      guard let count = try arguments.optionalNumber(name) else {
        throw arguments.error(name, "a time is in \(unit.rawValue): '\(name)' says how many a batch has")
      }
      return Stretch(speed: count, schedule: schedule)
    default: return schedule
    }
  }

  private static func parse(
    _ text: String, _ name: String, _ arguments: Arguments
  ) throws(SpecificationError) -> (value: Double, unit: Unit) {
    for unit in Unit.allCases where text.hasSuffix(unit.rawValue) {
      let digits = text.dropLast(unit.rawValue.count)
      guard let value = Double(digits.filter { $0 != "_" }), value.isFinite, value >= 0 else { break }
      return (value, unit)
    }
    let units = Unit.allCases.map(\.rawValue).joined(separator: ", ")
    throw arguments.error(
      name, "'\(text.prefix(32))' is no time: write a number and one of \(units), such as 10ep; seconds have no rate")
  }
}
