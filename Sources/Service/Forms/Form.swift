import HTTPServer
import Schedules

/// The forms that answers come in.
enum Form: String, CaseIterable {
  case json
  case ndjson
  case csv
  case npy
  case svg
  case events

  /// The forms that rates come in, the default first.
  static let ofRates: [Form] = [.json, .ndjson, .csv, .npy, .svg]

  var contentType: String {
    switch self {
    case .json: "application/json"
    case .ndjson: "application/x-ndjson"
    case .csv: "text/csv; charset=utf-8; header=present"
    case .npy: "application/x-npy"
    case .svg: "image/svg+xml"
    case .events: "text/event-stream"
    }
  }

  /// The media type without parameters.
  var mediaType: String { String(contentType.prefix { $0 != ";" }) }

  /// Whether the form is written row by row and of any length.
  var isUnbounded: Bool { self == .ndjson || self == .csv || self == .npy }

  /// - Parameters:
  ///   - name: `format` of the query, which wins over the field.
  ///   - accept: the `Accept` field; without it, JSON.
  ///   - forms: those that there are, the default first.
  static func chosen(name: String?, accept: String?, of forms: [Form] = ofRates) throws(Problem) -> Form {
    if let name {
      let words = forms.map(\.rawValue)
      if let form = Form(rawValue: name), forms.contains(form) { return form }
      let near = nearest(to: name, in: words)
      throw .invalidQuery("format", "'format' is one of \(words.joined(separator: ", "))", suggestion: near)
    }
    guard let accept else { return forms[0] }
    var best: (form: Form, quality: Double)?
    for form in forms {
      let quality = quality(of: form, accept)
      if quality > best?.quality ?? 0 { best = (form, quality) }
    }
    if let best { return best.form }
    throw .notAcceptable(
      "Accept names none of the forms that there are: \(forms.map(\.mediaType).joined(separator: ", "))")
  }

  /// The weight that `accept` gives the form: that of the most specific range that matches (RFC 9110, 12.5.1).
  private static func quality(of form: Form, _ accept: String) -> Double {
    var best = (specificity: -1, quality: 0.0)
    for range in accept.lowercased().split(separator: ",").prefix(64) {
      let parts = range.split(separator: ";").map { part in part.filter { $0 != " " && $0 != "\t" } }
      guard let media = parts.first else { continue }
      let specificity: Int
      switch media {
      case form.mediaType: specificity = 2
      case "application/ndjson" where form == .ndjson, "application/jsonl" where form == .ndjson: specificity = 2
      case "application/*", "text/*", "image/*":
        if form.mediaType.prefix(while: { $0 != "/" }) != media.prefix(while: { $0 != "/" }) { continue }
        specificity = 1
      case "*/*": specificity = 0
      default: continue
      }
      var quality = 1.0
      for parameter in parts.dropFirst() where parameter.hasPrefix("q=") {
        quality = min(max(Double(parameter.dropFirst(2)) ?? 0, 0), 1)
      }
      if specificity > best.specificity { best = (specificity, quality) }
    }
    return best.quality
  }
}
