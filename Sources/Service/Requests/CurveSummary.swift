import Foundation
import JSON
import Schedules

/// What one curve amounts to over the selected steps.
struct CurveSummary {
  let initial: Double
  let final: Double
  let peak: Double
  let peakStep: Double
  let minimum: Double
  /// The sum of the rates of all optimizer steps in the range, the total movement that they allow: by trapezoids where
  /// steps are left out.
  let area: Double
  /// The first step after the peak at which the rate is below half of it.
  let halfStep: Double?
  /// The length of the first rise in steps; 0 where the curve begins with a fall or stays.
  let warmupSteps: Double
  let exponential: ExponentialSummary?

  var document: JSONValue {
    var members: [(String, JSONValue)] = [
      ("initial", .number(initial)), ("peak", .number(peak)), ("peak_step", .number(peakStep)),
      ("final", .number(final)), ("minimum", .number(minimum)), ("area", .number(area)),
      ("half_step", halfStep.map { .number($0) } ?? .null), ("warmup_steps", .number(warmupSteps)),
    ]
    if let exponential { members.append(("exponential", exponential.document)) }
    return .object(JSONObject(members))
  }
}

/// What the parameters of an exponential decay η(t) = η₀·e^(−k·t) do to it.
struct ExponentialSummary {
  let decayConstant: Double
  let lastStep: Double
  let lastRate: Double
  let baseRate: Double

  var document: JSONValue {
    var members: [(String, JSONValue)] = [
      ("decay_constant", .number(decayConstant)), ("rate_at_end", .number(lastRate)),
      ("part_at_end", .number(exp(-decayConstant * lastStep))),
    ]
    if decayConstant > 0 {
      members.append(("half_life", .number(log(2) / decayConstant)))
      members.append(("time_constant", .number(1 / decayConstant)))
    }
    // How much the last rate moves with each: the partial derivatives.
    let sensitivity: [(String, JSONValue)] = [
      ("base_lr", .number(exp(-decayConstant * lastStep))), ("decay_constant", .number(-lastStep * lastRate)),
      ("step", .number(-decayConstant * lastRate)),
    ]
    members.append(("sensitivity", .object(JSONObject(sensitivity.filter { $0.1.isFiniteNumber }))))
    return .object(JSONObject(members.filter { $0.1.isFiniteNumber }))
  }
}

extension JSONValue {
  fileprivate var isFiniteNumber: Bool { if case .number(let number) = self { number.isFinite } else { true } }
}

/// A curve that is walked along once: it must have a rate at every selected step.
struct CheckedCurve {
  let schedule: any Schedule
  let steps: StepSelection
  /// Where the schedule stands in the request.
  let pointer: String

  func summary() throws(Problem) -> CurveSummary {
    if let end = schedule.end, steps.last > end.lastStep {
      throw .invalid(pointer, "the schedule's last step is \(ScheduleRequest.text(end.lastStep)): \(end.reason)")
    }
    var walk = Walk()
    var failing: Double?
    Rates(schedule, steps).forEachPiece { first, rates in
      for (index, rate) in rates.enumerated() {
        let step = steps.step(first + index)
        if !rate.isFinite {
          failing = step
          return false
        }
        walk.visit(step, rate)
      }
      return true
    }
    if let failing {
      throw .invalid(pointer, "the rate at step \(ScheduleRequest.text(failing)) is no finite number")
    }
    return CurveSummary(
      initial: walk.first, final: walk.rate, peak: walk.peak, peakStep: walk.peakStep, minimum: walk.minimum,
      area: walk.area.isFinite ? walk.area : .greatestFiniteMagnitude, halfStep: walk.halfStep,
      warmupSteps: walk.riseEnd - walk.firstStep,
      exponential: (schedule as? Exponential).flatMap { exponential in
        // A factor of the smallest periods has no constant that a double holds.
        exponential.decayConstant.flatMap {
          !$0.isFinite
            ? nil
            : ExponentialSummary(
              decayConstant: $0, lastStep: walk.step, lastRate: walk.rate, baseRate: exponential.rate(at: 0))
        }
      })
  }

  private struct Walk {
    var count = 0
    var first = 0.0
    var firstStep = 0.0
    var step = 0.0
    var rate = 0.0
    var peak = 0.0
    var peakStep = 0.0
    var minimum = 0.0
    var area = 0.0
    var halfStep: Double?
    var riseEnd = 0.0
    var isRising = true

    mutating func visit(_ nextStep: Double, _ nextRate: Double) {
      if count == 0 {
        (first, firstStep, riseEnd) = (nextRate, nextStep, nextStep)
        (peak, peakStep, minimum, area) = (nextRate, nextStep, nextRate, nextRate)
      } else {
        let gap = nextStep - step
        // Of the steps between two that were asked for, the rates are taken to lie on a line.
        area += nextRate + (gap > 1 ? (gap - 1) * (rate + nextRate) / 2 : 0)
        if nextRate < rate { isRising = false }
        if isRising && nextRate > rate { riseEnd = nextStep }
        if nextRate > peak {
          (peak, peakStep, halfStep) = (nextRate, nextStep, nil)
        } else if halfStep == nil && nextRate < peak / 2 {
          halfStep = nextStep
        }
        minimum = min(minimum, nextRate)
      }
      (step, rate) = (nextStep, nextRate)
      count += 1
    }
  }
}
