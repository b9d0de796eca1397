public import JSON

/// One parameter of a schedule type, as the wire names it: the single source of its check, its documentation and its default.
public final class Parameter: Sendable {
  /// What a parameter's value may be.
  public enum Kind: Sendable {
    case number(NumberRange)
    /// A whole number.
    case integer(NumberRange)
    case boolean
    /// One of these words.
    case choice([String])
    /// An array of numbers, each in the range.
    case numbers(NumberRange)
    /// An array of pairs of step and rate, at least one.
    case points
    /// An object whose names are the caller's and whose values are numbers in the range.
    case mapping(NumberRange)
    /// A string of at most so many characters.
    case text(Int)
    /// An array of such strings, at least one.
    case texts(Int)
    /// An array of objects with these parameters, at least one.
    case records([Parameter])
    case schedule
    /// A number in the range, or a schedule in its place.
    case numberOrSchedule(NumberRange)
    /// An array of schedules, at least one.
    case schedules
  }

  public let name: String
  public let kind: Kind
  /// The value where the caller gives none; nil where there is no such value.
  public let defaultValue: JSONValue?
  /// Whether the caller has to give it.
  public let isRequired: Bool
  /// Whether it is the rate that the whole schedule scales with: required at the root, 1 in a nested schedule, where
  /// the schedule is then a factor.
  public let isBaseRate: Bool
  /// What it means, with its unit.
  public let summary: String

  init(name: String, kind: Kind, defaultValue: JSONValue?, isRequired: Bool, isBaseRate: Bool, summary: String) {
    self.name = name
    self.kind = kind
    self.defaultValue = defaultValue
    self.isRequired = isRequired
    self.isBaseRate = isBaseRate
    self.summary = summary
  }

  /// What it may be and whether it has to be given, in words: "number at least 0, default 0".
  public var requirement: String {
    let values =
      switch kind {
      case .number(let range): "number, \(range.description)"
      case .integer(let range): "whole number, \(range.description)"
      case .boolean: "true or false"
      case .choice(let words): words.joined(separator: ", ")
      case .numbers(let range): "list of numbers, each \(range.description)"
      case .points: "list of pairs [step, rate]"
      case .mapping(let range): "object of numbers, each \(range.description)"
      case .text(let length): "text of at most \(length) characters"
      case .texts(let length): "list of texts of at most \(length) characters"
      case .records(let fields): "list of objects with \(fields.map(\.name).joined(separator: ", "))"
      case .schedule: "a schedule"
      case .numberOrSchedule(let range): "number, \(range.description), or a schedule"
      case .schedules: "a list of schedules"
      }
    if let defaultValue { return "\(values); default \(JSONWriter.text(defaultValue))" }
    if isBaseRate { return "\(values); required, 1 where nested" }
    return isRequired ? "\(values); required" : "\(values); may be left out"
  }
}

/// The numbers that a parameter may be.
public struct NumberRange: Sendable {
  public var lower: Double?
  public var lowerIsOpen: Bool
  public var upper: Double?
  public var upperIsOpen: Bool

  package init(lower: Double? = nil, lowerIsOpen: Bool = false, upper: Double? = nil, upperIsOpen: Bool = false) {
    self.lower = lower
    self.lowerIsOpen = lowerIsOpen
    self.upper = upper
    self.upperIsOpen = upperIsOpen
  }

  public static let any = NumberRange()
  /// 0 or more.
  public static let notNegative = NumberRange(lower: 0)
  /// More than 0.
  public static let positive = NumberRange(lower: 0, lowerIsOpen: true)
  /// From 0 to 1, both included.
  public static let fraction = NumberRange(lower: 0, upper: 1)
  /// A count of steps, at least 1.
  public static let atLeastOne = NumberRange(lower: 1)

  func contains(_ value: Double) -> Bool {
    if let lower, lowerIsOpen ? value <= lower : value < lower { return false }
    if let upper, upperIsOpen ? value >= upper : value > upper { return false }
    return true
  }

  /// The range in words: "greater than 0", "from 0 to 1".
  public var description: String {
    let low = lower.map { (lowerIsOpen ? "greater than " : "at least ") + numberText($0) }
    let high = upper.map { (upperIsOpen ? "less than " : "at most ") + numberText($0) }
    return switch (low, high) {
    case (nil, nil): "any number"
    case (let low?, nil): low
    case (nil, let high?): high
    case (let low?, let high?): "\(low) and \(high)"
    }
  }
}

/// A number as people write it: 30, not 30.0.
func numberText(_ value: Double) -> String { JSONWriter.text(.number(value)) }

// MARK: The ways to declare a parameter

extension Parameter {
  /// The rate that the schedule starts from and scales with.
  static func baseRate(_ name: String = "base_lr", _ summary: String = "the rate at step 0") -> Parameter {
    Parameter(
      name: name, kind: .number(.notNegative), defaultValue: nil, isRequired: false, isBaseRate: true, summary: summary)
  }

  static let totalSteps = required("total_steps", .number(.positive), "the length of the decay in steps")

  static let endRate = number("end_lr", .notNegative, 0, "the rate at the end")

  package static func required(_ name: String, _ kind: Kind, _ summary: String) -> Parameter {
    Parameter(name: name, kind: kind, defaultValue: nil, isRequired: true, isBaseRate: false, summary: summary)
  }

  /// May be left out, and has no value then.
  package static func optional(_ name: String, _ kind: Kind, _ summary: String) -> Parameter {
    Parameter(name: name, kind: kind, defaultValue: nil, isRequired: false, isBaseRate: false, summary: summary)
  }

  package static func number(_ name: String, _ range: NumberRange, _ value: Double, _ summary: String) -> Parameter {
    with(name, .number(range), .number(value), summary)
  }

  package static func integer(_ name: String, _ range: NumberRange, _ value: Int, _ summary: String) -> Parameter {
    with(name, .integer(range), .number(Double(value)), summary)
  }

  package static func flag(_ name: String, _ value: Bool, _ summary: String) -> Parameter {
    with(name, .boolean, .bool(value), summary)
  }

  package static func choice<Choice: CaseIterable & RawRepresentable<String>>(
    _ name: String, _ value: Choice, _ summary: String
  ) -> Parameter {
    with(name, .choice(Choice.allCases.map(\.rawValue)), .string(value.rawValue), summary)
  }

  package static func requiredChoice<Choice: CaseIterable & RawRepresentable<String>>(
    _ name: String, _ choices: Choice.Type, _ summary: String
  ) -> Parameter {
    required(name, .choice(Choice.allCases.map(\.rawValue)), summary)
  }

  package static func with(_ name: String, _ kind: Kind, _ value: JSONValue, _ summary: String) -> Parameter {
    Parameter(name: name, kind: kind, defaultValue: value, isRequired: false, isBaseRate: false, summary: summary)
  }
}
