/// One thing that an operator can set, by flag, environment variable or file, all three under one name.
///
/// No setting holds a secret: those stand in files, and the settings hold the files' paths.
public struct Setting<Root: Sendable>: Sendable {
  /// Words joined by hyphens: `max-content` is the flag `--max-content` and the file's key `max-content`.
  public let name: String
  /// What it does, in a sentence without a full stop.
  public let help: String
  /// What a value must be, such as "a whole number from 1 to 1024".
  public let expectation: String
  /// What stands for the value in the help; nil for a switch.
  public let valueName: String?
  /// Whether it holds several values.
  public let isList: Bool
  /// All that it may be, where there are only a few.
  public let choices: [String]
  /// Whether a value that is not valid may hold a secret.
  let mayBeSecret: Bool
  /// Sets it; returns whether the value is valid.
  let set: @Sendable (GivenValue, inout Root) -> Bool
  /// The value as YAML.
  let yaml: @Sendable (Root) -> String

  /// - Parameters:
  ///   - path: where the value goes; what stands there in a fresh `Root` is the default.
  ///   - kind: what values there are.
  public init<Value>(
    _ name: String, _ path: any WritableKeyPath<Root, Value> & Sendable, _ kind: SettingKind<Value>, _ help: String
  ) {
    self.name = name
    self.help = help
    expectation = kind.expectation
    valueName = kind.valueName
    isList = kind.isList
    choices = kind.choices
    mayBeSecret = kind.mayBeSecret
    set = { given, root in
      guard let value = kind.read(given) else { return false }
      root[keyPath: path] = value
      return true
    }
    yaml = { kind.yaml($0[keyPath: path]) }
  }

  /// The environment variable: `ANNEAL_MAX_CONTENT`.
  public func variable(prefix: String) -> String { Self.variable(name, prefix: prefix) }

  static func variable(_ name: String, prefix: String) -> String {
    prefix + String(name.uppercased().map { $0 == "-" ? "_" : $0 })
  }

  /// The default as YAML.
  public func defaultYAML(_ root: Root) -> String { yaml(root) }
}

/// A value as it was given, not looked at yet.
public enum GivenValue: Sendable, Equatable {
  /// YAML's null: for what may be left unset.
  case none
  case text(String)
  case list([String])
}

/// What values a setting may have.
public struct SettingKind<Value: Sendable>: Sendable {
  let expectation: String
  let valueName: String?
  var isList = false
  var choices: [String] = []
  /// Whether somebody may try to put a secret there, which no message must repeat.
  var mayBeSecret = false
  let read: @Sendable (GivenValue) -> Value?
  let yaml: @Sendable (Value) -> String

  private init(
    _ expectation: String, valueName: String?, read: @escaping @Sendable (GivenValue) -> Value?,
    yaml: @escaping @Sendable (Value) -> String
  ) {
    self.expectation = expectation
    self.valueName = valueName
    self.read = read
    self.yaml = yaml
  }
}

extension SettingKind where Value == Int {
  public static func whole(_ range: ClosedRange<Int>, _ valueName: String = "n") -> SettingKind {
    SettingKind("a whole number from \(range.lowerBound) to \(range.upperBound)", valueName: valueName) { given in
      guard case .text(let text) = given, let number = Int(text), range.contains(number) else { return nil }
      return number
    } yaml: {
      "\($0)"
    }
  }

  /// A size in octets.
  public static func octets(_ range: ClosedRange<Int>) -> SettingKind { whole(range, "octets") }
}

extension SettingKind where Value == Double {
  public static func number(_ range: ClosedRange<Double>, _ valueName: String = "x") -> SettingKind {
    SettingKind("a number from \(brief(range.lowerBound)) to \(brief(range.upperBound))", valueName: valueName) {
      given in
      guard case .text(let text) = given, let number = Double(text), range.contains(number) else { return nil }
      return number
    } yaml: {
      brief($0)
    }
  }

  /// A time in seconds.
  public static func seconds(_ range: ClosedRange<Double>) -> SettingKind { number(range, "seconds") }
}

extension SettingKind where Value == Double? {
  /// A number, or nothing.
  public static func optionalNumber(_ range: ClosedRange<Double>, _ valueName: String = "x") -> SettingKind {
    SettingKind("a number from \(brief(range.lowerBound)) to \(brief(range.upperBound)), or null", valueName: valueName)
    {
      given in
      switch given {
      case .none: return .some(nil)
      case .text(let text):
        guard let number = Double(text), range.contains(number) else { return nil }
        return number
      case .list: return nil
      }
    } yaml: {
      $0.map(brief) ?? "null"
    }
  }
}

extension SettingKind where Value == Bool {
  /// True or false; as a flag `--name` or `--no-name`.
  public static var flag: SettingKind {
    SettingKind("true or false", valueName: nil) { given in
      guard case .text(let text) = given else { return nil }
      switch text.lowercased() {
      case "true", "yes", "on", "1": return true
      case "false", "no", "off", "0": return false
      default: return nil
      }
    } yaml: {
      "\($0)"
    }
  }
}

extension SettingKind where Value == String {
  /// Any text but an empty one.
  public static func text(_ valueName: String) -> SettingKind {
    SettingKind("a text that is not empty", valueName: valueName) { given in
      guard case .text(let text) = given, !text.isEmpty, !text.contains("\0") else { return nil }
      return text
    } yaml: {
      quoted($0)
    }
  }
}

extension SettingKind where Value == String? {
  /// Any text but an empty one, or nothing.
  public static func optionalText(_ valueName: String) -> SettingKind {
    SettingKind("a text that is not empty, or null", valueName: valueName) { given in
      switch given {
      case .none: return .some(nil)
      case .text(let text) where !text.isEmpty && !text.contains("\0"): return text
      default: return nil
      }
    } yaml: {
      $0.map(quoted) ?? "null"
    }
  }
}

/// Whether a URL of a database holds a password: as user:password@host, or as a parameter of its query.
public func hasPassword(url: String) -> Bool {
  guard let slashes = url.firstRange(of: "://") else { return false }
  let rest = url[slashes.upperBound...]
  let authority = rest.prefix { $0 != "/" && $0 != "?" }
  let user = authority.lastIndex(of: "@").map { authority[..<$0] }
  return user?.contains(":") == true || rest.lowercased().contains("password=")
}

extension SettingKind where Value == String? {
  /// A URL of one of these schemes, or nothing. Not one with a password: no setting holds a secret.
  public static func url(schemes: [String]) -> SettingKind {
    let beginnings = schemes.map { "\($0)://" }
    let expectation = "a URL that begins with \(beginnings.joined(separator: " or ")) and has no password, or null"
    var kind = SettingKind(expectation, valueName: "url") { given in
      switch given {
      case .none: return .some(nil)
      case .text(let text):
        // Not `hasPassword ? nil : text`: that would be the valid value null.
        if !beginnings.contains(where: text.hasPrefix) || text.contains("\0") || hasPassword(url: text) { return nil }
        return text
      case .list: return nil
      }
    } yaml: {
      $0.map(quoted) ?? "null"
    }
    kind.mayBeSecret = true
    return kind
  }
}

extension SettingKind where Value == [String] {
  /// Any number of texts: the flag repeated, the variable's parts between commas, the file's sequence.
  public static func texts(_ valueName: String) -> SettingKind {
    var kind = SettingKind("texts that are not empty", valueName: valueName) { given in
      let texts: [String]
      switch given {
      case .none: return nil
      case .text(let text):
        texts = text.split(separator: ",", omittingEmptySubsequences: false).map { part in
          let blank = part.drop { $0 == " " }
          return String(blank.reversed().drop { $0 == " " }.reversed())
        }
      case .list(let list): texts = list
      }
      return texts.contains { $0.isEmpty || $0.contains("\0") } ? nil : texts
    } yaml: {
      "[" + $0.map(quoted).joined(separator: ", ") + "]"
    }
    kind.isList = true
    return kind
  }
}

extension SettingKind where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
  /// One of a few words.
  public static func choice() -> SettingKind {
    let names = Value.allCases.map(\.rawValue)
    var kind = SettingKind("one of \(names.joined(separator: ", "))", valueName: names.joined(separator: "|")) {
      given in
      guard case .text(let text) = given else { return nil }
      return Value(rawValue: text)
    } yaml: {
      $0.rawValue
    }
    kind.choices = names
    return kind
  }
}

/// A number without a fraction where it has none.
private func brief(_ number: Double) -> String {
  let text = number.description
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}

/// A text as YAML that is read back as the same text, whatever is in it.
private func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\t": result += "\\t"
    case "\r": result += "\\r"
    default:
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate:
        let digits = String(scalar.value, radix: 16)
        result += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
  }
  return result + "\""
}
