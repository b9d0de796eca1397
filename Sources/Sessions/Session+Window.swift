import Policies

/// The window of recent reports: what the rules see, in the order of the steps, whatever the order of arrival.
extension Session {
  func seriesIndex(_ name: String) -> Int? { series.firstIndex { $0.name == name } }

  /// Puts one reported value into its place.
  ///
  /// - Parameter rebuilds: set for each rule that has to start again from the base, because the value came late.
  mutating func insert(_ metric: ReportedMetric, of report: AcceptedReport, rebuilds: inout [Bool]) {
    let index: Int
    if let known = seriesIndex(metric.name) {
      index = known
    } else {
      series.append(Series(name: metric.name))
      index = series.count - 1
    }
    let (position, isThere) = series[index].position(report.step)
    if specification.rankMode == .leader {
      if isThere { return }
      series[index].entries.insert(
        Entry(step: report.step, value: metric.value, vector: metric.vector, isClosed: true), at: position)
      show(index, position, &rebuilds)
      return
    }
    let value = RankValue(rank: report.rank, value: metric.value, samples: report.samples)
    if !isThere {
      series[index].entries.insert(Entry(step: report.step, value: .nan, ranks: [], isClosed: false), at: position)
    }
    var ranks = series[index].entries[position].ranks ?? []
    let place = ranks.firstIndex { $0.rank >= value.rank } ?? ranks.count
    if place < ranks.count, ranks[place].rank == value.rank { return }
    ranks.insert(value, at: place)
    series[index].entries[position].ranks = ranks
    if ranks.count >= worldSize && !series[index].entries[position].isClosed {
      // What some ranks have not reported of earlier steps, they will not: steps are closed in their order.
      for earlier in 0...position where !series[index].entries[earlier].isClosed { close(index, earlier, &rebuilds) }
    }
  }

  private mutating func close(_ index: Int, _ position: Int, _ rebuilds: inout [Bool]) {
    let ranks = series[index].entries[position].ranks ?? []
    series[index].entries[position].value = specification.aggregate.value(ranks)
    series[index].entries[position].isClosed = true
    show(index, position, &rebuilds)
  }

  /// Shows a closed entry to the rules that want it.
  private mutating func show(_ index: Int, _ position: Int, _ rebuilds: inout [Bool]) {
    let entry = series[index].entries[position]
    for rule in running.indices {
      guard entry.step >= specification.rules[rule].firstStep,
        let metric = running[rule].metrics.firstIndex(of: series[index].name)
      else { continue }
      let key = ReportKey(step: entry.step, metric: metric)
      if key < seen[rule] {
        rebuilds[rule] = true
      } else {
        seen[rule] = key
        if !rebuilds[rule] { running[rule].reduce(report(entry, metric)) }
      }
    }
  }

  private func report(_ entry: Entry, _ metric: Int) -> Report {
    Report(
      step: entry.step, metric: metric, value: entry.value, vector: entry.vector,
      firstOpen: entry.step + min(specification.lookAhead, SessionSpecification.largestStep))
  }

  /// Folds a rule anew over the window, in order.
  mutating func rebuild(_ rule: Int) {
    running[rule] = base[rule]
    for report in reports(of: rule, through: .max) { running[rule].reduce(report) }
  }

  /// The closed reports of the window that a rule sees, in the order of (step, metric).
  private func reports(of rule: Int, through last: Int) -> [Report] {
    let firstStep = specification.rules[rule].firstStep
    var reports: [(key: ReportKey, entry: Entry)] = []
    for (metric, name) in base[rule].metrics.enumerated() {
      guard let index = seriesIndex(name) else { continue }
      for entry in series[index].entries where entry.step <= last {
        if entry.isClosed && entry.step >= firstStep {
          reports.append((ReportKey(step: entry.step, metric: metric), entry))
        }
      }
    }
    if base[rule].metrics.count > 1 { reports.sort { $0.key < $1.key } }
    return reports.map { report($0.entry, $0.key.metric) }
  }

  /// Lets the oldest reports go: they are folded into the base.
  mutating func trimWindow() {
    var floor = windowFloor
    for series in series where series.entries.count > Self.windowLimit + Self.windowSlack {
      floor = max(floor, series.entries[series.entries.count - Self.windowLimit - 1].step)
    }
    // A vector counts for as many reports as it would fill; the last few of each series are always kept.
    for series in series {
      guard let size = series.entries.last?.vector?.count ?? series.entries.last?.ranks?.count, size > 16 else {
        continue
      }
      let limit = max(8, Self.windowLimit * 16 / size)
      if series.entries.count > limit + 8 { floor = max(floor, series.entries[series.entries.count - limit - 1].step) }
    }
    if floor == windowFloor { return }
    var rebuilds = [Bool](repeating: false, count: running.count)
    for index in series.indices {
      for position in series[index].entries.indices where series[index].entries[position].step <= floor {
        if !series[index].entries[position].isClosed { close(index, position, &rebuilds) }
      }
    }
    for rule in base.indices {
      for report in reports(of: rule, through: floor) { base[rule].reduce(report) }
    }
    for index in series.indices {
      let count = series[index].entries.prefix { $0.step <= floor }.count
      for entry in series[index].entries.prefix(count) { series[index].known.insert(entry.step) }
      series[index].entries.removeFirst(count)
    }
    windowFloor = floor
    for rule in running.indices where rebuilds[rule] { rebuild(rule) }
  }

  /// Counts a report for the progress of the training.
  mutating func arrive(_ report: AcceptedReport) {
    if specification.rankMode == .leader || worldSize == 1 {
      lastStep = max(lastStep, report.step)
      return
    }
    if report.step <= lastStep { return }
    let place = arrivals.firstIndex { $0.step >= report.step } ?? arrivals.count
    if place == arrivals.count || arrivals[place].step != report.step {
      arrivals.insert(Arrival(step: report.step, ranks: []), at: place)
    }
    if !arrivals[place].ranks.contains(report.rank) { arrivals[place].ranks.append(report.rank) }
    if arrivals[place].ranks.count >= worldSize {
      lastStep = report.step
      arrivals.removeFirst(place + 1)
    } else if arrivals.count > Self.windowLimit {
      arrivals.removeFirst()
    }
  }
}
