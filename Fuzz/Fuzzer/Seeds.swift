import Experiments
import Glibc
import JSON
import Properties

@testable import Schedules

/// Inputs to begin with and words to put into them, made from the catalog so that no schedule type is forgotten.
enum Seeds {
  struct CannotWrite: Error {
    let path: String
  }

  static func all(_ target: FuzzTarget) -> [(name: String, octets: [UInt8])] {
    switch target {
    case .curves: Catalog.standard.definitions.map { ($0.type, Array(JSONWriter.text($0.example).utf8)) }
    case .schedule:
      Catalog.standard.definitions.enumerated().map { number, definition in
        // The letter chooses the form of the answer: all come up, and all with time for each type.
        (definition.type, [UInt8(ascii: "h") + UInt8(number % 8)] + request(definition, isComparison: number % 8 >= 6))
      }
    case .reports:
      RuleReader.catalog.definitions.map { ($0.type, session($0)) }
    case .experiments:
      ProblemCatalog.definitions.enumerated().flatMap { problem in
        OptimizerCatalog.definitions.enumerated().map { optimizer in
          (
            "\(problem.element.type)-\(optimizer.element.type)",
            [UInt8(ascii: "h") + UInt8((problem.offset + optimizer.offset) % 8)]
              + experiment(problem.element, optimizer.element)
          )
        }
      }
    default: []
    }
  }

  private static func request(_ definition: Definition, isComparison: Bool) -> [UInt8] {
    var members: [(String, JSONValue)] = [("steps", 12)]
    members.append(isComparison ? ("schedules", [definition.example]) : ("schedule", definition.example))
    if definition.isLossDriven { members.append(("metrics", [3, 2, 2, 2.5, 1, 1, 1, 4, 1, 1, 1])) }
    return Array(JSONWriter.text(.object(JSONObject(members))).utf8)
  }

  private static func experiment(_ problem: ProblemDefinition, _ optimizer: OptimizerDefinition) -> [UInt8] {
    let value: JSONValue = [
      "problem": problem.example, "optimizers": [optimizer.example, "sgd"], "rates": [0.01, 1e300], "steps": 7,
      "schedules": [["type": "cosine", "total_steps": 5], ["type": "constant"]],
    ]
    return Array(JSONWriter.text(value).utf8)
  }

  private static func session(_ definition: Definition) -> [UInt8] {
    var lines: [JSONValue] = [
      ["schedule": ["type": "cosine", "base_lr": 0.1, "total_steps": 20], "policies": [definition.example]]
    ]
    for step in 0..<6 {
      lines.append(["step": .number(Double(step)), "loss": .number(3 / (1 + Double(step % 4)))])
    }
    return Array(lines.map(JSONWriter.text).joined(separator: "\n").utf8)
  }

  static func words(_ target: FuzzTarget) -> [String] {
    switch target {
    case .connection:
      [
        "POST / HTTP/1.1\r\n", "GET /no HTTP/1.0\r\n", "HEAD ", "OPTIONS * HTTP/1.1\r\n", "Host: a\r\n", "\r\n\r\n",
        "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "Connection: close\r\n",
        "Connection: keep-alive\r\n", "Expect: 100-continue\r\n", "Content-Encoding: gzip\r\n", "X-Request-Id: a\r\n",
        "http://a/", "%41", "?a=b&", ": \t",
      ]
    case .chunks: ["0\r\n", "\r\n", "\r\n\r\n", "a\r\n", ";a=b", "ffffffffffffff\r\n", "A: b\r\n", "0\r\n\r\n"]
    case .gzip: ["\u{1F}"]
    case .json:
      [
        "null", "true", "false", "{\"a\":", "[1,", "]", "}", "\\u0000", "\\ud83d\\ude00", "\"", "1e308", "1e-400",
        "-0.0",
        "9007199254740993", "2.2250738585072011e-308", "0.1", "\\n", "\u{FEFF}", "é", "𝄞", "e+",
        "123456789012345678901",
      ]
    case .expression:
      [
        "step", "t", "progress", "p", "total_steps", "base_lr", "k", "c", "pi", "e", "math.", "np.", "torch.",
        "lambda x:",
        " if ", " else ", " and ", " or ", "not ", "**", "//", "%", "<=", "==", "!=", "abs(", "atan(", "ceil(", "cos(",
        "exp(", "floor(", "log(", "log10(", "log2(", "round(", "sigmoid(", "sin(", "sqrt(", "tan(", "tanh(", "min(",
        "max(", "pow(", "where(", "clip(", "1e308", "1e-9", "0.5", "1_0",
      ]
    case .curves, .schedule:
      unique(
        Catalog.standard.definitions.flatMap { definition in
          ["\"\(definition.type)\""] + definition.parameters.map { "\"\($0.name)\":" }
        } + requestWords.map { "\"\($0)\":" })
    case .reports:
      unique(
        RuleReader.catalog.definitions.flatMap { definition in
          ["\"\(definition.type)\""] + definition.parameters.map { "\"\($0.name)\":" }
        } + sessionWords.map { "\"\($0)\":" } + ["\"nan\"", "\"inf\"", "\n", "\n>", "\n+"])
    case .experiments:
      unique(
        ProblemCatalog.definitions.flatMap { ["\"\($0.type)\""] + $0.parameters.map { "\"\($0.name)\":" } }
          + OptimizerCatalog.definitions.flatMap { ["\"\($0.type)\""] + $0.parameters.map { "\"\($0.name)\":" } }
          + experimentWords.map { "\"\($0)\":" })
    }
  }

  static let requestWords = [
    "schedule", "schedules", "steps", "at", "start", "count", "stride", "unit", "stepped", "steps_per_epoch", "groups",
    "multiplier", "freeze_steps", "layer_decay", "layers", "decay", "companions", "metrics", "name", "batch_size",
    "total_steps", "gradient_accumulation", "processes", "tokens_per_sample",
  ]

  static let experimentWords = [
    "problem", "optimizer", "optimizers", "schedule", "schedules", "grid", "rates", "steps", "points", "spacing",
    "tolerance", "budget", "name", "condition_number", "dimension", "samples", "batch_size", "noise", "seed", "start",
    "beta1", "beta2", "eps", "momentum", "weight_decay", "low", "high", "smoothing", "divergence",
  ]

  static let sessionWords = [
    "schedule", "policies", "bounds", "groups", "ranks", "look_ahead", "on_nonfinite", "lease", "retain", "fallback",
    "seed", "labels", "type", "metric", "min", "max", "mode", "world_size", "aggregate", "step", "loss", "metrics",
    "gradients", "rank", "samples", "learning_rate_applied", "attempt", "reports", "count", "acknowledge",
    "resume_step", "cooldown", "steps", "shape", "floor", "effective_step", "until_step", "factor", "learning_rate",
    "reason", "author",
  ]

  private static func unique(_ words: [String]) -> [String] { Set(words).sorted() }

  /// A line of libFuzzer's dictionary.
  static func dictionaryEntry(_ word: String) -> String {
    let digits = Array("0123456789abcdef")
    let text = word.utf8.map { octet -> String in
      let isPlain = (0x20...0x7E).contains(octet) && octet != UInt8(ascii: "\"") && octet != UInt8(ascii: "\\")
      if isPlain { return String(Unicode.Scalar(octet)) }
      return "\\x\(digits[Int(octet >> 4)])\(digits[Int(octet & 15)])"
    }
    return "\"\(text.joined())\""
  }

  static func write(_ octets: [UInt8], to path: String) throws {
    guard let file = fopen(path, "w") else { throw CannotWrite(path: path) }
    defer { fclose(file) }
    if fwrite(octets, 1, octets.count, file) != octets.count { throw CannotWrite(path: path) }
  }
}
