import Domain
import Telemetry

/// The metrics of logins, refreshes and revocations, by outcome.
struct AuthMetrics: Sendable {
    struct Logins: Sendable {
        let accepted: CounterCell
        let refused: CounterCell
        let throttled: CounterCell
        let overloaded: CounterCell
    }

    struct Refreshes: Sendable {
        let rotated: CounterCell
        let repeated: CounterCell
        let reused: CounterCell
        let invalid: CounterCell
    }

    let logins: Logins
    let refreshes: Refreshes
    /// Sessions that this process ended before their time.
    let revoked: CounterCell

    init(registry: PrometheusRegistry) {
        func login(_ outcome: String) -> CounterCell { registry.counter(Metric.logins.name, [("outcome", outcome)]) }
        func refresh(_ outcome: String) -> CounterCell { registry.counter(Metric.refreshes.name, [("outcome", outcome)]) }
        logins = Logins(
            accepted: login("accepted"),
            refused: login("refused"),
            throttled: login("throttled"),
            overloaded: login("overloaded")
        )
        refreshes = Refreshes(
            rotated: refresh("rotated"),
            repeated: refresh("repeated"),
            reused: refresh("reused"),
            invalid: refresh("invalid")
        )
        revoked = registry.counter(Metric.sessionsRevoked.name)
    }
}
