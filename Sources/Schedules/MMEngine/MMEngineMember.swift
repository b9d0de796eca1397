import JSON

/// One of MMEngine's schedulers: what it does to the current rate from its `begin` to its `end`.
///
/// MMEngine's schedulers are steps on whatever rate the optimizer holds. One is active on [begin, end) of its own clock and
/// leaves the rate alone outside.
struct MMEngineMember {
  /// What the scheduler does to the rate that it finds.
  enum Role {
    /// It multiplies: several may be active at once.
    case factor
    /// It falls from the rate that it finds.
    case fall
    /// It overwrites the rate.
    case absolute
  }

  let begin: Double
  /// Infinite where it was left out.
  let end: Double
  let role: Role
  /// The steps of one of the scheduler's own: 1, or those of an epoch.
  let stepsPerUnit: Double
  /// The curve from the rate x, given the optimizer's first rate, on a clock that starts at `begin`.
  let curve: (_ x: Double, _ base: Double) -> any Schedule

  /// MMEngine's own default for `end`.
  static let farEnd = 1e9

  static let parameters = [
    Parameter.integer("begin", .notNegative, 0, "the first step at which it is active"),
    Parameter.integer("end", .atLeastOne, 1_000_000_000, "the first step at which it is no more; the rate then holds"),
    Parameter.flag("by_epoch", true, "whether its steps are epochs; without steps_per_epoch t counts what it counts"),
    Parameter.optional(
      "steps_per_epoch", .integer(.atLeastOne), "optimizer steps in an epoch, where by_epoch and t counts steps"),
  ]

  init(
    _ arguments: Arguments, _ role: Role, curve: @escaping (_ x: Double, _ base: Double) -> any Schedule
  ) throws(SpecificationError) {
    begin = try arguments.number("begin")
    end = try arguments.number("end")
    if end <= begin { throw arguments.error("end", "'end' must be greater than 'begin'") }
    let isByEpoch = try arguments.flag("by_epoch")
    stepsPerUnit = isByEpoch ? try arguments.optionalNumber("steps_per_epoch") ?? 1 : 1
    self.role = role
    self.curve = curve
  }

  /// How many of its own steps it is active.
  static func length(_ arguments: Arguments) throws(SpecificationError) -> Double {
    try arguments.number("end") - (try arguments.number("begin"))
  }

  /// The first and the last optimizer step of its time.
  var window: Range<Double> { begin * stepsPerUnit..<end * stepsPerUnit }

  /// The curve from `x` on a clock of optimizer steps that starts with the window; after it the last rate holds.
  func local(from x: Double, base: Double) -> any Schedule {
    let inner = curve(x, base)
    let held = Hold(until: end - begin - 1, schedule: inner)
    return stepsPerUnit == 1
      ? held : Stretch(by: stepsPerUnit, schedule: Quantize(every: 1, schedule: held))
  }

  /// The curve from `x` on the clock of optimizer steps.
  func schedule(from x: Double, base: Double) -> any Schedule {
    Phases.schedule([(window.lowerBound, Constant(baseRate: x)), (.infinity, local(from: x, base: base))])
  }
}
