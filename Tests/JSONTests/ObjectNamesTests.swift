import JSON
import Testing

@Suite struct ObjectNamesTests {
  @Test(arguments: [2, 3, 16, 17, 18, 40])
  func aNameThatComesTwiceIsFoundWhereverItStands(_ count: Int) {
    for repeated in 0..<(count - 1) {
      let names = (0..<(count - 1)).map { "name\($0)" } + ["name\(repeated)"]
      let error = #expect(throws: JSONSyntaxError.self) { try JSONReader.read(document(names)) }
      #expect(error?.message == "the name \"name\(repeated)\" comes twice")
    }
  }

  @Test func longNamesAreToldApart() throws {
    let long = String(repeating: "a", count: 200)
    #expect(try JSONReader.read(document([long + "1", long + "2"]))[long + "2"] == 1)
    #expect(throws: JSONSyntaxError.self) { try JSONReader.read(document([long, "b", long])) }
  }

  @Test func aNameWithAnEscapeIsTheNameThatItStandsFor() {
    #expect(throws: JSONSyntaxError.self) { try JSONReader.read(Array(#"{"a":1,"\u0061":2}"#.utf8)) }
  }

  /// Swift's strings call these equal.
  @Test(arguments: [1, 20])
  func twoSpellingsOfOneCharacterAreTwoNames(_ others: Int) throws {
    let names = (0..<others).map { "name\($0)" } + ["\u{212B}", "A\u{30A}", "\u{C5}"]
    #expect(try JSONReader.read(document(names)).members.count == names.count)
  }

  /// Compared each with each, these would take hours.
  @Test func anObjectOfManyMembersIsRead() throws {
    let names = (0..<200_000).map { "n\($0)" }
    #expect(try JSONReader.read(document(names)).members.count == names.count)
  }

  private func document(_ names: [String]) -> [UInt8] {
    Array(("{" + names.map { "\"\($0)\":1" }.joined(separator: ",") + "}").utf8)
  }
}
