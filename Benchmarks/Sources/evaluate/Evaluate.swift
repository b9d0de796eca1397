import Schedules

/// What one rate costs near and far, for the example of every schedule type: the far one must cost what the near one does.
@main
struct Evaluate {
  static func main() throws {
    print("type".padded(36) + "ns at step 1".padded(16) + "ns at step 10^15".padded(20) + "ratio")
    var worst = 0.0
    // A loss-driven rule has no far step: its rates are known as far as its reports go.
    for definition in Catalog.standard.definitions where !definition.isLossDriven {
      let schedule = try SpecificationReader().read(definition.example).rate
      _ = nanoseconds(schedule, from: 1)
      let near = nanoseconds(schedule, from: 1)
      let far = nanoseconds(schedule, from: 1e15)
      worst = max(worst, far / near)
      print(definition.type.padded(36) + text(near).padded(16) + text(far).padded(20) + text(far / near))
    }
    print("largest ratio: \(text(worst))")
  }

  /// The least of five runs of 200,000 evaluations at neighboring steps.
  private static func nanoseconds(_ schedule: any Schedule, from start: Double) -> Double {
    let clock = ContinuousClock()
    let count = 200_000
    var sum = 0.0
    var best = Double.infinity
    for _ in 0..<5 {
      let duration = clock.measure {
        for index in 0..<count { sum += schedule.rate(at: start + Double(index % 8)) }
      }
      best = min(best, Double(duration.components.attoseconds) / 1e9 / Double(count))
    }
    // Printed only if it cannot be: keeps the loop from being optimized away.
    if sum == -1 { print(sum) }
    return best
  }

  private static func text(_ number: Double) -> String { "\((number * 10).rounded() / 10)" }
}

extension String {
  fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
