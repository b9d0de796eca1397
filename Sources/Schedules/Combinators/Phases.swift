/// Puts phases one after another, leaving out those without a step.
enum Phases {
  /// - Parameter phases: the step at which each ends, and its schedule on a clock that starts with the phase; the last
  ///   ends at infinity. A phase that ends where the one before it ends, or earlier, is left out.
  /// - Returns: their sequence.
  static func schedule(_ phases: [(end: Double, schedule: any Schedule)]) -> any Schedule {
    var schedules: [any Schedule] = []
    var boundaries: [Double] = []
    var start = 0.0
    for phase in phases where phase.end > start {
      if !schedules.isEmpty { boundaries.append(start) }
      schedules.append(phase.schedule)
      start = phase.end
    }
    return schedules.count == 1 ? schedules[0] : ScheduleSequence(schedules: schedules, boundaries: boundaries)
  }
}
