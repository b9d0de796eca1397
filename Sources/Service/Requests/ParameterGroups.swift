import Foundation
import JSON
import Schedules

/// One parameter group of the optimizer and its rate.
struct ParameterGroup {
  let name: String
  let schedule: any Schedule
}

/// Reads `groups` and `layer_decay`: one rate curve for each parameter group, beside the schedule's own.
enum ParameterGroups {
  static let largestCount = 256

  private static let fields = ["name", "multiplier", "schedule", "freeze_steps"]

  /// - Parameters:
  ///   - main: the rate that a group without a schedule of its own multiplies; on the clock of steps.
  ///   - read: reads a group's own schedule, given its pointer.
  static func read(
    _ request: RequestObject, main: any Schedule,
    _ read: (JSONValue, _ pointer: String) throws(Problem) -> any Schedule
  ) throws(Problem) -> [ParameterGroup] {
    var groups = try layers(request, main)
    guard let elements = try request.array("groups", largest: largestCount) else { return groups }
    let pointer = JSONPointer.root.appending("groups")
    for (index, value) in elements.enumerated() {
      let group = try RequestObject(
        value, at: pointer.appending(index), names: fields, example: "{\"name\": \"head\", \"multiplier\": 10}")
      guard let name = try group.name("name") else { throw .invalid(group.path("name"), "a group needs a 'name'") }
      if groups.contains(where: { $0.name == name }) {
        throw .invalid(group.path("name"), "there is another group named '\(name)'")
      }
      var schedule = main
      if let own = group["schedule"] { schedule = try read(own, group.path("schedule")) }
      if let multiplier = try group.notNegative("multiplier"), multiplier != 1 {
        schedule = Scale(by: multiplier, schedule: schedule)
      }
      if let frozen = try group.notNegative("freeze_steps"), frozen > 0 {
        schedule = ScheduleProduct(schedules: [PiecewiseConstant(boundaries: [frozen], values: [0, 1]), schedule])
      }
      groups.append(ParameterGroup(name: name, schedule: schedule))
    }
    if groups.count > largestCount {
      throw .invalid("/layer_decay", "there may be at most \(largestCount) groups in all")
    }
    return groups
  }

  /// Layer-wise decay: layer l of n has the rate times decay^(n − l), the head above them the rate itself.
  ///
  /// Source: Clark et al., "ELECTRA", ICLR 2020, arXiv:2003.10555; the `lr_scale` of timm.
  private static func layers(_ request: RequestObject, _ main: any Schedule) throws(Problem) -> [ParameterGroup] {
    guard let value = request["layer_decay"] else { return [] }
    let decay = try RequestObject(
      value, at: JSONPointer.root.appending("layer_decay"), names: ["decay", "layers"],
      example: "{\"decay\": 0.75, \"layers\": 12}")
    guard let factor = try decay.positive("decay") else {
      throw .invalid(decay.path("decay"), "'layer_decay' needs a 'decay', the factor from one layer to the one below")
    }
    guard let count = try decay.positive("layers"), let layers = Int(exactly: count), layers < largestCount else {
      throw .invalid(decay.path("layers"), "'layers' must be a whole number from 1 to \(largestCount - 1)")
    }
    return (0...layers).map { layer in
      let multiplier = pow(factor, Double(layers - layer))
      return ParameterGroup(name: "layer_\(layer)", schedule: Scale(by: multiplier, schedule: main))
    }
  }
}
