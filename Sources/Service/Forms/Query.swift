import HTTPServer
import Schedules

/// The parameters of a request's query, known by name; anything else is an error.
struct Query {
  private let values: [String: String]

  /// - Parameter names: the parameters that the route knows.
  init(_ head: HTTPRequestHead, names: [String]) throws(Problem) {
    if head.query == nil {
      values = [:]
      return
    }
    var values: [String: String] = [:]
    guard let pairs = head.queryParameters else {
      throw .invalidQuery("", "the query's percent escapes do not decode to UTF-8")
    }
    for (name, value) in pairs {
      guard names.contains(name) else {
        let near = nearest(to: name, in: names)
        let hint = near.map { "; did you mean '\($0)'?" } ?? "; there may be \(names.joined(separator: ", "))"
        throw .invalidQuery(name, "the query has no parameter '\(name.prefix(64))'\(hint)", suggestion: near)
      }
      if values[name] != nil { throw .invalidQuery(name, "'\(name)' stands in the query twice") }
      values[name] = value
    }
    self.values = values
  }

  /// Parameters whose names are known to be right.
  init(_ values: [String: String]) { self.values = values }

  subscript(name: String) -> String? { values[name] }

  func flag(_ name: String) throws(Problem) -> Bool {
    switch values[name] {
    case nil, "false"?, "0"?: return false
    case "true"?, "1"?, ""?: return true
    default: throw .invalidQuery(name, "'\(name)' is true or false")
    }
  }

  func choice<Choice: CaseIterable & RawRepresentable<String>>(
    _ name: String, _ otherwise: Choice
  ) throws(Problem) -> Choice {
    try optionalChoice(name, of: Choice.self) ?? otherwise
  }

  /// One of the choices; nil where the query does not say.
  func optionalChoice<Choice: CaseIterable & RawRepresentable<String>>(
    _ name: String, of type: Choice.Type
  ) throws(Problem) -> Choice? {
    guard let word = values[name] else { return nil }
    if let choice = Choice(rawValue: word) { return choice }
    let words = Choice.allCases.map(\.rawValue)
    throw .invalidQuery(
      name, "'\(name)' is one of \(words.joined(separator: ", "))", suggestion: nearest(to: word, in: words))
  }

  func integer(_ name: String, _ range: ClosedRange<Int>, _ otherwise: Int) throws(Problem) -> Int {
    guard let text = values[name] else { return otherwise }
    guard let number = Int(text), range.contains(number) else {
      throw .invalidQuery(name, "'\(name)' is a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}
