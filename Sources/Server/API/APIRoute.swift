import HTTPTypes
import Hummingbird

/// A call of the API. Only the list of calls knows which paths there are, and which methods a path has.
struct APIRoute: Sendable {
    typealias Handler = @Sendable (Request, APIContext) async throws -> Response

    let method: HTTPRequest.Method
    /// `{name}` stands for any one part of a path.
    let path: String
    let handler: Handler

    init<Answer: ResponseGenerator>(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ answer: @escaping @Sendable (Request, APIContext) async throws -> Answer
    ) {
        self.method = method
        self.path = path
        handler = { try await answer($0, $1).response(from: $0, context: $1) }
    }

    /// The name in metrics.
    var label: String { "\(method.rawValue) \(path)" }

    fileprivate func matches(_ parts: [Substring]) -> Bool {
        let own = path.split(separator: "/")
        return own.count == parts.count && zip(own, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}

/// All calls of one listener.
struct APIRoutes: Sendable {
    let routes: [APIRoute]

    func responder(metrics: HTTPMetrics) -> CallbackResponder<APIContext> {
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: ProblemMiddleware(routes: self, metrics: metrics))
        for route in routes { router.on(RouterPath(route.path), method: route.method, use: route.handler) }
        let responder = router.buildResponder()
        return CallbackResponder { try await responder.respond(to: $0, context: $1) }
    }

    /// The value of `Allow` for a path; `nil`: there is no such path.
    func allow(_ path: String) -> String? {
        let parts = path.split(separator: "/")
        var methods = routes.filter { $0.matches(parts) }.map(\.method.rawValue)
        guard !methods.isEmpty else { return nil }
        if methods.contains("GET") { methods.append("HEAD") }
        return methods.sorted().joined(separator: ", ")
    }
}
