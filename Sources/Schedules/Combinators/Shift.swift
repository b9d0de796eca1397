/// A schedule moved along the step axis.
///
///     rate(t) = schedule(max(0, t + by))
///
/// Worked example, linear 1 → 0 in 4, `by` 2: 0.5, 0.25, 0, 0, 0.
///
/// Source: the combinator behind optax's `transition_begin`.
public struct Shift: Schedule {
  let by: Double
  let schedule: any Schedule

  /// - Parameters:
  ///   - by: how many steps the schedule is ahead; negative to delay it.
  ///   - schedule: what is moved.
  public init(by: Double, schedule: any Schedule) {
    self.by = by
    self.schedule = schedule
  }

  public func rate(at step: Double) -> Double { schedule.rate(at: max(0, step + by)) }

  public var end: ScheduleEnd? {
    schedule.end.map { ScheduleEnd(lastStep: $0.lastStep - by, reason: $0.reason) }
  }
}
