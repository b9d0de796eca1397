/// A schedule kept between two bounds.
///
///     rate(t) = min(max(schedule(t), lower), upper)
///
/// Worked example, linear 1 → 0 in 4, from 0.3 to 0.8: 0.8, 0.75, 0.5, 0.3, 0.3.
///
/// Source: `end_value` of optax's `exponential_decay`.
public struct Clamp: Schedule {
  let schedule: any Schedule
  let lower: Double
  let upper: Double

  /// - Parameters:
  ///   - schedule: what is kept in bounds.
  ///   - lower: the lowest rate.
  ///   - upper: the highest rate; at least `lower`.
  public init(_ schedule: any Schedule, lower: Double = -.infinity, upper: Double = .infinity) {
    self.schedule = schedule
    self.lower = lower
    self.upper = upper
  }

  public func rate(at step: Double) -> Double { min(max(schedule.rate(at: step), lower), upper) }

  public var end: ScheduleEnd? { schedule.end }
}
