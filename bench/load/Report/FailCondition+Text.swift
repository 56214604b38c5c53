internal import Foundation

/// The text of a condition: a metric, one of > >= < <=, and a number with its unit. The unit decides the comparison: `x` means a
/// multiple of the baseline's value, `%` a share of the run's own, and any other unit an amount.
extension FailCondition {
    /// A text that is no condition.
    public struct Invalid: Error, Hashable {
        public let problem: String
        public let remedy: String
    }

    static let ofBaseline = "x"
    /// Nobody means a hundred times the baseline. A greater number is an amount whose unit was forgotten.
    private static let ratioLimit = 100.0

    /// - Parameter besideBaseline: `true`: a time or rate without a unit is a ratio.
    public init(_ text: String, besideBaseline: Bool = false) throws(Invalid) {
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
        let unit = String(value.dropFirst(digits.count))
        guard let number = Double(digits) else { throw FailCondition.invalid("'\(value)' in '\(text)' is not a number") }
        guard let scale = metric.kind.scale(of: unit, besideBaseline: besideBaseline) else {
            let given = unit.isEmpty ? "has no unit" : "has the unit '\(unit)'"
            throw FailCondition.invalid("'\(value)' in '\(text)' \(given); \(metric.rawValue) takes \(metric.kind.unitsText)")
        }
        if scale == .baseline {
            guard besideBaseline else {
                throw Invalid(
                    problem: "'\(text)' is of a baseline, and there is none",
                    remedy:
                        "give --baseline the file that redeem bench --json wrote, or a limit of its own, such as \(metric.example)"
                )
            }
            guard number < FailCondition.ratioLimit else {
                throw Invalid(
                    problem: "'\(value)' in '\(text)' is \(digits) times the baseline's",
                    remedy:
                        "write the unit of an amount, such as \(metric.example), or a ratio below \(Int(FailCondition.ratioLimit))"
                )
            }
        }
        self.metric = metric
        self.comparison = comparison
        switch unit {
        case "us": limit = number / 1000
        case "s": limit = number * 1000
        default: limit = number
        }
        self.scale = scale
        description = compact
    }

    private static func invalid(_ problem: String) -> Invalid {
        Invalid(
            problem: problem,
            remedy: "write it as p99>20ms, or beside a baseline as p99>1.5x; the metrics are "
                + Metric.allCases.map(\.rawValue).joined(separator: ", ")
        )
    }
}

extension FailCondition.Kind {
    /// `nil` if the metric cannot have this unit.
    fileprivate func scale(of unit: String, besideBaseline: Bool) -> FailCondition.Scale? {
        switch (self, unit) {
        case (_, FailCondition.ofBaseline): .baseline
        case (.time, ""): besideBaseline ? .baseline : nil
        case (.rate, ""): besideBaseline ? .baseline : .absolute
        case (.time, "us"), (.time, "ms"), (.time, "s"), (.rate, "/s"), (.share, ""), (.count, ""): .absolute
        case (.rate, "%"), (.share, "%"): .percent
        case (.time, _), (.rate, _), (.share, _), (.count, _): nil
        }
    }

    fileprivate var unitsText: String {
        switch self {
        case .time: "one of us, ms, s, x"
        case .rate: "none or one of /s, %, x"
        case .share: "none or one of %, x"
        case .count: "none or x"
        }
    }
}

extension FailCondition.Metric {
    /// An example of an amount with its unit.
    fileprivate var example: String {
        switch kind {
        case .time: "\(rawValue)>20ms"
        case .rate: "\(rawValue)<19000/s"
        case .share: "\(rawValue)>0.1%"
        case .count: "\(rawValue)>100"
        }
    }
}
