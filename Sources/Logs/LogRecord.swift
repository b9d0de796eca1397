public import Logging
import Glibc

/// How a record is written: one line each way.
public enum LogFormat: String, Sendable, CaseIterable {
  case text
  case json
}

/// Something that was logged, not written yet.
public struct LogRecord: Sendable {
  /// Nanoseconds since 1970.
  public var time: Int64
  public var level: Logger.Level
  public var message: String
  public var fields: Logger.Metadata

  public init(level: Logger.Level, message: String, fields: Logger.Metadata = [:], time: Int64 = LogRecord.now()) {
    self.time = time
    self.level = level
    self.message = message
    self.fields = fields
  }

  /// Nanoseconds since 1970.
  public static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }

  /// Appends the record as one line. Whatever is in the message and the fields, there is no control character in the line but
  /// its end, so nobody can write a second record or talk to a terminal.
  public func append(_ format: LogFormat, to output: inout [UInt8]) {
    let names = fields.keys.sorted()
    switch format {
    case .json:
      output.append(contentsOf: "{\"time\":\"".utf8)
      Self.append(time, to: &output)
      output.append(contentsOf: "\",\"level\":\"".utf8)
      output.append(contentsOf: level.rawValue.utf8)
      output.append(contentsOf: "\",\"message\":".utf8)
      LogText.appendQuoted(message, to: &output)
      for name in names {
        output.append(UInt8(ascii: ","))
        LogText.appendQuoted(Self.reserved.contains(name) ? "\(name)_" : name, to: &output)
        output.append(UInt8(ascii: ":"))
        if let value = fields[name] { LogText.appendJSON(value, to: &output) }
      }
      output.append(contentsOf: "}\n".utf8)
    case .text:
      Self.append(time, to: &output)
      output.append(UInt8(ascii: " "))
      output.append(contentsOf: level.rawValue.utf8)
      output.append(UInt8(ascii: " "))
      LogText.appendEscaped(message, to: &output)
      for name in names {
        output.append(UInt8(ascii: " "))
        LogText.appendPlain(name, to: &output)
        output.append(UInt8(ascii: "="))
        if let value = fields[name] { LogText.appendText(value, to: &output) }
      }
      output.append(UInt8(ascii: "\n"))
    }
  }

  /// The names that every record has.
  private static let reserved: Set<String> = ["time", "level", "message"]

  /// As RFC 3339 has it, in UTC with milliseconds: `2026-11-25T10:26:04.123Z`.
  static func append(_ time: Int64, to output: inout [UInt8]) {
    let milliseconds = time / 1_000_000
    let second = milliseconds / 1000
    var seconds = time_t(second)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func put(_ number: Int, digits: Int) {
      var scale = 1
      for _ in 1..<digits { scale *= 10 }
      while scale > 0 {
        output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / scale % 10))
        scale /= 10
      }
    }
    put(Int(parts.tm_year) + 1900, digits: 4)
    output.append(UInt8(ascii: "-"))
    put(Int(parts.tm_mon) + 1, digits: 2)
    output.append(UInt8(ascii: "-"))
    put(Int(parts.tm_mday), digits: 2)
    output.append(UInt8(ascii: "T"))
    put(Int(parts.tm_hour), digits: 2)
    output.append(UInt8(ascii: ":"))
    put(Int(parts.tm_min), digits: 2)
    output.append(UInt8(ascii: ":"))
    put(Int(parts.tm_sec), digits: 2)
    output.append(UInt8(ascii: "."))
    put(Int(milliseconds % 1000), digits: 3)
    output.append(UInt8(ascii: "Z"))
  }
}
