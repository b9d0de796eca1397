import Charts
import HTTPServer
import JSON
import Sessions
import Synchronization

/// A session as a picture: its rate on a logarithmic axis above its loss, restarts and overrides marked.
struct SessionChart {
  let hub: SessionHub
  let id: String
  let width: Int
  let height: Int

  /// So many reports are drawn at most; of a longer log, every second, fourth … one.
  private static let largestCount = 20_000

  func send(_ reply: HTTPReply) {
    let points = Points()
    hub.pages(
      id, after: 0,
      { result in
        reply.send(
          SessionAPI.response(result) { _ in
            HTTPResponse(
              status: 200, fields: ["Content-Type": "image/svg+xml"], body: .bytes(points.picture(id, width, height)))
          })
      }
    ) { event, _ in
      points.take(event, largest: Self.largestCount)
      return true
    }
  }

  /// What is drawn, as the log tells it.
  private final class Points: Sendable {
    struct Course: Sendable {
      var attempt: Int
      var rates: [Point] = []
      var losses: [Point] = []
    }

    private struct Content {
      var courses: [Course] = []
      var markers: [Marker] = []
      var stride = 1
      var seen = 0
    }

    private let content = Mutex(Content())

    func take(_ event: JSONValue, largest: Int) {
      content.withLock { content in
        switch event["kind"]?.string {
        case "reports":
          for report in event["reports"]?.elements ?? [] {
            content.seen += 1
            if content.seen % content.stride == 0 { Self.append(report, of: event, to: &content) }
          }
          if (content.courses.last?.rates.count ?? 0) > largest {
            content.stride *= 2
            for index in content.courses.indices {
              content.courses[index].rates = Self.halved(content.courses[index].rates)
              content.courses[index].losses = Self.halved(content.courses[index].losses)
            }
          }
        case "attempt":
          let step = event["resume_step"]?.reported ?? 0
          content.markers.append(Marker(x: step, label: "restart"))
        case "override":
          let step = event["override"]?["effective_step"]?.reported ?? 0
          content.markers.append(Marker(x: step, label: event["override"]?["id"]?.string ?? "override"))
        case "command":
          content.markers.append(
            Marker(x: event["command"]?["at_step"]?.reported ?? 0, label: event["command"]?["type"]?.string ?? ""))
        default: break
        }
      }
    }

    private static func append(_ report: JSONValue, of event: JSONValue, to content: inout Content) {
      let attempt = Int(event["attempt"]?.reported ?? 1)
      if content.courses.last?.attempt != attempt {
        if content.courses.count >= Chart.largestSeriesCount { content.courses.removeFirst() }
        content.courses.append(Course(attempt: attempt))
      }
      let last = content.courses.count - 1
      guard let step = report["step"]?.reported else { return }
      if let rate = report["learning_rate"]?.reported {
        content.courses[last].rates.append(Point(x: step, y: rate))
      }
      if let loss = report["metrics.loss"]?.reported {
        content.courses[last].losses.append(Point(x: step, y: loss))
      }
    }

    private static func halved(_ points: [Point]) -> [Point] {
      stride(from: 0, to: points.count, by: 2).map { points[$0] }
    }

    /// Two pictures, one above the other.
    func picture(_ id: String, _ width: Int, _ height: Int) -> [UInt8] {
      let (courses, markers) = content.withLock { ($0.courses, $0.markers) }
      func chart(_ title: String, _ label: String, _ scale: Chart.Scale, _ points: (Course) -> [Point]) -> String {
        let series = courses.map { course in
          Series(
            name: courses.count > 1 ? "attempt \(course.attempt)" : label, points: points(course),
            isDashed: course.attempt != courses.last?.attempt)
        }
        var chart = Chart(title: title, series: series, yScale: scale, width: width, height: height / 2)
        chart.yLabel = label
        chart.markers = Array(markers.suffix(Chart.largestMarkerCount))
        return String(decoding: chart.svg(), as: UTF8.self)
      }
      let upper = chart(id, "learning rate", .logarithmic, \.rates)
      let lower = chart("", "loss", .linear, \.losses)
      let half = height / 2
      let text = """
        <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(half * 2)" viewBox="0 0 \(width) \(half * 2)">
        \(Self.inner(upper, y: 0))
        \(Self.inner(lower, y: half))
        </svg>

        """
      return Array(text.utf8)
    }

    /// A picture without its XML declaration, further down.
    private static func inner(_ picture: String, y: Int) -> String {
      guard let start = picture.firstRange(of: "<svg ") else { return picture }
      return "<svg y=\"\(y)\" " + picture[start.upperBound...]
    }
  }
}
