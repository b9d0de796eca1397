package import JSON

/// The fields of one schedule object, checked against its type's parameters.
///
/// A class, for it is handed around while a request waits.
package final class Arguments: Sendable {
  package let definition: Definition
  let object: JSONObject
  let pointer: JSONPointer
  let reader: SpecificationReader
  let depth: Int

  /// Checks the names: every field is known, every required one there.
  init(
    _ definition: Definition, _ object: JSONObject, pointer: JSONPointer, reader: SpecificationReader, depth: Int
  ) throws(SpecificationError) {
    self.definition = definition
    self.object = object
    self.pointer = pointer
    self.reader = reader
    self.depth = depth
    for member in object.members where member.name != "type" {
      if definition[member.name] != nil { continue }
      throw unknown(member.name)
    }
    for parameter in definition.parameters where parameter.isRequired || parameter.isBaseRate && depth == 0 {
      if object[parameter.name] == nil { throw missing(parameter) }
    }
    // Also what the type will not look at, given the rest: a wrong value is wrong whether or not it has an effect.
    for parameter in definition.parameters {
      guard let value = object[parameter.name] else { continue }
      switch parameter.kind {
      case .number, .integer: _ = try check(value, parameter, at: pointer.appending(parameter.name))
      case .boolean: _ = try flag(parameter.name)
      case .numbers: _ = try numbers(parameter.name)
      case .points: _ = try points(parameter.name)
      case .mapping: _ = try mapping(parameter.name)
      case .text: _ = try optionalText(parameter.name)
      case .texts: _ = try texts(parameter.name)
      case .records: _ = try records(parameter.name)
      case .choice(let words): _ = try word(parameter.name, of: words)
      case .schedule, .schedules, .numberOrSchedule: break
      }
    }
  }

  /// The fields of an object that is no schedule, checked as a schedule's are.
  package convenience init(_ definition: Definition, _ object: JSONObject, pointer: JSONPointer)
    throws(SpecificationError)
  {
    try self.init(definition, object, pointer: pointer, reader: SpecificationReader(), depth: 0)
  }

  private func unknown(_ name: String) -> SpecificationError {
    let names = definition.parameters.map(\.name)
    let near = nearest(to: name, in: names.filter { object[$0] == nil })
    var detail = "\(definition.type) has no parameter '\(name.prefix(64))'"
    detail += near.map { "; did you mean '\($0)'?" } ?? "; it takes \(names.joined(separator: ", "))"
    return SpecificationError(pointer: pointer.appending(name), detail: detail, suggestion: near)
  }

  private func missing(_ parameter: Parameter) -> SpecificationError {
    SpecificationError(
      pointer: pointer.appending(parameter.name),
      detail: "\(definition.type) needs '\(parameter.name)': \(parameter.summary)")
  }

  /// An error at the field `name`.
  package func error(_ name: String, _ detail: String, suggestion: String? = nil) -> SpecificationError {
    SpecificationError(pointer: pointer.appending(name), detail: detail, suggestion: suggestion)
  }

  /// An error at the schedule as a whole.
  package func error(_ detail: String) -> SpecificationError { SpecificationError(pointer: pointer, detail: detail) }

  /// Whether the caller gave the field.
  package func has(_ name: String) -> Bool { object[name] != nil }

  private func parameter(_ name: String) throws(SpecificationError) -> Parameter {
    guard let parameter = definition[name] else {
      throw error(name, "\(definition.type) does not declare '\(name)'")
    }
    return parameter
  }

  // MARK: Values

  /// The number given, or the default, or nil.
  package func optionalNumber(_ name: String) throws(SpecificationError) -> Double? {
    let parameter = try parameter(name)
    let fallback = parameter.isBaseRate ? .number(1) : parameter.defaultValue
    guard let value = object[name] ?? fallback else { return nil }
    return try check(value, parameter, at: pointer.appending(name))
  }

  package func number(_ name: String) throws(SpecificationError) -> Double {
    guard let number = try optionalNumber(name) else { throw missing(try parameter(name)) }
    return number
  }

  /// The array of numbers given, which must be there.
  package func numbers(_ name: String) throws(SpecificationError) -> [Double] {
    let parameter = try parameter(name)
    let pointer = pointer.appending(name)
    guard let value = object[name] else { throw missing(parameter) }
    guard case .array(let elements) = value else { throw wrongType(value, "an array of numbers", parameter, pointer) }
    var numbers: [Double] = []
    numbers.reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
      numbers.append(try check(element, parameter, at: pointer.appending(index)))
    }
    return numbers
  }

  /// The pairs of step and rate given; at least one.
  func points(_ name: String) throws(SpecificationError) -> [(step: Double, rate: Double)] {
    let parameter = try parameter(name)
    guard let value = object[name] else { throw missing(parameter) }
    let pointer = pointer.appending(name)
    guard case .array(let elements) = value, !elements.isEmpty else {
      throw wrongType(value, "a list of pairs [step, rate], at least one", parameter, pointer)
    }
    var points: [(step: Double, rate: Double)] = []
    points.reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
      guard case .array(let pair) = element, pair.count == 2, case .number(let step) = pair[0],
        case .number(let rate) = pair[1]
      else { throw wrongType(element, "a pair [step, rate]", parameter, pointer.appending(index)) }
      points.append((step, rate))
    }
    return points
  }

  /// The members of the object given, in the caller's order; empty where it was left out.
  func mapping(_ name: String) throws(SpecificationError) -> [(name: String, value: Double)] {
    let parameter = try parameter(name)
    guard let value = object[name] else {
      if parameter.isRequired { throw missing(parameter) }
      return []
    }
    let pointer = pointer.appending(name)
    guard case .object(let mapping) = value else {
      throw wrongType(value, "an object of numbers", parameter, pointer)
    }
    var members: [(name: String, value: Double)] = []
    for member in mapping.members {
      members.append((member.name, try check(member.value, parameter, at: pointer.appending(member.name))))
    }
    return members
  }

  /// The text given; nil where it was left out.
  func optionalText(_ name: String) throws(SpecificationError) -> String? {
    let parameter = try parameter(name)
    guard let value = object[name] ?? parameter.defaultValue else { return nil }
    guard case .string(let text) = value else {
      throw wrongType(value, "a string", parameter, pointer.appending(name))
    }
    if case .text(let length) = parameter.kind, text.utf8.count > length {
      throw error(name, "'\(name)' has at most \(length) octets; \(text.utf8.count) were given")
    }
    return text
  }

  /// The texts given; at least one.
  func texts(_ name: String) throws(SpecificationError) -> [String] {
    let parameter = try parameter(name)
    guard let value = object[name], case .texts(let length) = parameter.kind else { throw missing(parameter) }
    let pointer = pointer.appending(name)
    guard case .array(let elements) = value, !elements.isEmpty else {
      throw wrongType(value, "a list of texts, at least one", parameter, pointer)
    }
    var texts: [String] = []
    for (index, element) in elements.enumerated() {
      guard case .string(let text) = element, text.utf8.count <= length else {
        throw wrongType(element, "a text of at most \(length) characters", parameter, pointer.appending(index))
      }
      texts.append(text)
    }
    return texts
  }

  /// The objects given, each checked against its own parameters; at least one.
  func records(_ name: String) throws(SpecificationError) -> [Arguments] {
    let parameter = try parameter(name)
    guard let value = object[name], case .records(let fields) = parameter.kind else { throw missing(parameter) }
    let pointer = pointer.appending(name)
    guard case .array(let elements) = value, !elements.isEmpty else {
      throw wrongType(value, "a list of objects, at least one", parameter, pointer)
    }
    let inner = Definition(
      type: "'\(name)' of \(definition.type)", summary: parameter.summary, parameters: fields, formula: "",
      source: definition.source, example: .null)
    var records: [Arguments] = []
    for (index, element) in elements.enumerated() {
      guard case .object(let object) = element else {
        throw wrongType(element, "an object", parameter, pointer.appending(index))
      }
      records.append(
        try Arguments(inner, object, pointer: pointer.appending(index), reader: reader, depth: depth + 1))
    }
    return records
  }

  package func flag(_ name: String) throws(SpecificationError) -> Bool {
    let parameter = try parameter(name)
    guard let value = object[name] ?? parameter.defaultValue else { throw missing(parameter) }
    guard case .bool(let flag) = value else {
      throw wrongType(value, "true or false", parameter, pointer.appending(name))
    }
    return flag
  }

  func choice<Choice: CaseIterable & RawRepresentable<String>>(
    _ name: String, of type: Choice.Type = Choice.self
  ) throws(SpecificationError) -> Choice {
    let parameter = try parameter(name)
    if case .string(let word)? = object[name] ?? parameter.defaultValue, let choice = Choice(rawValue: word) {
      return choice
    }
    _ = try word(name, of: Choice.allCases.map(\.rawValue))
    throw missing(parameter)
  }

  /// The word given, or the default; it is one of `words`.
  private func word(_ name: String, of words: [String]) throws(SpecificationError) -> String {
    let parameter = try parameter(name)
    guard let value = object[name] ?? parameter.defaultValue else { throw missing(parameter) }
    if case .string(let word) = value, words.contains(word) { return word }
    let listed = words.map { "\"\($0)\"" }.joined(separator: ", ")
    guard case .string(let word) = value else {
      throw wrongType(value, "one of \(listed)", parameter, pointer.appending(name))
    }
    let near = nearest(to: word, in: words)
    let hint = near.map { "; did you mean \"\($0)\"?" } ?? ""
    throw error(name, "'\(name)' must be one of \(listed), not \"\(word.prefix(64))\"\(hint)", suggestion: near)
  }

  /// The schedule given.
  ///
  /// - Parameter horizon: the last step of its own clock that will be asked for, where that may be later than the last of
  ///   this schedule's.
  func schedule(_ name: String, horizon: Double = 0) throws(SpecificationError) -> any Schedule {
    guard let value = object[name] else { throw missing(try parameter(name)) }
    let reader = reader.reaching(horizon)
    return try reader.curves(value, pointer: pointer.appending(name), depth: depth + 1).rate
  }

  /// The schedule given, or the number given as a constant.
  func numberOrSchedule(_ name: String) throws(SpecificationError) -> any Schedule {
    if case .object? = object[name] { return try schedule(name) }
    return Constant(baseRate: try number(name))
  }

  /// The schedules given; `horizon` as in ``schedule(_:horizon:)``.
  func schedules(_ name: String, horizon: Double = 0) throws(SpecificationError) -> [any Schedule] {
    let reader = reader.reaching(horizon)
    var schedules: [any Schedule] = []
    for (element, pointer) in try elements(name) {
      schedules.append(try reader.curves(element, pointer: pointer, depth: depth + 1).rate)
    }
    return schedules
  }

  /// The elements of an array of schedules, each with its pointer; at least one.
  func elements(_ name: String) throws(SpecificationError) -> [(JSONValue, JSONPointer)] {
    let parameter = try parameter(name)
    guard let value = object[name] else { throw missing(parameter) }
    guard case .array(let elements) = value else {
      throw wrongType(value, "an array of schedules", parameter, pointer.appending(name))
    }
    if elements.isEmpty { throw error(name, "'\(name)' must hold at least one schedule") }
    return elements.enumerated().map { ($0.element, pointer.appending(name).appending($0.offset)) }
  }

  private func check(
    _ value: JSONValue, _ parameter: Parameter, at pointer: @autoclosure () -> JSONPointer
  ) throws(SpecificationError) -> Double {
    let range: NumberRange
    var isInteger = false
    switch parameter.kind {
    case .number(let bounds), .numbers(let bounds), .mapping(let bounds), .numberOrSchedule(let bounds): range = bounds
    case .integer(let bounds):
      range = bounds
      isInteger = true
    default: range = .any
    }
    guard case .number(let number) = value else {
      throw wrongType(value, isInteger ? "a whole number" : "a number", parameter, pointer())
    }
    if isInteger && number != number.rounded() {
      throw SpecificationError(
        pointer: pointer(), detail: "'\(parameter.name)' must be a whole number, not \(numberText(number))")
    }
    if !range.contains(number) {
      throw SpecificationError(
        pointer: pointer(), detail: "'\(parameter.name)' must be \(range.description), not \(numberText(number))")
    }
    return number
  }

  private func wrongType(
    _ value: JSONValue, _ expected: String, _ parameter: Parameter, _ pointer: JSONPointer
  ) -> SpecificationError {
    SpecificationError(
      pointer: pointer, detail: "'\(parameter.name)' must be \(expected), not \(value.typeName): \(parameter.summary)")
  }
}
