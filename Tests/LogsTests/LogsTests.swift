import Dispatch
import Foundation
import JSON
import Logging
import Synchronization
import Testing

@testable import Logs

@Suite struct LogsTests {
  private static let nasty = [
    "plain", "", "two words", "a=b", "\"quoted\"", "back\\slash", "line\nbreak", "carriage\rreturn", "tab\there",
    "\u{1B}[31mred\u{1B}[0m", "nul\0", "\u{7F}", "\u{85}next line", "\u{9B}31m", "\u{2028}\u{2029}", "\u{202E}txt.exe",
    "\u{FEFF}", "\u{E000}\u{F0000}", "größe 学習率 🦆", "\"}\n{\"level\":\"critical\",\"message\":\"forged\"}",
  ]

  private func line(_ record: LogRecord, _ format: LogFormat) -> String {
    var output: [UInt8] = []
    record.append(format, to: &output)
    return String(decoding: output, as: UTF8.self)
  }

  @Test(arguments: nasty) func aRecordAsJSONIsOneLineThatReadsBack(_ text: String) throws {
    let record = LogRecord(
      level: .info, message: text,
      fields: [
        text: .string(text), "count": .stringConvertible(3), "seconds": .stringConvertible(0.25),
        "flag": .stringConvertible(true), "list": .array([.string(text)]), "map": .dictionary([text: .string(text)]),
        "other": .stringConvertible(UInt8(7)), "nan": .stringConvertible(Double.nan), "level": .string("mine"),
      ])
    let line = line(record, .json)
    #expect(line.hasSuffix("}\n"))
    expectNothingInvisible(line)
    let read = try JSONReader.read(Array(line.utf8))
    #expect(read["message"] == .string(text))
    #expect(read["level"] == .string("info"))
    #expect(read["level_"] == .string("mine"))
    #expect(read[text] == .string(text))
    #expect(read["count"] == .number(3))
    #expect(read["seconds"] == .number(0.25))
    #expect(read["flag"] == .bool(true))
    #expect(read["other"] == .number(7))
    #expect(read["nan"] == .string("nan"))
    #expect(read["list"] == .array([.string(text)]))
    #expect(read["map"]?[text] == .string(text))
  }

  @Test(arguments: nasty) func aRecordAsTextIsOneLineThatCannotTalkToATerminal(_ text: String) {
    let record = LogRecord(level: .error, message: text, fields: ["a": .string(text), text: .string("b")])
    let line = line(record, .text)
    #expect(line.contains(" error "))
    expectNothingInvisible(line)
  }

  private func expectNothingInvisible(_ line: String) {
    #expect(line.hasSuffix("\n"))
    for scalar in line.unicodeScalars.dropLast() {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
        Issue.record("U+\(String(scalar.value, radix: 16)) in \(line.debugDescription)")
      default: break
      }
    }
  }

  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (1_795_603_184_382_999_999, "2026-11-25T10:39:44.382Z"),
      (951_782_400_001_000_000, "2000-02-29T00:00:00.001Z"), (4_102_444_799_999_000_000, "2099-12-31T23:59:59.999Z"),
    ] as [(Int64, String)])
  func theTimeIsUTCWithMilliseconds(_ time: Int64, _ text: String) {
    #expect(line(LogRecord(level: .notice, message: "a", time: time), .text) == "\(text) notice a\n")
  }

  @Test func textQuotesOnlyWhatIsNoPlainWord() {
    let record = LogRecord(
      level: .info, message: "the server listens",
      fields: ["url": "http://a:1", "note": "two words", "empty": "", "n": .stringConvertible(3)], time: 0)
    #expect(
      line(record, .text)
        == "1970-01-01T00:00:00.000Z info the server listens empty=\"\" n=3 note=\"two words\" url=http://a:1\n")
  }

  @Test func whatIsLoggedThroughSwiftLogIsWrittenInItsOrder() throws {
    let pipe = Pipe()
    let writer = LogWriter(descriptor: pipe.fileHandleForWriting.fileDescriptor, format: .json)
    var log = Logger(label: "test") { _ in LineLogHandler(writer, level: .info) }
    log[metadataKey: "common"] = "yes"
    log.debug("not this")
    for number in 0..<100 { log.info("line", metadata: ["number": .stringConvertible(number)]) }
    writer.flush(within: 60)
    try pipe.fileHandleForWriting.close()
    let lines = try pipe.fileHandleForReading.readToEnd().map { $0.split(separator: UInt8(ascii: "\n")) } ?? []
    let numbers = try lines.map { try JSONReader.read(Array($0))["number"] }
    #expect(numbers == (0..<100).map { .number(Double($0)) })
    #expect(try lines.allSatisfy { try JSONReader.read(Array($0))["common"] == .string("yes") })
  }

  @Test func whoLogsNeverWaitsAndWhatIsDroppedIsCounted() throws {
    let pipe = Pipe()
    let descriptor = pipe.fileHandleForWriting.fileDescriptor
    // Fill the pipe, so that the writer stands still until somebody reads.
    let flags = fcntl(descriptor, F_GETFL)
    _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
    let filling = [UInt8](repeating: UInt8(ascii: "\n"), count: 1)
    while write(descriptor, filling, 1) == 1 {}
    _ = fcntl(descriptor, F_SETFL, flags)
    let writer = LogWriter(descriptor: descriptor, format: .json, bound: 4)
    for number in 0..<100 {
      writer.submit(LogRecord(level: .info, message: "line", fields: ["number": .stringConvertible(number)]))
    }
    let collected = Mutex(Data())
    let reader = DispatchGroup()
    DispatchQueue.global().async(group: reader) {
      let data = (try? pipe.fileHandleForReading.readToEnd()) ?? nil
      collected.withLock { $0 = data ?? Data() }
    }
    writer.flush(within: 60)
    try pipe.fileHandleForWriting.close()
    reader.wait()
    var (written, dropped) = (0.0, 0.0)
    for line in collected.withLock({ $0 }).split(separator: UInt8(ascii: "\n")) {
      let record = try JSONReader.read(Array(line))
      if case .number(let count)? = record["dropped"] { dropped += count } else { written += 1 }
    }
    #expect(written + dropped == 100)
    #expect(dropped >= 92)
    #expect(written >= 4)
  }
}
