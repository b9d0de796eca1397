import CContract
import Dispatch
public import HTTPServer
import JSON
import Measures
import Schedules
public import Sessions

/// The service: which path answers what.
public struct Service: HTTPHandler {
  /// What an operator can set.
  public struct Configuration: Sendable {
    /// The most rates that one answer may hold. Default 10,000,000: some 200 MB of JSON, streamed.
    public var largestAnswer = 10_000_000
    /// The most that one experiment may cost, in multiplications, roughly. Default 10¹⁰: some ten seconds of one core.
    public var largestExperiment = 1e10

    public init() {}
  }

  /// A request with a content and a number of rates of at most this is answered on the event loop at once; others go to
  /// a worker, so that they keep nobody waiting.
  private static let inlineContent = 16 * 1024
  private static let inlineRates = 1000

  private enum Route {
    case schedule
    case compare
    case catalog
    case catalogEntry(String)
    case catalogPicture(String)
    case health
    case live
    case ready
    case metrics
    case openAPI
    case page
    case pageFile(String)
    case policies
    case experiments
    case sessions(SessionRoute)

    var methods: [String] {
      switch self {
      case .schedule, .compare: ["POST", "OPTIONS"]
      case .catalog, .catalogEntry, .catalogPicture, .health, .live, .ready, .metrics, .openAPI, .page, .pageFile,
        .policies:
        ["GET", "HEAD", "OPTIONS"]
      case .experiments: ["GET", "HEAD", "POST", "OPTIONS"]
      case .sessions(let route): route.methods + ["OPTIONS"]
      }
    }

    /// What a request of that method needs: a token, or not even that.
    func need(_ method: String) -> Need {
      switch self {
      case .health, .live, .ready: .nothing
      case .openAPI, .page, .pageFile: .anyone
      case .schedule, .compare, .catalog, .catalogEntry, .catalogPicture, .policies, .experiments, .metrics:
        .scope(.read)
      case .sessions(let route): route.need(method)
      }
    }

    var name: RouteName {
      switch self {
      case .schedule: .schedule
      case .compare: .compare
      case .catalog: .catalog
      case .catalogEntry: .catalogEntry
      case .catalogPicture: .catalogPicture
      case .health: .health
      case .live: .live
      case .ready: .ready
      case .metrics: .metrics
      case .openAPI: .openAPI
      case .page: .page
      case .pageFile: .pageFile
      case .policies: .policies
      case .experiments: .experiments
      case .sessions(let route): route.name
      }
    }
  }

  /// The paths without a variable part.
  private static let plainRoutes: [String: Route] = [
    "/schedule": .schedule, "/compare": .compare, "/schedules": .catalog, "/policies": .policies,
    "/experiments": .experiments,
    "/sessions": .sessions(.collection), "/healthz": .health, "/livez": .live, "/readyz": .ready, "/metrics": .metrics,
    "/openapi.yaml": .openAPI, "/": .page,
  ]

  /// openapi.yaml.
  private static let contract = Array(UnsafeBufferPointer(start: contract_bytes(), count: contract_length()))

  private static let page = Page()

  private let configuration: Configuration
  private let catalogDocument: HTTPResponse
  private let policiesDocument: HTTPResponse
  private let sessions: SessionAPI
  private let experiments: ExperimentAPI
  private let access: AccessControl
  private let operations: Operations
  private let workers = DispatchQueue(label: "service.workers", attributes: .concurrent)

  /// - Parameters:
  ///   - configuration: what an operator has set.
  ///   - sessions: where sessions are; by default in memory alone.
  ///   - stateSeal: signs the states that trainers keep.
  ///   - access: who may do what; by default everybody everything.
  ///   - operations: what the operator sees.
  public init(
    configuration: Configuration = Configuration(), sessions: SessionHub = SessionHub(store: MemoryStore()),
    stateSeal: StateSeal = StateSeal(key: StateSeal.freshKey()), access: AccessControl = AccessControl(),
    operations: Operations = Operations()
  ) {
    self.operations = operations
    self.configuration = configuration
    self.access = access
    self.sessions = SessionAPI(hub: sessions, seal: stateSeal)
    experiments = ExperimentAPI(largestWork: configuration.largestExperiment)
    policiesDocument = .json(CatalogDocument.policies)
    catalogDocument = .json(CatalogDocument.all(.standard))
  }

  // MARK: HTTPHandler

  public func screen(_ head: inout HTTPRequestHead) -> HTTPResponse? {
    do throws(Problem) {
      let found = Result { () throws(Problem) in try self.route(head) }
      let isPreflight = head.method == "OPTIONS"
      if case .success(let route) = found { head.mark = route.name.marking(head.mark) }
      try access.admit(&head, isPreflight ? .anyone : (try? found.get())?.need(head.method) ?? .anyone)
      let route = try found.get()
      if isPreflight {
        return HTTPResponse(status: 204, fields: ["Allow": route.methods.joined(separator: ", ")])
      }
      if !route.methods.contains(head.method) {
        throw .methodNotAllowed(route.methods.joined(separator: ", "))
      }
      if ["POST", "PUT", "PATCH"].contains(head.method) { try checkContentType(head.fields) }
      return nil
    } catch {
      return error.response
    }
  }

  public func respond(to request: HTTPRequest, reply: HTTPReply) {
    do throws(Problem) {
      switch try markedRoute(request.head) {
      case .schedule: try schedule(request, reply)
      case .compare: try compare(request, reply)
      case .catalog: reply.send(catalogDocument)
      case .catalogEntry(let type): reply.send(.json(CatalogDocument.one(try definition(type))))
      case .catalogPicture(let type): try picture(try definition(type), request, reply)
      case .policies: reply.send(policiesDocument)
      case .experiments: try experiments.respond(to: request, reply)
      case .sessions(let route): try sessions.respond(route, request, reply)
      case .health, .live: reply.send(.json(["status": "ok"]))
      case .ready: ready(reply)
      case .metrics:
        workers.async {
          reply.send(
            HTTPResponse(
              status: 200, fields: ["Content-Type": Exposition.contentType],
              body: .bytes(operations.metrics(sessions.hub))))
        }
      case .page: reply.send(Self.page.response(to: request.head))
      case .pageFile(let name): reply.send(try Self.page.response(to: request.head, file: name))
      case .openAPI:
        reply.send(
          HTTPResponse(
            status: 200, fields: ["Content-Type": "application/yaml"], body: .bytes(Self.contract)))
      }
    } catch {
      reply.send(error.response)
    }
  }

  public func decorate(_ response: inout HTTPResponse, for head: HTTPRequestHead?) {
    access.decorate(&response, for: head)
  }

  public func failure(_ failure: HTTPFailure) -> HTTPResponse { Problem.server(failure).response }

  public func finished(_ exchange: HTTPExchange) { operations.finished(exchange) }

  // MARK: Routes

  /// The route of a request that ``screen(_:)`` has seen; a path without parameters is not looked at again.
  private func markedRoute(_ head: HTTPRequestHead) throws(Problem) -> Route {
    switch RouteName(mark: head.mark) {
    case .schedule: .schedule
    case .compare: .compare
    case .catalog: .catalog
    case .health: .health
    case .live: .live
    case .ready: .ready
    case .metrics: .metrics
    case .openAPI: .openAPI
    case .page: .page
    case .policies: .policies
    case .experiments: .experiments
    default: try route(head)
    }
  }

  private func route(_ head: HTTPRequestHead) throws(Problem) -> Route {
    if let route = Self.plainRoutes[head.path] { return route }
    switch head.segments {
    case let segments? where segments.count == 2 && segments[0] == "schedules":
      let name = segments[1]
      return name.hasSuffix(".svg") ? .catalogPicture(String(name.dropLast(4))) : .catalogEntry(name)
    case let segments? where segments.count == 2 && segments[0] == "page": return .pageFile(segments[1])
    case let segments? where segments.first == "sessions":
      guard let route = SessionRoute(segments) else {
        let parts = SessionRoute.Part.allCases.map(\.rawValue)
        let near = segments.count == 3 ? nearest(to: segments[2], in: parts) : nil
        let hint = near.map { "did you mean \($0)?" } ?? "there are \(parts.joined(separator: ", "))"
        throw .notFound("a session has no such part; \(hint)", suggestion: near)
      }
      return .sessions(route)
    case let segments?:
      // The same path, spelled with percent escapes.
      if segments.count == 1, let route = Self.plainRoutes["/" + segments[0]] { return route }
      fallthrough
    default:
      let near = nearest(to: head.path, in: Self.plainRoutes.keys.sorted())
      let hint = near.map { "did you mean \($0)?" } ?? "GET /openapi.yaml lists what there is"
      throw .notFound("the server has no such path; \(hint)", suggestion: near)
    }
  }

  /// JSON by name; or by curl's default type or none at all, because people at a terminal leave it out. Not so for a
  /// browser, which sends those types across sites without asking: the `Origin` field tells.
  private func checkContentType(_ fields: HTTPFields) throws(Problem) {
    if fields.first("Content-Type", is: "application/json") { return }
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

  // MARK: GET /readyz

  private func ready(_ reply: HTTPReply) {
    if operations.isDraining {
      reply.send(Problem.notReady("the server stops: ask another one", retryAfter: 10).response)
      return
    }
    sessions.hub.check { failure in
      if let failure {
        reply.send(Problem.notReady("the sessions cannot be read: \(failure)", retryAfter: 1).response)
      } else {
        reply.send(.json(["status": "ready"]))
      }
    }
  }

  // MARK: POST /schedule

  private static let scheduleQuery = ["format", "explain"] + PictureOptions.names

  private func schedule(_ request: HTTPRequest, _ reply: HTTPReply) throws(Problem) {
    let query = try Query(request.head, names: Self.scheduleQuery)
    let isExplained = try query.flag("explain")
    let form = try Form.chosen(
      name: query["format"], accept: request.head.fields["Accept"], of: isExplained ? [.json] : Form.ofRates)
    let task = ScheduleTask(
      content: request.body, form: form, isExplained: isExplained, picture: try PictureOptions(query))
    if request.body.count > Self.inlineContent {
      workers.async { answer(task, reply, mayBeInline: false) }
    } else {
      answer(task, reply, mayBeInline: true)
    }
  }

  /// What `POST /schedule` was asked for.
  private struct ScheduleTask {
    let content: [UInt8]
    let form: Form
    let isExplained: Bool
    let picture: PictureOptions
  }

  private func answer(_ task: ScheduleTask, _ reply: HTTPReply, mayBeInline: Bool) {
    do throws(Problem) {
      let limit = task.form.isUnbounded || task.form == .svg ? Int(largestStep) : configuration.largestAnswer
      let outline = try ScheduleOutline(task.content, limit: limit, isForExplanation: task.isExplained)
      let isSmall =
        task.form != .svg
        && outline.steps.count <= Self.inlineRates / outline.largestColumnCount
        && !SpecificationReader.mayBeStepped(outline.specification)
      if mayBeInline && !isSmall {
        workers.async { finish(task, outline, reply) }
      } else {
        finish(task, outline, reply)
      }
    } catch {
      reply.send(error.response)
    }
  }

  private func finish(_ task: ScheduleTask, _ outline: ScheduleOutline, _ reply: HTTPReply) {
    do throws(Problem) {
      let request = try ScheduleRequest(outline)
      if task.isExplained {
        reply.send(.json(Explanation(outline, request).document))
        return
      }
      if task.form == .json { try request.check(limit: configuration.largestAnswer) }
      reply.send(try request.response(task.form, picture: task.picture))
    } catch {
      reply.send(error.response)
    }
  }

  // MARK: POST /compare

  private func compare(_ request: HTTPRequest, _ reply: HTTPReply) throws(Problem) {
    let query = try Query(request.head, names: ["format"] + PictureOptions.names)
    let picture = try PictureOptions(query)
    let form = try Form.chosen(
      name: query["format"], accept: request.head.fields["Accept"], of: [.json, .svg])
    // Every curve is walked along for its summary: work for a worker.
    workers.async {
      do throws(Problem) {
        let comparison = try Comparison(request.body, limit: configuration.largestAnswer)
        reply.send(comparison.response(form, picture: picture))
      } catch {
        reply.send(error.response)
      }
    }
  }

  // MARK: GET /schedules/{type}.svg

  private func picture(_ definition: Definition, _ request: HTTPRequest, _ reply: HTTPReply) throws(Problem) {
    let picture = try PictureOptions(try Query(request.head, names: PictureOptions.names))
    workers.async {
      do throws(Problem) {
        reply.send(picture.response(try picture.chart(definition)))
      } catch {
        reply.send(error.response)
      }
    }
  }
}
