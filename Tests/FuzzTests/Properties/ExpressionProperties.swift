import Schedules

/// The input is a formula; constants `k` and `c`, `total_steps` and `base_lr` have values.
enum ExpressionProperties {
  private static let steps = [0, 1, 2.5, 10, 99, 100, 1e6, 0x1p53]

  static func check(_ input: [UInt8]) throws(Broken) {
    let text = String(decoding: input, as: UTF8.self)
    let expression: Expression
    do throws(ExpressionError) {
      expression = try read(text)
    } catch {
      try promise((1...(text.unicodeScalars.count + 1)).contains(error.column), "the column lies outside: \(error)")
      return
    }
    let canonical = expression.description
    guard let again = try? read(canonical) else {
      throw Broken(description: "the canonical form is refused: \(canonical)")
    }
    try promise(again.description == canonical, "the canonical form has another one: \(canonical)")
    for step in steps {
      let (value, second) = (expression.value(step: step), again.value(step: step))
      let areEqual = value.bitPattern == second.bitPattern || value.isNaN && second.isNaN
      try promise(areEqual, "the canonical form has another value at \(step): \(canonical)")
    }
  }

  private static func read(_ text: String) throws(ExpressionError) -> Expression {
    try Expression(text, constants: ["k": 2, "c": 0.5], totalSteps: 100, baseRate: 0.1)
  }
}
