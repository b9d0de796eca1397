/// Asks a shared store how long logs are, for as many sessions as have come together in one go.
final class HeadQueue: Sendable {
  /// - Parameter result: the last revision; nil for a session that is deleted.
  typealias Completion = @Sendable (_ result: Result<Int?, any Error>) -> Void

  private typealias Question = (key: Int64, completion: Completion)

  private let queue: GatheringQueue<Question>

  init(_ store: any SessionStore) {
    queue = GatheringQueue(label: "sessions.heads") { questions in
      do {
        let heads = try store.heads(Array(Set(questions.map(\.key))))
        for (key, completion) in questions { completion(.success(heads[key])) }
      } catch {
        for (_, completion) in questions { completion(.failure(error)) }
      }
    }
  }

  /// Calls `completion` with the head as it is now or later, from a thread of the queue's own, which must not be kept.
  func ask(_ key: Int64, _ completion: @escaping Completion) { queue.submit((key, completion)) }
}
