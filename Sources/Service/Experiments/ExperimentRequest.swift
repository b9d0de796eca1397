import Experiments
import Foundation
import JSON
import Policies
import Schedules

/// The content of `POST /experiments`, read: one problem, and every optimizer with every schedule at every rate.
struct ExperimentRequest: Sendable {
  /// The most runs that one experiment may have.
  static let largestCount = 1024
  /// The most steps of one run.
  static let largestSteps = 1_000_000
  /// The most points that the traces of all runs may have together: some 10 MB of JSON.
  static let largestPoints = 50_000
  /// The most steps that all range tests may have together: as much JSON.
  static let largestTestSteps = 150_000

  private static let fields = [
    "problem", "optimizer", "optimizers", "schedule", "schedules", "grid", "rates", "steps", "points", "spacing",
    "tolerance", "budget",
  ]

  /// What the runs try.
  enum Kind: Sendable {
    case grid(Experiments.Grid)
    /// A range test for each optimizer.
    case rangeTest(RangeTest)
  }

  let problem: any Experiments.Problem
  /// The problem as the caller gave it.
  let problemForm: JSONValue
  let optimizers: [OptimizerSpecification]
  /// Every schedule's name and what the caller gave; in a range test the test alone.
  let schedules: [(name: String, form: JSONValue)]
  /// What schedules are multiplied with; nil where their own rates are meant.
  let rates: [Double]?
  let kind: Kind
  /// What all runs cost at most: see ``Experiment/work``.
  let work: Double

  /// How many runs there are.
  var count: Int {
    switch kind {
    case .grid(let grid): grid.count
    case .rangeTest: optimizers.count
    }
  }

  /// - Parameters:
  ///   - content: the request's content.
  ///   - largestWork: the most that the runs may cost together.
  init(_ content: [UInt8], largestWork: Double) throws(Problem) {
    let request = try RequestObject(
      try ScheduleOutline.document(content), at: .root, names: Self.fields,
      example: "{\"problem\": \"ravine\", \"optimizer\": \"adam\", \"schedule\": {…}, \"steps\": 1000}")
    guard let problemForm = request["problem"] else {
      throw .invalid(
        "/problem", "the request needs a 'problem': one of \(ProblemCatalog.types.joined(separator: ", "))")
    }
    self.problemForm = problemForm
    do {
      problem = try ProblemCatalog.read(problemForm)
    } catch {
      throw .specification(error, under: "/problem")
    }
    optimizers = try Self.optimizers(request)
    rates = try Self.rates(request)
    if case .object(let object)? = request["schedule"], object["type"] == "range_test" {
      let test = try Self.rangeTest(request, count: optimizers.count)
      schedules = [("range_test", .object(object))]
      kind = .rangeTest(test)
      work = Double(optimizers.count) * RangeTestRun.work(test, on: problem)
    } else {
      let entries = try Self.entries(request, hasRates: rates != nil)
      schedules = entries.map { ($0.name, $0.specification) }
      let grid = try Self.grid(request, problem, optimizers, entries, rates)
      kind = .grid(grid)
      work = grid.work
    }
    var budget = largestWork
    if let given = try request.positive("budget") { budget = min(budget, given) }
    if work > budget {
      throw .invalid(
        request["steps"] == nil ? "/problem" : "/steps",
        "this takes about \(Self.short(work)) multiplications, and the budget is \(Self.short(budget)): "
          + "take fewer steps, fewer runs or fewer samples")
    }
  }

  /// A number with three digits, for people.
  static func short(_ number: Double) -> String {
    if number == 0 || !number.isFinite { return JSONWriter.text(.finite(number)) }
    // The largest power of ten that is not larger.
    var exponent = Int(log10(abs(number)).rounded(.down))
    // Whole numbers and these powers of ten are exact, so that one rounding of them gives the shortest text.
    if (-18...20).contains(exponent) {
      let unit = pow(10, Double(abs(exponent - 2)))
      return JSONWriter.text(
        .finite(exponent < 2 ? (number * unit).rounded() / unit : (number / unit).rounded() * unit))
    }
    // The least numbers of all have no power of ten to be divided by.
    var digits =
      (exponent < -300 ? number * 1e300 / pow(10, Double(exponent + 300)) : number / pow(10, Double(exponent)))
    digits = (digits * 100).rounded() / 100
    if abs(digits) >= 10 { (digits, exponent) = (digits / 10, exponent + 1) }
    return "\(JSONWriter.text(.finite(digits)))e\(exponent)"
  }

  // MARK: The parts

  private static func optimizers(_ request: RequestObject) throws(Problem) -> [OptimizerSpecification] {
    func read(_ value: JSONValue, _ pointer: String) throws(Problem) -> OptimizerSpecification {
      do {
        return try OptimizerCatalog.read(value)
      } catch {
        throw .specification(error, under: pointer)
      }
    }
    switch (request["optimizer"], request["optimizers"]) {
    case (_?, _?): throw .invalid("/optimizers", "give either 'optimizer' or 'optimizers', not both")
    case (let one?, nil): return [try read(one, "/optimizer")]
    case (nil, nil): return [try read("sgd", "/optimizer")]
    case (nil, _?): break
    }
    let values = try request.array("optimizers", largest: 32) ?? []
    if values.isEmpty { throw .invalid("/optimizers", "'optimizers' must hold at least one optimizer") }
    var optimizers: [OptimizerSpecification] = []
    for (index, value) in values.enumerated() { optimizers.append(try read(value, "/optimizers/\(index)")) }
    return optimizers
  }

  private static func rates(_ request: RequestObject) throws(Problem) -> [Double]? {
    guard let values = try request.array("rates", largest: 256) else { return nil }
    if values.isEmpty { throw .invalid("/rates", "'rates' must hold at least one rate") }
    var rates: [Double] = []
    for (index, value) in values.enumerated() {
      guard case .number(let rate) = value, rate >= 0 else {
        throw .invalid("/rates/\(index)", "a rate is a number, at least 0")
      }
      rates.append(rate)
    }
    return rates
  }

  private static func entries(_ request: RequestObject, hasRates: Bool) throws(Problem) -> [Comparison.Entry] {
    if request["schedule"] != nil || request["schedules"] != nil { return try Comparison.entries(request) }
    if hasRates {
      return [Comparison.Entry(name: "constant", specification: ["type": "constant"], pointer: "/schedule")]
    }
    throw .invalid(
      "/schedule", "the request needs a 'schedule' or 'schedules', or 'rates': a list of constant rates to try")
  }

  private static func steps(_ request: RequestObject) throws(Problem) -> Int {
    guard let number = try request.number("steps") else { return 1000 }
    guard let steps = Int(exactly: number), (1...largestSteps).contains(steps) else {
      throw .invalid("/steps", "'steps' must be a whole number from 1 to \(largestSteps)")
    }
    return steps
  }

  private static func grid(
    _ request: RequestObject, _ problem: any Experiments.Problem, _ optimizers: [OptimizerSpecification],
    _ entries: [Comparison.Entry], _ rates: [Double]?
  ) throws(Problem) -> Experiments.Grid {
    let steps = try steps(request)
    let count = optimizers.count * entries.count * (rates?.count ?? 1)
    if count > largestCount {
      throw .invalid(
        rates == nil ? "/optimizers" : "/rates", "an experiment has at most \(largestCount) runs; these are \(count)")
    }
    let reader = SpecificationReader(horizon: Double(steps))
    var schedules: [Experiments.Grid.ScheduleChoice] = []
    for entry in entries {
      if let type = entry.specification["type"]?.string, Catalog.standard[type]?.isLossDriven == true {
        throw .invalid(
          entry.pointer + "/type", "'\(type)' is driven by the losses of a training: it needs a session, see /sessions")
      }
      do {
        // Beside rates a schedule is a factor, and needs no rate of its own.
        let curves = try rates == nil ? reader.read(entry.specification) : reader.readFactor(entry.specification)
        schedules.append(.init(name: entry.name, schedule: curves.rate))
      } catch {
        throw .specification(error, under: entry.pointer)
      }
    }
    for (entry, choice) in zip(entries, schedules) {
      guard let end = choice.schedule.end, Double(steps - 1) > end.lastStep else { continue }
      throw .invalid(
        request["steps"] == nil ? entry.pointer : "/steps",
        "the last step of the schedule '\(entry.name)' is \(ScheduleRequest.text(end.lastStep)): \(end.reason); "
          + "take at most \(ScheduleRequest.text(end.lastStep + 1)) steps")
    }
    return Experiments.Grid(
      problem: problem,
      optimizers: optimizers.map { optimizer in
        .init(name: optimizer.type) { optimizer.optimizer(parameterCount: $0) }
      },
      schedules: schedules, rates: rates ?? [1], steps: steps, recording: try recording(request, count: count),
      tolerance: try tolerance(request))
  }

  private static func recording(_ request: RequestObject, count: Int) throws(Problem) -> Recording {
    let most = min(2000, largestPoints / count)
    var points = min(200, most)
    if let number = try request.number("points") {
      guard let whole = Int(exactly: number), (2...most).contains(whole) else {
        throw .invalid("/points", "'points' must be a whole number from 2 to \(most) with so many runs")
      }
      points = whole
    }
    var spacing = Recording.Spacing.mixed
    if let value = request["spacing"] {
      let words = Recording.Spacing.allCases.map(\.rawValue)
      guard case .string(let word) = value, let given = Recording.Spacing(rawValue: word) else {
        throw .invalid(
          "/spacing", "'spacing' is one of \(words.joined(separator: ", "))",
          suggestion: value.string.flatMap { nearest(to: $0, in: words) })
      }
      spacing = given
    }
    return Recording(points: points, spacing: spacing)
  }

  private static func tolerance(_ request: RequestObject) throws(Problem) -> Double {
    guard let tolerance = try request.positive("tolerance") else { return 1e-6 }
    if tolerance >= 1 { throw .invalid("/tolerance", "'tolerance' must be less than 1: the part of the distance left") }
    return tolerance
  }

  private static func rangeTest(_ request: RequestObject, count: Int) throws(Problem) -> RangeTest {
    for name in ["rates", "steps", "points", "spacing", "tolerance", "grid"] where request[name] != nil {
      throw .invalid("/\(name)", "'\(name)' has no meaning in a range test, which has rates and steps of its own")
    }
    do throws(SpecificationError) {
      let rule = try RuleReader(baseRate: 1, groups: []).read(request["schedule"] ?? .null)
      guard let test = rule as? RangeTest else {
        throw SpecificationError(pointer: JSONPointer.root.appending("type"), detail: "this is no range test")
      }
      if test.sweep.steps * count > largestTestSteps {
        throw SpecificationError(
          pointer: JSONPointer.root.appending("steps"),
          detail: "the range tests have at most \(largestTestSteps) steps together; these have "
            + "\(test.sweep.steps * count)")
      }
      return test
    } catch {
      throw .specification(error, under: "/schedule")
    }
  }
}
