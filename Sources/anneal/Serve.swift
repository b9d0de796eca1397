import ArgumentParser
import Foundation
import HTTPServer
import Service

struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serves HTTP until SIGTERM or SIGINT, and lets answers that are under way finish.")

  @Option(help: "The address to listen on.")
  var host = "127.0.0.1"

  @Option(help: "The TCP port; 0 for any free one.")
  var port: UInt16 = 8080

  @Option(
    help: ArgumentHelp("The folder for what must outlive the process; made where it is missing.", valueName: "dir"))
  var data: String?

  @Option(help: "The most rates that one answer may hold.")
  var maxRates = 10_000_000

  @Option(help: "The most octets that a request's content may have.")
  var maxContent = 1024 * 1024

  func validate() throws {
    if maxRates < 1 { throw ValidationError("--max-rates must be at least 1") }
    if maxContent < 1 { throw ValidationError("--max-content must be at least 1") }
  }

  func run() throws {
    if let data { try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true) }
    var configuration = Service.Configuration()
    configuration.largestAnswer = maxRates
    var limits = HTTPServerLimits()
    limits.content = maxContent
    let server = HTTPServer(host: host, port: port, limits: limits, handler: Service(configuration: configuration))
    let signals = server.stopOnSignals(within: 10)
    let port = try server.start()
    let name = host.contains(":") ? "[\(host)]" : host
    print("anneal listens on http://\(name):\(port)")
    fflush(nil)
    server.wait()
    withExtendedLifetime(signals) {}
  }
}
