import Foundation
import JSON
import Sessions
import Testing

/// A seeded generator, so that a failing test fails again.
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A hub to be asked in turn: each call waits for its answer.
struct Trainer {
  let hub: SessionHub
  let id: String

  init(_ specification: JSONValue, id: String = "run", store: any SessionStore = MemoryStore()) throws {
    var configuration = SessionHub.Configuration()
    configuration.snapshotInterval = 50
    hub = SessionHub(store: store, configuration: configuration)
    self.id = id
    let (hub, id) = (hub, id)
    _ = try wait { (done: @escaping SessionHub.Completion<JSONValue>) in
      hub.put(id, specification) { done($0.map(\.0)) }
    }
  }

  init(_ hub: SessionHub, _ id: String) {
    self.hub = hub
    self.id = id
  }

  @discardableResult
  func post(_ content: JSONValue) throws -> JSONValue {
    let request = try ReportRequest(content)
    return try wait { hub.report(id, request, $0) }
  }

  func next(_ step: Int, wait seconds: Double = 0) throws -> JSONValue {
    try wait { hub.next(id, step: step, count: nil, attempt: nil, wait: seconds, $0) }
  }

  @discardableResult
  func restart(_ step: Int) throws -> JSONValue {
    try wait { hub.restart(id, ["resume_step": .number(Double(step))], $0) }
  }

  @discardableResult
  func override(_ content: JSONValue, isDryRun: Bool = false) throws -> JSONValue {
    try wait { (done: @escaping SessionHub.Completion<JSONValue>) in
      hub.override(id, content, ifMatch: nil, isDryRun: isDryRun) { done($0.map(\.0)) }
    }
  }

  func fork(_ content: JSONValue) throws -> Trainer {
    let document = try wait { hub.fork(id, content, $0) }
    return Trainer(hub, document["id"]?.string ?? "")
  }

  func replay(_ content: JSONValue = .object(JSONObject())) throws -> JSONValue {
    try wait { hub.replay(id, content, $0) }
  }

  func document() throws -> JSONValue {
    try wait { (done: @escaping SessionHub.Completion<JSONValue>) in hub.document(id) { done($0.map(\.0)) } }
  }

  /// The state without what counts events and tells the time.
  func state() throws -> JSONValue {
    let state = try wait { hub.state(id, $0) }
    let passing = [
      "revision", "created_at", "updated_at", "report_count", "attempt", "resume_step", "restarts", "lineage",
    ]
    let snapshot = state["snapshot"]?.members ?? []
    return .object(JSONObject(snapshot.filter { !passing.contains($0.name) }.map { ($0.name, $0.value) }))
  }

  /// Runs steps as a trainer does; the loss is a function of the step.
  @discardableResult
  func run(_ steps: Range<Int>, loss: (Int) -> Double) throws -> [Double] {
    try steps.map { step in
      try rate(post(["step": .number(Double(step)), "loss": .report(loss(step))]))
    }
  }
}

func numbers(_ value: JSONValue?) -> [Double] { value?.elements.compactMap(\.reported) ?? [] }

func rate(_ answer: JSONValue) throws -> Double { try #require(answer["learning_rate"]?.reported) }

/// Waits for a closure to be called.
func wait<Value: Sendable>(_ begin: (@escaping SessionHub.Completion<Value>) -> Void) throws -> Value {
  let box = ResultBox<Value>()
  begin { box.set($0) }
  return try box.value().get()
}

final class ResultBox<Value: Sendable>: @unchecked Sendable {
  // Unchecked: the semaphore orders the one write before the one read.
  private var result: Result<Value, SessionError>?
  private let isThere = DispatchSemaphore(value: 0)

  func set(_ result: Result<Value, SessionError>) {
    self.result = result
    isThere.signal()
  }

  func value() throws -> Result<Value, SessionError> {
    try #require(isThere.wait(timeout: .now() + 30) == .success)
    return try #require(result)
  }
}

/// A loss that falls, stays, jumps and is now and then no number: the same for the same step.
func rough(_ step: Int) -> Double {
  var generator = Seeded(UInt64(step) &* 77 &+ 5)
  let noise = Double.random(in: -0.2...0.2, using: &generator)
  switch step % 53 {
  case 17: return .nan
  case 31: return .infinity
  case 40...42: return 50 + noise
  default: return 2 + 4 / Double(step / 10 + 1) + noise
  }
}

/// Every policy with parameters that make it act within a few hundred steps.
let policies: [(name: String, policies: JSONValue)] = [
  ("torch", [["type": "torch.ReduceLROnPlateau", "patience": 3, "factor": 0.9]]),
  ("keras", [["type": "keras.ReduceLROnPlateau", "patience": 3, "factor": 0.9, "monitor": "loss"]]),
  ("optax", [["type": "optax.contrib.reduce_on_plateau", "patience": 3, "factor": 0.9, "accumulation_size": 2]]),
  ("timm", [["type": "timm.PlateauLRScheduler", "patience_t": 3, "decay_rate": 0.9, "mode": "min", "warmup_t": 5]]),
  ("greedy", [["type": "hf.greedy", "patience": 3, "min_lr": 1e-5]]),
  ("plateau", [["type": "plateau", "window": 40, "blocks": 8, "epsilon": 0.3, "confidence": 0.1]]),
  ("spike", [["type": "spike", "window": 32, "wait": 1, "hold": 5, "ramp": 5, "cooldown": 10, "max_actions": 9]]),
  ("cooldown", [["type": "cooldown", "patience": 30, "steps": 50]]),
  ("range test", [["type": "range_test", "steps": 60, "start_step": 20, "low": 1e-5, "high": 1]]),
  ("warm-up", [["type": "warmup", "warmup_steps": 20], ["type": "torch.ReduceLROnPlateau", "patience": 2]]),
  ("adam", [["type": "adam"]]),
  ("adagrad", [["type": "adagrad"]]),
  ("rmsprop", [["type": "rmsprop"]]),
]

func specification(_ policies: JSONValue, _ more: [(String, JSONValue)] = []) -> JSONValue {
  .object(
    JSONObject(
      [("schedule", ["type": "cosine", "base_lr": 0.1, "total_steps": 400]), ("policies", policies)] + more))
}
