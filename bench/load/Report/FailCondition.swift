internal import Foundation

/// A condition under which a run has failed, such as `p99>20ms`. Beside an earlier run it may be `p99>1.5x`.
public struct FailCondition: Sendable, Hashable, CustomStringConvertible {
    /// The figures of a run that conditions look at.
    public struct Run: Sendable {
        public let result: LoadResult
        /// Requests whose outcome is unknown.
        public let unknown: Int

        public init(_ result: LoadResult, unknown: Int) {
            self.result = result
            self.unknown = unknown
        }
    }

    public enum Metric: String, CaseIterable, Sendable {
        case p50, p90, p99
        case p999 = "p99.9"
        case p9999 = "p99.99"
        case max, mean
        /// Answers a second.
        case rate
        /// Outcomes that the scenario does not expect, and requests that were not sent.
        case errors
        /// Requests whose outcome is unknown.
        case unknown
        case notSent = "not_sent"
        /// The greatest value in the run.
        case lag, outbox

        var kind: Kind {
            switch self {
            case .p50, .p90, .p99, .p999, .p9999, .max, .mean, .lag: .time
            case .rate: .rate
            case .errors, .unknown, .notSent: .share
            case .outbox: .count
            }
        }
    }

    enum Kind {
        case time
        /// A rate a second, or per cent of the rate that was asked for.
        case rate
        /// A number of requests, or per cent of them.
        case share
        case count
    }

    enum Comparison: String, CaseIterable, Sendable {
        // A sign that begins with another one comes before that one.
        case atLeast = ">="
        case atMost = "<="
        case above = ">"
        case below = "<"

        func holds(_ left: Double, _ right: Double) -> Bool {
            switch self {
            case .atLeast: left >= right
            case .atMost: left <= right
            case .above: left > right
            case .below: left < right
            }
        }
    }

    /// The unit of the limit.
    enum Scale: Sendable {
        /// Milliseconds, a rate a second, or a count.
        case absolute
        case percent
        /// A multiple of the baseline's value.
        case baseline
    }

    let metric: Metric
    let comparison: Comparison
    let limit: Double
    let scale: Scale
    public let description: String

    /// Says which value the run has, if the condition holds. A value that was not measured counts as a violation, since nobody
    /// can vouch for it.
    public func violation(in run: Run, baseline: Run? = nil) -> String? {
        guard let value = metric.value(in: run, inPercent: scale == .percent) else {
            return "\(metric.rawValue) was not measured"
        }
        switch scale {
        case .absolute, .percent:
            return comparison.holds(value, limit) ? "\(metric.rawValue) is \(text(of: value))" : nil
        case .baseline:
            guard let baseline, let before = metric.value(in: baseline) else {
                return "\(metric.rawValue) is not in the baseline"
            }
            // This multiplies, because a division would fail if the baseline's value is zero.
            guard comparison.holds(value, limit * before) else { return nil }
            let ratio = before > 0 ? ", \((value / before).formatted(digits: 3))x" : ""
            return "\(metric.rawValue) is \(text(of: value))\(ratio) of \(text(of: before)) in the baseline"
        }
    }

    private func text(of value: Double) -> String {
        let unit =
            switch metric.kind {
            case .time: " ms"
            case .rate, .share, .count: scale == .percent ? " %" : ""
            }
        return value.formatted(digits: 3) + unit
    }
}

extension FailCondition.Metric {
    /// Milliseconds, a rate a second, or a count; `nil` if it was not measured.
    public func value(in run: FailCondition.Run, inPercent: Bool = false) -> Double? {
        let result = run.result
        let latency = result.latency
        func share(_ count: Int) -> Double {
            inPercent ? 100 * Double(count) / Double(Swift.max(1, result.requests + result.notSent)) : Double(count)
        }
        switch self {
        case .p50: return latency?.p50
        case .p90: return latency?.p90
        case .p99: return latency?.p99
        case .p999: return latency?.p999
        case .p9999: return latency?.p9999
        case .max: return latency?.max
        case .mean: return latency?.mean
        case .rate: return inPercent ? result.targetRate.map { 100 * result.rate / $0 } : result.rate
        case .errors: return share(result.errors)
        case .unknown: return share(run.unknown)
        case .notSent: return share(result.notSent)
        case .lag: return result.series.compactMap { $0.gauges[Gauge.lag.rawValue] }.max().map { $0 * 1000 }
        case .outbox: return result.series.compactMap { $0.gauges[Gauge.outbox.rawValue] }.max()
        }
    }
}

extension Double {
    /// The number with so many significant digits, and without an exponent.
    func formatted(digits: Int) -> String {
        guard isFinite, self != 0 else { return self == 0 ? "0" : "-" }
        let decimals = Swift.max(0, digits - 1 - Int(Foundation.log10(magnitude).rounded(.down)))
        return String(format: "%.\(Swift.min(decimals, 9))f", self)
    }
}
