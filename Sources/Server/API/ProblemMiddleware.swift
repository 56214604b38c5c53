import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Persistence
import PostgresClient
import RedisClient
import Telemetry

/// The outermost middleware. It gives a request its id, answers every error with a problem, and measures the time.
struct ProblemMiddleware: RouterMiddleware {
    let routes: APIRoutes
    let metrics: HTTPMetrics
    private let durations: [String: HistogramCell]
    private let otherDuration: HistogramCell

    init(routes: APIRoutes, metrics: HTTPMetrics) {
        self.routes = routes
        self.metrics = metrics
        durations = Dictionary(
            routes.routes.map { ($0.label, metrics.duration(route: $0.label)) },
            uniquingKeysWith: { first, _ in first }
        )
        otherDuration = metrics.duration(route: "other")
    }

    func handle(
        _ request: Request,
        context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let start = NIODeadline.now()
        var context = context
        let sent = request.only(.requestID).flatMap(RequestID.init(acceptable:))
        context.requestID = (sent ?? ProblemMiddleware.newID()).description
        context.logger[metadataKey: "request_id"] = .string(context.requestID)

        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            let problem = Problem(error, of: request, routes: routes, logger: context.logger)
            response = Response(problem, requestID: context.requestID)
        }
        response.headers[.requestID] = context.requestID

        // The label has the path as it was declared, so that ids in a path make no series of their own.
        let route = context.endpointPath.flatMap { durations["\(request.method.rawValue) \($0)"] } ?? otherDuration
        route.recordNanoseconds((NIODeadline.now() - start).nanoseconds)
        context.logger.debug(
            "answered",
            metadata: ["method": "\(request.method)", "path": "\(request.uri.path)", "status": "\(response.status.code)"]
        )
        return response
    }

    private static func newID() -> RequestID {
        var generator = RequestIDGenerator()
        return generator.make()
    }
}

extension Request {
    /// The value of a field that the request has once; `nil`: the field is absent or repeated.
    func only(_ name: HTTPField.Name) -> String? {
        let values = headers[values: name]
        return values.count == 1 ? values[0] : nil
    }

    /// True if `Content-Type` says that the body is JSON, or is absent.
    var isJSON: Bool {
        headers[values: .contentType].isEmpty || only(.contentType).map(MediaType.isJSON) == true
    }
}

extension HTTPField.Name {
    static let requestID = HTTPField.Name(RequestID.header)!
    static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
}

extension Response {
    init(_ problem: Problem, requestID: String) {
        var headers = HTTPFields()
        headers[.contentType] = Problem.mediaType
        problem.forEachHeader { headers.add($0, $1) }
        self.init(
            status: HTTPResponse.Status(code: problem.code.status),
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(string: problem.body(requestID: requestID)))
        )
    }
}

extension HTTPFields {
    mutating func add(_ name: String, _ value: String) {
        guard let name = HTTPField.Name(name) else { preconditionFailure("'\(name)' is no name of a header field") }
        append(HTTPField(name: name, value: value))
    }
}

extension Problem {
    /// The problem that a client is told of an error. The rest of the error goes into the log.
    fileprivate init(_ error: any Error, of request: Request, routes: APIRoutes, logger: Logger) {
        switch error {
        case let problem as Problem: self = problem
        case let error as RedisError:
            self = request.method == .get || request.method == .head ? Problem(read: error) : Problem(write: error)
            logger.warning("Redis failed a request", metadata: ["error": "\(error)", "path": "\(request.uri.path)"])
        case let error as PostgresError:
            self.init(error)
            logger.warning("Postgres failed a request", metadata: ["error": "\(error)", "path": "\(request.uri.path)"])
        case let error as HTTPError:
            self.init(error, of: request, routes: routes)
        case is CancellationError, is ChannelError, is IOError:
            // The client has gone, so nobody will read this.
            self.init(.internal)
        default:
            self.init(.internal)
            logger.error("a request failed", metadata: ["error": "\(error)", "path": "\(request.uri.path)"])
        }
    }

    private init(_ error: PostgresError) {
        if error.outcomeIsUnknown {
            self.init(.outcomeUnknown)
        } else if error.code == .tooManyWaiters || error.code == .acquireTimedOut {
            self.init(.overloaded)
        } else if error.code == .connectionFailed || error.code == .connectionLost || error.code == .closed {
            self.init(.ledgerUnavailable)
        } else {
            self.init(.internal)
        }
    }

    /// An error of Hummingbird's, such as that there is no such route.
    private init(_ error: HTTPError, of request: Request, routes: APIRoutes) {
        switch error.status {
        case .notFound:
            if let allow = routes.allow(request.uri.path) {
                self.init(.methodNotAllowed, allow: allow)
            } else {
                self.init(.notFound)
            }
        case .contentTooLarge: self.init(.bodyTooLarge)
        case .badRequest: self.init(.malformedRequest)
        default: self.init(.internal)
        }
    }
}
