import JSON
import Properties

@testable import Schedules

/// libFuzzer's own mutations.
@_silgen_name("LLVMFuzzerMutate")
private func mutateOctets(_ octets: UnsafeMutablePointer<UInt8>, _ count: Int, _ room: Int) -> Int

/// Called by libFuzzer for a new input: changes the JSON of requests as JSON, so that most inputs get past the reader.
@_cdecl("LLVMFuzzerCustomMutator")
func customMutator(_ octets: UnsafeMutablePointer<UInt8>, _ count: Int, _ room: Int, _ seed: UInt32) -> Int {
  var mutator = Mutator(seed: seed)
  let input = Array(UnsafeBufferPointer(start: octets, count: count))
  guard let target = Fuzzer.target, let output = mutator.mutated(input, target), output.count <= room else {
    return mutateOctets(octets, count, room)
  }
  for (index, octet) in output.enumerated() { octets[index] = octet }
  return output.count
}

/// Changes JSON values at random places, with the catalog's types, parameters and examples.
struct Mutator {
  private var numbers: SeededNumbers

  init(seed: UInt32) { numbers = SeededNumbers(seed: UInt64(seed)) }

  /// - Returns: nil where the input is left to libFuzzer: for other targets, for what is no JSON, and now and then.
  mutating func mutated(_ input: [UInt8], _ target: FuzzTarget) -> [UInt8]? {
    if oneIn(8) { return nil }
    switch target {
    case .curves:
      guard let value = try? JSONReader.read(input) else { return nil }
      return text(several(value, []))
    case .schedule:
      guard let form = input.first, let value = try? JSONReader.read(Array(input.dropFirst())) else { return nil }
      let next = oneIn(16) ? UInt8.random(in: 0x68...0x6F, using: &numbers) : form
      return [next] + text(several(value, Self.requestWords))
    case .experiments:
      guard let form = input.first, let value = try? JSONReader.read(Array(input.dropFirst())) else { return nil }
      let next = oneIn(16) ? UInt8.random(in: 0x68...0x6F, using: &numbers) : form
      return [next] + text(several(value, Seeds.experimentWords))
    case .reports:
      var lines = input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Array($0) }
      if lines.isEmpty { return nil }
      let place = Int.random(in: lines.indices, using: &numbers)
      if oneIn(6) {
        lines.insert(lines[place], at: Int.random(in: 1...lines.count, using: &numbers))
      } else if oneIn(8), lines.count > 1, place > 0 {
        lines.remove(at: place)
      } else {
        let mark = lines[place].first.flatMap { [UInt8(ascii: ">"), UInt8(ascii: "+")].contains($0) ? $0 : nil }
        guard let value = try? JSONReader.read(Array(lines[place].dropFirst(mark == nil ? 0 : 1))) else { return nil }
        lines[place] = (mark.map { [$0] } ?? []) + text(several(value, Self.sessionWords))
      }
      return Array(lines.joined(separator: [UInt8(ascii: "\n")]))
    default: return nil
    }
  }

  private func text(_ value: JSONValue) -> [UInt8] { Array(JSONWriter.text(value).utf8) }

  private mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &numbers) == 0 }

  private mutating func any<Element>(_ elements: [Element]) -> Element? { elements.randomElement(using: &numbers) }

  private mutating func several(_ value: JSONValue, _ words: [String]) -> JSONValue {
    var value = value
    repeat { value = changed(value, words) } while oneIn(3)
    return value
  }

  /// Goes down to a random place and changes what is there.
  private mutating func changed(_ value: JSONValue, _ words: [String]) -> JSONValue {
    switch value {
    case .array(let elements) where !elements.isEmpty && !oneIn(4):
      var elements = elements
      let place = Int.random(in: elements.indices, using: &numbers)
      elements[place] = changed(elements[place], words)
      return .array(elements)
    case .object(let object) where !object.members.isEmpty && !oneIn(4):
      var members = object.members.map { ($0.name, $0.value) }
      let place = Int.random(in: members.indices, using: &numbers)
      if members[place].0 == "type" && !oneIn(4) { return replaced(object) }
      members[place].1 = changed(members[place].1, words)
      return .object(JSONObject(members))
    case .array(let elements): return changedArray(elements)
    case .object(let object): return changedObject(object, words)
    case .number(let number): return oneIn(12) ? other() : .number(changedNumber(number))
    case .string(let text): return oneIn(4) ? other() : .string(any(Self.texts) ?? text)
    case .bool(let flag): return oneIn(4) ? other() : .bool(!flag)
    case .null: return other()
    }
  }

  private mutating func changedNumber(_ number: Double) -> Double {
    switch Int.random(in: 0..<8, using: &numbers) {
    case 0: number + 1
    case 1: number - 1
    case 2: number == 0 ? 0.5 : -number
    case 3: number.magnitude < 1e300 ? number * 10 : 1
    case 4: number / 3
    case 5: number.rounded()
    default: any(Self.interesting) ?? number
    }
  }

  private mutating func changedArray(_ elements: [JSONValue]) -> JSONValue {
    var elements = elements
    switch Int.random(in: 0..<4, using: &numbers) {
    case 0 where !elements.isEmpty: elements.remove(at: Int.random(in: elements.indices, using: &numbers))
    case 1 where !elements.isEmpty && elements.count < 64:
      elements.insert(any(elements) ?? .null, at: Int.random(in: 0...elements.count, using: &numbers))
    case 2: elements.shuffle(using: &numbers)
    default: elements.append(other())
    }
    return .array(elements)
  }

  private mutating func changedObject(_ object: JSONObject, _ words: [String]) -> JSONValue {
    var members = object.members.map { ($0.name, $0.value) }
    func place(_ name: String) -> Int? { members.firstIndex { $0.0 == name } }
    guard case .string(let type)? = object["type"], let definition = Self.definition(type) else {
      // No schedule: a request, a group, a report.
      if oneIn(3), !members.isEmpty {
        members.remove(at: Int.random(in: members.indices, using: &numbers))
      } else if let name = any(words), place(name) == nil {
        members.append((name, other()))
      }
      return .object(JSONObject(members))
    }
    switch Int.random(in: 0..<6, using: &numbers) {
    case 0 where members.count > 1: members.remove(at: Int.random(in: members.indices, using: &numbers))
    case 1:
      // Inside a combinator, as long as that is not too deep.
      if let outer = any(Self.combinators), case .object(let example) = outer {
        return .object(
          JSONObject(
            example.members.map { member in
              switch member.name {
              case "then", "schedule": (member.name, .object(object))
              case "schedules": (member.name, [.object(object), any(Self.examples) ?? .null])
              default: (member.name, member.value)
              }
            }))
      }
    case 2: return replaced(object)
    default:
      guard let parameter = any(definition.parameters) else { break }
      if let place = place(parameter.name) {
        members[place].1 = argument(parameter)
      } else {
        members.append((parameter.name, argument(parameter)))
      }
    }
    return .object(JSONObject(members))
  }

  /// Another schedule in its place: an example, or the same members with another type's name.
  private mutating func replaced(_ object: JSONObject) -> JSONValue {
    guard let other = any(Self.definitions) else { return .object(object) }
    if !oneIn(4) { return other.example }
    return .object(
      JSONObject(object.members.map { ($0.name, $0.name == "type" ? .string(other.type) : $0.value) }))
  }

  private mutating func argument(_ parameter: Parameter) -> JSONValue {
    if let value = parameter.defaultValue, oneIn(4) { return value }
    switch parameter.kind {
    case .number, .integer: return .number(any(Self.interesting) ?? 0)
    case .boolean: return .bool(oneIn(2))
    case .choice(let words): return .string(any(words) ?? "")
    case .numbers: return .array((0..<Int.random(in: 0...4, using: &numbers)).map { _ in number() })
    case .points: return .array((0..<Int.random(in: 1...4, using: &numbers)).map { _ in [number(), number()] })
    case .mapping: return ["k": number(), "x": number()]
    case .text: return any(["step", "t * 0.1", "lambda x: 0.9 ** x", "1 if step < 3 else k"]) ?? ""
    case .texts: return ["step", "t * 0.1"]
    case .records(let fields):
      return .array(
        (0..<Int.random(in: 1...3, using: &numbers)).map { _ in
          .object(JSONObject(fields.compactMap { oneIn(3) ? nil : ($0.name, argument($0)) }))
        })
    case .schedule: return any(Self.examples) ?? .null
    case .numberOrSchedule: return oneIn(2) ? number() : any(Self.examples) ?? .null
    case .schedules:
      return .array((0..<Int.random(in: 1...3, using: &numbers)).map { _ in any(Self.examples) ?? .null })
    }
  }

  private mutating func number() -> JSONValue { .number(any(Self.interesting) ?? 0) }

  private static func definition(_ type: String) -> Definition? { Catalog.standard[type] ?? RuleReader.catalog[type] }

  /// Some value of any kind.
  private mutating func other() -> JSONValue {
    switch Int.random(in: 0..<10, using: &numbers) {
    case 0: .null
    case 1: .bool(oneIn(2))
    case 2, 3: .string(any(Self.texts) ?? "")
    case 4: [number(), number(), number()]
    case 5: [["name": "a", "multiplier": number()], ["name": "b", "freeze_steps": number()]]
    case 6, 7: any(Self.examples) ?? .null
    default: number()
    }
  }

  private static let requestWords = Seeds.requestWords
  private static let sessionWords = Seeds.sessionWords
  /// Schedules, and the policies of sessions.
  private static let definitions =
    Catalog.standard.definitions + RuleReader.catalog.definitions.filter { Catalog.standard[$0.type] == nil }
  private static let examples = definitions.map(\.example)
  private static let combinators = examples.filter { example in
    guard case .object(let object) = example else { return false }
    return ["then", "schedule", "schedules"].contains { object[$0] != nil }
  }
  private static let texts: [String] =
    definitions.map(\.type)
    + definitions.flatMap(\.parameters).flatMap { parameter -> [String] in
      if case .choice(let words) = parameter.kind { words } else { [] }
    }
    + [
      "", "nan", "inf", "-inf", "epochs", "steps", "samples", "tokens", "fraction", "loss", "leader", "quorum", "mean",
      "all",
    ]
  private static let interesting: [Double] = [
    0, -0.0, 1, -1, 0.5, 2, 3, 10, 100, 1e-3, 0.1, 0.9, 0.999_999_999, 1.000_000_1, 1e-9, 1e9, 1e15, 0x1p31, 0x1p32,
    0x1p53, -0x1p53, 0x1p62, 0x1p63, 0x1p64, 1e100, 1e308, -1e308, .leastNonzeroMagnitude, .leastNormalMagnitude,
    1e-300,
  ]
}
