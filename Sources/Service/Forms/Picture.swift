import Charts
import HTTPServer
import Schedules

/// How a picture of curves is to look: the query's `scale`, `width`, `height` and `title`.
struct PictureOptions {
  enum Scale: String, CaseIterable {
    case linear
    case log
  }

  static let names = ["scale", "width", "height", "title"]

  /// The steps that one curve is looked at: enough for the lowest and the highest of every pixel of a wide picture.
  private static let largestSampleCount = 20_000

  /// Nil where the query does not say.
  private let scale: Scale?
  let width: Int
  let height: Int
  let title: String
  /// Whether the vertical axis shall be logarithmic; nil where the query does not say.
  var isLogarithmic: Bool? { scale.map { $0 == .log } }

  init(_ query: Query) throws(Problem) {
    scale = try query.optionalChoice("scale", of: Scale.self)
    width = try query.integer("width", 240...4096, 800)
    height = try query.integer("height", 160...4096, 450)
    title = query["title"] ?? ""
  }

  init(scale: Scale = .linear, width: Int = 800, height: Int = 450, title: String = "") {
    self.scale = scale
    self.width = width
    self.height = height
    self.title = title
  }

  /// The curves over the selected steps; long ranges are sampled evenly.
  func chart(_ curves: [(name: String, schedule: any Schedule)], _ steps: StepSelection) -> Chart {
    let share = max(500, Self.largestSampleCount / max(1, curves.count / 4))
    let samples = steps.sampled(share)
    let series = curves.map { curve in
      let points = (0..<samples.count).map { index in
        let step = samples.step(index)
        return Point(x: step, y: curve.schedule.rate(at: step))
      }
      return Series(name: curve.name, points: points)
    }
    return Chart(
      title: title, series: series, yScale: scale == .log ? .logarithmic : .linear, width: width, height: height)
  }

  /// The example of a catalog entry, over the steps that show its form.
  func chart(_ definition: Definition) throws(Problem) -> Chart {
    let metrics = definition.isLossDriven ? CatalogDocument.exampleMetrics : nil
    let curves: Curves
    do {
      curves = try SpecificationReader(metrics: metrics).read(definition.example)
    } catch {
      throw .specification(error, under: "/schedule")
    }
    // A schedule that is not defined at step 0 begins at step 1.
    let first = curves.rate.rate(at: 0).isFinite ? 0.0 : 1
    let last = Self.length(of: curves.rate, from: first)
    let steps = StepSelection.range(start: first, count: Int(last - first) + 1, stride: 1)
    var chart = chart([("learning rate", curves.rate)], steps)
    if title.isEmpty { chart.title = definition.type }
    return chart
  }

  /// The steps that show a curve's form: until it has made nearly all of its movement up to step 10,000; of a curve that
  /// moves for ever, a few of its cycles.
  private static func length(of schedule: any Schedule, from first: Double) -> Double {
    let limit = min(10_000, schedule.end?.lastStep ?? 10_000)
    let rates = stride(from: first, through: limit, by: 1).map { schedule.rate(at: $0) }
    let height = (rates.max() ?? 0) - (rates.min() ?? 0)
    var lowest = rates[0]
    var highest = rates[0]
    /// The movement so far, and the length at which nearly the whole height has been seen.
    var movements = [0.0]
    var seen: Double?
    for (index, rate) in rates.enumerated().dropFirst() {
      lowest = min(lowest, rate)
      highest = max(highest, rate)
      if seen == nil && highest - lowest >= 0.95 * height { seen = Double(index) }
      movements.append(movements[index - 1] + abs(rate - rates[index - 1]))
    }
    let movement = movements[movements.count - 1]
    if movement == 0 { return min(first + 10, limit) }
    if movement > 6 * height { return min(first + 4 * (seen ?? limit), limit) }
    let settled = movements.firstIndex { $0 >= 0.97 * movement } ?? movements.count - 1
    return min((first + max(8, Double(settled)) * 1.15).rounded(.up), limit)
  }

  func response(_ chart: Chart) -> HTTPResponse {
    HTTPResponse(
      status: 200, fields: ["Content-Type": Form.svg.contentType, "Vary": "Accept"], body: .bytes(chart.svg()))
  }
}

extension StepSelection {
  /// At most `count` of the steps, evenly spread, the first and the last among them.
  func sampled(_ count: Int) -> StepSelection {
    if self.count <= count { return self }
    switch self {
    case .range(let start, let all, let stride):
      // Whole strides, so that only steps are shown that were asked for.
      let skip = (Double(all - 1) / Double(count - 1)).rounded(.up)
      var steps = (0..<count).map { min(Double($0) * skip, Double(all - 1)) }
      while steps.count > 1 && steps[steps.count - 2] == steps[steps.count - 1] { steps.removeLast() }
      return .list(steps.map { start + $0 * stride })
    case .list(let list):
      return .list((0..<count).map { list[$0 * (list.count - 1) / (count - 1)] })
    }
  }
}
