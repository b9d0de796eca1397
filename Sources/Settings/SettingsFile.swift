import CYAML
import Glibc

/// What a file of settings says: one mapping, read by libyaml.
public struct SettingsFile: Sendable, Equatable {
  public struct Entry: Sendable, Equatable {
    public let key: String
    /// Counted from 1.
    public let line: Int
    public let value: GivenValue
  }

  /// Octets that a file may have: some thousand times what all settings need.
  private static let largest = 1 << 20

  public let path: String
  public let entries: [Entry]

  /// - Throws: ``SettingsError`` where the file cannot be read or is not YAML of this form.
  public init(path: String) throws(SettingsError) {
    try self.init(path: path, content: try Self.content(path))
  }

  init(path: String, content: [UInt8]) throws(SettingsError) {
    self.path = path
    var entries: [Entry] = []
    var parser = yaml_parser_t()
    guard yaml_parser_initialize(&parser) == 1 else { throw SettingsError("out of memory") }
    defer { yaml_parser_delete(&parser) }
    // libyaml keeps the address: the octets have to stay where they are until the last document is read.
    let failure = content.withUnsafeBufferPointer { bytes -> SettingsError? in
      yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
      var document = yaml_document_t()
      guard yaml_parser_load(&parser, &document) == 1 else { return Self.failure(path, parser) }
      defer { yaml_document_delete(&document) }
      do throws(SettingsError) {
        entries = try Self.entries(&document, path)
      } catch {
        return error
      }
      var next = yaml_document_t()
      guard yaml_parser_load(&parser, &next) == 1 else { return Self.failure(path, parser) }
      defer { yaml_document_delete(&next) }
      return yaml_document_get_root_node(&next) == nil ? nil : SettingsError("\(path): there is more than one document")
    }
    if let failure { throw failure }
    self.entries = entries
  }

  private static func content(_ path: String) throws(SettingsError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    if file < 0 { throw SettingsError("\(path) cannot be read: \(String(cString: strerror(errno)))") }
    defer { close(file) }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
      let count = Glibc.read(file, &buffer, buffer.count)
      if count < 0 { throw SettingsError("\(path) cannot be read: \(String(cString: strerror(errno)))") }
      if count == 0 { return content }
      content += buffer[..<count]
      if content.count > largest { throw SettingsError("\(path) is too large for a file of settings") }
    }
  }

  private static func failure(_ path: String, _ parser: yaml_parser_t) -> SettingsError {
    let problem = parser.problem.map { String(cString: $0) } ?? "it cannot be read"
    let line = parser.error == YAML_READER_ERROR ? 1 : Int(parser.problem_mark.line) + 1
    return SettingsError("\(path):\(line): this is not YAML: \(problem)")
  }

  private static func entries(_ document: inout yaml_document_t, _ path: String) throws(SettingsError) -> [Entry] {
    // An empty file sets nothing.
    guard let root = yaml_document_get_root_node(&document) else { return [] }
    if root.pointee.type == YAML_SCALAR_NODE && value(root, &document) == GivenValue.none { return [] }
    guard root.pointee.type == YAML_MAPPING_NODE else {
      throw SettingsError("\(path):\(line(root)): a mapping was expected, such as 'port: 8080'")
    }
    var entries: [Entry] = []
    let pairs = root.pointee.data.mapping.pairs
    var pair = pairs.start
    while let current = pair, current != pairs.top {
      pair = current + 1
      guard let key = yaml_document_get_node(&document, current.pointee.key),
        let node = yaml_document_get_node(&document, current.pointee.value), key.pointee.type == YAML_SCALAR_NODE
      else { throw SettingsError("\(path):\(line(root)): a key must be the name of a setting") }
      let name = text(key)
      if entries.contains(where: { $0.key == name }) {
        throw SettingsError("\(path):\(line(key)): '\(printable(name))' stands here a second time")
      }
      guard let value = value(node, &document) else {
        throw SettingsError("\(path):\(line(node)): '\(printable(name))' must be a single value or a list of them")
      }
      entries.append(Entry(key: name, line: line(key), value: value))
    }
    return entries
  }

  /// - Returns: nil where it is neither a scalar nor a sequence of scalars.
  private static func value(_ node: UnsafeMutablePointer<yaml_node_t>, _ document: inout yaml_document_t) -> GivenValue?
  {
    switch node.pointee.type {
    case YAML_SCALAR_NODE:
      let text = text(node)
      let isPlain = node.pointee.data.scalar.style == YAML_PLAIN_SCALAR_STYLE
      return isPlain && ["", "~", "null", "Null", "NULL"].contains(text) ? GivenValue.none : .text(text)
    case YAML_SEQUENCE_NODE:
      var texts: [String] = []
      let items = node.pointee.data.sequence.items
      var item = items.start
      while let current = item, current != items.top {
        item = current + 1
        guard let element = yaml_document_get_node(&document, current.pointee), element.pointee.type == YAML_SCALAR_NODE
        else { return nil }
        texts.append(text(element))
      }
      return .list(texts)
    default: return nil
    }
  }

  private static func text(_ node: UnsafeMutablePointer<yaml_node_t>) -> String {
    let scalar = node.pointee.data.scalar
    return String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
  }

  private static func line(_ node: UnsafeMutablePointer<yaml_node_t>) -> Int { Int(node.pointee.start_mark.line) + 1 }
}

/// What is wrong with the settings, all of it; one line each.
public struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
  public let messages: [String]

  init(_ message: String) { messages = [message] }

  public init(_ messages: [String]) { self.messages = messages }

  public var description: String { messages.joined(separator: "\n") }
}

/// What a message may repeat of what was given: the first 64 characters, control characters made visible.
func printable(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars.prefix(64) {
    result += scalar.value < 0x20 || scalar.value == 0x7F ? scalar.escaped(asASCII: true) : String(scalar)
  }
  return result
}
