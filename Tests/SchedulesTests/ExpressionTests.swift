import Schedules
import Testing

/// The formula language: Python's values, errors at their column, and nothing that a hostile text can do.
@Suite struct ExpressionTests {
  /// Values that Python 3.11 gives at the steps below.
  private static let formulas: [(String, [Double])] = [
    ("1 - step / 4", [1.0, 0.75, 0.5, 0.25, -0.25, -1.5, -23.25]),
    (
      "0.95 ** step",
      [1.0, 0.95, 0.9025, 0.8573749999999999, 0.7737809374999998, 0.5987369392383787, 0.006905413874132088]
    ),
    ("-2 ** 2 + step", [-4.0, -3.0, -2.0, -1.0, 1.0, 6.0, 93.0]),
    ("2 ** -step", [1.0, 0.5, 0.25, 0.125, 0.03125, 0.0009765625, 6.310887241768095e-30]),
    (
      "2 ** 3 ** 0.5 * step",
      [
        0.0, 3.3219970854839125, 6.643994170967825, 9.965991256451737, 16.609985427419563, 33.219970854839126,
        322.2337172919395,
      ]
    ),
    ("step % 3", [0.0, 1.0, 2.0, 0.0, 2.0, 1.0, 1.0]),
    ("-step % 3", [0.0, 2.0, 1.0, 0.0, 1.0, 2.0, 2.0]),
    ("step // 3", [0.0, 0.0, 0.0, 1.0, 1.0, 3.0, 32.0]),
    ("-step // 3", [-0.0, -1.0, -1.0, -1.0, -2.0, -4.0, -33.0]),
    ("7.5 // 2 + step", [3.0, 4.0, 5.0, 6.0, 8.0, 13.0, 100.0]),
    ("min(step, 5) + max(1, step, 2)", [2.0, 3.0, 4.0, 6.0, 10.0, 15.0, 102.0]),
    ("abs(3 - step)", [3.0, 2.0, 1.0, 0.0, 2.0, 7.0, 94.0]),
    (
      "math.cos(math.pi * step / 10)",
      [
        1.0, 0.9510565162951535, 0.8090169943749475, 0.5877852522924731, 6.123233995736766e-17, -1.0,
        0.5877852522924707,
      ]
    ),
    ("0.5 if step < 5 else 0.1", [0.5, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1]),
    ("1 if 2 < step < 6 else 0", [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]),
    ("(step > 3) + (step >= 3) * 2 + (step != 4)", [1.0, 1.0, 1.0, 3.0, 4.0, 4.0, 4.0]),
    ("not step > 3", [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
    ("step > 2 and step < 8", [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]),
    ("step < 2 or step > 8", [1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0]),
    ("round(step / 2)", [0.0, 0.0, 1.0, 2.0, 2.0, 5.0, 48.0]),
    ("math.floor(step / 3) - math.ceil(step / 4)", [0.0, -1.0, -1.0, 0.0, -1.0, 0.0, 7.0]),
    (
      "math.exp(-0.1 * step)",
      [
        1.0, 0.9048374180359595, 0.8187307530779818, 0.7408182206817179, 0.6065306597126334, 0.36787944117144233,
        6.128349505322202e-05,
      ]
    ),
    (
      "math.log(step + 1) + math.log2(step + 1) + math.log10(step + 1)",
      [
        0.0, 1.9941771762239267, 3.1606960441089287, 3.9883543524478533, 5.1548732203328544, 6.8987195765938925,
        13.190903398478277,
      ]
    ),
    (
      "math.sqrt(step) + math.tanh(step) + math.atan(step)",
      [
        0.0, 2.546992319353213, 3.4853898602430027, 3.976151333653862, 4.609377948707401, 5.633405330349807,
        12.409345215444757,
      ]
    ),
    ("1e-3 * step + .5 + 1_000", [1000.5, 1000.501, 1000.502, 1000.503, 1000.505, 1000.51, 1000.597]),
    ("step ** 2 - 2 * step + 1", [1.0, 0.0, 1.0, 4.0, 16.0, 81.0, 9216.0]),
    (
      "(1 - step / 100) ** 2 * 0.1",
      [0.1, 0.09801, 0.09604, 0.09409000000000001, 0.09025, 0.08100000000000002, 9.000000000000017e-05]
    ),
    (
      "1/(step+1) if step else 2",
      [2.0, 0.5, 0.3333333333333333, 0.25, 0.16666666666666666, 0.09090909090909091, 0.01020408163265306]
    ),
    ("0.1 * 0.5 ** (step // 30)", [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0125]),
    ("math.sin(step) ** 2 + math.cos(step) ** 2", [1.0, 1.0, 1.0, 0.9999999999999999, 0.9999999999999999, 1.0, 1.0]),
    ("step - -step", [0.0, 2.0, 4.0, 6.0, 10.0, 20.0, 194.0]),
    ("+step", [0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 97.0]),
    (
      "math.pow(step + 1, 0.3)",
      [
        1.0, 1.2311444133449163, 1.3903891703159093, 1.515716566510398, 1.711769859409705, 2.053136413658844,
        3.9570161493329823,
      ]
    ),
    (
      "math.e ** -step",
      [
        1.0, 0.36787944117144233, 0.1353352832366127, 0.04978706836786395, 0.006737946999085469, 4.5399929762484875e-05,
        7.471972337343029e-43,
      ]
    ),
    ("1 if step == 0 else 0.3 if step < 5 else 0.1", [1.0, 0.3, 0.3, 0.3, 0.1, 0.1, 0.1]),
  ]

  private static let steps = [0.0, 1, 2, 3, 5, 10, 97]

  @Test(arguments: formulas) func aFormulaHasTheValuesOfPython(_ text: String, _ values: [Double]) throws {
    let expression = try Expression(text)
    for (step, value) in zip(Self.steps, values) {
      #expect(abs(expression.value(step: step) - value) <= 1e-14 * max(1, abs(value)), "\(text) at \(step)")
    }
  }

  @Test(arguments: formulas) func theCanonicalTextParsesToTheSameValues(_ text: String, _ values: [Double]) throws {
    let expression = try Expression(text)
    let again = try Expression(expression.description)
    #expect(again.description == expression.description)
    for step in Self.steps { #expect(again.value(step: step) == expression.value(step: step), "\(text)") }
  }

  @Test func theTrainingIsKnownByItsNames() throws {
    let expression = try Expression(
      "base_lr * (1 - progress) ** k + 0 * total_steps", constants: ["k": 2], totalSteps: 10, baseRate: 0.5)
    #expect(expression.value(step: 5) == 0.125)
    #expect(try Expression("lambda epoch: 0.95 ** epoch").value(step: 2) == 0.9025)
    #expect(throws: ExpressionError.self) { try Expression("progress") }
    #expect(throws: ExpressionError.self) { try Expression("base_lr") }
  }

  @Test func aBranchThatIsNotTakenSpoilsNothing() throws {
    #expect(try Expression("where(step > 0, log(step), 7)").value(step: 0) == 7)
    #expect(try Expression("1 / step if step > 0 else 3").value(step: 0) == 3)
  }

  @Test(
    arguments: [
      ("1 - stpe/100", 5, "step"), ("1 +", 4, nil), ("(1 + 2", 7, nil), ("2 ^ 3", 3, nil), ("1 $ 2", 3, nil),
      ("cso(step)", 1, "cos"), ("min()", 5, nil), ("1 2", 3, nil), ("1e999", 1, nil), ("abs(1, 2)", 6, nil),
      ("step = 3", 6, nil), ("\"text\"", 1, nil), ("", 1, nil), ("é + 1", 1, nil), ("step.real", 5, nil),
    ] as [(String, Int, String?)])
  func anErrorPointsAtItsColumn(_ text: String, _ column: Int, _ suggestion: String?) {
    let error = #expect(throws: ExpressionError.self) { try Expression(text) }
    #expect(error?.column == column, "\(error.map { $0.description } ?? "")")
    if let suggestion { #expect(error?.suggestion == suggestion) }
  }

  @Test(
    arguments: [
      String(repeating: "(", count: 10_000), String(repeating: "-", count: 4000) + "1",
      String(repeating: "2**", count: 1000) + "2", String(repeating: "not ", count: 1000) + "1",
      String(repeating: "1 if 1 else ", count: 300) + "1", String(repeating: "abs(", count: 900) + "1",
      String(repeating: "1+", count: 2000) + "1", "min(" + String(repeating: "1,", count: 500) + "1)",
    ])
  func aBombIsRefusedBeforeItGoesOff(_ text: String) {
    #expect(throws: ExpressionError.self) { try Expression(text) }
  }

  @Test func noTextCrashesTheParser() {
    let pieces = [
      "1", "step", "t", "(", ")", "+", "-", "*", "/", "//", "%", "**", "<", "<=", "==", " ", "if", "else", "and", "or",
      "not", "min", "max", ",", "where", "cos", ".5", "1e3", "lambda", ":", "x", "math.", "pi", "é", "\0", "😀", "\"",
      "progress", "_", "1_0", "..", "!=", "[", "]",
    ]
    var state: UInt64 = 1
    func random(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(count))
    }
    var parsed = 0
    for _ in 0..<20_000 {
      let text = (0..<random(14)).map { _ in pieces[random(pieces.count)] }.joined(separator: random(2) == 0 ? " " : "")
      guard let expression = try? Expression(text) else { continue }
      parsed += 1
      _ = expression.value(step: Double(random(1000)))
    }
    #expect(parsed > 100)
  }
}
