import JSON
import Schedules

/// A problem or an optimizer as it stands on the wire, its type known: an object with a `type`, or the type alone as text.
struct TypedObject<Definition> {
  let definition: Definition
  let object: JSONObject

  /// - Parameters:
  ///   - pointer: where the value stands in the caller's document.
  ///   - definitions: those that there are.
  ///   - name: the type of one.
  ///   - kind: what it is called: `problem`, `optimizer`.
  ///   - form: what such a value is, in words, for the error where it is something else.
  ///   - lack: what stands before the list of types, in the error where there is no type.
  /// - Throws: ``SpecificationError`` for the first thing that is wrong.
  init(
    _ value: JSONValue, pointer: JSONPointer, of definitions: [Definition], by name: KeyPath<Definition, String>,
    kind: String, form: String, lack: String
  ) throws(SpecificationError) {
    var typePointer = pointer
    switch value {
    case .string: object = JSONObject([("type", value)])
    case .object(let members):
      object = members
      typePointer = pointer.appending("type")
    default: throw SpecificationError(pointer: pointer, detail: "\(form), not \(value.typeName)")
    }
    let types = definitions.map { $0[keyPath: name] }
    let listed = types.joined(separator: ", ")
    guard let typeValue = object["type"] else {
      throw SpecificationError(pointer: typePointer, detail: "\(lack) \(listed)")
    }
    guard case .string(let type) = typeValue else {
      throw SpecificationError(pointer: typePointer, detail: "'type' must be a string, not \(typeValue.typeName)")
    }
    guard let found = definitions.first(where: { $0[keyPath: name] == type }) else {
      let near = nearest(to: type, in: types)
      let hint = near.map { "did you mean '\($0)'?" } ?? "there are \(listed)"
      throw SpecificationError(
        pointer: typePointer, detail: "there is no \(kind) '\(type.prefix(64))'; \(hint)", suggestion: near)
    }
    definition = found
  }
}
