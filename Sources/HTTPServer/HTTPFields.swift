/// Header fields in the order they came; names are compared without regard to case (RFC 9110, 5.1).
public struct HTTPFields: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  public struct Field: Sendable, Equatable {
    public let name: String
    public let value: String
  }

  public private(set) var fields: [Field]

  public init() { fields = [] }

  public init(dictionaryLiteral elements: (String, String)...) {
    fields = elements.map { Field(name: $0.0, value: $0.1) }
  }

  /// The value of the field called `name`; of a repeated field, all values joined by commas. Nil where there is none.
  public subscript(_ name: String) -> String? {
    var joined: String?
    for field in fields where equalIgnoringCase(field.name, name) {
      joined = joined.map { "\($0), \(field.value)" } ?? field.value
    }
    return joined
  }

  /// The values of all fields called `name`.
  public func values(_ name: String) -> [String] {
    fields.filter { equalIgnoringCase($0.name, name) }.map(\.value)
  }

  public mutating func append(_ name: String, _ value: String) {
    fields.append(Field(name: name, value: value))
  }

  /// The members of a comma-separated list field, lower-cased.
  func tokens(_ name: String) -> [String] {
    guard let value = self[name] else { return [] }
    return value.lowercased().split(separator: ",").map { $0.trimmingBlanks() }
  }
}

extension Substring {
  fileprivate func trimmingBlanks() -> String {
    var text = self
    while text.first == " " || text.first == "\t" { text.removeFirst() }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return String(text)
  }
}

/// ASCII comparison, as field names need it.
func equalIgnoringCase(_ a: String, _ b: String) -> Bool {
  let (a, b) = (a.utf8, b.utf8)
  guard a.count == b.count else { return false }
  return zip(a, b).allSatisfy { $0 == $1 || lowercase($0) == lowercase($1) }
}

private func lowercase(_ byte: UInt8) -> UInt8 {
  (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
