extension Expression {
  /// The names that a formula may use besides the functions, and what they stand for.
  struct Names {
    /// What a name stands for.
    enum Meaning: Equatable {
      case step
      case progress(totalSteps: Double)
      case constant(Double)
    }

    /// The libraries whose functions people paste with their prefix.
    static let prefixes: Set<String> = ["math", "np", "numpy", "torch"]
    static let mathematicalConstants = ["pi": Double.pi, "e": 0x1.5bf0a8b145769p+1]
    static let variables: Set<String> = ["step", "t", "total_steps", "progress", "p", "base_lr"]
    /// What other languages and libraries call the things that exist here under another name.
    static let foreignNames = [
      "epoch": "step", "epochs": "total_steps", "lr": "base_lr", "arctan": "atan", "clamp": "clip", "fabs": "abs",
      "fmod": "%", "maximum": "max", "minimum": "min", "power": "pow", "ln": "log", "True": "1", "False": "0",
    ]

    private var meanings: [String: Meaning]
    /// The lambda's parameter, which hides a built-in name as it does in Python.
    private var parameter: String?
    let hasTotalSteps: Bool
    let hasBaseRate: Bool

    init(constants: [String: Double], totalSteps: Double?, baseRate: Double?) throws(ExpressionError) {
      meanings = ["step": .step, "t": .step]
      hasTotalSteps = totalSteps != nil
      hasBaseRate = baseRate != nil
      if let totalSteps {
        guard totalSteps.isFinite, totalSteps > 0 else {
          throw ExpressionError(column: 0, message: "total_steps must be finite and greater than 0")
        }
        meanings["total_steps"] = .constant(totalSteps)
        meanings["progress"] = .progress(totalSteps: totalSteps)
        meanings["p"] = .progress(totalSteps: totalSteps)
      }
      if let baseRate {
        guard baseRate.isFinite else { throw ExpressionError(column: 0, message: "base_lr must be finite") }
        meanings["base_lr"] = .constant(baseRate)
      }
      for (name, value) in Self.mathematicalConstants { meanings[name] = .constant(value) }
      // In order, so that the same wrong constants give the same message.
      for (name, value) in constants.sorted(by: { $0.key < $1.key }) {
        try Self.check(name, value)
        meanings[name] = .constant(value)
      }
    }

    private static func check(_ name: String, _ value: Double) throws(ExpressionError) {
      let letters = name.utf8
      guard let first = letters.first, first.isIdentifierStart, letters.allSatisfy(\.isIdentifierPart) else {
        throw ExpressionError(
          column: 0,
          message: "the constant's name \(quoted(name)) must be letters of a to z, digits and _, no digit first")
      }
      let isTaken =
        variables.contains(name) || mathematicalConstants[name] != nil || prefixes.contains(name)
        || Function(rawValue: name) != nil || Symbol(rawValue: name) != nil
      if isTaken {
        throw ExpressionError(column: 0, message: "the constant \(quoted(name)) has the name of a built-in one")
      }
      guard value.isFinite else {
        throw ExpressionError(column: 0, message: "the constant \(quoted(name)) must be finite")
      }
    }

    subscript(name: String) -> Meaning? { name == parameter ? .step : meanings[name] }

    /// Makes `name` stand for the step.
    ///
    /// - Returns: false where the name has a meaning that a reader could take it for.
    mutating func setParameter(_ name: String) -> Bool {
      let isHarmless = ["step", "t"].contains(name) || Self.mathematicalConstants[name] != nil
      guard isHarmless || (meanings[name] == nil && !Self.variables.contains(name)), Function(rawValue: name) == nil
      else { return false }
      parameter = name
      return true
    }

    /// The variables and constants that the formula may use, in alphabetical order.
    var all: [String] { (meanings.keys + [parameter].compactMap(\.self)).sorted() }

    /// The error for a name that means nothing here.
    ///
    /// - Parameters:
    ///   - name: the name as written.
    ///   - column: where it stands.
    ///   - isCalled: whether a parenthesis follows, so that only a function will do.
    func unknown(_ name: String, column: Int, isCalled: Bool) -> ExpressionError {
      let what = isCalled ? "function" : "variable or function"
      if name == "total_steps" || name == "progress" || name == "p" {
        return ExpressionError(column: column, message: "\(quoted(name)) needs total_steps, which this schedule lacks")
      }
      if name == "base_lr" {
        return ExpressionError(column: column, message: "this schedule has no 'base_lr'")
      }
      if Self.prefixes.contains(name) {
        return ExpressionError(
          column: column, message: "\(quoted(name)) stands only before a function, as in \(name).cos(…)")
      }
      let known = isCalled ? Function.names : all + Function.names
      let foreign = Self.foreignNames[name].flatMap { !hasTotalSteps && $0 == "total_steps" ? nil : $0 }
      if let suggestion = foreign ?? nearest(to: name, in: known) {
        return ExpressionError(
          column: column, message: "there is no \(what) \(quoted(name)); did you mean '\(suggestion)'?",
          suggestion: suggestion)
      }
      let list = (isCalled ? Function.names.sorted() : all).prefix(24).joined(separator: ", ")
      return ExpressionError(
        column: column,
        message: "there is no \(what) \(quoted(name)); the \(isCalled ? "functions" : "variables") are \(list)")
    }
  }
}

/// A word of the caller's in quotation marks, cut where it is too long for a message.
func quoted(_ word: String) -> String {
  let start = word.unicodeScalars.prefix(40)
  return "'\(String(start))\(start.endIndex == word.endIndex ? "" : "…")'"
}
