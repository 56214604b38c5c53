internal import Foundation

/// Latencies in a report, all in milliseconds.
public struct LatencySummary: Sendable, Codable, Hashable {
    public struct Point: Sendable, Codable, Hashable {
        /// In per cent.
        public let percentile: Double
        public let milliseconds: Double
    }

    public let count: Int
    public let mean: Double
    public let p50: Double
    public let p90: Double
    public let p99: Double
    public let p999: Double
    public let p9999: Double
    public let max: Double
    /// The whole distribution, with more points near 100 per cent, as HdrHistogram plots it.
    public let curve: [Point]

    /// How many points there are for each halving of the distance to 100 per cent.
    private static let pointsPerHalf = 5

    /// - Returns: `nil` if nothing was recorded.
    public init?(_ latencies: Latencies) {
        guard let mean = latencies.mean, let max = latencies.max else { return nil }
        func percentile(_ percentile: Double) -> Double { latencies.percentile(percentile) ?? 0 }
        count = latencies.count
        self.mean = mean
        self.max = max
        p50 = percentile(50)
        p90 = percentile(90)
        p99 = percentile(99)
        p999 = percentile(99.9)
        p9999 = percentile(99.99)
        var curve: [Point] = []
        var step = 0
        while true {
            // 1 / (1 - p) doubles in so many steps.
            let distance = pow(2, -Double(step) / Double(LatencySummary.pointsPerHalf))
            guard distance * Double(latencies.count) >= 1 else { break }
            curve.append(Point(percentile: 100 * (1 - distance), milliseconds: percentile(100 * (1 - distance))))
            step += 1
        }
        curve.append(Point(percentile: 100, milliseconds: max))
        self.curve = curve
    }
}
