/// Why a text is no formula, and where.
public struct ExpressionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Where the fault is, counted from 1 in characters (Unicode scalars, as Python counts); one past the last character
  /// where the text ends too soon; 0 where the fault is not in the text but in a constant or another argument.
  public let column: Int
  /// What is wrong and what was expected, in words for the caller.
  public let message: String
  /// What to write instead of the faulty word, where there is a good guess; nil otherwise.
  public let suggestion: String?

  public init(column: Int, message: String, suggestion: String? = nil) {
    self.column = column
    self.message = message
    self.suggestion = suggestion
  }

  public var description: String { column > 0 ? "column \(column): \(message)" : message }
}
