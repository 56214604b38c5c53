internal import Histogram

/// An HDR histogram of nanoseconds with three significant digits, from 1 µs to an hour. Each thread has its own, and the sum of
/// several is as exact as each.
public struct Latencies: Sendable {
    private static let least: UInt64 = 1_000
    private static let greatest: UInt64 = 3_600_000_000_000

    private var histogram = Histogram<UInt64>(
        lowestDiscernibleValue: Latencies.least,
        highestTrackableValue: Latencies.greatest,
        numberOfSignificantValueDigits: .three
    )

    public init() {}

    public var count: Int { Int(histogram.totalCount) }

    /// - Parameter nanoseconds: more than an hour counts as an hour.
    mutating func record(_ nanoseconds: UInt64) { histogram.record(min(nanoseconds, Latencies.greatest)) }

    public mutating func add(_ other: Latencies) { histogram.add(other.histogram) }

    /// In milliseconds; `nil` if nothing was recorded.
    public func percentile(_ percentile: Double) -> Double? {
        count == 0 ? nil : Double(histogram.valueAtPercentile(percentile)) / 1e6
    }

    /// In milliseconds.
    public var max: Double? { count == 0 ? nil : Double(histogram.maxRecorded) / 1e6 }
    /// In milliseconds.
    public var mean: Double? { count == 0 ? nil : histogram.mean / 1e6 }
}
