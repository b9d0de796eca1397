import Schedules

/// All settings of a program, in the order that people read them.
public struct Settings<Root: Sendable>: Sendable {
  public let all: [Setting<Root>]
  /// What the environment variables begin with, such as `ANNEAL_`.
  public let prefix: String
  /// Variables with the prefix that are no settings, such as the one that names the file.
  public let otherVariables: [String]

  public init(_ all: [Setting<Root>], prefix: String, otherVariables: [String] = []) {
    self.all = all
    self.prefix = prefix
    self.otherVariables = otherVariables
  }

  /// The effective values: a flag before the environment, the environment before the file, the file before the default.
  ///
  /// Every value that is given is checked, also one that another overrides. A variable that is empty is not given.
  ///
  /// - Parameters:
  ///   - root: holds the defaults.
  ///   - flags: by the settings' names.
  ///   - environment: all of it; what does not begin with the prefix is left alone.
  /// - Throws: ``SettingsError`` with all that is wrong: each names the setting and where it was given.
  public func resolve(
    _ root: Root, flags: [String: GivenValue], environment: [String: String], file: SettingsFile?
  ) throws(SettingsError) -> EffectiveSettings<Root> {
    var effective = EffectiveSettings(root: root, origins: [:], settings: self)
    var messages: [String] = []
    func take(_ setting: Setting<Root>, _ value: GivenValue, _ origin: SettingOrigin, _ spelled: String) {
      if setting.set(value, &effective.root) {
        effective.origins[setting.name] = origin
      } else {
        messages.append(
          "\(spelled): \(setting.mayBeSecret ? "what was given" : Self.told(value)) is not \(setting.expectation)")
      }
    }
    for entry in file?.entries ?? [] {
      let place = "\(file?.path ?? ""):\(entry.line)"
      if let setting = all.first(where: { $0.name == entry.key }) {
        take(setting, entry.value, .file(path: file?.path ?? "", line: entry.line), "\(place): \(entry.key)")
      } else {
        let hint = hint(entry.key, all.map(\.name)) ?? "anneal serve --print-config shows all settings"
        messages.append("\(place): there is no setting '\(printable(entry.key))'; \(hint)")
      }
    }
    for (variable, text) in environment.sorted(by: { $0.key < $1.key })
    where variable.hasPrefix(prefix) && !otherVariables.contains(variable) {
      if let setting = all.first(where: { $0.variable(prefix: prefix) == variable }) {
        if !text.isEmpty { take(setting, .text(text), .environment(variable), variable) }
      } else {
        let names = all.map { $0.variable(prefix: prefix) } + otherVariables
        let hint = hint(variable, names) ?? "every variable that begins with \(prefix) is a setting"
        messages.append("there is no setting '\(printable(variable))'; \(hint)" + Self.advice(variable, text))
      }
    }
    for setting in all {
      if let value = flags[setting.name] { take(setting, value, .flag("--\(setting.name)"), "--\(setting.name)") }
    }
    if !messages.isEmpty { throw SettingsError(messages) }
    return effective
  }

  private func hint(_ name: String, _ names: [String]) -> String? {
    nearest(to: name, in: names).map { "did you mean '\($0)'?" }
  }

  /// Kubernetes tells a pod of all services by variables, and a service may have the name that the prefix is made of.
  private static func advice(_ variable: String, _ text: String) -> String {
    let isOfAService =
      variable.hasSuffix("_SERVICE_HOST") || variable.contains("_SERVICE_PORT") || variable.contains("_TCP")
    return isOfAService ? " (in Kubernetes, set enableServiceLinks: false)" : ""
  }

  private static func told(_ value: GivenValue) -> String {
    switch value {
    case .none: "null"
    case .text(let text): "'\(printable(text))'"
    case .list: "a list"
    }
  }

  /// A table of all settings in Markdown: name, default, what it does.
  ///
  /// - Parameter root: holds the defaults.
  public func markdown(_ root: Root) -> String {
    var text = "| setting | default | |\n|---|---|---|\n"
    for setting in all {
      let value = setting.defaultYAML(root)
      text += "| `\(setting.name)` | \(value == "null" ? "" : "`\(value)`") | \(setting.help) |\n"
    }
    return text
  }
}

/// Where a value is from.
public enum SettingOrigin: Sendable, Equatable, CustomStringConvertible {
  case byDefault
  case file(path: String, line: Int)
  case environment(String)
  case flag(String)

  public var description: String {
    switch self {
    case .byDefault: "default"
    case .file(let path, let line): "file \(printable(path)):\(line)"
    case .environment(let variable): "environment \(variable)"
    case .flag(let flag): "flag \(flag)"
    }
  }
}

/// What is in force, and where each value is from.
public struct EffectiveSettings<Root: Sendable>: Sendable {
  public var root: Root
  var origins: [String: SettingOrigin]
  let settings: Settings<Root>

  public func origin(_ name: String) -> SettingOrigin { origins[name] ?? .byDefault }

  /// Every value as a file of settings that gives the same again, each with a comment on where it is from.
  public var yaml: String {
    let lines = settings.all.map { ("\($0.name): \($0.yaml(root))", origin($0.name)) }
    let width = min(40, lines.map(\.0.count).max() ?? 0)
    return lines.map { line, origin in
      line + String(repeating: " ", count: max(0, width - line.count) + 1) + "# \(origin)\n"
    }.joined()
  }
}
