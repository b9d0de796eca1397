import HTTPServer
import JSON
import Sessions
import Synchronization

/// A session's log as Server-Sent Events: what there is, then what comes. The number of an event is its revision, so a
/// client that comes back with Last-Event-ID misses nothing.
///
/// Source: WHATWG HTML, 9.2.
final class EventStream: HTTPEventSource {
  /// A comment so often keeps proxies from closing the connection, and shows a client that has left.
  private static let heartbeat = 15.0

  private struct State {
    var last: Int
    var isCancelled = false
    var stop: (@Sendable () -> Void)?
    var deliver: (@Sendable ([UInt8], Bool) -> Void)?
    var hasBegun = false
  }

  private let hub: SessionHub
  private let id: String
  private let state: Mutex<State>

  init(_ hub: SessionHub, _ id: String, after revision: Int) {
    self.hub = hub
    self.id = id
    state = Mutex(State(last: revision))
  }

  func next(_ deliver: @escaping @Sendable ([UInt8], Bool) -> Void) {
    let (isCancelled, isFirst) = state.withLock { state in
      let isFirst = !state.hasBegun
      state.hasBegun = true
      state.deliver = deliver
      return (state.isCancelled, isFirst)
    }
    if isCancelled { return finish([], hasMore: false) }
    read(isHeartbeat: false, prefix: isFirst ? "retry: 2000\n\n" : "")
  }

  func cancel() {
    let stop = state.withLock { state in
      state.isCancelled = true
      defer { state.stop = nil }
      return state.stop
    }
    stop?()
    finish([], hasMore: false)
  }

  private func finish(_ bytes: [UInt8], hasMore: Bool) {
    let deliver = state.withLock { state in
      defer { state.deliver = nil }
      return state.deliver
    }
    deliver?(bytes, hasMore)
  }

  private func read(isHeartbeat: Bool, prefix: String = "") {
    let last = state.withLock { $0.last }
    hub.page(id, after: last, limit: 256) { [self] result in
      guard case .success(let page) = result else {
        let words = if case .failure(let error) = result { error.kind.rawValue } else { "" }
        return finish(Array("event: end\ndata: {\"reason\": \"\(words)\"}\n\n".utf8), hasMore: false)
      }
      let events = page.events.filter { $0.revision <= page.durable }
      if events.isEmpty {
        if isHeartbeat || !prefix.isEmpty { return finish(Array((prefix + ": \n\n").utf8), hasMore: true) }
        return wait(after: last)
      }
      var bytes = Array(prefix.utf8)
      for event in events { Self.append(event, to: &bytes) }
      state.withLock { $0.last = events.last?.revision ?? last }
      finish(bytes, hasMore: true)
    }
  }

  private func wait(after last: Int) {
    let stop = hub.awaitNews(id, after: last, seconds: Self.heartbeat) { [weak self] in
      self?.read(isHeartbeat: true)
    }
    let isCancelled = state.withLock { state in
      if !state.isCancelled { state.stop = stop }
      return state.isCancelled
    }
    if isCancelled { stop() }
  }

  private static func append(_ event: StoredText, to bytes: inout [UInt8]) {
    guard let value = try? JSONReader.read(event.text, depth: 256) else { return }
    let rest = value.members.filter { $0.name != "kind" && $0.name != "snapshot" }.map { ($0.name, $0.value) }
    bytes += Array("id: \(event.revision)\nevent: \(value["kind"]?.string ?? "event")\ndata: ".utf8)
    JSONWriter.append(.object(JSONObject(rest)), to: &bytes)
    bytes += Array("\n\n".utf8)
  }
}
