import Domain
import HotPath
import NIOCore
import Telemetry

/// The metrics of requests. Their cells are found once, so that a request looks nothing up by name.
struct HTTPMetrics: Sendable {
    let connections: GaugeCell
    let connectionsAllowed: GaugeCell
    private let registry: PrometheusRegistry
    private let hotRoute: HistogramCell
    private let accepted: CounterCell
    private let replayed: CounterCell
    /// Refusals, by `ProblemCode.index`.
    private let refused: [CounterCell]

    init(registry: PrometheusRegistry) {
        self.registry = registry
        connections = registry.gauge(Metric.connections.name)
        connectionsAllowed = registry.gauge(Metric.connectionsAllowed.name)
        hotRoute = HTTPMetrics.histogram(registry, route: HotRoute.label)
        accepted = registry.counter(Metric.redemptions.name, [("outcome", RedeemCode.accepted.rawValue)])
        replayed = registry.counter(Metric.redemptions.name, [("outcome", RedeemCode.replayed.rawValue)])
        refused = ProblemCode.allCases.map { registry.counter(Metric.redemptions.name, [("outcome", $0.rawValue)]) }
    }

    /// Counts a redemption, by either route.
    func count(_ answer: RedemptionAnswer) {
        switch answer {
        case .redeemed(_, replayed: false, _): accepted.increment(by: 1)
        case .redeemed(_, replayed: true, _): replayed.increment(by: 1)
        case .refused(let problem): refused[problem.code.index].increment(by: 1)
        }
    }

    func recordHotRoute(_ time: TimeAmount) {
        hotRoute.recordNanoseconds(time.nanoseconds)
    }

    func duration(route: String) -> HistogramCell { HTTPMetrics.histogram(registry, route: route) }

    private static func histogram(_ registry: PrometheusRegistry, route: String) -> HistogramCell {
        registry.histogram(Metric.duration.name, [("route", route)], bounds: HistogramCell.secondsBounds)
    }
}
