import Dispatch
public import HTTPServer
import JSON
import Schedules

/// The service: which path answers what.
public struct Service: HTTPHandler {
  /// What an operator can set.
  public struct Configuration: Sendable {
    /// The most rates that one answer may hold. Default 10,000,000: some 200 MB of JSON, streamed.
    public var largestAnswer = 10_000_000

    public init() {}
  }

  /// A request with a content and a number of rates of at most this is answered on the event loop at once; others go to
  /// a worker, so that they keep nobody waiting.
  private static let inlineContent = 16 * 1024
  private static let inlineRates = 1000

  private enum Route {
    case schedule
    case catalog
    case catalogEntry(String)
    case health
    case openAPI

    var methods: String {
      if case .schedule = self { "POST, OPTIONS" } else { "GET, HEAD, OPTIONS" }
    }
  }

  private static let paths = ["/schedule", "/schedules", "/healthz", "/livez", "/openapi.yaml"]

  private let configuration: Configuration
  private let catalogDocument: HTTPResponse
  private let workers = DispatchQueue(label: "service.workers", attributes: .concurrent)

  public init(configuration: Configuration = Configuration()) {
    self.configuration = configuration
    catalogDocument = .json(CatalogDocument.all(.standard))
  }

  // MARK: HTTPHandler

  public func screen(_ head: HTTPRequestHead) -> HTTPResponse? {
    do throws(Problem) {
      let route = try route(head)
      if head.method == "OPTIONS" {
        return HTTPResponse(status: 204, fields: ["Allow": route.methods])
      }
      if !route.methods.split(separator: ", ").contains(where: { $0 == head.method }) {
        throw .methodNotAllowed(route.methods)
      }
      if case .schedule = route { try checkContentType(head.fields) }
      return nil
    } catch {
      return error.response
    }
  }

  public func respond(to request: HTTPRequest, reply: HTTPReply) {
    do throws(Problem) {
      switch try route(request.head) {
      case .schedule: schedule(request.body, reply)
      case .catalog: reply.send(catalogDocument)
      case .catalogEntry(let type): reply.send(.json(CatalogDocument.one(try definition(type))))
      case .health: reply.send(.json(["status": "ok"]))
      case .openAPI:
        reply.send(
          HTTPResponse(
            status: 200, fields: ["Content-Type": "application/yaml"], body: .bytes(PackageResources.openapi_yaml)))
      }
    } catch {
      reply.send(error.response)
    }
  }

  public func failure(_ failure: HTTPFailure) -> HTTPResponse { Problem.server(failure).response }

  // MARK: Routes

  private func route(_ head: HTTPRequestHead) throws(Problem) -> Route {
    switch head.segments {
    case ["schedule"]: return .schedule
    case ["schedules"]: return .catalog
    case let segments? where segments.count == 2 && segments[0] == "schedules": return .catalogEntry(segments[1])
    case ["healthz"], ["livez"]: return .health
    case ["openapi.yaml"]: return .openAPI
    default:
      let near = nearest(to: head.path, in: Self.paths)
      let hint = near.map { "did you mean \($0)?" } ?? "GET /openapi.yaml lists what there is"
      throw .notFound("the server has no such path; \(hint)", suggestion: near)
    }
  }

  /// JSON by name; or by curl's default type or none at all, because people at a terminal leave it out. Not so for a
  /// browser, which sends those types across sites without asking: the `Origin` field tells.
  private func checkContentType(_ fields: HTTPFields) throws(Problem) {
    let advice = "send it with 'Content-Type: application/json'"
    guard let value = fields["Content-Type"] else {
      if fields["Origin"] != nil { throw .unsupportedType("the request has an Origin and no Content-Type; \(advice)") }
      return
    }
    let parts = value.lowercased().split(separator: ";").map { part in String(part.filter { $0 != " " && $0 != "\t" }) }
    switch parts.first {
    case "application/json":
      for parameter in parts.dropFirst() where parameter.hasPrefix("charset=") {
        if !["charset=utf-8", "charset=\"utf-8\""].contains(parameter) { throw .unsupportedType("JSON is UTF-8") }
      }
    case "application/x-www-form-urlencoded":
      if fields["Origin"] != nil { throw .unsupportedType("a browser's form is not read as JSON; \(advice)") }
    default: throw .unsupportedType(advice)
    }
  }

  private func definition(_ type: String) throws(Problem) -> Definition {
    if let definition = Catalog.standard[type] { return definition }
    let near = nearest(to: type, in: Catalog.standard.types)
    let hint = near.map { "; did you mean '\($0)'?" } ?? "; GET /schedules lists them"
    throw .notFound("there is no schedule type of that name\(hint)", suggestion: near)
  }

  // MARK: POST /schedule

  private func schedule(_ content: [UInt8], _ reply: HTTPReply) {
    if content.count > Self.inlineContent {
      workers.async { answer(content, reply, mayBeInline: false) }
    } else {
      answer(content, reply, mayBeInline: true)
    }
  }

  private func answer(_ content: [UInt8], _ reply: HTTPReply, mayBeInline: Bool) {
    do throws(Problem) {
      let outline = try ScheduleOutline(content, limit: configuration.largestAnswer)
      let isSmall =
        outline.steps.count <= Self.inlineRates && !SpecificationReader.mayBeStepped(outline.specification)
      if mayBeInline && !isSmall {
        workers.async { finish(outline, reply) }
      } else {
        finish(outline, reply)
      }
    } catch {
      reply.send(error.response)
    }
  }

  func finish(_ outline: ScheduleOutline, _ reply: HTTPReply) {
    do throws(Problem) {
      let request = try ScheduleRequest(outline)
      try request.checkFinite()
      let fields: HTTPFields = ["Content-Type": "application/json"]
      var answer = ScheduleAnswer(request)
      if request.steps.count > Rates.pieceSize {
        reply.send(HTTPResponse(status: 200, fields: fields, body: .stream(answer)))
        return
      }
      var body: [UInt8] = []
      body.reserveCapacity(request.steps.count * 24 + 64)
      while let hasMore = try? answer.next(into: &body) {
        if hasMore { continue }
        reply.send(HTTPResponse(status: 200, fields: fields, body: .bytes(body)))
        return
      }
    } catch {
      reply.send(error.response)
    }
  }
}
