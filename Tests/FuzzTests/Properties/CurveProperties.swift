import JSON

@testable import Schedules

/// The input is a schedule.
enum CurveProperties {
  private static let steps: [Double] = (0..<40).map(Double.init) + [0.25, 1.5, 33.3, 999, 12_345, 1e6, 1e9, 1e15]

  static func check(_ input: [UInt8]) throws(Broken) {
    guard let value = try? JSONReader.read(input), let curves = try? SpecificationReader().read(value) else { return }
    for schedule in [curves.rate] + curves.companions.map(\.schedule) {
      try checkFill(schedule)
      try checkForm(schedule)
    }
  }

  private static func checkFill(_ schedule: any Schedule) throws(Broken) {
    var rates = [Double](repeating: 0, count: 33)
    for (start, stride) in [(0.0, 1.0), (3, 0.5), (1e6, 7)] {
      rates.withUnsafeMutableBufferPointer { schedule.fill($0, from: start, stride: stride) }
      for (index, rate) in rates.enumerated() {
        let alone = schedule.rate(at: start + Double(index) * stride)
        let isSame = rate == alone || rate.isNaN && alone.isNaN
        try promise(isSame, "\(index) from \(start) by \(stride) is \(rate) in a row, \(alone) alone")
      }
    }
  }

  private static func checkForm(_ schedule: any Schedule) throws(Broken) {
    // What cannot be written has no form; what would be nested too deep for a reader is refused when it comes back.
    guard let form = schedule.form, let again = try? SpecificationReader().read(form).rate else { return }
    let last = schedule.end?.lastStep ?? largestStep
    try promise(again.end == schedule.end, "the form ends elsewhere: \(JSONWriter.text(form))")
    let steps = steps.filter { $0 <= last }
    let rates = steps.map { schedule.rate(at: $0) }
    let peak = rates.lazy.map(\.magnitude).filter(\.isFinite).max() ?? 0
    for (step, rate) in zip(steps, rates) {
      let other = again.rate(at: step)
      let isNear = abs(other - rate) <= 1e-9 * peak
      let isSame = isNear || other == rate || !other.isFinite && !rate.isFinite
      try promise(isSame, "the form gives \(other) at \(step), not \(rate): \(JSONWriter.text(form))")
    }
  }
}
