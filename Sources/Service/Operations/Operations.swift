import FoundationEssentials
public import HTTPServer
public import Logging
import Measures
import Sessions
import Synchronization

/// What an operator sees of a service: the log of requests, the metrics, and whether it is ready.
public final class Operations: Sendable {
  /// Octets of a path that go into the log.
  private static let longestPath = 1024

  private let version: String
  private let accessLog: Logger?
  private let logsEveryRequest: Bool
  private let measures: RequestMeasures
  private let server = Mutex(WeakServer())
  private let draining = Atomic(false)

  private struct WeakServer {
    weak var server: HTTPServer?
  }

  /// - Parameters:
  ///   - version: the program's, for `anneal_build_info`.
  ///   - accessLog: takes a record of each request, at the level info, or error where the service has failed.
  ///   - loops: how many event loops are counted apart; nil for as many as cores.
  public init(version: String = "unknown", accessLog: Logger? = nil, loops: Int? = nil) {
    self.version = version
    self.accessLog = accessLog
    logsEveryRequest = accessLog.map { $0.logLevel <= .info } ?? false
    measures = RequestMeasures(loops: loops ?? ProcessInfo.processInfo.activeProcessorCount)
  }

  /// The metrics tell of this server's connections.
  public func watch(_ server: HTTPServer) { self.server.withLock { $0.server = server } }

  /// From now on the service says that it is not ready; it answers all the same.
  public func beginDraining() { draining.store(true, ordering: .relaxed) }

  public var isDraining: Bool { draining.load(ordering: .relaxed) }

  // MARK: Requests

  func finished(_ exchange: HTTPExchange) {
    measures.count(exchange)
    // 501 is the client's method, 503 a state that has its own signs.
    let hasFailed = exchange.status >= 500 && exchange.status != 501 && exchange.status != 503
    if logsEveryRequest || hasFailed { log(exchange, level: hasFailed ? .error : .info) }
  }

  private func log(_ exchange: HTTPExchange, level: Logger.Level) {
    guard let accessLog else { return }
    var fields: Logger.Metadata = [
      "status": .stringConvertible(exchange.status), "seconds": .stringConvertible(microseconds(exchange.seconds)),
      "octets_in": .stringConvertible(exchange.requestOctets),
      "octets_out": .stringConvertible(exchange.responseOctets),
    ]
    if !exchange.isComplete { fields["cut_off"] = .stringConvertible(true) }
    if let head = exchange.head {
      fields["method"] = .string(head.method)
      fields["path"] = .string(path(head.path))
      fields["route"] = .string(RouteName(mark: head.mark).template)
      fields["peer"] = .string(head.peer.address)
      fields["request_id"] = .string(head.id.description)
      if let trace = head.fields["traceparent"].flatMap(TraceContext.init) {
        fields["trace_id"] = .string(trace.trace)
        fields["span_id"] = .string(trace.span)
      }
    }
    accessLog.log(level: level, "request", metadata: fields)
  }

  private func microseconds(_ seconds: Double) -> Double { (seconds * 1e6).rounded() / 1e6 }

  private func path(_ path: String) -> String {
    path.utf8.count <= Self.longestPath
      ? path : String(decoding: path.utf8.prefix(Self.longestPath), as: UTF8.self) + "…"
  }

  // MARK: Metrics

  /// All metrics in Prometheus' text format. Reads /proc: work for a worker.
  func metrics(_ sessions: SessionHub) -> [UInt8] {
    var page = Exposition()
    measures.append(to: &page)
    let activity = server.withLock { $0.server }?.activity
    page.family(
      "anneal_http_requests_in_flight", .gauge, "Requests not answered to their end, event streams among them.")
    page.sample(activity?.requestsInFlight ?? 0)
    page.family("anneal_http_connections", .gauge, "Connections that are open.")
    page.sample(activity?.connections ?? 0)
    page.family("anneal_http_connections_accepted_total", .counter, "Connections accepted since the start.")
    page.sample(activity?.acceptedConnections ?? 0)
    page.family("anneal_sessions_live", .gauge, "Sessions in memory; others may be in the store.")
    page.sample(sessions.live)
    page.family("anneal_reports_total", .counter, "Reports that sessions have taken.")
    page.sample(sessions.measures.reports.value)
    page.family("anneal_store_commit_duration_seconds", .histogram, "Time of the store's transactions.")
    page.samples(sessions.measures.commits.reading)
    page.family("anneal_store_commit_failures_total", .counter, "Transactions that the store has refused.")
    page.sample(sessions.measures.failedCommits.value)
    page.family("anneal_draining", .gauge, "1 while the server stops.")
    page.sample(isDraining ? 1 : 0)
    page.family("anneal_build_info", .gauge, "1, by the program's version.")
    page.sample(1, [(name: "version", value: version)])
    append(ProcessFigures(), to: &page)
    return page.text
  }

  private func append(_ figures: ProcessFigures, to page: inout Exposition) {
    if let seconds = figures.cpuSeconds {
      page.family("process_cpu_seconds_total", .counter, "Processor time, user and system.")
      page.sample(seconds)
    }
    if let octets = figures.residentBytes {
      page.family("process_resident_memory_bytes", .gauge, "Memory in use.")
      page.sample(octets)
    }
    if let octets = figures.virtualBytes {
      page.family("process_virtual_memory_bytes", .gauge, "Addresses in use.")
      page.sample(octets)
    }
    if let count = figures.openDescriptors {
      page.family("process_open_fds", .gauge, "Open file descriptors.")
      page.sample(count)
    }
    if let count = figures.maximumDescriptors {
      page.family("process_max_fds", .gauge, "The most file descriptors that may be open.")
      page.sample(count)
    }
    if let time = figures.startTime {
      page.family("process_start_time_seconds", .gauge, "When the process began, in seconds since 1970.")
      page.sample(time)
    }
  }
}
