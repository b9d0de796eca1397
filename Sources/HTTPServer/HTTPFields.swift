/// Header fields in the order they came; names are compared without regard to case (RFC 9110, 5.1).
///
/// Kept as octets, the way they stand on the wire: most fields of a request are never looked at, and a response's are
/// only copied.
public struct HTTPFields: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  public struct Field: Sendable, Equatable {
    public let name: String
    public let value: String
  }

  /// Where a field stands in ``octets``.
  private struct Entry: Equatable {
    let name: Range<Int>
    let value: Range<Int>
  }

  /// `\r\nname: value` for each field.
  private(set) var octets: [UInt8] = []
  private var entries: [Entry] = []
  /// Whether every field may stand in a response: names are tokens and no value holds a control character. A line break
  /// would let whoever chose the value write the rest of the response (CVE-2022-3215).
  private(set) var areSafe = true

  public init() {}

  public init(dictionaryLiteral elements: (String, String)...) {
    for (name, value) in elements { append(name, value) }
  }

  public var count: Int { entries.count }

  /// All fields, as text.
  public var fields: [Field] {
    entries.map { Field(name: text($0.name), value: text($0.value)) }
  }

  /// The value of the field called `name`; of a repeated field, all values joined by commas. Nil where there is none.
  public subscript(_ name: StaticString) -> String? {
    var joined: String?
    for entry in entries where matches(entry, name) {
      joined = joined.map { "\($0), \(text(entry.value))" } ?? text(entry.value)
    }
    return joined
  }

  /// Whether the first field called `name` has just this value.
  public func first(_ name: StaticString, is value: StaticString) -> Bool {
    withValue(name) { octets in value.withUTF8Buffer { octets.elementsEqual($0) } } ?? false
  }

  /// How many fields are called `name`.
  public func count(_ name: StaticString) -> Int {
    var count = 0
    for entry in entries where matches(entry, name) { count += 1 }
    return count
  }

  /// Calls `body` with the octets of the first field called `name`; nil where there is none.
  func withValue<Result>(_ name: StaticString, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result? {
    guard let entry = entries.first(where: { matches($0, name) }) else { return nil }
    return octets.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[entry.value])) }
  }

  public mutating func append(_ name: String, _ value: String) {
    areSafe =
      areSafe && !name.isEmpty && name.utf8.allSatisfy(isTokenOctet)
      && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    append { octets in
      octets.append(contentsOf: name.utf8)
    } value: { octets in
      octets.append(contentsOf: value.utf8)
    }
  }

  /// A field of a request, whose octets the parser has checked.
  mutating func append(name: Slice<UnsafeBufferPointer<UInt8>>, value: Slice<UnsafeBufferPointer<UInt8>>) {
    if entries.isEmpty {
      octets.reserveCapacity(256)
      entries.reserveCapacity(8)
    }
    append { octets in
      octets.append(contentsOf: name)
    } value: { octets in
      octets.append(contentsOf: value)
    }
  }

  private mutating func append(name: (inout [UInt8]) -> Void, value: (inout [UInt8]) -> Void) {
    octets.append(UInt8(ascii: "\r"))
    octets.append(UInt8(ascii: "\n"))
    let nameStart = octets.count
    name(&octets)
    let nameEnd = octets.count
    octets.append(UInt8(ascii: ":"))
    octets.append(UInt8(ascii: " "))
    let valueStart = octets.count
    value(&octets)
    entries.append(Entry(name: nameStart..<nameEnd, value: valueStart..<octets.count))
  }

  mutating func append(contentsOf other: HTTPFields) {
    for field in other.fields { append(field.name, field.value) }
  }

  /// The fields that may stand in a response.
  func safe() -> HTTPFields {
    if areSafe { return self }
    var safe = HTTPFields()
    for field in fields {
      var one = HTTPFields()
      one.append(field.name, field.value)
      if one.areSafe { safe.append(field.name, field.value) }
    }
    return safe
  }

  /// The members of a comma-separated list field, lower-cased.
  func tokens(_ name: StaticString) -> [String] {
    guard let value = self[name] else { return [] }
    return value.lowercased().split(separator: ",").map { $0.trimmingBlanks() }
  }

  private func matches(_ entry: Entry, _ name: StaticString) -> Bool {
    if entry.name.count != name.utf8CodeUnitCount { return false }
    return name.withUTF8Buffer { wanted in
      octets.withUnsafeBufferPointer { octets in
        // The entry's range lies in the octets it was made with, and they only grow.
        for index in 0..<wanted.count where lowercase(octets[entry.name.lowerBound + index]) != lowercase(wanted[index])
        {
          return false
        }
        return true
      }
    }
  }

  private func text(_ range: Range<Int>) -> String { String(decoding: octets[range], as: UTF8.self) }
}

extension Substring {
  fileprivate func trimmingBlanks() -> String {
    var text = self
    while text.first == " " || text.first == "\t" { text.removeFirst() }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return String(text)
  }
}

/// ASCII comparison, as tokens need it.
func equalIgnoringCase(_ a: some Collection<UInt8>, _ b: StaticString) -> Bool {
  b.withUTF8Buffer { b in a.count == b.count && zip(a, b).allSatisfy { $0 == $1 || lowercase($0) == lowercase($1) } }
}

func lowercase(_ byte: UInt8) -> UInt8 {
  byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}
