import JSON
import Testing

@Suite struct JSONReaderTests {
  private static let valid: [(String, JSONValue)] = [
    ("null", .null), ("true", true), (" [ ] ", []), ("{\"a\":{}}", ["a": [:]]), ("0", 0), ("-0.5e1", -5),
    ("1e-400", 0), ("9007199254740992", 9_007_199_254_740_992), ("\"a\\u00e9\\ud83d\\ude00\\n\"", "aé😀\n"),
    ("\"é\"", "é"), ("[1,2,[3]]", [1, 2, [3]]),
  ]

  @Test(arguments: valid)
  func readsWhatTheGrammarAllows(_ text: String, _ value: JSONValue) throws {
    #expect(try JSONReader.read(Array(text.utf8)) == value)
  }

  @Test(arguments: [
    "", " ", "{", "[", "[1", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\":1,\"a\":2}", "01",
    "-",
    "1.", ".5", "+1", "1e", "1e400", "-1e400", "9007199254740993", "123456789012345678901234567890", "NaN", "Infinity",
    "nul", "truee", "1 2", "\"", "\"\\x\"", "\"\\u12\"",
    "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\u{1}\"", "'a'", "[1]]", "\u{FEFF}1",
  ])
  func refusesEverythingElse(_ text: String) {
    #expect(throws: JSONSyntaxError.self) { try JSONReader.read(Array(text.utf8)) }
  }

  @Test func refusesInvalidUTF8EvenInNamesAndUnreadMembers() {
    for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22]] {
      #expect(throws: JSONSyntaxError.self) { try JSONReader.read(bytes) }
      #expect(throws: JSONSyntaxError.self) { try JSONReader.read(Array("{".utf8) + bytes + Array(":1}".utf8)) }
    }
  }

  @Test func refusesDeepNestingWithoutRecursingIntoIt() throws {
    let deep = Array(String(repeating: "[", count: 10_000).utf8)
    let error = #expect(throws: JSONSyntaxError.self) { try JSONReader.read(deep) }
    #expect(error?.offset == JSONReader.defaultDepth)
    let most = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    _ = try JSONReader.read(Array(most.utf8))
  }

  @Test func saysWhereTheErrorIs() {
    let error = #expect(throws: JSONSyntaxError.self) { try JSONReader.read(Array("{\n  \"a\": oops}".utf8)) }
    #expect(error?.line == 2 && error?.column == 8)
  }

  @Test func everyPrefixOfADocumentIsRefusedAndNeverTraps() {
    let text = Array(#"{"schedule":{"type":"a\u00e9","x":[-1.5e3,true,null]},"steps":12}"#.utf8)
    for end in 0..<text.count {
      #expect(throws: JSONSyntaxError.self) { try JSONReader.read(Array(text[..<end])) }
    }
  }

  @Test func writtenNumbersReadBackExactly() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<10_000 {
      let number = Double(bitPattern: generator.next())
      guard number.isFinite else { continue }
      var text: [UInt8] = []
      JSONWriter.append(number, to: &text)
      #expect(try JSONReader.read(text) == .number(number))
    }
  }

  @Test func writtenStringsReadBackExactly() throws {
    let text = JSONValue.string("\"\\\n\t\r\u{1}\u{7F} é😀/")
    #expect(try JSONReader.read(Array(JSONWriter.text(text).utf8)) == text)
  }
}
