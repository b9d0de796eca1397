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

  private let scale: Scale
  private let width: Int
  private let height: Int
  private let title: String

  init(_ query: Query) throws(Problem) {
    scale = try query.choice("scale", Scale.linear)
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
        return Point(step: step, rate: curve.schedule.rate(at: step))
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
    let last = max(first, Self.length(of: curves.rate, from: first))
    let steps = StepSelection.range(start: first, count: Int(last - first) + 1, stride: 1)
    var chart = chart([("learning rate", curves.rate)], steps)
    if title.isEmpty { chart.title = definition.type }
    return chart
  }

  /// The steps that show a curve's form: until nearly all of its range up to step 10,000 has been seen, and four times
  /// as many where it goes on to move, in cycles or in small steps.
  private static func length(of schedule: any Schedule, from first: Double) -> Double {
    let limit = min(10_000, schedule.end?.lastStep ?? 10_000)
    func range(_ start: Double, _ last: Double) -> Double {
      let rates = stride(from: start, through: last, by: 1).map { schedule.rate(at: $0) }
      return (rates.max() ?? 0) - (rates.min() ?? 0)
    }
    let whole = range(first, limit)
    for last in [10.0, 20, 50, 100, 200, 500, 1000, 2000, 5000] where last < limit {
      if range(first, last) < 0.95 * whole { continue }
      return min(last * (range(last * 1.2, limit) > 0.1 * whole ? 4 : 1.2), limit)
    }
    return limit
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
