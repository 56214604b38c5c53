import CoreMetrics
import Synchronization

/// A number that only grows. An event costs one relaxed addition.
package final class CounterCell: CounterHandler, Sendable {
    private let value = Atomic<Int64>(0)

    package func increment(by amount: Int64) { value.add(amount, ordering: .relaxed) }
    package func reset() { value.store(0, ordering: .relaxed) }

    package var current: Int64 { value.load(ordering: .relaxed) }
}

/// A number that goes up and down.
package final class GaugeCell: MeterHandler, RecorderHandler, Sendable {
    private let bits = Atomic<UInt64>(0)
    /// The bit pattern of the greatest sum since `takeGreatest`: numbers from 0 on have the order of their bit patterns.
    private let greatest = Atomic<UInt64>(0)

    package func set(_ value: Int64) { set(Double(value)) }
    package func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
    package func record(_ value: Int64) { set(Double(value)) }
    package func record(_ value: Double) { set(value) }
    package func decrement(by amount: Double) { increment(by: -amount) }

    package func increment(by amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let sum = (Double(bitPattern: old) + amount).bitPattern
            let (done, actual) = bits.weakCompareExchange(expected: old, desired: sum, ordering: .relaxed)
            if done {
                if amount > 0 { greatest.max(sum, ordering: .relaxed) }
                return
            }
            old = actual
        }
    }

    package var current: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    /// The greatest value that increments led to since the last call, even for a moment. It is for gauges that are never below 0.
    package func takeGreatest() -> Double { Double(bitPattern: greatest.exchange(0, ordering: .relaxed)) }
}

/// Counts events by size. Bounds are fixed, so an event costs a search among 16 numbers and two relaxed additions.
package final class HistogramCell: TimerHandler, RecorderHandler, Sendable {
    /// Bounds in seconds, from 100 µs to 5 s: a redemption takes a millisecond, a login a third of a second.
    package static let secondsBounds = [
        0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2.5, 5,
    ]
    /// Bounds of sizes that are counts, not times.
    package static let countBounds = (0..<16).map { Double(1 << $0) }

    package let bounds: [Double]
    private let counts: [Count]
    private let sum = GaugeCell()

    private final class Count: Sendable {
        let value = Atomic<Int64>(0)
    }

    package init(bounds: [Double]) {
        self.bounds = bounds
        counts = (0...bounds.count).map { _ in Count() }
    }

    package func record(_ value: Int64) { record(Double(value)) }
    package func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    package func record(_ value: Double) {
        let place = bounds.firstIndex { value <= $0 } ?? bounds.count
        counts[place].value.add(1, ordering: .relaxed)
        sum.increment(by: value)
    }

    /// For each bound the number of events that were not larger, and last the number of all events; and the sum of all sizes.
    package var current: (cumulative: [Int64], sum: Double) {
        var total: Int64 = 0
        let cumulative = counts.map { count in
            total += count.value.load(ordering: .relaxed)
            return total
        }
        return (cumulative, sum.current)
    }
}

/// swift-metrics' counter of fractions.
package final class FractionCell: FloatingPointCounterHandler, Sendable {
    private let gauge = GaugeCell()

    package func increment(by amount: Double) { gauge.increment(by: amount) }
    package func reset() { gauge.set(0.0) }

    /// Sets the total of a number that is counted elsewhere.
    package func set(_ total: Double) { gauge.set(total) }

    package var current: Double { gauge.current }
}
