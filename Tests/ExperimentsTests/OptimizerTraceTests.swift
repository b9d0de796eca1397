import Experiments
import Foundation
import JSON
import Testing

/// What torch's optimizers did with changing rates (Scripts/optimizer-traces), done again.
@Suite struct OptimizerTraceTests {
  @Test(arguments: OptimizerCatalog.types) func aThousandUpdatesAreTorchs(_ type: String) throws {
    let cases = try Self.cases().filter { $0["optimizer"]?["type"]?.string == type }
    #expect(cases.count >= 8, "\(type) has too few traces")
    var worst = 0.0
    for trace in cases {
      let specification = try OptimizerCatalog.read(try #require(trace["optimizer"]))
      let problem = try #require(trace["problem"]?.string.flatMap(TraceProblem.init))
      let baseRate = try #require(trace["base_lr"]?.number)
      let steps = Self.numbers(trace["steps"])
      let expected = (trace["parameters"]?.elements ?? []).map(Self.numbers)
      #expect(steps.last == 1000)
      #expect(steps.count == expected.count)

      var parameters = problem.start
      var gradient = parameters
      var optimizer = specification.optimizer(parameterCount: parameters.count)
      var next = 0
      for step in 0..<1000 {
        problem.fill(&gradient, at: parameters, step: step)
        optimizer.update(&parameters, gradient: gradient, learningRate: Self.rate(baseRate, Double(step)))
        guard Double(step + 1) == steps[next] else { continue }
        #expect(parameters.count == expected[next].count)
        let size = expected[next].map(\.magnitude).max() ?? 0
        for (ours, torchs) in zip(parameters, expected[next]) {
          let deviation = (ours - torchs).magnitude / size
          worst = max(worst, deviation.isNaN ? .infinity : deviation)
        }
        next += 1
      }
      #expect(next == steps.count)
    }
    #expect(worst <= 1e-12, "\(type) is \(worst) away from torch")
    print("\(type): at most \(worst) away from torch")
  }

  /// The rate in a step, as the script has it: a fall with a saw on it.
  private static func rate(_ base: Double, _ step: Double) -> Double {
    base * (0.25 + step.truncatingRemainder(dividingBy: 10) / 8) / (1 + step / 400)
  }

  private static func numbers(_ value: JSONValue?) -> [Double] { value?.elements.compactMap(\.number) ?? [] }

  private static func cases() throws -> [JSONValue] {
    let url = try #require(Bundle.module.url(forResource: "Traces/optimizers", withExtension: "jsonl"))
    return try Data(contentsOf: url).split(separator: UInt8(ascii: "\n")).map { try JSONReader.read(Array($0)) }
  }
}

extension JSONValue {
  var number: Double? { if case .number(let number) = self { number } else { nil } }
}

/// The problems of the traces: their gradients in the very order of operations of the script.
private enum TraceProblem: String {
  case ravine, rosenbrock, beale, stream

  var start: [Double] {
    switch self {
    case .ravine: [1, -1]
    case .rosenbrock: [-1.2, 1]
    case .beale: [0.5, -0.5]
    case .stream: [0, 0, 0, 0]
    }
  }

  func fill(_ gradient: inout [Double], at p: [Double], step: Int) {
    switch self {
    case .ravine:
      gradient[0] = 1 * (p[0] - 3)
      gradient[1] = 100 * (p[1] + 2)
    case .rosenbrock:
      let a = p[1] - p[0] * p[0]
      gradient[0] = -400 * (p[0] * a) - 2 * (1 - p[0])
      gradient[1] = 200 * a
    case .beale:
      let (x, y) = (p[0], p[1])
      let y2 = y * y
      let y3 = y2 * y
      let a = 1.5 - x + x * y
      let b = 2.25 - x + x * y2
      let c = 2.625 - x + x * y3
      gradient[0] = 2 * a * (y - 1) + 2 * b * (y2 - 1) + 2 * c * (y3 - 1)
      gradient[1] = 2 * a * x + 4 * b * x * y + 6 * c * x * y2
    case .stream:
      var state = UInt32(truncatingIfNeeded: step) &* 2_654_435_761 &+ 12345
      var error = -0.5
      for index in p.indices {
        state = state &* 1_664_525 &+ 1_013_904_223
        gradient[index] = Double(state) / 2_147_483_648 - 1
        error = error + (p[index] - (Double(index) + 1)) * gradient[index]
      }
      for index in p.indices { gradient[index] = error * gradient[index] }
    }
  }
}
