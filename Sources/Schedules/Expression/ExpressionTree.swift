extension Expression {
  /// An operator between two values.
  enum Operator: String {
    /// The operators that bind equally tightly.
    enum Level {
      case comparison, sum, product, power
    }

    case add = "+"
    case subtract = "-"
    case multiply = "*"
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

    var level: Level {
      switch self {
      case .add, .subtract: .sum
      case .multiply, .divide, .floorDivide, .remainder: .product
      case .power: .power
      case .less, .lessOrEqual, .greater, .greaterOrEqual, .equal, .notEqual: .comparison
      }
    }

    var operation: Operation {
      switch self {
      case .add: .add
      case .subtract: .subtract
      case .multiply: .multiply
      case .divide: .divide
      case .floorDivide: .floorDivide
      case .remainder: .remainder
      case .power: .power
      case .less: .less
      case .lessOrEqual: .lessOrEqual
      case .greater: .greater
      case .greaterOrEqual: .greaterOrEqual
      case .equal: .equal
      case .notEqual: .notEqual
      }
    }
  }

  /// A parsed formula: nodes that name their children by number. A child has a lower number than its parent, and the
  /// last node is the root.
  struct Tree {
    enum Node {
      case number(Double)
      /// The step, whatever the text calls it.
      case step
      case progress(totalSteps: Double)
      case constant(name: String, value: Double)
      case negate(Int)
      case not(Int)
      /// `+ - * / // % **`.
      case binary(Operator, Int, Int)
      /// `a < b <= c …`: one operator less than operands, of which there are at least two.
      case comparison([Operator], [Int])
      case and(Int, Int)
      case or(Int, Int)
      /// `value if condition else other`.
      case conditional(condition: Int, value: Int, other: Int)
      case call(Function, [Int])
    }

    var nodes: [Node] = []
  }
}

extension Expression.Tree: CustomStringConvertible {
  /// How tightly a form binds, from the loosest; an operand that binds less tightly than its place asks for is put in
  /// parentheses.
  private enum Strength: Int {
    case conditional, or, and, not, comparison, sum, product, sign, power, atom

    var next: Strength { Strength(rawValue: rawValue + 1) ?? .atom }
  }

  /// What is still to be printed: a piece of text, or a node in a place that asks for some strength.
  private enum Piece {
    case text(String)
    case node(Int, Strength)
  }

  /// The canonical text.
  ///
  /// Printed from a list of pieces rather than by recursion: a sum of a thousand terms is a tree a thousand deep.
  var description: String {
    var text = ""
    var waiting: [Piece] = [.node(nodes.count - 1, .conditional)]
    while let piece = waiting.popLast() {
      switch piece {
      case .text(let part): text += part
      case .node(let number, let least):
        let (strength, parts) = pieces(of: nodes[number])
        let isBare = strength.rawValue >= least.rawValue
        if !isBare {
          text += "("
          waiting.append(.text(")"))
        }
        waiting += parts.reversed()
      }
    }
    return text
  }

  private func pieces(of node: Node) -> (Strength, [Piece]) {
    switch node {
    case .number(let value): return (.atom, [.text(Self.canonical(value))])
    case .step: return (.atom, [.text("step")])
    case .progress: return (.atom, [.text("progress")])
    case .constant(let name, _): return (.atom, [.text(name)])
    case .negate(let operand): return (.sign, [.text("-"), .node(operand, .sign)])
    case .not(let operand): return (.not, [.text("not "), .node(operand, .not)])
    case .and(let left, let right): return (.and, [.node(left, .and), .text(" and "), .node(right, .not)])
    case .or(let left, let right): return (.or, [.node(left, .or), .text(" or "), .node(right, .and)])
    case .conditional(let condition, let value, let other):
      return (
        .conditional,
        [.node(value, .or), .text(" if "), .node(condition, .or), .text(" else "), .node(other, .conditional)]
      )
    case .call(let function, let arguments):
      let list = arguments.map { [Piece.node($0, .conditional)] }.joined(separator: [.text(", ")])
      return (.atom, [.text(function.rawValue + "(")] + Array(list) + [.text(")")])
    case .comparison(let operators, let operands):
      var parts: [Piece] = []
      for (index, operand) in operands.enumerated() {
        if index > 0 { parts.append(.text(" \(operators[index - 1].rawValue) ")) }
        parts.append(.node(operand, .sum))
      }
      return (.comparison, parts)
    case .binary(.power, let base, let exponent):
      return (.power, [.node(base, .atom), .text(" ** "), .node(exponent, .sign)])
    case .binary(let symbol, let left, let right):
      let strength = symbol.level == .sum ? Strength.sum : .product
      return (strength, [.node(left, strength), .text(" \(symbol.rawValue) "), .node(right, strength.next)])
    }
  }

  /// The shortest digits that read back as the same number, whole numbers without ".0".
  private static func canonical(_ value: Double) -> String {
    let digits = "\(value)"
    return digits.hasSuffix(".0") ? String(digits.dropLast(2)) : digits
  }
}
