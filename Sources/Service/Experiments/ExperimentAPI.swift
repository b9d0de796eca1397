import Dispatch
import HTTPServer
import JSON

/// `POST /experiments` and `GET /experiments`.
struct ExperimentAPI: Sendable {
  private static let query = ["format", "chart"] + PictureOptions.names

  /// The most that one experiment may cost: see ``Experiments/Experiment/work``.
  let largestWork: Double
  private let pool = ExperimentPool()
  /// Reading makes the problem's data.
  private let readers = DispatchQueue(label: "service.experiments.read", attributes: .concurrent)

  init(largestWork: Double) { self.largestWork = largestWork }

  func respond(to request: HTTPRequest, _ reply: HTTPReply) throws(Problem) {
    if request.head.method != "POST" { return reply.send(.json(ExperimentCatalogDocument.document(largestWork))) }
    let query = try Query(request.head, names: Self.query)
    let accept = request.head.fields["Accept"]
    let wantsEvents =
      query["format"] == "events"
      || query["format"] == nil && accept?.lowercased().hasPrefix("text/event-stream") == true
    let form = wantsEvents ? nil : try Form.chosen(name: query["format"], accept: accept, of: [.json, .ndjson, .svg])
    let picture = try PictureOptions(query)
    let chart = try query.optionalChoice("chart", of: ExperimentPicture.Kind.self)
    if chart != nil && form != .svg { throw .invalidQuery("chart", "'chart' is for the form svg") }
    readers.async {
      do throws(Problem) {
        let experiment = try ExperimentRequest(request.body, largestWork: largestWork)
        let drawing = try form == .svg ? ExperimentPicture(experiment, chart, picture) : nil
        reply.send(try answer(experiment, form, drawing))
      } catch {
        reply.send(error.response)
      }
    }
  }

  /// - Parameters:
  ///   - form: nil for a stream of events.
  ///   - drawing: what is drawn, where the form is a picture.
  private func answer(
    _ experiment: ExperimentRequest, _ form: Form?, _ drawing: ExperimentPicture?
  ) throws(Problem) -> HTTPResponse {
    if !pool.enter() {
      throw .notReady("\(ExperimentPool.largestCount) experiments are under way already", retryAfter: 2)
    }
    var format = ExperimentStream.Format.events
    switch form {
    case .json?: format = .json
    case .ndjson?: format = .lines
    default: if let drawing { format = .picture { drawing.svg($0) } }
    }
    return HTTPResponse(
      status: 200,
      fields: [
        "Content-Type": form?.contentType ?? "text/event-stream", "Vary": "Accept", "Cache-Control": "no-store",
      ],
      body: .stream(ExperimentStream(experiment, format, pool)))
  }
}
