import HTTPServer
import JSON
import Schedules

/// The answer of `POST /compare` as JSON: `{"curves":[{"name":…,"summary":{…},"learning_rates":[…]}]}`.
struct JSONComparison: HTTPBodySource {
  private let comparison: Comparison
  private var curve = 0
  private var position = 0

  init(_ comparison: Comparison) { self.comparison = comparison }

  mutating func next(into buffer: inout [UInt8]) throws -> Bool {
    let current = comparison.curves[curve]
    if position == 0 {
      buffer.append(contentsOf: (curve == 0 ? "{\"curves\":[{" : ",{").utf8)
      buffer.append(contentsOf: "\"name\":".utf8)
      JSONWriter.append(current.name, to: &buffer)
      buffer.append(contentsOf: ",\"summary\":".utf8)
      JSONWriter.append(current.summary.document, to: &buffer)
      if comparison.hasRates { buffer.append(contentsOf: ",\"learning_rates\":[".utf8) }
    }
    if comparison.hasRates {
      try Rates(current.schedule, comparison.steps).withPiece(from: position) { rates in
        for (index, rate) in rates.enumerated() {
          if !rate.isFinite { throw NotFinite() }
          if position + index > 0 { buffer.append(UInt8(ascii: ",")) }
          JSONWriter.append(rate, to: &buffer)
        }
      }
      position += Rates.pieceSize
      if position < comparison.steps.count { return true }
      buffer.append(UInt8(ascii: "]"))
    }
    buffer.append(UInt8(ascii: "}"))
    curve += 1
    position = 0
    if curve < comparison.curves.count { return true }
    buffer.append(contentsOf: "]}\n".utf8)
    return false
  }
}

extension Comparison {
  func response(_ form: Form, picture: PictureOptions) -> HTTPResponse {
    if form == .svg { return picture.response(picture.chart(curves.map { ($0.name, $0.schedule) }, steps)) }
    return HTTPResponse(
      status: 200, fields: ["Content-Type": form.contentType, "Vary": "Accept"], body: .stream(JSONComparison(self)))
  }
}
