/// Prometheus' text format read strictly, as the format's description has it.
struct Scrape {
  struct Sample {
    var name: String
    var labels: [String: String]
    var value: Double
  }

  struct Failure: Error {
    let line: String
    let reason: String
  }

  private(set) var types: [String: String] = [:]
  private(set) var samples: [Sample] = []

  /// - Throws: ``Failure`` where a line is not to the letter, a family is not told before its samples or told twice, a series
  ///   is there twice, a name breaks Prometheus' rules, or a histogram's numbers do not fit together.
  init(_ text: String) throws {
    guard text.hasSuffix("\n") else { throw Failure(line: "", reason: "the last line has no end") }
    var family = ""
    var helped = ""
    var seen: Set<String> = []
    for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
      func fail(_ reason: String) -> Failure { Failure(line: String(line), reason: reason) }
      if let match = line.wholeMatch(of: /# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)/) {
        helped = String(match.1)
        if types[helped] != nil { throw fail("the family is there twice") }
      } else if let match = line.wholeMatch(of: /# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)/) {
        family = String(match.1)
        if family != helped { throw fail("HELP and TYPE are of two families") }
        if (match.2 == "counter") != family.hasSuffix("_total") {
          throw fail("a counter, and it alone, ends in _total")
        }
        types[family] = String(match.2)
      } else if let match = line.wholeMatch(of: /([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)/) {
        let name = String(match.1)
        let suffixes = types[family] == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
        if !suffixes.contains(where: { name == family + $0 }) { throw fail("a sample of another family") }
        if !seen.insert(String(line.prefix { $0 != " " })).inserted { throw fail("the series is there twice") }
        guard let value = match.3 == "+Inf" ? Double.infinity : Double(match.3) else { throw fail("no number") }
        samples.append(Sample(name: name, labels: try Self.labels(match.2.map(String.init) ?? "", fail), value: value))
      } else {
        throw fail("neither a comment nor a sample")
      }
    }
    try checkHistograms()
  }

  private static func labels(_ text: String, _ fail: (String) -> Failure) throws -> [String: String] {
    var labels: [String: String] = [:]
    var rest = text[...]
    while !rest.isEmpty {
      guard let match = rest.prefixMatch(of: /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/) else {
        throw fail("no label: \(rest)")
      }
      if labels.updateValue(String(match.2), forKey: String(match.1)) != nil { throw fail("a label is there twice") }
      rest = rest[match.range.upperBound...]
    }
    return labels
  }

  private func checkHistograms() throws {
    for (family, type) in types where type == "histogram" {
      var series: [[String: String]: [(bound: Double, count: Double)]] = [:]
      for sample in samples where sample.name == family + "_bucket" {
        var labels = sample.labels
        guard let text = labels.removeValue(forKey: "le"), let bound = text == "+Inf" ? Double.infinity : Double(text)
        else { throw Failure(line: family, reason: "a bucket without a bound") }
        series[labels, default: []].append((bound, sample.value))
      }
      for (labels, buckets) in series {
        let pairs = zip(buckets, buckets.dropFirst())
        let isSound =
          pairs.allSatisfy { $0.bound < $1.bound && $0.count <= $1.count } && buckets.last?.bound == .infinity
          && value(family + "_count", labels) == buckets.last?.count && value(family + "_sum", labels) ?? -1 >= 0
        if !isSound { throw Failure(line: "\(family) \(labels)", reason: "the numbers do not fit together") }
      }
    }
  }

  /// The value of the series that has exactly these labels.
  func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
    samples.first { $0.name == name && $0.labels == labels }?.value
  }
}
