import HTTPServer
import Measures

/// Requests counted by route, method and status, each event loop in memory of its own.
///
/// There is a histogram for every route, method and status that could be; the memory of those that never are is never touched.
final class RequestMeasures: Sendable {
  /// One more stands for a request that could not be parsed.
  private static let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"]
  /// One more stands for any other. 0 is for a request whose client has left before there was an answer.
  private static let statuses = [
    0, 200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 406, 408, 409, 410, 412, 413, 414, 415, 417, 422, 429, 431,
    500,
    501, 503, 505,
  ]
  private static let bounds = HistogramBounds.requests
  private static let routeCount = RouteName.allCases.count
  /// Of each loop: octets of requests, octets of responses, answers that were cut off; then the histograms.
  private static let requestOctets = 0
  private static let responseOctets = 1
  private static let cutOff = 2
  private static let first = 8

  private let loops: [Counters]

  /// - Parameter loops: how many event loops are kept apart; others share with them.
  init(loops: Int) {
    let series = Self.routeCount * (Self.methods.count + 1) * (Self.statuses.count + 1)
    self.loops = (0..<max(1, loops)).map { _ in Counters(count: Self.first + series * Self.bounds.numbers) }
  }

  func count(_ exchange: HTTPExchange) {
    let counters = loops[exchange.loop % loops.count]
    let route = exchange.head.map { $0.mark & 0xFF } ?? 0
    let series = Self.series(
      route < Self.routeCount ? route : 0, Self.methodIndex(exchange.head?.method), Self.statusIndex(exchange.status))
    let start = Self.first + series * Self.bounds.numbers
    counters.add(1, at: start + Self.bounds.bucket(exchange.seconds))
    counters.add(nanoseconds(exchange.seconds), at: start + Self.bounds.numbers - 1)
    if exchange.requestOctets > 0 { counters.add(UInt64(exchange.requestOctets), at: Self.requestOctets) }
    if exchange.responseOctets > 0 { counters.add(UInt64(exchange.responseOctets), at: Self.responseOctets) }
    if !exchange.isComplete { counters.add(1, at: Self.cutOff) }
  }

  private static func series(_ route: Int, _ method: Int, _ status: Int) -> Int {
    (route * (methods.count + 1) + method) * (statuses.count + 1) + status
  }

  private static func methodIndex(_ method: String?) -> Int {
    guard let method else { return methods.count }
    // The two that nearly all are first; a small string is compared in a few instructions.
    if method == "POST" { return 2 }
    if method == "GET" { return 0 }
    return methods.firstIndex(of: method) ?? methods.count
  }

  private static func statusIndex(_ status: Int) -> Int {
    if status == 200 { return 1 }
    return statuses.firstIndex(of: status) ?? statuses.count
  }

  func append(to page: inout Exposition) {
    page.family(
      "anneal_http_request_duration_seconds", .histogram,
      "Time from a request's last octet to its answer's last, by route, method and status.")
    for route in RouteName.allCases {
      for method in 0...Self.methods.count {
        for status in 0...Self.statuses.count {
          let start = Self.first + Self.series(route.rawValue, method, status) * Self.bounds.numbers
          if isEmpty(start) { continue }
          var reading = HistogramReading(Self.bounds)
          for counters in loops { reading.add(counters, from: start) }
          page.samples(
            reading,
            [
              (name: "route", value: route.template),
              (name: "method", value: method < Self.methods.count ? Self.methods[method] : "none"),
              (name: "status", value: Self.name(status)),
            ])
        }
      }
    }
    page.family("anneal_http_request_bytes_total", .counter, "Octets of the contents of requests.")
    page.sample(total(Self.requestOctets))
    page.family("anneal_http_response_bytes_total", .counter, "Octets of responses, heads included.")
    page.sample(total(Self.responseOctets))
    page.family(
      "anneal_http_responses_cut_off_total", .counter,
      "Requests whose client left before the end of the answer, or whose answer failed in the middle.")
    page.sample(total(Self.cutOff))
  }

  private func isEmpty(_ start: Int) -> Bool {
    for counters in loops {
      for index in start..<(start + Self.bounds.numbers - 1) where counters[index] != 0 { return false }
    }
    return true
  }

  private static func name(_ status: Int) -> String {
    if status == 0 { return "none" }
    return status < statuses.count ? String(statuses[status]) : "other"
  }

  private func total(_ index: Int) -> UInt64 { loops.reduce(0) { $0 &+ $1[index] } }
}
