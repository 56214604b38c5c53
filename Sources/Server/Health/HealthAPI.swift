import HTTPTypes
import Hummingbird
import NIOCore
import Telemetry

/// The calls of probes and scrapes.
struct HealthAPI: Sendable {
    let readiness: Readiness
    let registry: PrometheusRegistry
    let process: ProcessMetrics

    /// The calls that both listeners have.
    var probes: [APIRoute] {
        [APIRoute(.get, "/livez", live), APIRoute(.get, "/readyz", ready)]
    }

    /// The calls of the operations listener.
    var operations: [APIRoute] {
        probes + [APIRoute(.get, "/metrics", metrics)]
    }

    /// Answers as long as the process runs. Redis and Postgres are not asked, since a restart of this process would not mend
    /// them.
    @Sendable func live(_ request: Request, _ context: APIContext) async throws -> LivenessView {
        LivenessView()
    }

    /// Answers 200 while redemptions are decided, otherwise 503 with the reasons. `?verbose` lists all checks, also those that
    /// fail without being needed for redemptions.
    @Sendable func ready(_ request: Request, _ context: APIContext) async throws -> ReadinessView {
        let checks = await readiness.checks()
        guard checks.allSatisfy({ $0.fault == nil || !$0.isNeeded }) else {
            let faults = checks.compactMap { check in check.fault.map { "\(check.name): \($0)" } }
            throw Problem(.notReady, faults.joined(separator: "; "))
        }
        let isVerbose = request.uri.queryParameters["verbose"] != nil
        return ReadinessView(checks: isVerbose ? checks.map(ReadinessView.CheckView.init) : nil)
    }

    @Sendable func metrics(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = await readiness.checks()
        return .metrics(registry, process)
    }
}

/// The calls of a process that has no API. It has no `/readyz`: of several workers only one works.
struct WorkerHealthAPI: Sendable {
    let registry: PrometheusRegistry
    let process: ProcessMetrics

    var routes: [APIRoute] {
        [
            APIRoute(.get, "/livez") { _, _ in LivenessView() },
            APIRoute(.get, "/metrics") { _, _ in Response.metrics(registry, process) },
        ]
    }
}

extension Response {
    fileprivate static func metrics(_ registry: PrometheusRegistry, _ process: ProcessMetrics) -> Response {
        process.sample()
        return Response(
            status: .ok,
            headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: registry.render()))
        )
    }
}
