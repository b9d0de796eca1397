import Dispatch
import Glibc
import Sessions

/// One connection to the database. For one thread at a time.
///
/// It is made when it is first needed, and made anew where it was lost; between two attempts that fail it waits, ever longer
/// up to two seconds, and refuses at once meanwhile.
final class PostgreSQLConnection {
  /// What a statement is given.
  enum Value {
    case integer(Int64)
    case text(String)
    case octets([UInt8])
    case integers([Int64])
    case octetLists([[UInt8]])
  }

  /// What the database said no to.
  struct Refusal: Error, CustomStringConvertible {
    /// The SQLSTATE: five letters and digits.
    let state: String
    let message: String

    var description: String { message }

    /// Whether the same transaction may go well at another time: a conflict of two that ran at once.
    var isTransient: Bool { state == "40001" || state == "40P01" }
  }

  /// What a statement has answered.
  struct Answer {
    fileprivate(set) var rows: [[[UInt8]?]] = []
    /// How many rows it has changed.
    fileprivate(set) var affected = 0

    func integer(_ row: Int, _ column: Int) -> Int64 { Int64(text(row, column)) ?? 0 }

    func text(_ row: Int, _ column: Int) -> String { String(decoding: rows[row][column] ?? [], as: UTF8.self) }

    /// A `bytea`, which comes as `\x` and hexadecimal digits.
    func octets(_ row: Int, _ column: Int) -> [UInt8] {
      let digits = rows[row][column]?.dropFirst(2) ?? []
      var octets: [UInt8] = []
      octets.reserveCapacity(digits.count / 2)
      var high: UInt8?
      for digit in digits {
        let value = digit < UInt8(ascii: "a") ? digit &- UInt8(ascii: "0") : digit &- UInt8(ascii: "a") &+ 10
        if let first = high {
          octets.append(first << 4 | value & 15)
          high = nil
        } else {
          high = value & 15
        }
      }
      return octets
    }
  }

  private let library: PostgreSQLLibrary
  private let url: String
  private var connection: OpaquePointer?
  /// Nanoseconds of the monotonic clock before which no attempt is made, and how long the pause was.
  private var nextAttempt: UInt64 = 0
  private var pause: UInt64 = 0
  private var lastFailure = ""
  /// What is left of a transaction must not run on another connection, outside of it.
  private var isInTransaction = false

  init(_ library: PostgreSQLLibrary, url: String) {
    self.library = library
    self.url = url
  }

  deinit { if let connection { library.finish(connection) } }

  // MARK: Connecting

  private static let connectionOK: Int32 = 0

  private func connected() throws -> OpaquePointer {
    if let connection {
      if library.status(connection) == Self.connectionOK { return connection }
      lose()
    }
    if isInTransaction { throw StoreError("the connection to the database is lost") }
    let now = DispatchTime.now().uptimeNanoseconds
    if now < nextAttempt { throw StoreError("the database cannot be reached: \(lastFailure)") }
    // What stands before the URL is a default that the URL may overrule.
    let settings = [
      ("connect_timeout", "5"), ("application_name", "anneal"), ("tcp_user_timeout", "10000"),
      ("keepalives_idle", "10"), ("dbname", url),
    ]
    let made = Self.withTexts(settings.map(\.0)) { names in
      Self.withTexts(settings.map(\.1)) { values in library.connect(names, values, 1) }
    }
    guard let made else { throw StoreError("there is no memory for a connection to the database") }
    if library.status(made) != Self.connectionOK {
      lastFailure = Self.line(library.errorMessage(made))
      library.finish(made)
      pause = min(max(pause * 2, 50_000_000), 2_000_000_000)
      // Servers that have lost the same database must not all come back at the same moment.
      nextAttempt = DispatchTime.now().uptimeNanoseconds + UInt64.random(in: pause / 2...pause)
      throw StoreError("the database cannot be reached: \(lastFailure)")
    }
    connection = made
    (pause, nextAttempt) = (0, 0)
    // A statement that hangs must not hang the hub for ever; and libpq writes notices, such as that a table is there already, between the lines of the log.
    for setting in [
      "statement_timeout = 10000", "idle_in_transaction_session_timeout = 20000", "client_min_messages = warning",
    ] {
      _ = try run(made, "SET \(setting)", [])
    }
    return made
  }

  /// Gives the connection up: the next statement makes another.
  private func lose() {
    if let connection { library.finish(connection) }
    connection = nil
  }

  private static func line(_ text: PostgreSQLLibrary.Text?) -> String {
    let words = text.map { String(cString: $0) } ?? "no reason is given"
    return words.split(whereSeparator: \.isNewline).map { $0.drop { $0 == "\t" || $0 == " " } }.joined(separator: "; ")
  }

  private static func withTexts<Result>(_ texts: [String], _ body: (PostgreSQLLibrary.Texts?) -> Result) -> Result {
    let copies = texts.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    let pointers = copies.map { $0.map { PostgreSQLLibrary.Text($0) } } + [nil]
    return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
  }

  // MARK: Statements

  /// Runs one statement, outside of a transaction or in the one that ``transaction(_:)`` has begun.
  ///
  /// - Throws: ``Refusal`` where the database refuses it, ``StoreError`` where it cannot be reached.
  func run(_ statement: String, _ values: Value...) throws -> Answer { try run(try connected(), statement, values) }

  private func run(_ connection: OpaquePointer, _ statement: String, _ values: [Value]) throws -> Answer {
    let texts = values.map(\.literal)
    let result = Self.withTexts(texts) { pointers in
      library.execute(connection, statement, Int32(clamping: values.count), nil, pointers, nil, nil, 0)
    }
    defer { library.clear(result) }
    // PGRES_COMMAND_OK and PGRES_TUPLES_OK.
    guard let result, [1, 2].contains(library.resultStatus(result)) else {
      // PG_DIAG_SQLSTATE
      let state = library.resultErrorField(result, 67).map { String(cString: $0) } ?? ""
      let message = Self.line(library.errorMessage(connection))
      // Class 57P: the database stops, or has ended the connection. 25006: another has taken over from it, and it only reads.
      if state.isEmpty || state.hasPrefix("57P") || state.hasPrefix("08") || state == "25006"
        || library.status(connection) != Self.connectionOK
      {
        lose()
        throw StoreError("the connection to the database is lost: \(message)")
      }
      throw Refusal(state: state, message: message)
    }
    var answer = Answer()
    answer.affected = library.affectedRows(result).flatMap { Int(String(cString: $0)) } ?? 0
    for row in 0..<library.rowCount(result) {
      answer.rows.append(
        (0..<library.columnCount(result)).map { column in
          guard library.isNull(result, row, column) == 0, let start = library.value(result, row, column) else {
            return nil
          }
          return Array(UnsafeRawBufferPointer(start: start, count: Int(library.length(result, row, column))))
        })
    }
    return answer
  }

  private static let mostTries = 20

  /// Runs `body`, which only reads: again where the connection was lost while nothing was asked of it.
  func reading<Result: Sendable>(_ body: (PostgreSQLConnection) throws -> Result) throws -> Result {
    let isOld = connection != nil
    do {
      return try body(self)
    } catch is StoreError where isOld && connection == nil {
      return try body(self)
    }
  }

  /// Runs `body` in a transaction: again where the database has ended it because of another that ran at once.
  ///
  /// - Throws: what `body` throws; ``StoreError`` where the database cannot be reached. Where it is lost while the
  ///   transaction ends, nobody knows whether it has happened.
  func transaction<Result>(_ body: () throws -> Result) throws -> Result {
    var tries = 0
    while true {
      tries += 1
      try reading { connection in _ = try connection.run("BEGIN") }
      isInTransaction = true
      defer { isInTransaction = false }
      do {
        let result = try body()
        _ = try run("COMMIT")
        return result
      } catch let refusal as Refusal where refusal.isTransient && tries < Self.mostTries {
        _ = try? run("ROLLBACK")
        usleep(UInt32.random(in: 0...(500 * UInt32(tries))))
      } catch {
        if connection != nil { _ = try? run("ROLLBACK") }
        if let refusal = error as? Refusal { throw StoreError("the database refuses: \(refusal.message)") }
        throw error
      }
    }
  }
}

extension PostgreSQLConnection.Value {
  /// As PostgreSQL reads it.
  fileprivate var literal: String {
    switch self {
    case .integer(let number): "\(number)"
    case .text(let text): text
    case .octets(let octets): Self.hexadecimal(octets, prefix: "\\x")
    case .integers(let numbers): "{\(numbers.map(String.init).joined(separator: ","))}"
    case .octetLists(let lists):
      "{\(lists.map { "\"\(Self.hexadecimal($0, prefix: "\\\\x"))\"" }.joined(separator: ","))}"
    }
  }

  private static func hexadecimal(_ octets: [UInt8], prefix: String) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text = Array(prefix.utf8)
    text.reserveCapacity(prefix.utf8.count + 2 * octets.count)
    for octet in octets {
      text.append(digits[Int(octet >> 4)])
      text.append(digits[Int(octet & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
