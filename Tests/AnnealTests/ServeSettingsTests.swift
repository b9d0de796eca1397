import ArgumentParser
import Foundation
import HTTPServer
import Testing

@testable import Settings
@testable import anneal

/// The settings of `anneal serve`: each one by its flag, its variable and its key.
@Suite struct ServeSettingsTests {
  private static let all = ServeConfiguration.settings.all

  /// A setting by name, because a test's argument has to be printed.
  private static let names = all.map(\.name)

  private func setting(_ name: String) throws -> Setting<ServeConfiguration> {
    try #require(Self.all.first { $0.name == name })
  }

  private func serve(_ arguments: [String]) throws -> Serve {
    try #require(try Anneal.parseAsRoot(["serve"] + arguments) as? Serve)
  }

  private func settings(
    _ arguments: [String] = [], _ environment: [String: String] = [:], file: String? = nil
  ) throws -> EffectiveSettings<ServeConfiguration> {
    guard let file else { return try serve(arguments).settings(environment) }
    return try withFile(file) { try serve(arguments + ["--config", $0]).settings(environment) }
  }

  private func withFile<Result>(_ content: String, _ body: (String) throws -> Result) throws -> Result {
    let url = FileManager.default.temporaryDirectory.appending(path: "anneal-\(UUID().uuidString).yaml")
    try Data(content.utf8).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url.path(percentEncoded: false))
  }

  /// A valid value that is not the default, as text.
  private func other(_ setting: Setting<ServeConfiguration>) throws -> String {
    let value = setting.defaultYAML(ServeConfiguration())
    if setting.valueName == nil { return value == "true" ? "false" : "true" }
    if let choice = setting.choices.first(where: { $0 != value }) { return choice }
    if setting.valueName == "url" { return "postgresql://db/else" }
    guard let range = setting.expectation.firstMatch(of: /from ([\d.]+) to ([\d.]+)/) else { return "else" }
    return String(value == String(range.1) ? range.2 : range.1)
  }

  /// The value as `--print-config` shows it.
  private func shown(_ settings: EffectiveSettings<ServeConfiguration>, _ name: String) throws -> String {
    let line = try #require(settings.yaml.split(separator: "\n").first { $0.hasPrefix("\(name): ") })
    return line.dropFirst(name.count + 2).split(separator: "#")[0].filter { $0 != "\"" && $0 != " " }
  }

  @Test(arguments: [
    "postgresql://anneal:hunter2@db/anneal", "postgres://db/anneal?user=a&password=hunter2", "mysql://hunter2/x",
  ]) func aPasswordHasNoPlaceInASettingAndIsNotRepeated(_ url: String) throws {
    let error = #expect(throws: SettingsError.self) {
      try ServeConfiguration.settings.resolve(
        ServeConfiguration(), flags: ["store": .text(url)], environment: [:], file: nil)
    }
    #expect(error.map { "\($0)" }?.contains("hunter2") == false)
  }

  @Test(arguments: names) func everySettingHasAFlagAVariableAndAKey(_ name: String) throws {
    let setting = try setting(name)
    let value = try other(setting)
    let flag =
      setting.valueName == nil ? [value == "true" ? "--\(name)" : "--no-\(name)"] : ["--\(name)", value]
    let variable = setting.variable(prefix: "ANNEAL_")
    let expected = setting.isList ? "[\(value)]" : value
    let file = try SettingsFile(path: "a.yaml", content: Array("\(name): \(value)".utf8))
    let table = ServeConfiguration.settings
    #expect(try shown(table.resolve(ServeConfiguration(), flags: [:], environment: [:], file: nil), name) != expected)
    for (source, origin) in [
      (
        try table.resolve(ServeConfiguration(), flags: serve(flag).flags.given, environment: [:], file: nil),
        SettingOrigin.flag("--\(name)")
      ),
      (
        try table.resolve(ServeConfiguration(), flags: [:], environment: [variable: value], file: nil),
        .environment(variable)
      ),
      (
        try table.resolve(ServeConfiguration(), flags: [:], environment: [:], file: file),
        .file(path: "a.yaml", line: 1)
      ),
    ] {
      #expect(try shown(source, name) == expected)
      #expect(source.origin(name) == origin)
    }
  }

  @Test(arguments: names.filter { name in all.contains { $0.name == name && $0.expectation.contains(" from ") } })
  func everyNumberOutOfItsRangeIsRefused(_ name: String) throws {
    let setting = try setting(name)
    let range = try #require(setting.expectation.firstMatch(of: /from ([\d.]+) to ([\d.]+)/))
    let low = try #require(Double(range.1))
    let high = try #require(Double(range.2))
    for value in ["\(Int(high) + 1)", low > 0 ? "0" : "-1", "-9223372036854775809", "much"] {
      let error = #expect(throws: SettingsError.self) {
        try ServeConfiguration.settings.resolve(
          ServeConfiguration(), flags: [:], environment: [setting.variable(prefix: "ANNEAL_"): value], file: nil)
      }
      #expect(error?.description.contains(setting.expectation) == true)
    }
  }

  @Test func everyLimitOfHTTPHasASetting() throws {
    var changed = ServeConfiguration()
    for setting in Self.all { #expect(setting.set(.text(try other(setting)), &changed)) }
    let before = Mirror(reflecting: HTTPServerLimits()).children
    let after = Mirror(reflecting: changed.limits).children
    for (before, after) in zip(before, after) {
      #expect("\(before.value)" != "\(after.value)", "\(before.label ?? "") has no setting")
    }
    // No two settings are of the same limit: each changed one alone changes one limit.
    for setting in Self.all {
      var configuration = ServeConfiguration()
      _ = setting.set(.text(try other(setting)), &configuration)
      let differences = zip(
        Mirror(reflecting: HTTPServerLimits()).children, Mirror(reflecting: configuration.limits).children
      ).filter { "\($0.value)" != "\($1.value)" }
      #expect(differences.count <= 1)
    }
  }

  @Test func theNamesAreWordsAndNoTwoAreEqual() {
    #expect(Set(Self.names).count == Self.names.count)
    for name in Self.names { #expect(name.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil, "\(name)") }
  }

  @Test func whatIsPrintedIsAFileThatGivesTheSameAgain() throws {
    let changed = try settings(["--port", "1", "--no-access-log", "--host", "::1"], ["ANNEAL_LOG_FORMAT": "json"])
    let again = try settings(file: changed.yaml)
    #expect(Self.names.allSatisfy { (try? shown(again, $0)) == (try? shown(changed, $0)) })
    #expect(again.root.port == 1 && !again.root.accessLog && again.root.host == "::1")
  }

  @Test func theFileMayBeNamedByTheEnvironmentAndTheFlagGoesBefore() throws {
    try withFile("port: 1") { first in
      let one = try serve([]).settings(["ANNEAL_CONFIG": first])
      #expect(one.root.port == 1)
      try withFile("port: 2") { second in
        let both = try serve(["--config", second]).settings(["ANNEAL_CONFIG": first])
        #expect(both.root.port == 2)
      }
    }
  }

  @Test(arguments: [
    (["--listen", "127.0.0.1"], "HOST:PORT"), (["--listen", "a:70000"], "HOST:PORT"), (["--tls-cert", "a"], "tls-key"),
    (["--rate-burst", "3"], "rate-limit"), (["--cors-origin", "nowhere"], "cors-origin"),
    (["--tls-key", "a"], "tls-cert"), (["--tls-client-ca", "a"], "tls-cert"),
  ])
  func whatDoesNotFitTogetherIsTold(_ arguments: [String], _ word: String) throws {
    let command = try serve(arguments)
    let configuration = try ServeConfiguration.settings.resolve(
      ServeConfiguration(), flags: command.flags.given, environment: [:], file: nil)
    #expect(configuration.root.faults.count == 1)
    #expect(configuration.root.faults.first?.contains(word) == true)
    #expect(throws: ExitCode.self) { try command.settings([:]) }
  }

  @Test func addressesAreHostsWithPortsAndUnixSockets() throws {
    let both = try settings(["--listen", "[::1]:0", "--listen", "unix:/tmp/a:1"], ["ANNEAL_LISTEN": "b:1"]).root
    #expect(both.addresses == [.tcp(host: "::1", port: 0), .unix(path: "/tmp/a:1")])
    #expect(try settings([], ["ANNEAL_LISTEN": "b:1,c:2"]).root.addresses.count == 2)
    #expect(try settings(["--port", "9"]).root.addresses == [.tcp(host: "127.0.0.1", port: 9)])
  }

  @Test func anUnknownFlagIsRefusedWithTheNearest() throws {
    let error = #expect(throws: (any Error).self) { try serve(["--max-contents", "1"]) }
    #expect(error.map { Anneal.message(for: $0).contains("--max-content") } == true)
  }

  @Test func theHelpNamesEveryFlagItsVariableAndItsDefault() throws {
    let help = Anneal.helpMessage(for: Serve.self, columns: 400)
    for setting in Self.all {
      #expect(help.contains("--\(setting.name)"))
      #expect(help.contains(setting.variable(prefix: "ANNEAL_")))
    }
    #expect(help.contains("default: 1048576"))
  }

  @Test(arguments: ["bash", "zsh", "fish"]) func theCompletionsOfferEverySetting(_ shell: String) throws {
    let script = Anneal.completionScript(for: try #require(CompletionShell(rawValue: shell)))
    // fish leaves the dashes out.
    for name in Self.names { #expect(script.contains(shell == "fish" ? " '\(name)'" : "--\(name)")) }
  }

  @Test(arguments: [
    ("openapi.yaml", "\n  version: ", "\n"), ("Docker/Dockerfile", "\nARG VERSION=", "\n"),
    ("Docker/kubernetes.yaml", "/anneal:", "\n"), ("CHANGELOG.md", "\n## [", "] - "),
    ("Clients/python/pyproject.toml", "\nversion = \"", "\"\n"),
  ]) func theVersionIsTheSameEverywhere(_ file: String, _ before: String, _ after: String) throws {
    let text = try String(contentsOf: root.appending(path: file), encoding: .utf8)
    // What is not released yet may stand before it in the list of changes.
    let told = text.replacing("## [Unreleased]", with: "")
    let begin = try #require(told.range(of: before)).upperBound
    let end = try #require(told[begin...].range(of: after)).lowerBound
    #expect(told[begin..<end] == Anneal.version, "run Scripts/catalog; CHANGELOG.md is by hand")
  }

  @Test func rootIsRefusedWhereTheSettingSaysSoAndNobodyElse() throws {
    let image = try settings([], ["ANNEAL_REFUSE_ROOT": "true"]).root
    #expect(image.refusal(ofUser: 0)?.contains("--no-refuse-root") == true)
    #expect(image.refusal(ofUser: 10001) == nil)
    #expect(try settings().root.refusal(ofUser: 0) == nil)
    #expect(try settings(["--no-refuse-root"], ["ANNEAL_REFUSE_ROOT": "true"]).root.refusal(ofUser: 0) == nil)
  }

  @Test func theReadmesTableIsOfTheseSettings() throws {
    let text = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
    let begin = try #require(text.range(of: "<!-- begin settings (Scripts/catalog) -->\n"))
    let end = try #require(text.range(of: "<!-- end settings -->"))
    let table = ServeConfiguration.settings.markdown(ServeConfiguration())
    #expect(text[begin.upperBound..<end.lowerBound] == table, "stale: run Scripts/catalog")
  }

  private var root: URL { URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..") }
}
