import HTTPServer
import Schedules

/// NumPy's own file format, version 1.0, little-endian doubles: `numpy.load` reads it.
///
/// One curve is a plain array of one dimension; several are a structured array with a field each.
///
/// Source: NEP 1, "A simple file format for NumPy arrays".
struct NPYFormat: RowFormat {
  private let preamble: [UInt8]

  /// - Throws: ``Problem`` where the names do not fit the 65,535 octets that version 1.0 has for the head.
  init(_ request: ScheduleRequest) throws(Problem) {
    let columns = request.columns
    var description = "'<f8'"
    if columns.count > 1 {
      description = "[" + columns.map { "(\(Self.literal($0.singular)), '<f8')" }.joined(separator: ", ") + "]"
    }
    var head = Array(
      "{'descr': \(description), 'fortran_order': False, 'shape': (\(request.steps.count),), }".utf8)
    // The data begins at a multiple of 64 octets; the head ends with a line break.
    let prefix = 10
    let padding = 63 - (prefix + head.count) % 64
    head += Array(repeating: UInt8(ascii: " "), count: padding) + [UInt8(ascii: "\n")]
    guard let length = UInt16(exactly: head.count) else {
      throw .notAcceptable("the names of the groups are too long for the form npy; shorten them or take another form")
    }
    preamble = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + head
  }

  /// A string literal of Python, in ASCII.
  private static func literal(_ text: String) -> String {
    var literal = "'"
    for scalar in text.unicodeScalars {
      switch scalar {
      case "'", "\\": literal += "\\\(scalar)"
      case " "..."~": literal.unicodeScalars.append(scalar)
      default:
        let digits = String(scalar.value, radix: 16)
        literal += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
      }
    }
    return literal + "'"
  }

  func appendHead(_ columns: [ScheduleRequest.Column], rows: Int, to buffer: inout [UInt8]) {
    buffer.append(contentsOf: preamble)
  }

  var rowsAtATime: Int { 2 }

  // The file's order of octets.
  var isOfDoubles: Bool { Int(littleEndian: 1) == 1 }

  func appendRow(
    _ step: Double, _ columns: [ScheduleRequest.Column], to buffer: inout [UInt8], rate: (Int) -> Double
  ) {
    for index in columns.indices {
      withUnsafeBytes(of: rate(index).bitPattern.littleEndian) { buffer.append(contentsOf: $0) }
    }
  }
}
