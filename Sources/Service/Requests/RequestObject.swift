import JSON
import Schedules

/// An object of a request's content whose members are known by name; anything else in it is an error.
struct RequestObject {
  let object: JSONObject
  let pointer: JSONPointer

  /// - Parameters:
  ///   - value: what should be the object.
  ///   - names: the members that it may have.
  ///   - example: what it looks like, for the error.
  init(_ value: JSONValue, at pointer: JSONPointer, names: [String], example: String) throws(Problem) {
    guard case .object(let object) = value else {
      throw .invalid(pointer.description, "an object such as \(example) was expected here, not \(value.typeName)")
    }
    for member in object.members where !names.contains(member.name) {
      let near = nearest(to: member.name, in: names.filter { object[$0] == nil })
      let hint = near.map { "; did you mean '\($0)'?" } ?? "; there may be \(names.joined(separator: ", "))"
      throw .invalid(
        pointer.appending(member.name).description, "there is no field '\(member.name.prefix(64))' here\(hint)",
        suggestion: near)
    }
    self.object = object
    self.pointer = pointer
  }

  subscript(name: String) -> JSONValue? { object[name] }

  func path(_ name: String) -> String { pointer.appending(name).description }

  /// The number given, or nil.
  func number(_ name: String) throws(Problem) -> Double? {
    guard let value = object[name] else { return nil }
    guard case .number(let number) = value else {
      throw .invalid(path(name), "'\(name)' must be a number, not \(value.typeName)")
    }
    return number
  }

  /// The number given, greater than 0; or nil.
  func positive(_ name: String) throws(Problem) -> Double? {
    guard let number = try number(name) else { return nil }
    if number <= 0 { throw .invalid(path(name), "'\(name)' must be greater than 0") }
    return number
  }

  /// The number given, 0 or greater; or nil.
  func notNegative(_ name: String) throws(Problem) -> Double? {
    guard let number = try number(name) else { return nil }
    if number < 0 { throw .invalid(path(name), "'\(name)' must be at least 0") }
    return number
  }

  func flag(_ name: String) throws(Problem) -> Bool? {
    guard let value = object[name] else { return nil }
    guard case .bool(let flag) = value else {
      throw .invalid(path(name), "'\(name)' must be true or false, not \(value.typeName)")
    }
    return flag
  }

  /// The string given, of 1 to 64 characters; or nil.
  func name(_ name: String) throws(Problem) -> String? {
    guard let value = object[name] else { return nil }
    guard case .string(let text) = value, !text.isEmpty, text.count <= 64 else {
      throw .invalid(path(name), "'\(name)' must be a string of 1 to 64 characters")
    }
    return text
  }

  func array(_ name: String, largest: Int) throws(Problem) -> [JSONValue]? {
    guard let value = object[name] else { return nil }
    guard case .array(let elements) = value else {
      throw .invalid(path(name), "'\(name)' must be an array, not \(value.typeName)")
    }
    if elements.count > largest {
      throw .invalid(path(name), "'\(name)' may hold at most \(largest); \(elements.count) were given")
    }
    return elements
  }
}
