import JSON
import Testing

@Suite struct JSONWriterTests {
  @Test func numbersAroundThePowersOfTwoAndTenAreWrittenAsSwiftDescribesThem() {
    var numbers: [Double] = [0, -0.0, .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude]
    for exponent in -1074...1023 { numbers += neighbors(Double(sign: .plus, exponent: exponent, significand: 1)) }
    for exponent in -324...308 {
      for digit in [1, 2, 5, 9, 10, 15, 99] { numbers += neighbors(Double("\(digit)e\(exponent)") ?? 0) }
    }
    #expect(writtenOtherwise(numbers) == [])
  }

  @Test func numbersOfEveryExponentAreWrittenAsSwiftDescribesThem() {
    var random = SplitMix(state: 1)
    var numbers: [Double] = []
    for exponent in UInt64(0)..<2047 {
      for _ in 0..<60 { numbers.append(Double(bitPattern: exponent << 52 | random.next() >> 12)) }
    }
    #expect(writtenOtherwise(numbers) == [])
    #expect(writtenOtherwise(numbers.map { -$0 }) == [])
  }

  @Test func wholeNumbersAndShortDecimalsAreWrittenAsSwiftDescribesThem() {
    var random = SplitMix(state: 2)
    var numbers: [Double] = []
    for index in 0..<30_000 {
      let whole = Double(index)
      let short = random.next() >> (random.next() % 64)
      numbers += [whole, whole / 1000, whole * 0.1, whole * 1e-9, Double(short)]
      // Whole numbers by powers of two: exact ties and ends of intervals are among them.
      numbers.append(Double(short >> 12) / Double(UInt64(1) << (random.next() % 60)))
      numbers.append(Double("\(short >> 20)e-\(random.next() % 30)") ?? 0)
    }
    #expect(writtenOtherwise(numbers) == [])
  }

  @Test func manyNumbersAreWrittenAsOneByOneWithCommasBetweenThem() {
    var random = SplitMix(state: 3)
    for count in [0, 1, 2, 63, 64, 65, 128, 1000] {
      let numbers = (0..<count).map { $0 % 10 == 0 ? -Double($0) : random.number() }
      var bytes = Array("[".utf8)
      let areFinite = numbers.withUnsafeBufferPointer { JSONWriter.append($0, to: &bytes) }
      #expect(areFinite)
      #expect(String(decoding: bytes, as: UTF8.self) == "[" + numbers.map(\.description).joined(separator: ","))
    }
  }

  @Test(arguments: [0, 1, 63, 64, 65, 199], [Double.nan, .infinity, -.infinity])
  func noneOfManyNumbersIsWrittenIfOneIsNotFinite(_ index: Int, _ number: Double) {
    var numbers = [Double](repeating: 0.1, count: 200)
    numbers[index] = number
    var bytes = Array("[".utf8)
    let areFinite = numbers.withUnsafeBufferPointer { JSONWriter.append($0, to: &bytes) }
    #expect(!areFinite)
    #expect(bytes == Array("[".utf8))
  }

  @Test func wholeValuesAreWrittenWithoutAFraction() {
    var random = SplitMix(state: 4)
    var whole: [Int64] = [0, 1 << 53 - 1, 99_999_999, 100_000_000, 100_000_001]
    var power: Int64 = 1
    for _ in 0..<15 {
      power *= 10
      whole += [power - 1, power, power + 1]
    }
    for _ in 0..<20_000 { whole.append(Int64(random.next() >> (11 + random.next() % 53))) }
    for number in whole {
      #expect(JSONWriter.text(.number(Double(number))) == number.description)
      #expect(JSONWriter.text(.number(-Double(number))) == (-number).description)
    }
    #expect(JSONWriter.text(.number(0x1p53)) == "9007199254740992.0")
    #expect(JSONWriter.text(.number(-0.0)) == "0")
    #expect(JSONWriter.text(.number(0.5)) == "0.5")
  }

  @Test func stringsAreEscapedWhereJSONAsksForIt() {
    #expect(JSONWriter.text("") == #""""#)
    #expect(JSONWriter.text("learning_rates") == #""learning_rates""#)
    #expect(JSONWriter.text("a\"b\\c\n\t\r\u{1}\u{1F}\u{7F}é😀/") == #""a\"b\\c\n\t\r\u0001\u001f\u007fé😀/""#)
    #expect(JSONWriter.text("\"\"") == #""\"\"""#)
  }

  /// A number and its neighbors, and all of them below 0.
  private func neighbors(_ number: Double) -> [Double] {
    let near = [
      number, number.nextUp, number.nextDown, number.nextUp.nextUp, number.nextDown.nextDown,
      number.nextUp.nextUp.nextUp,
    ]
    return near + near.map { -$0 }
  }

  /// Those of the numbers that are not written as `Double.description` gives them.
  private func writtenOtherwise(_ numbers: [Double]) -> [Double] {
    var bytes: [UInt8] = []
    return numbers.filter { number in
      guard number.isFinite else { return false }
      bytes.removeAll(keepingCapacity: true)
      JSONWriter.append(number, to: &bytes)
      return !bytes.elementsEqual(number.description.utf8)
    }
  }
}
