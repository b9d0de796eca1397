// Looking into a document whose form is known.

extension JSONValue {
  /// The text; nil for anything but a string.
  public var string: String? { if case .string(let text) = self { text } else { nil } }

  /// The elements; none for anything but an array.
  public var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }

  /// The members; none for anything but an object.
  public var members: [JSONObject.Member] { if case .object(let object) = self { object.members } else { [] } }

  /// The member of that name; nil where there is none, or this is no object.
  public subscript(name: String) -> JSONValue? { if case .object(let object) = self { object[name] } else { nil } }
}
