import ArgumentParser
import Settings

/// The settings' flags, made from the table of settings.
///
/// The argument parser finds the flags of a type by reflection, and decodes their values by their names. This type shows it
/// one property for each setting, so that a setting need not be written down a second time.
struct SettingFlags: ParsableArguments, CustomReflectable {
  /// What was given, by the settings' names.
  private(set) var given: [String: GivenValue] = [:]

  init() {}

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    for setting in ServeConfiguration.settings.all {
      let name = Name(stringValue: setting.name)
      if setting.isList {
        let values = try container.decode(Option<[String]>.self, forKey: name).wrappedValue
        if !values.isEmpty { given[setting.name] = .list(values) }
      } else if setting.valueName != nil {
        let value = try container.decode(Option<String?>.self, forKey: name).wrappedValue
        if let value { given[setting.name] = .text(value) }
      } else {
        let value = try container.decode(Flag<Bool?>.self, forKey: name).wrappedValue
        if let value { given[setting.name] = .text("\(value)") }
      }
    }
  }

  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }

    init?(intValue: Int) { nil }
  }

  var customMirror: Mirror {
    Mirror(self, children: ServeConfiguration.settings.all.map { (label: "_\($0.name)", value: Self.property($0)) })
  }

  private static func property(_ setting: Setting<ServeConfiguration>) -> Any {
    let value = setting.defaultYAML(ServeConfiguration())
    let isUnset = value == "null" || value == "[]"
    let text = "\(setting.help). (\(isUnset ? "" : "default: \(value); ")\(setting.variable(prefix: "ANNEAL_")))"
    let help = ArgumentHelp(stringLiteral: text).named(setting.valueName)
    let name = NameSpecification.customLong(setting.name)
    if setting.isList { return Option<[String]>(wrappedValue: [], name: name, parsing: .singleValue, help: help) }
    if setting.valueName == nil { return Flag<Bool?>(name: name, inversion: .prefixedNo, help: help) }
    let completion: CompletionKind? =
      switch setting.valueName {
      case "dir": .directory
      case "file": .file()
      default: setting.choices.isEmpty ? nil : .list(setting.choices)
      }
    return Option<String?>(name: name, help: help, completion: completion)
  }
}

extension ArgumentHelp {
  fileprivate func named(_ valueName: String?) -> ArgumentHelp {
    var help = self
    help.valueName = valueName
    return help
  }
}
