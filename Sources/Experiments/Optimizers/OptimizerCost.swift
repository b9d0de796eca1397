/// What one update costs for one parameter.
///
/// The operations are not written down beside the formula: the update's own code is run once over numbers that count. What
/// is done once for a whole update (bias corrections, the rate) is not in it: it costs the same for a million parameters.
public struct OptimizerCost: Sendable, Equatable {
  /// Additions, subtractions and multiplications; also comparisons: amsgrad's larger of two, Lion's direction.
  public internal(set) var additionsAndMultiplications = 0
  public internal(set) var divisions = 0
  public internal(set) var squareRoots = 0

  /// How many doubles are kept from one update to the next: the arrays, each as long as the parameters.
  public internal(set) var stateArrays: Int

  /// All floating-point operations.
  public var operations: Int { additionsAndMultiplications + divisions + squareRoots }

  /// The octets that are kept from one update to the next; the parameter itself not among them.
  public var stateOctets: Int { stateArrays * MemoryLayout<Double>.stride }

  /// The state of one parameter, of which an update uses as much as its optimizer has.
  struct State {
    var first: CountedNumber
    var second: CountedNumber
    var third: CountedNumber
  }

  /// - Parameters:
  ///   - stateArrays: as it stands in ``stateArrays``.
  ///   - update: the update of one parameter, as it is in every update but the first.
  init(stateArrays: Int, _ update: (inout CountedNumber, CountedNumber, inout State) -> Void) {
    self.stateArrays = stateArrays
    let tally = CountedNumber.Tally()
    let number = CountedNumber(tally: tally)
    var parameter = number
    var state = State(first: number, second: number, third: number)
    update(&parameter, number, &state)
    additionsAndMultiplications = tally.additionsAndMultiplications
    divisions = tally.divisions
    squareRoots = tally.squareRoots
  }
}

extension OptimizerCost {
  /// The time that an optimizer takes for one parameter in one update.
  ///
  /// - Parameters:
  ///   - specification: the optimizer.
  ///   - parameterCount: how many parameters are updated at once; at least 1. A million do not fit the near caches.
  ///   - runs: how many updates are timed, one by one; at least 1. The shortest counts.
  ///   - clock: what the time is read from.
  /// - Returns: nanoseconds for each parameter and update.
  public static func measure<Time: Clock>(
    _ specification: OptimizerSpecification, parameterCount: Int = 1_000_000, runs: Int = 5, clock: Time
  ) -> Double where Time.Duration == Duration {
    let count = max(1, parameterCount)
    var optimizer: any Optimizer = specification.optimizer(parameterCount: count)
    var parameters = [Double](repeating: 1, count: count)
    let gradient = (0..<count).map { Double($0 % 7) - 3 }
    // The first updates touch the memory for the first time, and are not yet what the later ones are: RAdam's.
    for _ in 0..<10 { optimizer.update(&parameters, gradient: gradient, learningRate: 1e-3) }
    var least = Duration.seconds(Int.max)
    for _ in 0..<max(1, runs) {
      let before = clock.now
      optimizer.update(&parameters, gradient: gradient, learningRate: 1e-3)
      least = min(least, before.duration(to: clock.now))
    }
    let (seconds, attoseconds) = least.components
    return (Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(count)
  }
}

/// A number that counts what is done with it.
struct CountedNumber: Arithmetic {
  final class Tally {
    var additionsAndMultiplications = 0
    var divisions = 0
    var squareRoots = 0
  }

  /// Where it counts; nil in a constant, whose operations among themselves are done once for all parameters.
  private let tally: Tally?

  init(tally: Tally) { self.tally = tally }

  init(_ value: Double) { tally = nil }

  private init(_ left: CountedNumber, _ right: CountedNumber, _ counter: ReferenceWritableKeyPath<Tally, Int>) {
    tally = left.tally ?? right.tally
    tally?[keyPath: counter] += 1
  }

  static func + (left: CountedNumber, right: CountedNumber) -> CountedNumber {
    CountedNumber(left, right, \.additionsAndMultiplications)
  }

  static func - (left: CountedNumber, right: CountedNumber) -> CountedNumber {
    CountedNumber(left, right, \.additionsAndMultiplications)
  }

  static func * (left: CountedNumber, right: CountedNumber) -> CountedNumber {
    CountedNumber(left, right, \.additionsAndMultiplications)
  }

  static func / (left: CountedNumber, right: CountedNumber) -> CountedNumber {
    CountedNumber(left, right, \.divisions)
  }

  func squareRoot() -> CountedNumber { CountedNumber(self, self, \.squareRoots) }

  static func larger(_ left: CountedNumber, _ right: CountedNumber) -> CountedNumber {
    CountedNumber(left, right, \.additionsAndMultiplications)
  }

  var direction: CountedNumber { CountedNumber(self, self, \.additionsAndMultiplications) }
}
