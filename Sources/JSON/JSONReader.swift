/// What is wrong with a text that was to be JSON.
public struct JSONSyntaxError: Error, Equatable {
  /// What was found and what was expected, in words.
  public let message: String
  /// The offset of the first octet that cannot be part of the document.
  public let offset: Int
  /// Line and column of that octet, both counted from 1; columns count octets.
  public let line: Int
  public let column: Int
}

/// A strict reader of JSON: RFC 8259's grammar and nothing more, valid UTF-8, unique names, finite numbers, bounded depth.
///
/// Foundation's decoder is no validator (it takes trailing commas, duplicate names, and whatever stands in members that
/// it does not decode), so everything from outside is read here.
public struct JSONReader {
  /// The deepest nesting of arrays and objects that is read by default. A schedule of schedules needs two levels a node;
  /// the bound keeps recursion, here and in all who walk the value, off the end of the stack.
  public static let defaultDepth = 64

  /// - Parameters:
  ///   - bytes: the whole document.
  ///   - depth: how deep arrays and objects may nest.
  /// - Returns: the document's value.
  /// - Throws: ``JSONSyntaxError`` at the first octet that does not fit.
  public static func read(_ bytes: [UInt8], depth: Int = defaultDepth) throws(JSONSyntaxError) -> JSONValue {
    try bytes.withUnsafeBufferPointer { (bytes) throws(JSONSyntaxError) in
      var reader = JSONReader(bytes: bytes, depth: depth)
      reader.skipSpace()
      if reader.position == bytes.count { throw reader.error("the text is empty; a JSON value was expected") }
      let value = try reader.value()
      reader.skipSpace()
      if reader.position < bytes.count { throw reader.error("the value has ended; nothing may follow it") }
      return value
    }
  }

  /// Optimized, the access to an octet is not checked. Every one is in range: an index is either compared with the count
  /// right before it is used, or lies between an earlier position and the present one, and the position only grows, and
  /// only past an octet that was there.
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var depthLeft: Int
  private let depth: Int

  private init(bytes: UnsafeBufferPointer<UInt8>, depth: Int) {
    self.bytes = bytes
    self.depth = depth
    depthLeft = depth
  }

  @inline(never) private func error(_ message: String, at offset: Int? = nil) -> JSONSyntaxError {
    let offset = min(offset ?? position, bytes.count)
    var line = 1
    var lineStart = 0
    for index in 0..<offset where bytes[index] == UInt8(ascii: "\n") {
      line += 1
      lineStart = index + 1
    }
    return JSONSyntaxError(message: message, offset: offset, line: line, column: offset - lineStart + 1)
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  @inline(__always) private mutating func skipSpace() {
    while let byte = next, byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position &+= 1 }
  }

  private mutating func value() throws(JSONSyntaxError) -> JSONValue {
    guard let byte = next else { throw error("the text ends where a value was expected") }
    switch byte {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
    case UInt8(ascii: "N"), UInt8(ascii: "I"), UInt8(ascii: "+"), UInt8(ascii: "."):
      throw error(
        "not a JSON number; JSON has no NaN and no Infinity, and a number begins with a digit or a minus sign")
    case UInt8(ascii: "'"): throw error("a string stands in double quotes")
    default: throw error("a value was expected: an object, an array, a string, a number, true, false or null")
    }
  }

  private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
    let length = word.utf8CodeUnitCount
    let matches = word.withUTF8Buffer { word in
      bytes.count - position >= length && word.indices.allSatisfy { bytes[position + $0] == word[$0] }
    }
    if !matches { throw error("only the words true, false and null stand without quotes") }
    position += length
    return value
  }

  private mutating func enter() throws(JSONSyntaxError) {
    if depthLeft == 0 { throw error("nested deeper than \(depth) levels") }
    depthLeft -= 1
    position += 1
  }

  private mutating func array() throws(JSONSyntaxError) -> JSONValue {
    try enter()
    defer { depthLeft += 1 }
    var elements: [JSONValue] = []
    skipSpace()
    if next == UInt8(ascii: "]") {
      position += 1
      return .array(elements)
    }
    while true {
      skipSpace()
      elements.append(try value())
      skipSpace()
      switch next {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "]"):
        position += 1
        return .array(elements)
      case nil: throw error("the text ends inside an array")
      default: throw error("a comma or the end of the array was expected")
      }
    }
  }

  private mutating func object() throws(JSONSyntaxError) -> JSONValue {
    try enter()
    defer { depthLeft += 1 }
    var members: [JSONObject.Member] = []
    var seen = NamesSeen()
    skipSpace()
    if next == UInt8(ascii: "}") {
      position += 1
      return .object(JSONObject())
    }
    // Most objects have a few members; growing by doubling from one would allocate thrice.
    members.reserveCapacity(4)
    while true {
      skipSpace()
      guard let byte = next else { throw error("the text ends inside an object") }
      if byte != UInt8(ascii: "\"") { throw error("a member's name in double quotes was expected") }
      let start = position
      let name = try string()
      if !seen.insert(name, after: members) { throw error("the name \"\(name.prefix(64))\" comes twice", at: start) }
      skipSpace()
      if next == nil { throw error("the text ends inside an object") }
      if next != UInt8(ascii: ":") { throw error("a colon was expected after the name") }
      position += 1
      skipSpace()
      members.append(JSONObject.Member(name: name, value: try value()))
      skipSpace()
      switch next {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "}"):
        position += 1
        return .object(JSONObject(unique: members))
      case nil: throw error("the text ends inside an object")
      default: throw error("a comma or the end of the object was expected")
      }
    }
  }

  // MARK: Strings

  private mutating func string() throws(JSONSyntaxError) -> String {
    let opening = position
    position += 1
    let start = position
    var union: UInt8 = 0
    while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
      union |= byte
      position &+= 1
    }
    let plain = UnsafeBufferPointer(rebasing: bytes[start..<position])
    if next == UInt8(ascii: "\"") {
      // ASCII is valid as it stands, and this is the shortest way to a string.
      let text = union < 0x80 ? String(decoding: plain, as: UTF8.self) : try text(plain, at: opening)
      position += 1
      return text
    }
    var content = Array(plain)
    while true {
      guard let byte = next else { throw error("the text ends inside a string") }
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return try text(content, at: opening)
      case UInt8(ascii: "\\"):
        content.append(contentsOf: try escape())
      case 0..<0x20:
        throw error("a control character in a string is written with an escape")
      default:
        content.append(byte)
        position += 1
      }
    }
  }

  private func text(_ content: some Sequence<UInt8>, at offset: Int) throws(JSONSyntaxError) -> String {
    guard let text = String(validating: content, as: UTF8.self) else {
      throw error("this string is not valid UTF-8", at: offset)
    }
    return text
  }

  private mutating func escape() throws(JSONSyntaxError) -> String.UTF8View {
    let start = position
    position += 1
    guard let byte = next else { throw error("the text ends inside a string") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""): return "\"".utf8
    case UInt8(ascii: "\\"): return "\\".utf8
    case UInt8(ascii: "/"): return "/".utf8
    case UInt8(ascii: "b"): return "\u{8}".utf8
    case UInt8(ascii: "f"): return "\u{C}".utf8
    case UInt8(ascii: "n"): return "\n".utf8
    case UInt8(ascii: "r"): return "\r".utf8
    case UInt8(ascii: "t"): return "\t".utf8
    case UInt8(ascii: "u"): break
    default: throw error("an escape is one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX", at: start)
    }
    var code = try hexadecimal()
    if (0xD800...0xDBFF).contains(code) {
      guard next == UInt8(ascii: "\\"), position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "u") else {
        throw error("half of a surrogate pair stands alone", at: start)
      }
      position += 2
      let low = try hexadecimal()
      if !(0xDC00...0xDFFF).contains(low) { throw error("half of a surrogate pair stands alone", at: start) }
      code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair stands alone", at: start) }
    return String(Character(scalar)).utf8
  }

  private mutating func hexadecimal() throws(JSONSyntaxError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next else { throw error("the text ends inside a string") }
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: throw error("\\u is followed by four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }

  // MARK: Numbers

  /// Reads digits after those of `value`, whose digits then run on; more than 19 in all overflow without a trap.
  ///
  /// - Returns: how many.
  @inline(__always) private mutating func digits(_ value: inout UInt64) -> Int {
    let start = position
    while let byte = next, case let digit = byte &- UInt8(ascii: "0"), digit <= 9 {
      value = value &* 10 &+ UInt64(digit)
      position &+= 1
    }
    return position - start
  }

  private mutating func number() throws(JSONSyntaxError) -> Double {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    let whole = position
    var value: UInt64 = 0
    let wholeDigits = digits(&value)
    if wholeDigits == 0 { throw error("a digit was expected; JSON has no NaN and no Infinity") }
    if wholeDigits > 1 && bytes[whole] == UInt8(ascii: "0") { throw error("a number has no leading zeros", at: whole) }
    var isInteger = true
    var fractionDigits = 0
    if next == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      fractionDigits = digits(&value)
      if fractionDigits == 0 { throw error("a digit was expected after the decimal point") }
    }
    let end = position
    var exponent = 0
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      isInteger = false
      position += 1
      let isNegative = next == UInt8(ascii: "-")
      if next == UInt8(ascii: "+") || isNegative { position += 1 }
      var power: UInt64 = 0
      let powerDigits = digits(&power)
      if powerDigits == 0 { throw error("a digit was expected in the exponent") }
      // An exponent of that many digits is none that the short way takes.
      let magnitude = powerDigits <= 9 ? Int(truncatingIfNeeded: power) : 1_000_000_000
      exponent = isNegative ? -magnitude : magnitude
    }
    if isInteger ? wholeDigits <= 15 : hasAllDigits(wholeDigits + fractionDigits, from: whole, to: end),
      let magnitude = DecimalReading.double(value, exponent - fractionDigits)
    {
      return whole == start ? magnitude : -magnitude
    }
    return try longNumber(from: start, isInteger: isInteger)
  }

  /// Whether `count` digits from `start` to `end`, zeros before the first other digit not counted, fit into 64 bits.
  @inline(__always) private func hasAllDigits(_ count: Int, from start: Int, to end: Int) -> Bool {
    if count <= 19 { return true }
    var left = count
    for byte in bytes[start..<end] {
      if byte == UInt8(ascii: "0") { left -= 1 } else if byte != UInt8(ascii: ".") { break }
    }
    return left <= 19
  }

  /// The number from `start` to the present position, read as the standard library reads it.
  @inline(never) private func longNumber(from start: Int, isInteger: Bool) throws(JSONSyntaxError) -> Double {
    let literal = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let value = Double(literal), value.isFinite else {
      throw error("this number is too large for a 64-bit floating-point number", at: start)
    }
    // A step of 2⁵³ + 1 must not quietly become another step. Whole numbers that are exact for all their digits pass.
    if isInteger, abs(value) >= 0x1p53, Int64(literal).flatMap(Double.init(exactly:)) != value {
      throw error("this whole number has more digits than a 64-bit floating-point number holds", at: start)
    }
    return value
  }
}

/// Tells whether a name has come before in an object. Names are compared as octets: Swift's strings call two spellings of
/// one character equal, other readers of JSON do not.
private struct NamesSeen {
  /// As many members as are looked through one by one; a set of more keeps large objects from being quadratic.
  private static let few = 16

  private var names: Set<Octets> = []

  /// - Parameter members: the members so far.
  /// - Returns: whether `name` is none of theirs.
  mutating func insert(_ name: String, after members: [JSONObject.Member]) -> Bool {
    if members.count < Self.few { return !members.contains { Octets($0.name) == Octets(name) } }
    if members.count == Self.few { names = Set(members.map { Octets($0.name) }) }
    return names.insert(Octets(name)).inserted
  }

  private struct Octets: Hashable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: Octets, right: Octets) -> Bool {
      if left.text.utf8.count != right.text.utf8.count { return false }
      // Short names are compared in registers. Different texts have different octets; the reverse is not so.
      if left.text.utf8.count <= 15, left.text != right.text { return false }
      return left.text.utf8.elementsEqual(right.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
      var text = text
      text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
  }
}
