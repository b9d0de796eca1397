import HTTPServer

/// The paths under /sessions.
enum SessionRoute: Equatable {
  case collection
  case session(String)
  case part(String, Part)
  case override(String, String)

  enum Part: String, CaseIterable {
    case next
    case attempts
    case overrides
    case fork
    case history
    case events
    case state
    case replay
    case suggestions
    case chart = "chart.svg"
  }

  /// - Returns: nil where there is no such path.
  init?(_ segments: [String]) {
    guard segments.first == "sessions" else { return nil }
    switch segments.count {
    case 1: self = .collection
    case 2 where !segments[1].isEmpty: self = .session(segments[1])
    case 3:
      guard let part = Part(rawValue: segments[2]) else { return nil }
      self = .part(segments[1], part)
    case 4 where segments[2] == "overrides" && !segments[3].isEmpty: self = .override(segments[1], segments[3])
    default: return nil
    }
  }

  /// The session that the path names.
  var session: String? {
    switch self {
    case .collection: nil
    case .session(let id), .part(let id, _), .override(let id, _): id
    }
  }

  var methods: [String] {
    switch self {
    case .collection: ["GET", "HEAD", "POST"]
    case .session: ["GET", "HEAD", "PUT", "PATCH", "DELETE"]
    case .part(_, .next): ["GET", "HEAD", "POST"]
    case .part(_, .state): ["GET", "HEAD", "PUT"]
    case .part(_, .attempts), .part(_, .overrides), .part(_, .fork), .part(_, .replay): ["POST"]
    case .part(_, .history), .part(_, .events), .part(_, .suggestions), .part(_, .chart): ["GET", "HEAD"]
    case .override: ["DELETE"]
    }
  }
}
