/// The routes by name: what metrics and logs are told apart by, since paths are anybody's to choose.
///
/// The number stands in the low 8 bits of a request's mark.
enum RouteName: Int, CaseIterable {
  /// No route, or a request that could not be parsed.
  case none
  case schedule, compare, catalog, catalogEntry, catalogPicture, policies, experiments
  case health, live, ready, metrics, openAPI, page, pageFile
  case sessions, session, override
  case next, attempts, overrides, fork, history, events, state, replay, suggestions, chart

  /// The path with its parameters in braces, as the contract has it.
  var template: String {
    switch self {
    case .none: "none"
    case .schedule: "/schedule"
    case .compare: "/compare"
    case .catalog: "/schedules"
    case .catalogEntry: "/schedules/{type}"
    case .catalogPicture: "/schedules/{type}.svg"
    case .policies: "/policies"
    case .experiments: "/experiments"
    case .health: "/healthz"
    case .live: "/livez"
    case .ready: "/readyz"
    case .metrics: "/metrics"
    case .openAPI: "/openapi.yaml"
    case .page: "/"
    case .pageFile: "/page/{file}"
    case .sessions: "/sessions"
    case .session: "/sessions/{id}"
    case .override: "/sessions/{id}/overrides/{override}"
    case .chart: "/sessions/{id}/chart.svg"
    case .next, .attempts, .overrides, .fork, .history, .events, .state, .replay, .suggestions:
      "/sessions/{id}/\(self)"
    }
  }

  init(mark: Int) { self = RouteName(rawValue: mark & 0xFF) ?? .none }

  /// `mark` with this route in it.
  func marking(_ mark: Int) -> Int { mark & ~0xFF | rawValue }
}

extension SessionRoute {
  var name: RouteName {
    switch self {
    case .collection: .sessions
    case .session: .session
    case .override: .override
    case .part(_, let part):
      switch part {
      case .next: .next
      case .attempts: .attempts
      case .overrides: .overrides
      case .fork: .fork
      case .history: .history
      case .events: .events
      case .state: .state
      case .replay: .replay
      case .suggestions: .suggestions
      case .chart: .chart
      }
    }
  }
}
