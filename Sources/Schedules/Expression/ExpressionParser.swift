extension Expression {
  /// Reads tokens into a tree by recursive descent, one function for each level of Python's precedence.
  ///
  /// Every function that can come back to itself counts the depth first, so that no text makes the parser recurse more
  /// than ``largestDepth`` times through the levels.
  struct Parser {
    private var lexer: Lexer
    /// The first token not yet taken.
    private var token: Token
    private var names: Names
    private var tree = Tree()
    private var depth = 0

    init(_ text: String, names: Names) throws(ExpressionError) {
      self.names = names
      lexer = try Lexer(text)
      token = try lexer.next()
    }

    /// Parses the whole text: `[lambda NAME:] conditional`.
    mutating func parse() throws(ExpressionError) -> Tree {
      if token.kind == .symbol(.lambda) { try lambda() }
      _ = try conditional()
      guard token.kind == .end else { throw trailing() }
      return tree
    }

    // MARK: The levels, from the loosest

    /// `lambda NAME:`, whose NAME stands for the step from then on.
    private mutating func lambda() throws(ExpressionError) {
      try advance()
      guard case .name(let name) = token.kind else {
        throw unexpected("the name of the lambda's parameter, or write the formula over 'step' without lambda")
      }
      guard names.setParameter(name) else {
        throw ExpressionError(
          column: token.column,
          message: "the lambda's parameter is the step, and \(quoted(name)) already means something else; use 'step'",
          suggestion: "step")
      }
      try advance()
      guard token.kind == .symbol(.colon) else {
        throw unexpected("':' after the lambda's one parameter, which is the step")
      }
      try advance()
    }

    /// `or ['if' or 'else' conditional]`
    private mutating func conditional() throws(ExpressionError) -> Int {
      let value = try disjunction()
      guard token.kind == .symbol(.if) else { return value }
      let start = token.column
      try advance()
      let condition = try disjunction()
      guard token.kind == .symbol(.else) else { throw unexpected("'else' for the 'if' at column \(start)") }
      let column = token.column
      try enter(column)
      try advance()
      let other = try conditional()
      depth -= 1
      return try add(.conditional(condition: condition, value: value, other: other), column)
    }

    /// `and {'or' and}`
    private mutating func disjunction() throws(ExpressionError) -> Int {
      var left = try conjunction()
      while token.kind == .symbol(.or) {
        let column = try advance()
        let right = try conjunction()
        left = try add(.or(left, right), column)
      }
      return left
    }

    /// `not {'and' not}`
    private mutating func conjunction() throws(ExpressionError) -> Int {
      var left = try negation()
      while token.kind == .symbol(.and) {
        let column = try advance()
        let right = try negation()
        left = try add(.and(left, right), column)
      }
      return left
    }

    /// `'not' not | comparison`
    private mutating func negation() throws(ExpressionError) -> Int {
      guard token.kind == .symbol(.not) else { return try comparison() }
      let column = try advance()
      try enter(column)
      let operand = try negation()
      depth -= 1
      return try add(.not(operand), column)
    }

    /// `sum {('<' | '<=' | '>' | '>=' | '==' | '!=') sum}`
    private mutating func comparison() throws(ExpressionError) -> Int {
      let first = try sum()
      let column = token.column
      var operators: [Operator] = []
      var operands = [first]
      while let found = operatorHere(.comparison) {
        try advance()
        operators.append(found)
        operands.append(try sum())
      }
      return operators.isEmpty ? first : try add(.comparison(operators, operands), column)
    }

    /// `product {('+' | '-') product}`
    private mutating func sum() throws(ExpressionError) -> Int {
      var left = try product()
      while let found = operatorHere(.sum) {
        let column = try advance()
        let right = try product()
        left = try add(.binary(found, left, right), column)
      }
      return left
    }

    /// `sign {('*' | '/' | '//' | '%') sign}`
    private mutating func product() throws(ExpressionError) -> Int {
      var left = try sign()
      while let found = operatorHere(.product) {
        let column = try advance()
        let right = try sign()
        left = try add(.binary(found, left, right), column)
      }
      return left
    }

    /// `('-' | '+') sign | power`
    private mutating func sign() throws(ExpressionError) -> Int {
      guard case .symbol(let symbol) = token.kind, symbol == .minus || symbol == .plus else { return try power() }
      let column = try advance()
      try enter(column)
      let operand = try sign()
      depth -= 1
      return symbol == .plus ? operand : try add(.negate(operand), column)
    }

    /// `atom ['**' sign]`
    private mutating func power() throws(ExpressionError) -> Int {
      let base = try atom()
      guard token.kind == .symbol(.power) else { return base }
      let column = try advance()
      try enter(column)
      let exponent = try sign()
      depth -= 1
      return try add(.binary(.power, base, exponent), column)
    }

    /// `NUMBER | NAME | FUNCTION '(' conditional {',' conditional} ')' | '(' conditional ')'`
    private mutating func atom() throws(ExpressionError) -> Int {
      let column = token.column
      switch token.kind {
      case .number(let value):
        try advance()
        return try add(.number(value), column)
      case .name(let name):
        try advance()
        return try named(name, column)
      case .member(let name, let prefix):
        try advance()
        if let value = Names.mathematicalConstants[name] {
          return try add(.constant(name: name, value: value), column)
        }
        if let function = Function(rawValue: name) { return try call(function, column) }
        let near = Names.foreignNames[name].flatMap(Function.init)?.rawValue ?? nearest(to: name, in: Function.names)
        throw ExpressionError(
          column: column,
          message: "there is no function \(quoted(name)) after '\(prefix).'"
            + (near.map { "; did you mean '\($0)'?" } ?? ""), suggestion: near)
      case .symbol(.open):
        try advance()
        try enter(column)
        let inner = try conditional()
        guard token.kind == .symbol(.close) else { throw unexpected("')' for the '(' at column \(column)") }
        try advance()
        depth -= 1
        return inner
      case .symbol(.not):
        throw ExpressionError(column: column, message: "'not' binds too loosely to stand here; put it in parentheses")
      case .symbol(.lambda):
        throw ExpressionError(
          column: column, message: "a lambda may stand only at the start; write its body, over 'step'")
      default: throw unexpected("a number, a name or '('")
      }
    }

    private mutating func named(_ name: String, _ column: Int) throws(ExpressionError) -> Int {
      switch names[name] {
      case nil:
        if let function = Function(rawValue: name) { return try call(function, column) }
        throw names.unknown(name, column: column, isCalled: token.kind == .symbol(.open))
      case let meaning?:
        if token.kind == .symbol(.open) {
          throw ExpressionError(column: token.column, message: "\(quoted(name)) is not a function; a product needs '*'")
        }
        switch meaning {
        case .step: return try add(.step, column)
        case .progress(let totalSteps): return try add(.progress(totalSteps: totalSteps), column)
        case .constant(let value): return try add(.constant(name: name, value: value), column)
        }
      }
    }

    /// The arguments of `function`, whose name at `column` has been taken.
    private mutating func call(_ function: Function, _ column: Int) throws(ExpressionError) -> Int {
      let name = function.rawValue
      guard token.kind == .symbol(.open) else { throw unexpected("'(' after the function '\(name)'") }
      let start = try advance()
      try enter(start)
      var arguments: [Int] = []
      let expected = "'\(name)' takes \(function.expectedArguments)"
      if token.kind != .symbol(.close) { arguments.append(try conditional()) }
      while token.kind == .symbol(.comma) {
        let comma = try advance()
        if arguments.count == function.argumentCount.upperBound {
          throw ExpressionError(column: comma, message: expected)
        }
        arguments.append(try conditional())
      }
      guard token.kind == .symbol(.close) else { throw unexpected("',' or ')' for the '(' at column \(start)") }
      if arguments.count < function.argumentCount.lowerBound {
        throw ExpressionError(column: token.column, message: "\(expected), not \(arguments.count)")
      }
      try advance()
      depth -= 1
      return try add(.call(function, arguments), column)
    }

    // MARK: Tokens, nodes and errors

    /// The operator that the token is, where it is one of `level`.
    private func operatorHere(_ level: Operator.Level) -> Operator? {
      guard case .symbol(let symbol) = token.kind, let found = Operator(rawValue: symbol.rawValue) else { return nil }
      return found.level == level ? found : nil
    }

    /// Takes the token.
    ///
    /// - Returns: its column.
    @discardableResult
    private mutating func advance() throws(ExpressionError) -> Int {
      let column = token.column
      token = try lexer.next()
      return column
    }

    /// Counts one level of nesting that the token at `column` begins.
    private mutating func enter(_ column: Int) throws(ExpressionError) {
      depth += 1
      if depth > Expression.largestDepth {
        throw ExpressionError(column: column, message: "a formula nests at most \(Expression.largestDepth) deep")
      }
    }

    private mutating func add(_ node: Tree.Node, _ column: Int) throws(ExpressionError) -> Int {
      if tree.nodes.count == Expression.largestNodeCount {
        throw ExpressionError(
          column: column,
          message: "a formula has at most \(Expression.largestNodeCount) numbers, names, operators and calls")
      }
      tree.nodes.append(node)
      return tree.nodes.count - 1
    }

    /// The error for a token that stands where `expected` should.
    private func unexpected(_ expected: String) -> ExpressionError {
      var found = "but the formula ends here"
      var suggestion: String?
      switch token.kind {
      case .end: break
      case .number(let value): found = "but there is the number \(value)"
      case .symbol(let symbol): found = "but there is '\(symbol.rawValue)'"
      case .name(let name), .member(let name, _):
        found = "but there is \(quoted(name))"
        suggestion = nearest(to: name, in: Symbol.connectives)
      }
      let hint = suggestion.map { "; did you mean '\($0)'?" } ?? ""
      return ExpressionError(
        column: token.column, message: "expected \(expected), \(found)\(hint)", suggestion: suggestion)
    }

    /// The error for a token after a formula that is complete.
    private func trailing() -> ExpressionError {
      switch token.kind {
      case .symbol(.close): ExpressionError(column: token.column, message: "there is no '(' for this ')'")
      case .symbol(.comma):
        ExpressionError(column: token.column, message: "a ',' stands only between the arguments of a function")
      case .symbol(.else): ExpressionError(column: token.column, message: "there is no 'if' for this 'else'")
      case .symbol(.open): unexpected("an operator, such as '*' for a product")
      default: unexpected("an operator or the end of the formula")
      }
    }
  }
}
