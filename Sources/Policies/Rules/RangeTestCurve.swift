/// The loss over the rate, as a range test saw it, and the rates that the libraries would suggest.
public struct RangeTestCurve: Equatable, Sendable {
  public var rates: [Double]
  /// As they were reported; may hold values that are not finite.
  public var losses: [Double]
  /// The debiased moving average.
  public var smoothed: [Double]

  public init(rates: [Double], losses: [Double], smoothed: [Double]) {
    self.rates = rates
    self.losses = losses
    self.smoothed = smoothed
  }

  /// One way to read the curve.
  public struct Suggestion: Equatable, Sendable {
    public let name: String
    /// Where it comes from and what it is.
    public let source: String
    /// Nil where the curve is too short for it.
    public let rate: Double?
  }

  /// All suggestions, by name; which to trust is the user's choice: there is no single best one.
  public var suggestions: [Suggestion] {
    let fastai = cut(skipFirst: rates.count / 10, skipLast: 5, untilNotFinite: true)
    let lightning = cut(skipFirst: 10, skipLast: 1, untilNotFinite: false)
    let finder = cut(skipFirst: 10, skipLast: 5, untilNotFinite: false)
    return [
      Suggestion(name: "steep", source: "fastai: where the loss falls fastest per log(rate)", rate: Self.steep(fastai)),
      Suggestion(name: "valley", source: "fastai: in the longest descent, two fifths down", rate: Self.valley(fastai)),
      Suggestion(
        name: "minimum", source: "fastai: a tenth of the rate with the least loss", rate: Self.minimum(fastai)),
      Suggestion(name: "slide", source: "fastai: before the slope changes quickly", rate: Self.slide(fastai)),
      Suggestion(
        name: "lightning", source: "Lightning: where the loss falls fastest per rate", rate: Self.steepest(lightning)),
      Suggestion(
        name: "torch_lr_finder", source: "torch-lr-finder: where the loss falls fastest per step",
        rate: Self.steepest(finder, perStep: true)),
    ]
  }

  private typealias Points = (rates: [Double], losses: [Double])

  private func cut(skipFirst: Int, skipLast: Int, untilNotFinite: Bool) -> Points {
    let end = rates.count - skipLast
    if skipFirst >= end { return ([], []) }
    var points: Points = ([], [])
    for index in skipFirst..<end {
      if smoothed[index].isFinite {
        points.rates.append(rates[index])
        points.losses.append(smoothed[index])
      } else if untilNotFinite {
        break
      }
    }
    return points
  }

  private static func steep(_ points: Points) -> Double? {
    if points.rates.count < 2 { return nil }
    let slopes = (1..<points.rates.count).map { index in
      (points.losses[index] - points.losses[index - 1]) / logarithm(points.rates[index] / points.rates[index - 1])
    }
    return first(leastOf: slopes).map { points.rates[$0] }
  }

  /// fastai's `valley`, its off-by-one start of the descent included.
  private static func valley(_ points: Points) -> Double? {
    let losses = points.losses
    if losses.count < 2 { return nil }
    var lengths = [Int](repeating: 1, count: losses.count)
    var (start, end) = (0, 0)
    for i in 1..<losses.count {
      for j in 0..<i {
        if losses[i] < losses[j] && lengths[i] < lengths[j] + 1 { lengths[i] = lengths[j] + 1 }
        if lengths[end] < lengths[i] {
          end = i
          start = end - lengths[end]
        }
      }
    }
    let section = Double(end - start) / 3
    let index = start + Int(section) + Int(section / 2)
    return points.rates[min(max(index, 0), points.rates.count - 1)]
  }

  private static func minimum(_ points: Points) -> Double? {
    first(leastOf: points.losses).map { points.rates[$0] / 10 }
  }

  private static func slide(_ points: Points, difference: Int = 15, threshold: Double = 0.005) -> Double? {
    if points.losses.count <= difference { return nil }
    let slopes = gradient(points.losses, over: nil)
    var right = slopes.count - 1
    var rate = points.rates[right - difference]
    while right - difference >= 0, abs(slopes[right] - slopes[right - difference]) > threshold {
      rate = points.rates[right - difference]
      right -= 1
    }
    return rate
  }

  private static func steepest(_ points: Points, perStep: Bool = false) -> Double? {
    if points.losses.count < 2 { return nil }
    return first(leastOf: gradient(points.losses, over: perStep ? nil : points.rates)).map { points.rates[$0] }
  }

  private static func first(leastOf values: [Double]) -> Int? {
    values.indices.min { values[$0] < values[$1] }
  }

  /// `numpy.gradient`: of second order within, of first order at the ends. At least two values.
  static func gradient(_ values: [Double], over points: [Double]?) -> [Double] {
    let last = values.count - 1
    func distance(_ index: Int) -> Double { points.map { $0[index + 1] - $0[index] } ?? 1 }
    return values.indices.map { index in
      if index == 0 { return (values[1] - values[0]) / distance(0) }
      if index == last { return (values[last] - values[last - 1]) / distance(last - 1) }
      let (before, after) = (distance(index - 1), distance(index))
      let sum = before * before * values[index + 1] + (after * after - before * before) * values[index]
      return (sum - after * after * values[index - 1]) / (before * after * (before + after))
    }
  }
}
