import Glibc
import HTTPServer
import Synchronization

/// How many requests a client may send: so many a second on the average, and a burst of some more at once.
///
/// A token bucket for each client, kept as one number: the time at which the bucket will be full again. At most
/// ``clients`` are remembered, some 100 octets each; the one that was heard of longest ago is forgotten first, whose
/// bucket is the likeliest to be full.
public final class RateLimiter: Sendable {
  /// Whose requests are counted together.
  enum Client: Hashable {
    case token(String)
    case address(String)
    /// The first 64 bits of an IPv6 address: one customer's network, where every host has as many addresses as it likes.
    case network(UInt64)

    init(_ peer: HTTPPeer) {
      let text = peer.address.prefix { $0 != "%" }
      var address = in6_addr()
      guard peer.address.utf8.contains(UInt8(ascii: ":")), inet_pton(AF_INET6, String(text), &address) == 1 else {
        self = .address(peer.address)
        return
      }
      let bytes = withUnsafeBytes(of: &address) { Array($0) }
      let network = bytes[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      if bytes[..<10].allSatisfy({ $0 == 0 }) && bytes[10] == 0xff && bytes[11] == 0xff {
        // An IPv4 address in IPv6's clothes.
        self = .address(bytes[12...].map { "\($0)" }.joined(separator: "."))
      } else if network >> 54 == 0xfe80 >> 6 {
        // Link-local: all have the same network.
        self = .address(peer.address)
      } else {
        self = .network(network)
      }
    }
  }

  private static let shardCount = 16
  /// So that rounding of the clock does not refuse what is just due.
  private static let slack = 1e-6

  /// Requests a second.
  let rate: Double
  /// How many may come at once.
  let burst: Double
  private let shards: [Shard]

  /// A mutex cannot be copied into an array.
  private final class Shard: Sendable {
    let table: Mutex<Table>

    init(capacity: Int) { table = Mutex(Table(capacity: capacity)) }
  }

  /// - Parameters:
  ///   - rate: requests a second, from 0.001.
  ///   - burst: how many may come at once; at least 1.
  ///   - clients: how many clients are remembered at most.
  public init(rate: Double, burst: Double, clients: Int = 65_536) {
    self.rate = max(rate, 0.001)
    self.burst = max(burst, 1)
    shards = (0..<Self.shardCount).map { _ in Shard(capacity: max(1, clients / Self.shardCount)) }
  }

  /// Counts a request, if it may be served.
  ///
  /// - Parameter now: seconds of a monotonic clock.
  /// - Returns: 0, or the seconds until it may be sent again.
  func take(_ client: Client, now: Double) -> Double {
    let cost = 1 / rate
    let shard = shards[Int(truncatingIfNeeded: UInt(bitPattern: client.hashValue) % UInt(Self.shardCount))]
    return shard.table.withLock { table in
      table.update(client, otherwise: now) { full in
        let next = max(full, now) + cost
        let excess = next - now - burst * cost
        if excess > Self.slack { return excess }
        full = next
        return 0
      }
    }
  }

  /// How many clients are remembered.
  var count: Int { shards.reduce(0) { $0 + $1.table.withLock(\.count) } }

  /// Numbers by client, as many as fit; the one that was not touched for longest makes room. A list through an array.
  private struct Table {
    private struct Entry {
      var client: Client
      var value: Double
      /// The entry that was touched before this one, and the one after; -1 for none.
      var older: Int
      var newer: Int
    }

    private let capacity: Int
    private var places: [Client: Int] = [:]
    private var entries: [Entry] = []
    private var oldest = -1
    private var newest = -1

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count }

    mutating func update(_ client: Client, otherwise value: Double, _ body: (inout Double) -> Double) -> Double {
      let place: Int
      if let known = places[client] {
        place = known
        unlink(place)
      } else if entries.count < capacity {
        place = entries.count
        entries.append(Entry(client: client, value: value, older: -1, newer: -1))
        places[client] = place
      } else {
        place = oldest
        unlink(place)
        places[entries[place].client] = nil
        entries[place] = Entry(client: client, value: value, older: -1, newer: -1)
        places[client] = place
      }
      entries[place].older = newest
      entries[place].newer = -1
      if newest >= 0 { entries[newest].newer = place } else { oldest = place }
      newest = place
      return body(&entries[place].value)
    }

    private mutating func unlink(_ place: Int) {
      let (older, newer) = (entries[place].older, entries[place].newer)
      if older >= 0 { entries[older].newer = newer } else { oldest = newer }
      if newer >= 0 { entries[newer].older = older } else { newest = older }
    }
  }
}
