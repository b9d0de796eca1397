import ArgumentParser
import CLinux
import Dispatch
import FoundationEssentials
import Glibc
import HTTPServer
import Logging
import Logs
import Service
import Sessions
import SessionsPostgreSQL
import SessionsSQLite
import Settings

struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serves HTTP until SIGTERM or SIGINT, and lets answers that are under way finish.",
    discussion: """
      Every setting can be given as a flag, as an environment variable or in a file, in this order of precedence: \
      --max-content 4096, ANNEAL_MAX_CONTENT=4096, or a line 'max-content: 4096' in the YAML file of --config.
      """)

  @Option(
    help: ArgumentHelp("A YAML file with settings. (ANNEAL_CONFIG)", valueName: "file"), completion: .file())
  var config: String?

  @Flag(help: "Print every setting in force and where it is from, as such a file, and end.")
  var printConfig = false

  @Flag(help: ArgumentHelp("Print the README's table of settings.", visibility: .hidden))
  var markdown = false

  @OptionGroup(title: "Settings") var flags: SettingFlags

  /// What is in force.
  ///
  /// - Parameter environment: of the process.
  func settings(_ environment: [String: String]) throws -> EffectiveSettings<ServeConfiguration> {
    do throws(SettingsError) {
      let path = config ?? environment["ANNEAL_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
      let settings = try ServeConfiguration.settings.resolve(
        ServeConfiguration(), flags: flags.given, environment: environment, file: try file(path))
      let faults = settings.root.faults
      if !faults.isEmpty { throw SettingsError(faults) }
      return settings
    } catch {
      // Not a ValidationError: that would print how the command is used below all that is wrong with the settings.
      try? StandardStream.write(error.messages.map { "Error: \($0)\n" }.joined().utf8, to: StandardStream.error)
      throw ExitCode.validationFailure
    }
  }

  private func file(_ path: String?) throws(SettingsError) -> SettingsFile? {
    guard let path else { return nil }
    return try SettingsFile(path: path)
  }

  func run() throws {
    if markdown { return print(ServeConfiguration.settings.markdown(ServeConfiguration()), terminator: "") }
    let settings = try settings(ProcessInfo.processInfo.environment)
    if printConfig { return print(settings.yaml, terminator: "") }
    if let refusal = settings.root.refusal(ofUser: geteuid()) { throw AccessError(refusal) }
    try serve(settings.root)
  }

  private func serve(_ configuration: ServeConfiguration) throws {
    // The pieces of long answers come and go by the thousand: taken from the system one by one, each would be cleared
    // by it and mapped anew. What is free is given back from 8 MiB on.
    mallopt(M_MMAP_THRESHOLD, 4 << 20)
    mallopt(M_TRIM_THRESHOLD, 8 << 20)
    let writer = LogWriter(format: configuration.logFormat)
    defer { writer.flush() }
    let log = Logger(label: "anneal") { _ in LineLogHandler(writer, level: configuration.logLevel.level) }
    let running = try RunningService(configuration, log: log)
    let signals = running.shutdown.onSignals() + [reloadOnSignal(running.server, log)]
    let addresses = try running.server.start().map { text($0, isSecure: configuration.tls != nil) }
    running.shutdown.serverHasStarted()
    // Scripts read these lines to learn the ports.
    for address in addresses { print("anneal listens on \(address)") }
    fflush(nil)
    log.notice(
      "the server listens",
      metadata: [
        "addresses": .string(addresses.joined(separator: " ")),
        "data": .string(configuration.store ?? configuration.data),
        "version": .string(Anneal.version),
      ])
    running.server.wait()
    running.sessions.drain()
    log.notice("the server has stopped")
    withExtendedLifetime(signals) {}
  }

  /// On SIGHUP reads the certificate again; without one, SIGHUP does nothing.
  private func reloadOnSignal(_ server: HTTPServer, _ log: Logger) -> any DispatchSourceSignal {
    signal(SIGHUP, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
    source.setEventHandler {
      do {
        try server.reloadTLS()
        log.notice("the certificate is read again", metadata: ["signal": "SIGHUP"])
      } catch {
        log.error("the certificate that was there stays in use", metadata: ["error": .string("\(error)")])
      }
    }
    source.resume()
    return source
  }

  private func text(_ address: HTTPAddress, isSecure: Bool) -> String {
    switch address {
    case .unix(let path): return "unix:\(path)"
    case .tcp(let host, let port):
      return "\(isSecure ? "https" : "http")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
  }
}

/// A server and what stands behind it, put together as configured; not started.
struct RunningService {
  let server: HTTPServer
  let sessions: SessionHub
  let shutdown: Shutdown

  init(_ configuration: ServeConfiguration, log: Logger) throws {
    // A write beyond a limit of the file system's is an error to answer, not a reason to end.
    signal(SIGXFSZ, SIG_IGN)
    let addresses = configuration.addresses
    let access = try configuration.access.control(
      data: configuration.data, addresses: addresses, hasClientCertificates: configuration.tlsClientIssuers != nil,
      log: log)
    let store = try Self.store(configuration)
    sessions = SessionHub(store: store, configuration: configuration.sessions)
    let operations = Operations(version: Anneal.version, accessLog: configuration.accessLog ? log : nil)
    let service = Service(
      configuration: configuration.service, sessions: sessions,
      stateSeal: StateSeal(key: try Self.key(configuration.stateKey, store)), access: access, operations: operations)
    server = try HTTPServer(
      addresses: addresses, tls: configuration.tls, limits: configuration.limits, handler: service)
    operations.watch(server)
    shutdown = Shutdown(
      server: server, operations: operations, delay: configuration.drainDelay,
      drainSeconds: configuration.drainSeconds, log: log)
  }

  private static func store(_ configuration: ServeConfiguration) throws -> any SessionStore {
    if let url = configuration.store { return try PostgreSQLStore(url: url, durability: configuration.durability) }
    if configuration.data == ":memory:" { return MemoryStore() }
    return try SQLiteStore(folder: configuration.data, durability: configuration.durability)
  }

  /// The secret of the file; without one, the store's own, made at the first start.
  private static func key(_ path: String?, _ store: any SessionStore) throws -> [UInt8] {
    if let path {
      guard let data = FileManager.default.contents(atPath: path) else {
        throw ValidationError("--state-key: \(path) cannot be read")
      }
      if data.count < 16 { throw ValidationError("--state-key: \(path) must hold at least 16 octets") }
      return Array(data)
    }
    if let key = try store.value("state-key") { return key }
    let key = StateSeal.freshKey()
    do {
      try store.write([.newValue(name: "state-key", value: key)])
    } catch is StoreConflict {
      // Another server over the same store has started at the same moment.
      if let theirs = try store.value("state-key") { return theirs }
    }
    return key
  }
}
