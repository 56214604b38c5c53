public import Logging
public import ServiceLifecycle
public import Telemetry

/// The operations port of a process that has no API, such as a sync worker: `/livez` and `/metrics`.
public func buildWorkerOperations(
    host: String,
    port: Int,
    metrics registry: PrometheusRegistry,
    logger: Logger
) -> [any Service] {
    let health = WorkerHealthAPI(registry: registry, process: ProcessMetrics(registry: registry))
    let limits = ServerLimits()
    // Its own requests are not counted: the names of those metrics are the API's.
    let requests = HTTPMetrics(registry: PrometheusRegistry())
    let listener = Listener.operations(
        APIRoutes(routes: health.routes).responder(metrics: requests),
        host: host,
        port: port,
        limits: limits,
        logger: logger
    )
    return listener.services(limits: limits, bound: BoundPorts(), logger: logger)
}
