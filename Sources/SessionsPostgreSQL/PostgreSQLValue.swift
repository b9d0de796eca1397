/// What a statement is given, and its answer: both in PostgreSQL's binary form, which is half as long as text for octets.
enum PostgreSQLValue {
  case integer(Int64)
  case text(String)
  case octets([UInt8])
  case integers([Int64])
  case texts([String])
  case octetLists([[UInt8]])

  /// The number of its type in PostgreSQL's catalog, which is the same in all databases that speak its protocol.
  var type: UInt32 {
    switch self {
    case .integer: 20
    case .text: 25
    case .octets: 17
    case .integers: 1016
    case .texts: 1009
    case .octetLists: 1001
    }
  }

  func write(to octets: inout [UInt8]) {
    switch self {
    case .integer(let number): Self.append(number, to: &octets)
    case .text(let text): octets += text.utf8
    case .octets(let value): octets += value
    case .integers(let numbers):
      Self.beginArray(of: 20, count: numbers.count, in: &octets)
      octets.reserveCapacity(octets.count + 12 * numbers.count)
      for number in numbers {
        Self.append(Int32(8), to: &octets)
        Self.append(number, to: &octets)
      }
    case .texts(let texts):
      Self.beginArray(of: 25, count: texts.count, in: &octets)
      for text in texts {
        Self.append(Int32(clamping: text.utf8.count), to: &octets)
        octets += text.utf8
      }
    case .octetLists(let lists):
      Self.beginArray(of: 17, count: lists.count, in: &octets)
      octets.reserveCapacity(octets.count + lists.reduce(0) { $0 + 4 + $1.count })
      for list in lists {
        Self.append(Int32(clamping: list.count), to: &octets)
        octets += list
      }
    }
  }

  /// The head of an array of one dimension, without NULLs; an empty array has no dimension.
  private static func beginArray(of type: Int32, count: Int, in octets: inout [UInt8]) {
    append(Int32(count == 0 ? 0 : 1), to: &octets)
    append(Int32(0), to: &octets)
    append(type, to: &octets)
    if count == 0 { return }
    append(Int32(clamping: count), to: &octets)
    append(Int32(1), to: &octets)
  }

  private static func append(_ number: some FixedWidthInteger, to octets: inout [UInt8]) {
    withUnsafeBytes(of: number.bigEndian) { octets += $0 }
  }
}

/// One statement and what it is given for $1, $2, …
struct PostgreSQLStatement {
  let text: String
  let values: [PostgreSQLValue]

  init(text: String, values: [PostgreSQLValue]) {
    self.text = text
    self.values = values
  }

  init(_ text: String, _ values: PostgreSQLValue...) {
    self.text = text
    self.values = values
  }
}

/// What a statement has answered.
struct PostgreSQLAnswer {
  var rows: [[[UInt8]?]] = []

  /// A `bigint` or a shorter one; 0 for NULL.
  func integer(_ row: Int, _ column: Int) -> Int64 {
    let octets = rows[row][column] ?? []
    // The sign is in the first octet.
    let start: Int64 = (octets.first ?? 0) & 128 == 0 ? 0 : -1
    return octets.reduce(start) { $0 << 8 | Int64($1) }
  }

  func text(_ row: Int, _ column: Int) -> String { String(decoding: octets(row, column), as: UTF8.self) }

  /// A `bytea`; empty for NULL.
  func octets(_ row: Int, _ column: Int) -> [UInt8] { rows[row][column] ?? [] }
}
