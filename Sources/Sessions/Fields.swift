public import JSON
import Schedules

// Reading JSON objects whose members are known by name.

/// An object's members, checked against the names that it may have.
struct Fields {
  let object: JSONObject
  let path: String

  init(_ value: JSONValue, at path: String, names: [String]) throws(SessionError) {
    guard case .object(let object) = value else {
      throw SessionError(.invalid, "an object was expected here, not \(value.typeName)", pointer: path)
    }
    for member in object.members where !names.contains(member.name) {
      let near = nearest(to: member.name, in: names.filter { object[$0] == nil })
      let hint = near.map { "; did you mean '\($0)'?" } ?? "; there may be \(names.joined(separator: ", "))"
      throw SessionError(
        .invalid, "there is no field '\(member.name.prefix(64))' here\(hint)",
        pointer: path + JSONPointer.root.appending(member.name).description, suggestion: near)
    }
    self.object = object
    self.path = path
  }

  subscript(name: String) -> JSONValue? { object[name] }

  func error(_ name: String, _ detail: String, suggestion: String? = nil) -> SessionError {
    SessionError(
      .invalid, detail, pointer: path + JSONPointer.root.appending(name).description, suggestion: suggestion)
  }

  func number(_ name: String) throws(SessionError) -> Double? {
    guard let value = object[name] else { return nil }
    guard case .number(let number) = value else {
      throw error(name, "'\(name)' must be a number, not \(value.typeName)")
    }
    return number
  }

  func integer(_ name: String, _ range: ClosedRange<Int>) throws(SessionError) -> Int? {
    guard let number = try number(name) else { return nil }
    guard number == number.rounded(), number >= Double(range.lowerBound), number <= Double(range.upperBound) else {
      throw error(name, "'\(name)' must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return Int(number)
  }

  func text(_ name: String, largest: Int = 64) throws(SessionError) -> String? {
    guard let value = object[name] else { return nil }
    guard case .string(let text) = value, text.utf8.count <= largest else {
      throw error(name, "'\(name)' must be a text of at most \(largest) octets")
    }
    return text
  }

  func choice<Choice: CaseIterable & RawRepresentable<String>>(
    _ name: String, _ otherwise: Choice
  ) throws(SessionError) -> Choice {
    guard let word = try text(name) else { return otherwise }
    if let choice = Choice(rawValue: word) { return choice }
    let words = Choice.allCases.map(\.rawValue)
    let near = nearest(to: word, in: words)
    throw error(name, "'\(name)' is one of \(words.joined(separator: ", "))", suggestion: near)
  }
}

extension JSONValue {
  /// A number as reports carry it: JSON has no words for NaN and the infinities, these strings stand for them.
  public static func report(_ number: Double) -> JSONValue {
    if number.isFinite { return .number(number) }
    return number.isNaN ? "nan" : number > 0 ? "inf" : "-inf"
  }

  /// The number that ``report(_:)`` wrote; nil for anything else.
  public var reported: Double? {
    switch self {
    case .number(let number): number
    case .string("nan"): .nan
    case .string("inf"): .infinity
    case .string("-inf"): -.infinity
    default: nil
    }
  }

  init(step: Int) { self = .number(Double(step)) }

  /// The whole number; nil for anything else.
  var whole: Int? {
    guard case .number(let number) = self, number == number.rounded(), abs(number) <= largestStep else { return nil }
    return Int(number)
  }
}
