import Foundation
import JSON
import Policies

/// A rule with its state, whatever its type.
protocol RunningRule: Sendable {
  var metrics: [String] { get }
  var effect: Effect { get }
  var demand: Demand? { get }
  mutating func reduce(_ report: Report)
  func rewound(from abandoned: any RunningRule, to step: Int) -> any RunningRule
  /// The state as JSON text.
  func encoded() throws -> [UInt8]
  mutating func restore(_ text: [UInt8]) throws
}

struct Running<R: Rule>: RunningRule {
  let rule: R
  var state: R.State

  init(_ rule: R) {
    self.rule = rule
    state = rule.initialState
  }

  var metrics: [String] { rule.metrics }
  var effect: Effect { rule.effect(state) }
  var demand: Demand? { rule.demand(state) }

  mutating func reduce(_ report: Report) { rule.reduce(&state, report) }

  func rewound(from abandoned: any RunningRule, to step: Int) -> any RunningRule {
    guard let abandoned = abandoned as? Running<R> else { return self }
    var result = self
    result.state = rule.rewound(state, from: abandoned.state, to: step)
    return result
  }

  func encoded() throws -> [UInt8] { try Array(Codec.encoder().encode(state)) }

  mutating func restore(_ text: [UInt8]) throws { state = try Codec.decoder().decode(R.State.self, from: Data(text)) }
}

extension Rule {
  func started() -> any RunningRule { Running(self) }
}

/// Foundation's coders, told how reports write numbers that are not finite. Not on the hot path.
enum Codec {
  static func encoder() -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return encoder
  }

  static func decoder() -> JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return decoder
  }

  static func json(_ value: some Encodable) throws -> JSONValue {
    try JSONReader.read(Array(encoder().encode(value)))
  }

  static func value<Value: Decodable>(_ type: Value.Type, _ json: JSONValue) throws -> Value {
    try decoder().decode(type, from: Data(JSONWriter.text(json).utf8))
  }
}
