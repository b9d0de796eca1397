import Sessions

/// The events that wait to be moved to the logs of their sessions, and how a batch of them is one row.
struct Journal {
  struct Event {
    var key: Int64
    var text: StoredText
  }

  /// With so many events a new generation begins, and the old one is moved to the logs.
  static let limit = 8192

  /// The generation that grows: by session, in the order of their revisions.
  private var current: [Int64: [StoredText]] = [:]
  private var currentCount = 0
  /// The generation that is being moved: what of it is still to come, and the last row of the table that it stands in.
  private var old: [Int64: [StoredText]] = [:]
  private var queue: [Int64] = []
  private var lastRow: Int64 = 0

  /// A session's events that are in no log yet.
  func events(_ key: Int64) -> [StoredText] { (old[key] ?? []) + (current[key] ?? []) }

  func lastRevision(_ key: Int64) -> Int? { current[key]?.last?.revision ?? old[key]?.last?.revision }

  /// What is to be moved along with a write of `count` events: somewhat more than comes in, so that no write waits long.
  ///
  /// - Returns: the sessions' events, and the row up to which the table has served then; nil as long as it has not.
  func slice(besides count: Int) -> (events: [(key: Int64, texts: [StoredText])], through: Int64?) {
    var events: [(key: Int64, texts: [StoredText])] = []
    var size = 0
    for key in queue.reversed() {
      if size >= max(32, 2 * count) { break }
      let texts = old[key] ?? []
      events.append((key, texts))
      size += texts.count
    }
    return (events, !queue.isEmpty && events.count == queue.count ? lastRow : nil)
  }

  /// The write was made: `batch` is in the journal's row `row`, the slice in the logs.
  mutating func wrote(_ batch: [Event], row: Int64, moved: [(key: Int64, texts: [StoredText])]) {
    for (key, _) in moved { old[key] = nil }
    queue.removeLast(moved.count)
    for event in batch { current[event.key, default: []].append(event.text) }
    currentCount += batch.count
    if currentCount < Self.limit || !queue.isEmpty || batch.isEmpty { return }
    (old, current) = (current, [:])
    currentCount = 0
    lastRow = row
    // Neighbors in the table are moved one after another.
    queue = old.keys.sorted(by: >)
  }

  /// The session was deleted.
  mutating func remove(_ key: Int64) {
    currentCount -= current.removeValue(forKey: key)?.count ?? 0
    // Its place in the queue stays, with nothing to move.
    old[key] = nil
  }

  // MARK: A row

  /// Each event as session, revision and length (little-endian, of 8 octets each), then its text.
  static func encoded(_ events: [Event]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(events.reduce(0) { $0 + $1.text.text.count + 24 })
    for event in events {
      for number in [event.key, Int64(event.text.revision), Int64(event.text.text.count)] {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
      }
      bytes.append(contentsOf: event.text.text)
    }
    return bytes
  }

  /// - Throws: where the row is not as ``encoded(_:)`` made it.
  static func decoded(_ bytes: [UInt8]) throws -> [Event] {
    var events: [Event] = []
    var rest = bytes[...]
    func number() throws -> Int64 {
      guard rest.count >= 8 else { throw StoreError("the journal is damaged") }
      let value = rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      rest = rest.dropFirst(8)
      return Int64(bitPattern: value)
    }
    while !rest.isEmpty {
      let (key, revision, length) = (try number(), try number(), try number())
      guard length >= 0, length <= Int64(rest.count) else { throw StoreError("the journal is damaged") }
      events.append(Event(key: key, text: StoredText(revision: Int(revision), text: Array(rest.prefix(Int(length))))))
      rest = rest.dropFirst(Int(length))
    }
    return events
  }
}
