/// A part of the program that the fuzzer drives, and what has to hold for every input.
package enum FuzzTarget: String, CaseIterable, Sendable {
  /// A connection's protocol, from octets to octets.
  case connection
  /// The chunked transfer coding.
  case chunks
  /// The gzip content coding of requests.
  case gzip
  /// The JSON reader and writer.
  case json
  /// The formula language.
  case expression
  /// Schedules of every type: their rates in a row and alone, and their canonical form.
  case curves
  /// `POST /schedule` and `POST /compare`, with every schedule type.
  case schedule
  /// A session's specification and the reports of its trainer.
  case reports
  /// `POST /experiments`, with every problem and optimizer.
  case experiments

  /// - Throws: ``Broken`` where the input breaks a promise. What traps has broken one as well.
  package func check(_ input: [UInt8]) throws(Broken) {
    switch self {
    case .connection: try ConnectionProperties.check(input)
    case .chunks: try ChunkedProperties.check(input)
    case .gzip: try GzipProperties.check(input)
    case .json: try JSONProperties.check(input)
    case .expression: try ExpressionProperties.check(input)
    case .curves: try CurveProperties.check(input)
    case .schedule: try ScheduleProperties.check(input)
    case .reports: try ReportProperties.check(input)
    case .experiments: try ExperimentProperties.check(input)
    }
  }
}

/// A promise that an input has broken.
package struct Broken: Error, CustomStringConvertible {
  package let description: String
}

func promise(_ holds: Bool, _ text: @autoclosure () -> String) throws(Broken) {
  if !holds { throw Broken(description: text()) }
}

/// Pseudo-random numbers (SplitMix64): the same for the same seed, so that an input stays the same test.
package struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

extension [UInt8] {
  /// The octets in pieces: one by one for seed 0, otherwise of lengths that the seed makes.
  func pieces(seed: UInt8) -> [ArraySlice<UInt8>] {
    var numbers = SeededNumbers(seed: UInt64(seed))
    var pieces: [ArraySlice<UInt8>] = []
    var start = 0
    while start < count {
      let longest = 1 << Int.random(in: 0...6, using: &numbers)
      let end = seed == 0 ? start + 1 : Swift.min(count, start + Int.random(in: 1...longest, using: &numbers))
      pieces.append(self[start..<end])
      start = end
    }
    return pieces
  }
}
