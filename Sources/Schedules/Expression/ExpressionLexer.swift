extension Expression {
  /// An operator, a bracket or a word of the language.
  enum Symbol: String {
    case plus = "+"
    case minus = "-"
    case times = "*"
    case divide = "/"
    case floorDivide = "//"
    case remainder = "%"
    case power = "**"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case equal = "=="
    case notEqual = "!="
    case open = "("
    case close = ")"
    case comma = ","
    case colon = ":"
    case and, or, not, lambda
    case `if`, `else`

    static let connectives: [String] = ["and", "or", "if", "else"]
  }

  struct Token {
    enum Kind: Equatable {
      case number(Double)
      case name(String)
      /// A name after a prefix, as in `math.cos`; the column is that of the name.
      case member(String, of: String)
      case symbol(Symbol)
      case end
    }

    let kind: Kind
    let column: Int
  }

  /// Cuts a text into tokens, from the left, as far as it is asked.
  ///
  /// No character beyond ASCII belongs to the language, and the first one ends the text with an error: before it a
  /// character is a byte, so that a byte's place is its column.
  struct Lexer {
    private let text: String
    private let bytes: [UInt8]
    private var place = 0

    init(_ text: String) throws(ExpressionError) {
      // The bytes are counted first, which takes no time: a scalar is at most four.
      let limit = Expression.largestLength
      if text.utf8.count > 4 * limit || text.unicodeScalars.count > limit {
        throw ExpressionError(column: limit + 1, message: "a formula has at most \(limit) characters")
      }
      self.text = text
      bytes = Array(text.utf8)
    }

    /// The byte at `offset` from the current place; 0 past the end.
    private func peek(_ offset: Int = 0) -> UInt8 { place + offset < bytes.count ? bytes[place + offset] : 0 }

    mutating func next() throws(ExpressionError) -> Token {
      while place < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[place]) { place += 1 }
      let column = place + 1
      guard place < bytes.count else { return Token(kind: .end, column: column) }
      let byte = bytes[place]
      if byte.isDigit || (byte == UInt8(ascii: ".") && peek(1).isDigit) {
        return Token(kind: .number(try number()), column: column)
      }
      if byte.isIdentifierStart { return try word() }
      for length in [2, 1] where place + length <= bytes.count {
        let spelling = String(decoding: bytes[place..<place + length], as: UTF8.self)
        guard let symbol = Symbol(rawValue: spelling) else { continue }
        place += length
        return Token(kind: .symbol(symbol), column: column)
      }
      throw unexpectedCharacter()
    }

    private mutating func identifier() -> String {
      let start = place
      while peek().isIdentifierPart { place += 1 }
      return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    /// A name, a word of the language, or a library's prefix with what follows it.
    private mutating func word() throws(ExpressionError) -> Token {
      let column = place + 1
      let name = identifier()
      if let symbol = Symbol(rawValue: name) { return Token(kind: .symbol(symbol), column: column) }
      guard peek() == UInt8(ascii: ".") else { return Token(kind: .name(name), column: column) }
      guard Names.prefixes.contains(name), peek(1).isIdentifierStart else {
        throw ExpressionError(
          column: place + 1,
          message: "nothing here has attributes; only a function may have a prefix, such as math.cos or np.cos")
      }
      place += 1
      let memberColumn = place + 1
      return Token(kind: .member(identifier(), of: name), column: memberColumn)
    }

    /// Digits, with single underscores between them.
    ///
    /// - Returns: the digits without the underscores; empty where there are none.
    private mutating func digits() throws(ExpressionError) -> String {
      var result = ""
      while peek().isDigit || (peek() == UInt8(ascii: "_") && !result.isEmpty) {
        if peek().isDigit {
          result.unicodeScalars.append(Unicode.Scalar(peek()))
        } else if !peek(1).isDigit {
          throw ExpressionError(column: place + 1, message: "an underscore in a number stands between two digits")
        }
        place += 1
      }
      return result
    }

    private mutating func number() throws(ExpressionError) -> Double {
      let column = place + 1
      let whole = try digits()
      var fraction = ""
      var exponent = ""
      if peek() == UInt8(ascii: ".") {
        place += 1
        fraction = try digits()
      }
      if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
        place += 1
        if peek() == UInt8(ascii: "-") { exponent = "-" }
        if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { place += 1 }
        let power = try digits()
        if power.isEmpty {
          throw ExpressionError(column: place + 1, message: "expected the digits of the number's exponent")
        }
        exponent += power
      }
      if peek().isIdentifierPart {
        throw ExpressionError(
          column: place + 1, message: "expected an operator after the number; a product is written with *")
      }
      // Written out in full, so that no form such as "1." depends on what the conversion accepts.
      let spelling = "\(whole.isEmpty ? "0" : whole).\(fraction.isEmpty ? "0" : fraction)"
      guard let value = Double(exponent.isEmpty ? spelling : "\(spelling)e\(exponent)"), value.isFinite else {
        throw ExpressionError(column: column, message: "the number is too large; the largest is about 1.8e308")
      }
      return value
    }

    /// The error for the character at the current place, with what to write instead where there is such a thing.
    private func unexpectedCharacter() -> ExpressionError {
      let scalars = text.unicodeScalars
      guard let scalar = scalars[text.utf8.index(text.utf8.startIndex, offsetBy: place)...].first else {
        return ExpressionError(column: place + 1, message: "expected a formula")
      }
      let replacement: String? =
        switch scalar {
        case "^": "**"
        case "=": "=="
        case "&", "∧": "and"
        case "|", "∨": "or"
        case "!", "~", "¬": "not"
        case "×", "·", "∙", "⋅", "∗": "*"
        case "÷", "∕": "/"
        case "−", "–", "—": "-"
        case "π": "pi"
        case "≤": "<="
        case "≥": ">="
        case "≠": "!="
        case "√": "sqrt"
        case "[", "{": "("
        case "]", "}": ")"
        default: nil
        }
      let message: String
      switch scalar {
      case "^": message = "use ** for powers; there is no operator '^'"
      case "?": message = "use 'a if condition else b'; there is no operator '?'"
      case "\"", "'", "`", "“", "”", "‘", "’": message = "there are no strings in a formula"
      case ".": message = "expected a digit before or after the '.'"
      default:
        let use = replacement.map { "; use '\($0)'" } ?? ""
        message = "the character \(Self.shown(scalar)) has no place in a formula\(use)"
      }
      return ExpressionError(column: place + 1, message: message, suggestion: replacement)
    }

    /// A character in quotation marks, or its number where it would not be seen.
    private static func shown(_ scalar: Unicode.Scalar) -> String {
      let isVisible: Bool =
        switch scalar.properties.generalCategory {
        case .control, .format, .spaceSeparator, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse,
          .nonspacingMark, .enclosingMark, .spacingMark, .surrogate:
          false
        default: true
        }
      if isVisible { return "'\(scalar)'" }
      let digits = String(scalar.value, radix: 16, uppercase: true)
      return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
  }
}

extension UInt8 {
  /// Whether the byte is one of 0 to 9.
  var isDigit: Bool { self >= 0x30 && self <= 0x39 }
  /// Whether the byte may begin a name: a to z, A to Z, or _.
  var isIdentifierStart: Bool { (self | 0x20 >= 0x61 && self | 0x20 <= 0x7A) || self == 0x5F }
  /// Whether the byte may stand in a name.
  var isIdentifierPart: Bool { isIdentifierStart || isDigit }
}
