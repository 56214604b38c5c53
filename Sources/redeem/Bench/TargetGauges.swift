internal import Domain
internal import HotPath
internal import LoadGenerator
internal import RedisClient
internal import Terminal

/// Gauges of the target while it is loaded: from its stores if they are known, else from its API and its metrics. A gauge that
/// cannot be read is left out, since the load itself shows that something is wrong.
struct TargetGauges: Sendable {
    let target: BenchTarget
    /// `false` if the load has no coupon. Then no gauge of a coupon is read.
    let hasSale: Bool

    func read() async -> [String: Double] {
        var values: [Gauge: Double] = [:]
        if let stores = target.stores {
            await read(stores, into: &values)
        } else {
            await readAPI(into: &values)
        }
        return Dictionary(uniqueKeysWithValues: values.map { ($0.key.rawValue, $0.value) })
    }

    private func read(_ stores: BenchStores, into values: inout [Gauge: Double]) async {
        var left: Int?
        var outbox = 0
        var lag = 0.0
        for store in stores.hotPath.stores {
            guard let status = try? await store.status(), let oldest = try? await store.readOutbox(after: .zero, count: 1),
                let now = try? await time(of: stores.hotPath.client),
                let stock = try? await store.stock(of: [target.coupon])
            else { return }
            outbox += status.outboxLength
            if let first = oldest.first { lag = max(lag, now - Double(first.id.milliseconds) / 1000) }
            if let part = stock[target.coupon] { left = (left ?? 0) + part }
        }
        values[.outbox] = Double(outbox)
        values[.lag] = lag
        if hasSale, let left { values[.left] = Double(left) }
    }

    /// Redis's time in seconds since 1970. The ids of a stream are by Redis's clock, not by ours.
    private func time(of client: RedisClient) async throws -> Double {
        let parts = try await client.send(["TIME"]).array ?? []
        guard parts.count == 2, let seconds = parts[0].string.flatMap(Double.init),
            let microseconds = parts[1].string.flatMap(Double.init)
        else { throw Refusal("Redis answers TIME with \(parts)") }
        return seconds + microseconds / 1e6
    }

    private func readAPI(into values: inout [Gauge: Double]) async {
        if hasSale, let stock = try? await target.caller.stock(of: target.coupon), let left = stock.left {
            values[.left] = Double(left)
        }
        guard let operations = target.operationsCaller, let text = try? await operations.metrics() else { return }
        values[.outbox] = PrometheusText.value(of: "redeem_outbox_length", in: text)
        // Only a process with a sync worker in it has this metric.
        values[.lag] = PrometheusText.value(of: "redeem_sync_lag_seconds", in: text)
    }
}
