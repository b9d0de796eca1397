import Synchronization

/// Takes the response to one request, once, from any thread.
///
/// Dropped without a response, it answers 500: a client never waits for a handler that has forgotten it.
public final class HTTPReply: Sendable {
  private enum State {
    case waiting
    /// Sent while the handler was still running on the loop, which picks it up without a detour.
    case early(HTTPResponse)
    /// The handler has returned; the response goes through the loop's mailbox.
    case deferred(@Sendable (HTTPResponse) -> Void)
    case done
  }

  private let state = Mutex(State.waiting)

  init() {}

  deinit {
    let isForgotten = state.withLock { state in
      if case .deferred = state { true } else { false }
    }
    if isForgotten { send(HTTPResponse(status: 500, body: .bytes([]))) }
  }

  /// Answers. The first response counts, later ones are ignored.
  public func send(_ response: HTTPResponse) {
    let deliver: (@Sendable (HTTPResponse) -> Void)? = state.withLock { state in
      switch state {
      case .waiting:
        state = .early(response)
        return nil
      case .deferred(let deliver):
        state = .done
        return deliver
      case .early, .done: return nil
      }
    }
    deliver?(response)
  }

  /// The response, if it is there already: the short way for what is answered on the loop.
  func takeEarly() -> HTTPResponse? {
    state.withLock { state in
      guard case .early(let response) = state else { return nil }
      state = .done
      return response
    }
  }

  /// Called by the loop when the handler has returned.
  ///
  /// - Returns: the response if it is there already; otherwise nil, and `deliver` gets it later.
  func take(orLater deliver: @escaping @Sendable (HTTPResponse) -> Void) -> HTTPResponse? {
    state.withLock { state in
      if case .early(let response) = state {
        state = .done
        return response
      }
      if case .waiting = state { state = .deferred(deliver) }
      return nil
    }
  }
}
