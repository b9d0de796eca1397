/// A JSON document (RFC 8259) as a value.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// Always finite: the reader refuses a literal that does not fit a double.
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// The name of the value's JSON type, as an error message says it: "a number", "an array", …
  public var typeName: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

/// The members of a JSON object in the order they were written; names are unique.
public struct JSONObject: Sendable, Equatable {
  public struct Member: Sendable, Equatable {
    public var name: String
    public var value: JSONValue
  }

  public private(set) var members: [Member]

  public init() { members = [] }

  /// - Parameter members: name and value pairs; the caller sees to it that no name comes twice.
  public init(_ members: [(String, JSONValue)]) {
    self.members = members.map { Member(name: $0.0, value: $0.1) }
  }

  /// The value of the member called `name`, or nil. Linear: objects on this wire have a handful of members.
  public subscript(name: String) -> JSONValue? {
    // The counts first: two texts that differ are otherwise compared character by character, however they may be composed.
    let count = name.utf8.count
    for member in members where member.name.utf8.count == count && member.name == name { return member.value }
    return nil
  }

  init(unique members: [Member]) { self.members = members }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(integerLiteral value: Int) { self = .number(Double(value)) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
}

/// JSON Pointers (RFC 6901), built one reference token at a time.
public struct JSONPointer: Sendable, Equatable, CustomStringConvertible {
  public private(set) var description: String

  /// The pointer to the whole document.
  public static let root = JSONPointer(description: "")

  private init(description: String) { self.description = description }

  /// The pointer to the member `name` of the object that this pointer names.
  public func appending(_ name: String) -> JSONPointer {
    var token = ""
    for character in name.unicodeScalars {
      switch character {
      case "~": token += "~0"
      case "/": token += "~1"
      default: token.unicodeScalars.append(character)
      }
    }
    return JSONPointer(description: "\(description)/\(token)")
  }

  /// The pointer to the element `index` of the array that this pointer names.
  public func appending(_ index: Int) -> JSONPointer { JSONPointer(description: "\(description)/\(index)") }
}
