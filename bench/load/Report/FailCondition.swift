internal import Foundation

/// What a run must not be, as in `p99>20ms`.
public struct FailCondition: Sendable, Hashable, CustomStringConvertible {
    /// A text that is no condition.
    public struct Invalid: Error, Hashable {
        public let problem: String
        public let remedy: String
    }

    public enum Metric: String, CaseIterable, Sendable {
        case p50, p90, p99
        case p999 = "p99.9"
        case p9999 = "p99.99"
        case max, mean
        /// Answers a second.
        case rate
        /// Outcomes that the scenario does not expect, and what was not sent.
        case errors
        /// Outcomes of which it is not known whether the request was carried out.
        case unknown
        case notSent = "not_sent"
        /// The greatest of the run.
        case lag, outbox

        fileprivate var kind: Kind {
            switch self {
            case .p50, .p90, .p99, .p999, .p9999, .max, .mean, .lag: .time
            case .rate: .rate
            case .errors, .unknown, .notSent: .share
            case .outbox: .count
            }
        }
    }

    fileprivate enum Kind {
        case time
        /// A second, or per cent of the rate asked for.
        case rate
        /// A number of requests, or per cent of them.
        case share
        case count

        var units: [String] {
            switch self {
            case .time: ["us", "ms", "s"]
            case .rate: ["/s", "%"]
            case .share: ["%"]
            case .count: []
            }
        }
    }

    enum Comparison: String, CaseIterable, Sendable {
        // Those that begin with another one first.
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

    let metric: Metric
    let comparison: Comparison
    /// Milliseconds, per second, or a count; in per cent where `isPercent`.
    let limit: Double
    let isPercent: Bool
    public let description: String

    /// Reads a metric, one of > >= < <=, and a value with its unit.
    public init(_ text: String) throws(Invalid) {
        let compact = text.filter { !$0.isWhitespace }
        guard
            let (comparison, range) = Comparison.allCases.lazy
                .compactMap({ comparison in compact.range(of: comparison.rawValue).map { (comparison, $0) } }).first
        else { throw FailCondition.invalid("'\(text)' has none of >, >=, < and <=") }
        let name = compact[..<range.lowerBound]
        guard let metric = Metric(rawValue: String(name)) else {
            throw FailCondition.invalid("'\(name)' in '\(text)' is not a metric")
        }
        let value = compact[range.upperBound...]
        let digits = value.prefix { $0.isNumber || $0 == "." }
        let unit = value.dropFirst(digits.count)
        guard let number = Double(digits) else { throw FailCondition.invalid("'\(value)' in '\(text)' is not a number") }
        let kind = metric.kind
        guard unit.isEmpty ? kind != .time : kind.units.contains(String(unit)) else {
            let units =
                kind == .time ? "one of \(kind.units.joined(separator: ", "))" : (["none"] + kind.units).joined(separator: " or ")
            throw FailCondition.invalid(
                "'\(value)' in '\(text)' \(unit.isEmpty ? "has no unit" : "has the unit '\(unit)'"); \(metric.rawValue) takes \(units)"
            )
        }
        self.metric = metric
        self.comparison = comparison
        switch unit {
        case "us": limit = number / 1000
        case "s": limit = number * 1000
        default: limit = number
        }
        isPercent = unit == "%"
        description = compact
    }

    private static func invalid(_ problem: String) -> Invalid {
        Invalid(
            problem: problem,
            remedy: "write it as p99>20ms; the metrics are \(Metric.allCases.map(\.rawValue).joined(separator: ", "))"
        )
    }

    /// What the run's value is, where it is one that must not be. Nobody can vouch for a value that was not measured.
    public func violation(in result: LoadResult, unknown: Int) -> String? {
        guard let value = value(in: result, unknown: unknown) else { return "\(metric.rawValue) was not measured" }
        guard comparison.holds(value, limit) else { return nil }
        switch metric.kind {
        case .time: return "\(metric.rawValue) is \(value.formatted(digits: 3)) ms"
        case .rate, .share, .count: return "\(metric.rawValue) is \(value.formatted(digits: 3))\(isPercent ? " %" : "")"
        }
    }

    private func value(in result: LoadResult, unknown: Int) -> Double? {
        let latency = result.latency
        switch metric {
        case .p50: return latency?.p50
        case .p90: return latency?.p90
        case .p99: return latency?.p99
        case .p999: return latency?.p999
        case .p9999: return latency?.p9999
        case .max: return latency?.max
        case .mean: return latency?.mean
        case .rate: return isPercent ? result.targetRate.map { 100 * result.rate / $0 } : result.rate
        case .errors: return share(of: result.errors, in: result)
        case .unknown: return share(of: unknown, in: result)
        case .notSent: return share(of: result.notSent, in: result)
        case .lag: return result.series.compactMap { $0.gauges[Gauge.lag.rawValue] }.max().map { $0 * 1000 }
        case .outbox: return result.series.compactMap { $0.gauges[Gauge.outbox.rawValue] }.max()
        }
    }

    private func share(of count: Int, in result: LoadResult) -> Double {
        isPercent ? 100 * Double(count) / Double(Swift.max(1, result.requests + result.notSent)) : Double(count)
    }
}

extension Double {
    /// With so many significant digits, and without an exponent.
    func formatted(digits: Int) -> String {
        guard isFinite, self != 0 else { return self == 0 ? "0" : "-" }
        let decimals = Swift.max(0, digits - 1 - Int(Foundation.log10(magnitude).rounded(.down)))
        return String(format: "%.\(Swift.min(decimals, 9))f", self)
    }
}
