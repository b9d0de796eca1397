import Foundation
import Hummingbird

/// Hummingbird 2 answering the same POST /schedule for a cosine, with Codable, as its documentation shows it.
@main
struct Peer {
  struct Cosine: Decodable {
    let type: String
    let base_lr: Double
    let end_lr: Double?
    let total_steps: Double
  }

  struct Asked: Decodable {
    let schedule: Cosine
    let steps: Int
  }

  struct Answer: ResponseEncodable {
    let learning_rates: [Double]
  }

  static func main() async throws {
    let router = Router()
    router.post("schedule") { request, context -> Answer in
      let asked = try await request.decode(as: Asked.self, context: context)
      guard asked.schedule.type == "cosine", asked.schedule.total_steps > 0, 0...10_000_000 ~= asked.steps else {
        throw HTTPError(.badRequest)
      }
      let (base, end) = (asked.schedule.base_lr, asked.schedule.end_lr ?? 0)
      return Answer(
        learning_rates: (0..<asked.steps).map { step in
          end + (base - end) * (1 + cos(.pi * min(Double(step) / asked.schedule.total_steps, 1))) / 2
        })
    }
    let port = Int(CommandLine.arguments.dropFirst().first ?? "") ?? 18084
    try await Application(
      router: router, configuration: .init(address: .hostname("127.0.0.1", port: port))
    ).runService()
  }
}
