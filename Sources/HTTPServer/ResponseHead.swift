import Foundation

/// Writes a response's status line and fields.
enum ResponseHead {
  enum Framing {
    case length(Int)
    case chunked
    /// The content ends with the connection: HTTP/1.0's only way to stream.
    case close
    /// No content and no length: 204 and 304.
    case none
  }

  /// - Parameters:
  ///   - date: the `Date` field's value.
  ///   - connection: the `Connection` field's value; nil for none.
  ///   - id: the `X-Request-Id` field's value.
  static func append(
    _ response: HTTPResponse, framing: Framing, connection: String?, date: [UInt8], id: HTTPRequestID,
    to output: inout [UInt8]
  ) {
    if response.status == 200 {
      output.append(contentsOf: "HTTP/1.1 200 OK\r\nDate: ".utf8)
    } else {
      output.append(contentsOf: "HTTP/1.1 \(response.status) \(reason(response.status))\r\nDate: ".utf8)
    }
    output.append(contentsOf: date)
    output.append(contentsOf: "\r\nX-Request-Id: ".utf8)
    id.append(to: &output)
    output.append(contentsOf: response.fields.safe().octets)
    switch framing {
    case .length(let count):
      output.append(contentsOf: "\r\nContent-Length: ".utf8)
      append(count, to: &output)
    case .chunked: output.append(contentsOf: "\r\nTransfer-Encoding: chunked".utf8)
    case .close, .none: break
    }
    if let connection {
      output.append(contentsOf: "\r\nConnection: ".utf8)
      output.append(contentsOf: connection.utf8)
    }
    output.append(contentsOf: "\r\n\r\n".utf8)
  }

  /// Appends a number that is not negative in digits.
  private static func append(_ number: Int, to output: inout [UInt8]) {
    var digits: UInt64 = 0
    var count = 0
    var rest = number
    if rest > 9_999_999 { return output.append(contentsOf: number.description.utf8) }
    repeat {
      digits = digits << 8 | UInt64(UInt8(ascii: "0")) + UInt64(truncatingIfNeeded: rest % 10)
      rest /= 10
      count += 1
    } while rest > 0
    for _ in 0..<count {
      output.append(UInt8(truncatingIfNeeded: digits))
      digits >>= 8
    }
  }

  static func reason(_ status: Int) -> String {
    switch status {
    case 100: "Continue"
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 304: "Not Modified"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 406: "Not Acceptable"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 410: "Gone"
    case 412: "Precondition Failed"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 422: "Unprocessable Content"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 503: "Service Unavailable"
    case 505: "HTTP Version Not Supported"
    default: "Status"
    }
  }
}

/// `Date` as RFC 9110, 5.6.7 writes it, made once a second.
struct DateCache {
  private var second = Int.min
  private var text: [UInt8] = []

  /// - Parameter second: seconds since 1970, UTC.
  mutating func value(at second: Int) -> [UInt8] {
    if second == self.second { return text }
    self.second = second
    text = Self.format(second)
    return text
  }

  /// For example `Sun, 06 Nov 1994 08:49:37 GMT`.
  static func format(_ second: Int) -> [UInt8] {
    var time = time_t(second)
    var parts = tm()
    gmtime_r(&time, &parts)
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let clock = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    let date = "\(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900)"
    return Array("\(days[Int(parts.tm_wday)]), \(date) \(clock) GMT".utf8)
  }
}
