import HTTPTypes
import Hummingbird
import NIOCore
import Telemetry

/// What probes and scrapes ask for.
struct HealthAPI: Sendable {
    let readiness: Readiness
    let registry: PrometheusRegistry
    let process: ProcessMetrics

    /// On both listeners.
    var probes: [APIRoute] {
        [APIRoute(.get, "/livez", live), APIRoute(.get, "/readyz", ready)]
    }

    /// On the operations listener only.
    var operations: [APIRoute] {
        probes + [APIRoute(.get, "/metrics", metrics)]
    }

    /// The process answers; nobody else is asked, since a restart of it would mend nobody else.
    @Sendable func live(_ request: Request, _ context: APIContext) async throws -> LivenessView {
        LivenessView()
    }

    /// 200 where redemptions are decided, or 503 with the reasons. `?verbose` lists what was looked at, also what fails without being
    /// needed for that.
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

/// The same of a process that has no API. Whether it is ready to work is not asked: of several workers one works.
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
