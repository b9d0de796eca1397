import JSON

/// The input is a document.
enum JSONProperties {
  /// What the reader refuses beyond the grammar, by a part of the message.
  private static let stricter = ["nested deeper", "comes twice", "too large", "more digits"]

  static func check(_ input: [UInt8]) throws(Broken) {
    let second = SecondOpinion.literals(input)
    let value: JSONValue
    do throws(JSONSyntaxError) {
      value = try JSONReader.read(input)
    } catch {
      try promise((0...input.count).contains(error.offset), "the error's offset lies outside")
      try promise(
        second == nil || stricter.contains { error.message.contains($0) }, "refused, though it is JSON: \(error)")
      return
    }
    guard let literals = second else { throw Broken(description: "accepted, though it is not JSON") }
    var numbers: [Double] = []
    collect(value, &numbers)
    try promise(numbers.count == literals.count, "some number is lost")
    for (number, literal) in zip(numbers, literals) {
      try promise(number.isFinite, "a number is not finite")
      try promise(number.bitPattern == Double(literal)?.bitPattern, "\(literal) is read as \(number)")
      var text: [UInt8] = []
      JSONWriter.append(number, to: &text)
      let written = String(decoding: text, as: UTF8.self)
      try promise(written == number.description, "\(number) is written as \(written)")
    }
    let text = Array(JSONWriter.text(value).utf8)
    try promise(SecondOpinion.literals(text) != nil, "what is written is not JSON")
    guard let again = try? JSONReader.read(text) else { throw Broken(description: "what is written is refused") }
    // Swift calls two spellings of one character equal, so that the octets are compared too.
    let isSame = again == value && Array(JSONWriter.text(again).utf8) == text
    try promise(isSame, "what is written is read as another value")
  }

  private static func collect(_ value: JSONValue, _ numbers: inout [Double]) {
    switch value {
    case .number(let number): numbers.append(number)
    case .array(let elements): for element in elements { collect(element, &numbers) }
    case .object(let object): for member in object.members { collect(member.value, &numbers) }
    case .null, .bool, .string: break
    }
  }
}

/// RFC 8259 read once more, in another way: no values, only whether it is a document, and its number literals.
private struct SecondOpinion {
  private var rest: ArraySlice<UInt8>
  private var numbers: [String] = []

  /// - Returns: nil where the text is no JSON.
  static func literals(_ text: [UInt8]) -> [String]? {
    // A document is UTF-8 as a whole: outside of strings there is only ASCII.
    guard String(validating: text, as: UTF8.self) != nil else { return nil }
    var opinion = SecondOpinion(rest: text[...])
    return opinion.value() && opinion.rest.isEmpty ? opinion.numbers : nil
  }

  private mutating func skip(_ octets: String) { rest = rest.drop { octets.utf8.contains($0) } }

  private mutating func take(_ text: String) -> Bool {
    if !rest.starts(with: text.utf8) { return false }
    rest = rest.dropFirst(text.utf8.count)
    return true
  }

  /// A value with the space around it. Without recursion: `open` holds the brackets that are not closed yet.
  private mutating func value() -> Bool {
    var open: [UInt8] = []
    while true {
      skip(" \t\r\n")
      if take("{") {
        open.append(UInt8(ascii: "}"))
        skip(" \t\r\n")
        if !take("}") {
          if !name() { return false }
          continue
        }
        open.removeLast()
      } else if take("[") {
        open.append(UInt8(ascii: "]"))
        skip(" \t\r\n")
        if !take("]") { continue }
        open.removeLast()
      } else if rest.first == UInt8(ascii: "\"") {
        if !string() { return false }
      } else if !(take("null") || take("true") || take("false") || number()) {
        return false
      }
      // A value has ended; so may those around it.
      while true {
        skip(" \t\r\n")
        guard let closing = open.last else { return true }
        if rest.first == closing {
          rest.removeFirst()
          open.removeLast()
          continue
        }
        if !take(",") { return false }
        if closing == UInt8(ascii: "}") && !name() { return false }
        break
      }
    }
  }

  private mutating func name() -> Bool {
    skip(" \t\r\n")
    if !string() { return false }
    skip(" \t\r\n")
    return take(":")
  }

  private mutating func string() -> Bool {
    if !take("\"") { return false }
    // The unit before this one where it was the first half of a surrogate pair.
    var isHalf = false
    while let octet = rest.popFirst() {
      if isHalf && octet != UInt8(ascii: "\\") { return false }
      if octet == UInt8(ascii: "\"") { return true }
      if octet < 0x20 { return false }
      if octet != UInt8(ascii: "\\") { continue }
      guard let escape = rest.popFirst() else { return false }
      if escape != UInt8(ascii: "u") {
        if isHalf || !"\"\\/bfnrt".utf8.contains(escape) { return false }
        continue
      }
      let digits = rest.prefix(4)
      rest = rest.dropFirst(4)
      guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
        let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
      else { return false }
      if isHalf != UTF16.isTrailSurrogate(unit) { return false }
      isHalf = UTF16.isLeadSurrogate(unit)
    }
    return false
  }

  private mutating func number() -> Bool {
    let start = rest
    _ = take("-")
    if !take("0") && digits() == 0 { return false }
    if take(".") && digits() == 0 { return false }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      if digits() == 0 { return false }
    }
    numbers.append(String(decoding: start.prefix(start.count - rest.count), as: UTF8.self))
    return true
  }

  private mutating func digits() -> Int {
    let before = rest.count
    rest = rest.drop { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    return before - rest.count
  }
}
