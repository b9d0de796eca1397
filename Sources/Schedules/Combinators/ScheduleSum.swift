/// Several schedules added.
///
///     rate(t) = schedules[0](t) + schedules[1](t) + …
///
/// Worked example, constant 0.1 and linear 1 → 0 in 4: 1.1, 0.85, 0.6, 0.35, 0.1.
///
/// Source: what Keras' `CosineDecayRestarts` is made of: a floor that its shrinking waves stand on.
public struct ScheduleSum: Schedule {
  let schedules: [any Schedule]

  /// - Parameter schedules: the terms, at least one.
  public init(schedules: [any Schedule]) { self.schedules = schedules }

  public func rate(at step: Double) -> Double { schedules.reduce(0) { $0 + $1.rate(at: step) } }

  public var end: ScheduleEnd? {
    schedules.compactMap(\.end).min { $0.lastStep < $1.lastStep }
  }
}
