public import ArgumentParser
import CLinux
import Dispatch
import FoundationEssentials
import Glibc
import HTTPServer
import Service
import Sessions
public import SessionsSQLite

struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serves HTTP until SIGTERM or SIGINT, and lets answers that are under way finish.")

  @OptionGroup var listenOptions: ListenOptions

  @Option(
    help: ArgumentHelp(
      "The folder that sessions are kept in, made where it is missing; ':memory:' forgets them at the end.",
      valueName: "dir"))
  var data = "anneal-data"

  @Option(help: "What an acknowledged report has survived: full, a loss of power; relaxed, the end of the process.")
  var durability = SQLiteStore.Durability.full

  @Option(help: "How many sessions stay in memory; the rest come back from the folder when they are asked for.")
  var liveSessions = 20_000

  @Option(
    help: ArgumentHelp(
      "A file with the secret that signs saved states; servers that share it take each other's. Else one is made.",
      valueName: "file"))
  var stateKey: String?

  @Option(help: "The most rates that one answer may hold.")
  var maxRates = 10_000_000

  @Option(help: "The most octets that a request's content may have.")
  var maxContent = 1024 * 1024

  @OptionGroup(title: "Access options") var access: AccessOptions

  func validate() throws {
    if maxRates < 1 { throw ValidationError("--max-rates must be at least 1") }
    if liveSessions < 1 { throw ValidationError("--live-sessions must be at least 1") }
    if maxContent < 1 { throw ValidationError("--max-content must be at least 1") }
  }

  func run() throws {
    // The pieces of long answers come and go by the thousand: taken from the system one by one, each would be cleared
    // by it and mapped anew. What is free is given back from 8 MiB on.
    mallopt(M_MMAP_THRESHOLD, 4 << 20)
    mallopt(M_TRIM_THRESHOLD, 8 << 20)
    // A write beyond a limit of the file system's is an error to answer, not a reason to end.
    signal(SIGXFSZ, SIG_IGN)
    let addresses = try listenOptions.addresses
    let access = try access.control(
      data: data, addresses: addresses, hasClientCertificates: listenOptions.tlsClientCa != nil)
    let store: any SessionStore =
      data == ":memory:" ? MemoryStore() : try SQLiteStore(folder: data, durability: durability)
    var sessionConfiguration = SessionHub.Configuration()
    sessionConfiguration.liveSessions = liveSessions
    let sessions = SessionHub(store: store, configuration: sessionConfiguration)
    var configuration = Service.Configuration()
    configuration.largestAnswer = maxRates
    var limits = HTTPServerLimits()
    limits.content = maxContent
    let server = try HTTPServer(
      addresses: addresses, tls: listenOptions.tls, limits: limits,
      handler: Service(
        configuration: configuration, sessions: sessions, stateSeal: StateSeal(key: try key(store)), access: access))
    let signals = server.stopOnSignals(within: 10)
    let reload = reloadOnSignal(server)
    for address in try server.start() { print("anneal listens on \(text(address))") }
    fflush(nil)
    server.wait()
    sessions.drain()
    withExtendedLifetime((signals, reload)) {}
  }

  /// On SIGHUP reads the certificate again; without one, SIGHUP does nothing.
  private func reloadOnSignal(_ server: HTTPServer) -> any DispatchSourceSignal {
    signal(SIGHUP, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
    source.setEventHandler {
      do {
        try server.reloadTLS()
      } catch {
        let line = "anneal: \(error); the certificate that was there stays in use\n"
        try? StandardStream.write(line.utf8, to: StandardStream.error)
      }
    }
    source.resume()
    return source
  }

  private func text(_ address: HTTPAddress) -> String {
    switch address {
    case .unix(let path): return "unix:\(path)"
    case .tcp(let host, let port):
      let name = host.contains(":") ? "[\(host)]" : host
      return "\(listenOptions.tls == nil ? "http" : "https")://\(name):\(port)"
    }
  }

  /// The secret of the file; without one, the store's own, made at the first start.
  private func key(_ store: any SessionStore) throws -> [UInt8] {
    if let stateKey {
      guard let data = FileManager.default.contents(atPath: stateKey) else {
        throw ValidationError("--state-key: \(stateKey) cannot be read")
      }
      if data.count < 16 { throw ValidationError("--state-key: \(stateKey) must hold at least 16 octets") }
      return Array(data)
    }
    if let key = try store.value("state-key") { return key }
    let key = StateSeal.freshKey()
    try store.write([.value(name: "state-key", value: key)])
    return key
  }
}

extension SQLiteStore.Durability: ExpressibleByArgument {}
