public import JSON

/// A ramp from one rate to another in one of many forms; then it holds.
///
///     rate(t) = start + (end − start) · shape(min(t / total, 1))
///
/// Worked example, 1 → 0 in 4, sqrt: 1, 0.5, 0.2929, 0.134, 0.
///
/// Source: the warm-ups, decays and cooldowns of the libraries; see ``Shape``.
public struct Ramp: Schedule {
  let baseRate: Double
  let endRate: Double
  let totalSteps: Double
  let shape: Shape

  /// - Parameters:
  ///   - baseRate: the rate at step 0.
  ///   - endRate: the rate at `totalSteps`, or what a tanh falls towards.
  ///   - totalSteps: the length in steps; greater than 0.
  ///   - shape: the form.
  public init(baseRate: Double, endRate: Double = 0, totalSteps: Double, shape: Shape) {
    self.baseRate = baseRate
    self.endRate = endRate
    self.totalSteps = totalSteps
    self.shape = shape
  }

  public func rate(at step: Double) -> Double {
    shape.value(min(step / totalSteps, 1), from: baseRate, to: endRate, steps: totalSteps)
  }

  public var form: JSONValue? {
    Self.definition.form(
      [("base_lr", .number(baseRate)), ("end_lr", .number(endRate)), ("total_steps", .number(totalSteps))]
        + shape.members())
  }

  static let definition = Definition(
    type: "ramp",
    summary: "From one rate to another in one of many forms; then it holds.",
    parameters: [.baseRate(), .endRate, .totalSteps] + Shape.parameters(default: .linear),
    formula: "base_lr + (end_lr − base_lr)·shape(min(t/total_steps, 1)^k_decay)",
    source: "the warm-ups and decays of the libraries; sqrt: Hägele et al., 2024, arXiv:2405.18392",
    example: ["type": "ramp", "base_lr": 0.1, "total_steps": 4, "shape": "sqrt"]
  ) { arguments throws(SpecificationError) in
    let baseRate = try arguments.number("base_lr")
    let endRate = try arguments.number("end_lr")
    let shape = try Shape(arguments)
    if shape.kind == .exponential && (baseRate <= 0 || endRate <= 0) {
      throw arguments.error(
        endRate <= 0 ? "end_lr" : "base_lr", "the exponential shape needs rates greater than 0 at both ends")
    }
    return Ramp(
      baseRate: baseRate, endRate: endRate, totalSteps: try arguments.number("total_steps"), shape: shape)
  }
}

// MARK: A shape on the wire

extension Shape {
  private static let fields: [(name: String, kinds: [Kind], path: any WritableKeyPath<Shape, Double> & Sendable)] = [
    ("power", [.polynomial, .power], \.power), ("ratio", [.normalizedExponential], \.ratio),
    ("lower_bound", [.tanh], \.lowerBound), ("upper_bound", [.tanh], \.upperBound), ("beta", [.rex], \.beta),
  ]

  /// The parameters that describe a shape, with a prefix such as `decay_` where a schedule has several.
  static func parameters(_ prefix: String = "", default kind: Kind) -> [Parameter] {
    let words = "the form"
    return [
      .choice("\(prefix)shape", kind, words),
      .number("\(prefix)power", .positive, 1, "the exponent of the shapes polynomial and power"),
      .number(
        "\(prefix)ratio", .positive, 0.5, "of normalized_exponential: the factor of the whole length; not 1"),
      .number("\(prefix)lower_bound", .any, -6, "of tanh: its argument at the start"),
      .number("\(prefix)upper_bound", .any, 3, "of tanh: its argument at the end"),
      .number("\(prefix)beta", NumberRange(lower: 0, upper: 1, upperIsOpen: true), 0.5, "of rex: 0 is a straight line"),
      .number("\(prefix)k_decay", .positive, 1, "the exponent that the progress is raised to before the shape"),
    ]
  }

  init(_ arguments: Arguments, prefix: String = "") throws(SpecificationError) {
    self.init(try arguments.choice("\(prefix)shape"))
    for field in Self.fields {
      if arguments.has(prefix + field.name) && !field.kinds.contains(kind) {
        let owners = field.kinds.map(\.rawValue).joined(separator: " and ")
        throw arguments.error(prefix + field.name, "'\(prefix)\(field.name)' belongs to the shape \(owners)")
      }
      self[keyPath: field.path] = try arguments.number(prefix + field.name)
    }
    kDecay = try arguments.number("\(prefix)k_decay")
    if kind == .normalizedExponential && ratio == 1 {
      throw arguments.error("\(prefix)ratio", "'\(prefix)ratio' must not be 1: nothing would be left to divide by")
    }
  }

  /// The fields that say this shape.
  func members(_ prefix: String = "") -> [(name: String, value: JSONValue?)] {
    var members: [(name: String, value: JSONValue?)] = [("\(prefix)shape", .string(kind.rawValue))]
    for field in Self.fields where field.kinds.contains(kind) {
      members.append((prefix + field.name, .number(self[keyPath: field.path])))
    }
    members.append(("\(prefix)k_decay", .number(kDecay)))
    return members
  }
}
