extension Expression {
  /// A function that a formula may call, under the name it has in Python's `math` or in NumPy.
  enum Function: String, CaseIterable {
    case abs, atan, ceil, clip, cos, exp, floor, log, log10, log2, max, min, pow, round, sigmoid, sin, sqrt, tan, tanh
    case select = "where"

    static let names = allCases.map(\.rawValue)

    /// How many arguments it takes.
    var argumentCount: ClosedRange<Int> {
      switch self {
      case .clip, .select: 3...3
      case .pow: 2...2
      case .max, .min: 2...Expression.largestArgumentCount
      default: 1...1
      }
    }

    /// Its arguments in words: "1 argument", "2 to 64 arguments".
    var expectedArguments: String {
      let count = argumentCount
      if count.lowerBound == count.upperBound {
        return "\(count.lowerBound) argument\(count.lowerBound == 1 ? "" : "s")"
      }
      return "\(count.lowerBound) to \(count.upperBound) arguments"
    }

    /// What computes it once its arguments are on the stack; two at a time for `min` and `max`. Nil for `where`, which
    /// evaluates only one of its branches.
    var operation: Operation? {
      switch self {
      case .abs: .abs
      case .atan: .atan
      case .ceil: .ceil
      case .clip: .clip
      case .cos: .cos
      case .exp: .exp
      case .floor: .floor
      case .log: .log
      case .log10: .log10
      case .log2: .log2
      case .max: .max
      case .min: .min
      case .pow: .power
      case .round: .round
      case .select: nil
      case .sigmoid: .sigmoid
      case .sin: .sin
      case .sqrt: .sqrt
      case .tan: .tan
      case .tanh: .tanh
      }
    }
  }
}
