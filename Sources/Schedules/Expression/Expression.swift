/// A formula over the step, such as `base_lr * 0.95 ** (step // 30)`: what torch's `LambdaLR` is given as Python code,
/// here as text that is safe to take from anyone.
///
/// The language is Python's expressions over doubles: the same operators, precedence and results, and no assignment,
/// string, attribute or loop. Where Python raises an error, such as a division by zero, the value is IEEE's, infinite or
/// not a number. A formula is pure, and it ends: every part is evaluated at most once, and there are at most
/// ``largestNodeCount`` of them.
///
/// Worked example, `1 - step / 4`: 1, 0.75, 0.5, 0.25, 0.
///
/// Source: the Python Language Reference, chapter 6, "Expressions"; torch `LambdaLR`.
public struct Expression: Sendable, Equatable, CustomStringConvertible {
  /// The longest text, in characters (Unicode scalars).
  public static let largestLength = 4096
  /// The most numbers, names, operators and calls in one formula.
  public static let largestNodeCount = 1000
  /// How deep parentheses, calls, `**`, `else`, `not` and signs may nest.
  public static let largestDepth = 64
  /// The most arguments of one call.
  public static let largestArgumentCount = 64

  /// The formula in canonical form: one way of spacing, the fewest parentheses, `step` for `t` and for a lambda's
  /// parameter, no prefixes. It parses, with the same constants, to the same program.
  ///
  /// Where the spaces would make it longer than ``largestLength``, it is the text as it was written.
  public let description: String

  let program: Program

  /// Parses a formula, or a Python lambda with one parameter, which then stands for the step.
  ///
  /// - Parameters:
  ///   - text: the formula.
  ///   - constants: further names and their finite values. A name is `[A-Za-z_][A-Za-z0-9_]*` and not a built-in one.
  ///   - totalSteps: the value of `total_steps`, finite and greater than 0; nil where there is none, and then a formula
  ///     may use neither `total_steps` nor `progress`.
  ///   - baseRate: the value of `base_lr`, finite; nil where there is none, and then a formula may not use it.
  /// - Throws: ``ExpressionError`` for the first thing that is wrong, read from the left.
  public init(
    _ text: String, constants: [String: Double] = [:], totalSteps: Double? = nil, baseRate: Double? = nil
  ) throws(ExpressionError) {
    let names = try Names(constants: constants, totalSteps: totalSteps, baseRate: baseRate)
    var parser = try Parser(text, names: names)
    let tree = try parser.parse()
    program = Program(tree)
    let canonical = tree.description
    description = canonical.utf8.count <= Self.largestLength ? canonical : text
  }

  /// The formula's value at `step`.
  ///
  /// - Parameter step: the number of optimizer updates already made; real-valued.
  /// - Returns: the value; infinite or not a number where the formula is. A branch that is not taken has no say in it.
  public func value(step: Double) -> Double { program.value(step: step) }
}
