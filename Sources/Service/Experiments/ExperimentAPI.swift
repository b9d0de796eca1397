import Dispatch
import HTTPServer
import JSON

/// `POST /experiments` and `GET /experiments`.
struct ExperimentAPI: Sendable {
  private static let query = ["format", "chart"] + PictureOptions.names

  /// The most that one experiment may cost: see ``Experiments/Experiment/work``.
  let largestWork: Double
  let pool = ExperimentPool()
  /// Reading makes the problem's data.
  private let readers = DispatchQueue(label: "service.experiments.read", attributes: .concurrent)

  init(largestWork: Double) { self.largestWork = largestWork }

  func respond(to request: HTTPRequest, _ reply: HTTPReply) throws(Problem) {
    if request.head.method != "POST" {
      readers.async { reply.send(.json(ExperimentCatalogDocument.document(largestWork))) }
      return
    }
    let query = try Query(request.head, names: Self.query)
    let form = try Form.chosen(
      name: query["format"], accept: request.head.fields["Accept"], of: [.json, .ndjson, .events, .svg])
    let picture = try PictureOptions(query)
    let chart = try query.optionalChoice("chart", of: ExperimentPicture.Kind.self)
    if chart != nil && form != .svg { throw .invalidQuery("chart", "'chart' is for the form svg") }
    readers.async {
      do throws(Problem) {
        let experiment = try ExperimentRequest(request.body, largestWork: largestWork)
        let format: ExperimentStream.Format
        switch form {
        case .ndjson: format = .lines
        case .events: format = .events
        case .svg:
          let drawing = try ExperimentPicture(experiment, chart, picture)
          format = .picture { drawing.svg($0) }
        default: format = .json
        }
        reply.send(try answer(experiment, form, format))
      } catch {
        reply.send(error.response)
      }
    }
  }

  private func answer(
    _ experiment: ExperimentRequest, _ form: Form, _ format: ExperimentStream.Format
  ) throws(Problem) -> HTTPResponse {
    if !pool.enter() {
      throw .notReady("\(ExperimentPool.largestCount) experiments are under way already", retryAfter: 2)
    }
    return HTTPResponse(
      status: 200, fields: ["Content-Type": form.contentType, "Vary": "Accept", "Cache-Control": "no-store"],
      body: .stream(ExperimentStream(experiment, format, pool)))
  }
}
