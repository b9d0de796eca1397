import HTTPServer
import Schedules

extension ScheduleRequest {
  /// The answer in a form, whole where it is short, streamed where it is long. No number of it is other than finite.
  ///
  /// - Throws: ``Problem`` where a rate is no finite number, or the form cannot hold the answer.
  func response(_ form: Form, picture: PictureOptions) throws(Problem) -> HTTPResponse {
    switch form {
    case .json: return try response(form, JSONRates(self))
    case .ndjson: return try response(form, RowSource(self, NDJSONFormat()))
    case .csv: return try response(form, RowSource(self, CSVFormat()))
    case .npy: return try response(form, RowSource(self, try NPYFormat(self)))
    case .svg:
      try checkFinite()
      // Companions are other quantities on other scales: the picture is of rates.
      let rates = columns.enumerated().filter { $0.offset == 0 || $0.element.isGroup }.map(\.element)
      let curves = rates.map { (name: $0.isGroup ? $0.name : "learning rate", schedule: $0.schedule) }
      return picture.response(picture.chart(curves, steps))
    case .events: throw .notAcceptable("rates do not come as events")
    }
  }

  private func response(_ form: Form, _ source: some HTTPBodySource) throws(Problem) -> HTTPResponse {
    if steps.count > Rates.pieceSize / columns.count {
      try checkFinite()
      return HTTPResponse(status: 200, fields: form.fields, body: .stream(source))
    }
    var source = source
    var body: [UInt8] = []
    body.reserveCapacity(steps.count * columns.count * 25 + 128)
    // The writers refuse what is not finite: a short answer is looked at once, while it is written.
    while let hasMore = try? source.next(into: &body) {
      if !hasMore { return HTTPResponse(status: 200, fields: form.fields, body: .bytes(body)) }
    }
    try checkFinite()
    // Every number is finite: this is a fault of ours.
    return Problem.server(HTTPFailure(status: 500, detail: "the rates could not be written")).response
  }
}

extension Form {
  private static let allFields = Dictionary(
    uniqueKeysWithValues: allCases.map { form -> (Form, HTTPFields) in
      (form, ["Content-Type": form.contentType, "Vary": "Accept, Accept-Encoding"])
    })

  /// The fields of an answer in this form.
  fileprivate var fields: HTTPFields { Self.allFields[self] ?? [:] }
}
