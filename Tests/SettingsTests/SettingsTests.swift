import Testing

@testable import Settings

@Suite struct SettingsTests {
  private enum Color: String, CaseIterable, Sendable {
    case red
    case green
  }

  private struct Root: Sendable, Equatable {
    var count = 5
    var wait = 1.5
    var loud = false
    var name = "a"
    var key: String?
    var color = Color.red
    var origins: [String] = []
  }

  private static let settings = Settings<Root>(
    [
      Setting("max-count", \.count, .whole(1...100), "The count"),
      Setting("wait-time", \.wait, .seconds(0.5...60), "The wait"),
      Setting("loud", \.loud, .flag, "Whether it is loud"),
      Setting("name", \.name, .text("text"), "The name"),
      Setting("key", \.key, .optionalText("file"), "The key"),
      Setting("color", \.color, .choice(), "The color"),
      Setting("origin", \.origins, .texts("url"), "Who may ask"),
    ], prefix: "TEST_", otherVariables: ["TEST_CONFIG"])

  private func resolve(
    file: String = "", environment: [String: String] = [:], flags: [String: GivenValue] = [:]
  ) throws -> EffectiveSettings<Root> {
    try Self.settings.resolve(
      Root(), flags: flags, environment: environment,
      file: try SettingsFile(path: "test.yaml", content: Array(file.utf8)))
  }

  private func failure(
    file: String = "", environment: [String: String] = [:], flags: [String: GivenValue] = [:]
  ) -> [String] {
    do {
      _ = try resolve(file: file, environment: environment, flags: flags)
      return []
    } catch {
      return (error as? SettingsError)?.messages ?? ["\(error)"]
    }
  }

  // MARK: Precedence

  @Test func aFlagGoesBeforeTheEnvironmentThatBeforeTheFileAndThatBeforeTheDefault() throws {
    let none = try resolve()
    #expect(none.root == Root())
    #expect(none.origin("max-count") == .byDefault)
    let file = try resolve(file: "\nmax-count: 6")
    #expect(file.root.count == 6)
    #expect(file.origin("max-count") == .file(path: "test.yaml", line: 2))
    let environment = try resolve(file: "max-count: 6", environment: ["TEST_MAX_COUNT": "7"])
    #expect(environment.root.count == 7)
    #expect(environment.origin("max-count") == .environment("TEST_MAX_COUNT"))
    let flag = try resolve(
      file: "max-count: 6", environment: ["TEST_MAX_COUNT": "7"], flags: ["max-count": .text("8")])
    #expect(flag.root.count == 8)
    #expect(flag.origin("max-count") == .flag("--max-count"))
  }

  @Test func aListIsReplacedAsAWhole() throws {
    let file = try resolve(file: "origin: [a, b]")
    #expect(file.root.origins == ["a", "b"])
    let environment = try resolve(file: "origin: [a, b]", environment: ["TEST_ORIGIN": "c, d"])
    #expect(environment.root.origins == ["c", "d"])
    let flag = try resolve(environment: ["TEST_ORIGIN": "c,d"], flags: ["origin": .list(["e,f"])])
    #expect(flag.root.origins == ["e,f"])
    #expect(try resolve(file: "origin: []").root.origins.isEmpty)
    #expect(try resolve(file: "origin: http://a").root.origins == ["http://a"])
  }

  @Test func anEmptyVariableIsNotGiven() throws {
    #expect(
      try resolve(file: "key: k", environment: ["TEST_KEY": "", "TEST_CONFIG": "x", "OTHER": "y"]).root.key == "k")
  }

  @Test func nullSetsBackWhatMayBeUnset() throws {
    for null in ["null", "~", "", "Null"] {
      #expect(try resolve(file: "key: \(null)").root.key == nil)
      #expect(try resolve(file: "key: \(null)").origin("key") == .file(path: "test.yaml", line: 1))
    }
    #expect(try resolve(file: "key: 'null'").root.key == "null")
    #expect(failure(file: "max-count: null") == ["test.yaml:1: max-count: null is not a whole number from 1 to 100"])
  }

  // MARK: What is refused

  @Test func unknownNamesAreRefusedWithTheNearest() {
    #expect(
      failure(file: "max-cuont: 3") == ["test.yaml:1: there is no setting 'max-cuont'; did you mean 'max-count'?"])
    #expect(
      failure(environment: ["TEST_COLOUR": "red"]) == ["there is no setting 'TEST_COLOUR'; did you mean 'TEST_COLOR'?"])
    #expect(failure(environment: ["TEST_XYZZY": "1"]).first?.contains("every variable that begins with TEST_") == true)
    #expect(failure(environment: ["TEST_SERVICE_HOST": "1"]).first?.contains("enableServiceLinks") == true)
    #expect(failure(environment: ["TESTS": "1"]).isEmpty)
  }

  @Test(
    arguments: [
      ("max-count", ["0", "101", "1.0", "x", "99999999999999999999", " 5"], "a whole number from 1 to 100"),
      ("wait-time", ["0.4", "61", "nan", "inf", "1s"], "a number from 0.5 to 60"),
      ("loud", ["maybe", "2"], "true or false"), ("color", ["blue", "RED"], "one of red, green"),
    ] as [(String, [String], String)])
  func aWrongValueNamesTheSettingAndWhereItIsFrom(_ name: String, _ values: [String], _ expectation: String) {
    let variable = "TEST_" + name.uppercased().replacing("-", with: "_")
    for value in values {
      #expect(failure(file: "\(name): '\(value)'") == ["test.yaml:1: \(name): '\(value)' is not \(expectation)"])
      #expect(failure(environment: [variable: value]) == ["\(variable): '\(value)' is not \(expectation)"])
      #expect(failure(flags: [name: .text(value)]) == ["--\(name): '\(value)' is not \(expectation)"])
    }
    #expect(failure(file: "\(name): [1]") == ["test.yaml:1: \(name): a list is not \(expectation)"])
  }

  @Test func everythingThatIsWrongIsToldAtOnceAlsoWhatIsOverridden() {
    let messages = failure(
      file: "max-count: x\ntypo: 1", environment: ["TEST_WAIT_TIME": "x"],
      flags: ["max-count": .text("7"), "wait-time": .text("7"), "color": .text("x")])
    #expect(messages.count == 4)
  }

  @Test func aMessageRepeatsNoControlCharactersAndNoNovel() {
    let message = failure(environment: ["TEST_MAX_COUNT": "\u{1B}[31m\n" + String(repeating: "x", count: 1000)])
    #expect(message.first?.utf8.allSatisfy { $0 >= 0x20 } == true)
    #expect(message.first?.count ?? 0 < 200)
  }

  @Test(arguments: [
    ("[1, 2]", "test.yaml:1: a mapping"), ("5", "test.yaml:1: a mapping"),
    ("max-count: {a: 1}", "test.yaml:1: 'max-count'"),
    ("origin: [[a]]", "test.yaml:1: 'origin'"), ("name: a\nname: b", "test.yaml:2: 'name' stands here a second time"),
    ("name: [a", "test.yaml:2: this is not YAML"), ("name: a\n---\nname: b", "more than one document"),
    ("? [a]\n: b", "a key must be"), ("name: \"\u{1}\"", "this is not YAML"), ("name: *x", "this is not YAML"),
    ("\tname: a", "this is not YAML"),
  ])
  func aFileThatIsNoMappingOfValuesIsRefusedWithTheLine(_ content: String, _ message: String) {
    #expect(failure(file: content).first?.contains(message) == true, "\(failure(file: content))")
  }

  @Test(arguments: ["", "# nothing", "---\n", "\n\n", "{}"])
  func aFileWithNothingInItSetsNothing(_ content: String) throws { #expect(try resolve(file: content).root == Root()) }

  @Test func octetsThatAreNoUTF8AreRefused() {
    #expect(throws: SettingsError.self) { try SettingsFile(path: "test.yaml", content: [0x61, 0x3A, 0x20, 0xFF]) }
  }

  @Test func aFileThatIsNotThereIsSaid() {
    let error = #expect(throws: SettingsError.self) { try SettingsFile(path: "/nonexistent/test.yaml") }
    #expect(error?.description.contains("No such file or directory") == true)
    #expect(throws: SettingsError.self) { try SettingsFile(path: "/") }
  }

  // MARK: Printed

  @Test func whatIsPrintedIsAFileThatGivesTheSameAgain() throws {
    let nasty = "a: \"b\" 'c' # d\\e\n\tf \u{1B}[0m \u{2028} é 🦆 - [x] {y} %z !t &u *v null"
    let effective = try resolve(
      environment: ["TEST_NAME": nasty, "TEST_LOUD": "yes", "TEST_WAIT_TIME": "0.75"],
      flags: ["key": .text("null"), "origin": .list([nasty, "~"]), "color": .text("green")])
    let again = try resolve(file: effective.yaml)
    #expect(again.root == effective.root)
    #expect(again.root.name == nasty)
    #expect(try resolve(file: resolve().yaml).root == Root())
  }

  @Test func everyPrintedValueSaysWhereItIsFrom() throws {
    let effective = try resolve(
      file: "name: b", environment: ["TEST_LOUD": "on"], flags: ["max-count": .text("8")])
    #expect(
      effective.yaml == """
        max-count: 8   # flag --max-count
        wait-time: 1.5 # default
        loud: true     # environment TEST_LOUD
        name: "b"      # file test.yaml:1
        key: null      # default
        color: red     # default
        origin: []     # default

        """)
  }
}
