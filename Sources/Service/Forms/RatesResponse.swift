import HTTPServer
import Schedules

extension ScheduleRequest {
  /// The answer in a form, whole where it is short, streamed where it is long.
  ///
  /// - Throws: ``Problem`` where the form cannot hold it.
  func response(_ form: Form, picture: PictureOptions) throws(Problem) -> HTTPResponse {
    switch form {
    case .json: return response(form, JSONRates(self))
    case .ndjson: return response(form, RowSource(self, NDJSONFormat()))
    case .csv: return response(form, RowSource(self, CSVFormat()))
    case .npy: return response(form, RowSource(self, try NPYFormat(self)))
    case .svg:
      // Companions are other quantities on other scales: the picture is of rates.
      let rates = columns.enumerated().filter { $0.offset == 0 || $0.element.isGroup }.map(\.element)
      let curves = rates.map { (name: $0.isGroup ? $0.name : "learning rate", schedule: $0.schedule) }
      return picture.response(picture.chart(curves, steps))
    }
  }

  private func response(_ form: Form, _ source: some HTTPBodySource) -> HTTPResponse {
    let fields: HTTPFields = ["Content-Type": form.contentType, "Vary": "Accept"]
    if steps.count > Rates.pieceSize / columns.count {
      return HTTPResponse(status: 200, fields: fields, body: .stream(source))
    }
    var source = source
    var body: [UInt8] = []
    body.reserveCapacity(steps.count * columns.count * 24 + 64)
    while let hasMore = try? source.next(into: &body) {
      if !hasMore { return HTTPResponse(status: 200, fields: fields, body: .bytes(body)) }
    }
    // Every number was checked to be finite before: this is a fault of ours.
    return Problem.server(HTTPFailure(status: 500, detail: "the rates could not be written")).response
  }
}
