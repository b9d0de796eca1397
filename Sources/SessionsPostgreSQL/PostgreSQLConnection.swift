import Dispatch
import Glibc
import Sessions

/// One connection to the database. For one thread at a time.
///
/// It is made when it is first needed, and made anew where it was lost. What it is asked goes to the database in one piece, in
/// libpq's pipeline mode: several statements cost one round trip. It never waits longer than it is told to.
final class PostgreSQLConnection {
  typealias Statement = PostgreSQLStatement
  typealias Answer = PostgreSQLAnswer

  /// What the database said no to.
  struct Refusal: Error, CustomStringConvertible {
    /// The SQLSTATE: five letters and digits.
    let state: String
    let message: String

    var description: String { message }

    /// Whether the same transaction may go well at another time: a conflict of two that ran at once.
    var isTransient: Bool { state == "40001" || state == "40P01" }
  }

  /// What libpq's constants are, from its manual.
  private enum Constant {
    static let connectionOK: Int32 = 0
    static let commandOK: Int32 = 1
    static let tuplesOK: Int32 = 2
    static let pipelineSync: Int32 = 10
    static let pipelineAborted: Int32 = 11
    static let sqlState: Int32 = 67
  }

  private let library: PostgreSQLLibrary
  private let url: String
  private let reachability: Reachability
  /// So long the database may take for an answer, in seconds.
  private let patience: Int
  private let durability: StoreDurability
  private var connection: OpaquePointer?
  /// What is left of a transaction must not run on another connection, outside of it.
  private var isInTransaction = false

  /// - Parameter patience: so long the database may take for an answer, in seconds.
  init(
    _ library: PostgreSQLLibrary, url: String, _ reachability: Reachability, patience: Int,
    durability: StoreDurability = .full
  ) {
    self.library = library
    self.url = url
    self.reachability = reachability
    self.patience = patience
    self.durability = durability
  }

  deinit { if let connection { library.finish(connection) } }

  // MARK: Connecting

  private func connected() throws -> OpaquePointer {
    if let connection {
      if !isStale(connection) { return connection }
      lose()
    }
    if isInTransaction { throw StoreError("the connection to the database is lost") }
    return try connect()
  }

  /// Whether the database has closed the connection while nothing was asked of it.
  private func isStale(_ connection: OpaquePointer) -> Bool {
    while library.status(connection) == Constant.connectionOK {
      var question = pollfd(fd: library.socket(connection), events: Int16(POLLIN), revents: 0)
      if poll(&question, 1, 0) == 0 { return false }
      // A notice, or that it ends; and then the end.
      if library.consumeInput(connection) == 0 { return true }
    }
    return true
  }

  /// Makes the connection, which takes five seconds at most where the URL says nothing else.
  private func connect() throws -> OpaquePointer {
    // What stands before the URL is a default that the URL may overrule.
    let parameters = [
      ("connect_timeout", "5"), ("application_name", "anneal"), ("tcp_user_timeout", "10000"),
      ("keepalives_idle", "10"), ("dbname", url),
    ]
    let made = Self.withTexts(parameters.map(\.0)) { names in
      Self.withTexts(parameters.map(\.1)) { values in library.connect(names, values, 1) }
    }
    guard let made else { throw StoreError("there is no memory for a connection to the database") }
    if library.status(made) != Constant.connectionOK || library.setNonblocking(made, 1) != 0
      || library.enterPipeline(made) != 1
    {
      let reason = Self.line(library.errorMessage(made))
      library.finish(made)
      throw reachability.fail(reason)
    }
    connection = made
    // A statement that hangs must not hold its locks for ever; and libpq writes notices, such as that a table is there already,
    // between the lines of the log.
    var settings = [
      Statement("SET statement_timeout = \(patience * 1000)"),
      Statement("SET idle_in_transaction_session_timeout = \(patience * 2000)"),
      Statement("SET client_min_messages = warning"),
    ]
    if durability == .relaxed { settings.append(Statement("SET synchronous_commit = off")) }
    _ = try run(settings)
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

  /// Runs one statement; see ``run(_:)-([Statement])``.
  func run(_ statement: Statement) throws -> Answer { try run([statement]).first ?? Answer() }

  /// Runs statements in one round trip. Where one is refused, those after it are not run.
  ///
  /// - Returns: their answers, one each.
  /// - Throws: ``Refusal`` where the database refuses one, ``StoreError`` where it cannot be reached; nobody knows then
  ///   what of it has happened.
  func run(_ statements: [Statement]) throws -> [Answer] {
    try reachability.check()
    let connection = try connected()
    let deadline = DispatchTime.now().uptimeNanoseconds + UInt64(patience + 1) * 1_000_000_000
    for statement in statements where !send(statement, connection) { throw lost(connection) }
    guard library.sync(connection) == 1 else { throw lost(connection) }
    // The database may answer the first statement while the last is not sent yet: nobody must wait for the other.
    while true {
      let left = library.flush(connection)
      if left < 0 { throw lost(connection) }
      if left == 0 { break }
      try wait(connection, for: POLLIN | POLLOUT, deadline)
    }
    var answers: [Answer] = []
    var refusal: Refusal?
    for _ in statements {
      while let result = try result(connection, deadline) {
        defer { library.clear(result) }
        switch library.resultStatus(result) {
        case Constant.commandOK, Constant.tuplesOK: answers.append(answer(result))
        case Constant.pipelineAborted: break
        default:
          let new = try self.refusal(result, connection)
          refusal = refusal ?? new
        }
      }
    }
    let end = try result(connection, deadline)
    defer { library.clear(end) }
    guard let end, library.resultStatus(end) == Constant.pipelineSync else { throw lost(connection) }
    if let refusal { throw refusal }
    guard answers.count == statements.count else { throw lost(connection) }
    return answers
  }

  private func send(_ statement: Statement, _ connection: OpaquePointer) -> Bool {
    var octets: [UInt8] = []
    var ends: [Int] = []
    for value in statement.values {
      value.write(to: &octets)
      ends.append(octets.count)
    }
    let lengths = zip(ends, [0] + ends).map { Int32(clamping: $0 - $1) }
    let formats = statement.values.map { _ in Int32(1) }
    let types = statement.values.map(\.type)
    // An empty value is not NULL, and so needs an address too.
    octets.append(0)
    return octets.withUnsafeBufferPointer { buffer in
      let starts = ([0] + ends.dropLast()).map { start -> PostgreSQLLibrary.Text? in
        buffer.baseAddress.map { UnsafeRawPointer($0 + start).assumingMemoryBound(to: CChar.self) }
      }
      return library.send(
        connection, statement.text, Int32(clamping: types.count), types, starts, lengths, formats, 1) == 1
    }
  }

  /// The next result; nil at the end of a statement's.
  private func result(_ connection: OpaquePointer, _ deadline: UInt64) throws -> OpaquePointer? {
    while library.isBusy(connection) == 1 {
      try wait(connection, for: POLLIN, deadline)
      // What went wrong is in the next result.
      if library.consumeInput(connection) == 0 { break }
    }
    return library.result(connection)
  }

  private func wait(_ connection: OpaquePointer, for events: Int32, _ deadline: UInt64) throws {
    let now = DispatchTime.now().uptimeNanoseconds
    var question = pollfd(fd: library.socket(connection), events: Int16(truncatingIfNeeded: events), revents: 0)
    let count = now < deadline ? poll(&question, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1)) : 0
    if count == 0 {
      lose()
      throw reachability.fail("it has not answered for \(patience + 1) seconds")
    }
    if events & POLLOUT != 0 && question.revents & Int16(POLLIN) != 0 { _ = library.consumeInput(connection) }
  }

  private func refusal(_ result: OpaquePointer, _ connection: OpaquePointer) throws -> Refusal {
    let state = library.resultErrorField(result, Constant.sqlState).map { String(cString: $0) } ?? ""
    // Class 57P: the database stops, or has ended the connection. 25006: another has taken over from it, and it only reads.
    if state.isEmpty || state.hasPrefix("57P") || state.hasPrefix("08") || state == "25006"
      || library.status(connection) != Constant.connectionOK
    {
      throw lost(connection)
    }
    return Refusal(state: state, message: Self.line(library.errorMessage(connection)))
  }

  /// Gives the connection up, and says why.
  private func lost(_ connection: OpaquePointer) -> StoreError {
    let message = Self.line(library.errorMessage(connection))
    lose()
    return StoreError("the connection to the database is lost: \(message)")
  }

  private func answer(_ result: OpaquePointer) -> Answer {
    let columns = library.columnCount(result)
    return Answer(
      rows: (0..<library.rowCount(result)).map { row in
        (0..<columns).map { column in
          guard library.isNull(result, row, column) == 0, let start = library.value(result, row, column) else {
            return nil
          }
          return Array(UnsafeRawBufferPointer(start: start, count: Int(library.length(result, row, column))))
        }
      })
  }

  // MARK: Transactions

  private static let mostTries = 20

  /// Runs one statement that only reads: again where the connection was lost in between.
  func read(_ statement: Statement) throws -> Answer {
    let isOld = connection != nil
    do {
      return try run(statement)
    } catch is StoreError where isOld && connection == nil {
      return try run(statement)
    }
  }

  /// Runs statements in one transaction: again where the database has ended it because of another that ran at once.
  ///
  /// - Parameter isWanted: looks at the answers; nothing has happened where it says no.
  /// - Returns: the answers.
  /// - Throws: ``StoreError`` where the database refuses, or cannot be reached. Where it is lost while the transaction ends,
  ///   nobody knows whether it has happened.
  func transaction(_ statements: [Statement], isWanted: (([Answer]) -> Bool)? = nil) throws -> [Answer] {
    var tries = 0
    while true {
      tries += 1
      do {
        // A single statement is a transaction by itself.
        if statements.count == 1 && isWanted == nil { return try run(statements) }
        guard let isWanted else {
          return Array(try run([Statements.begin] + statements + [Statements.commit]).dropFirst().dropLast())
        }
        let answers = Array(try run([Statements.begin] + statements).dropFirst())
        isInTransaction = true
        defer { isInTransaction = false }
        _ = try run(isWanted(answers) ? Statements.commit : Statements.rollback)
        return answers
      } catch let refusal as Refusal {
        if statements.count > 1 || isWanted != nil { _ = try? run(Statements.rollback) }
        if refusal.isTransient && tries < Self.mostTries {
          usleep(UInt32.random(in: 0...(500 * UInt32(tries))))
        } else {
          throw StoreError("the database refuses: \(refusal.message)")
        }
      }
    }
  }
}
