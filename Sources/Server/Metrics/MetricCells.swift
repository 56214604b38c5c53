import CoreMetrics
import Synchronization

/// A number that only grows. One relaxed addition an event.
final class CounterCell: CounterHandler, Sendable {
    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) { value.add(amount, ordering: .relaxed) }
    func reset() { value.store(0, ordering: .relaxed) }

    var current: Int64 { value.load(ordering: .relaxed) }
}

/// A number that goes up and down.
final class GaugeCell: MeterHandler, RecorderHandler, Sendable {
    private let bits = Atomic<UInt64>(0)
    /// The greatest sum since `takeGreatest`. Numbers from zero on have the order of their bit patterns.
    private let greatest = Atomic<UInt64>(0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func decrement(by amount: Double) { increment(by: -amount) }

    func increment(by amount: Double) {
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

    var current: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    /// The greatest value that increments led to since the last call, however short: of a gauge that is never below zero.
    func takeGreatest() -> Double { Double(bitPattern: greatest.exchange(0, ordering: .relaxed)) }
}

/// Counts events by size. Bounds are fixed, so an event is a search among 16 numbers and two relaxed additions.
final class HistogramCell: TimerHandler, RecorderHandler, Sendable {
    /// Seconds, 100 µs to 5 s: a redemption takes a millisecond, a login a third of a second.
    static let secondsBounds = [
        0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2.5, 5,
    ]
    /// For what is counted and not timed.
    static let countBounds = (0..<16).map { Double(1 << $0) }

    let bounds: [Double]
    private let counts: [Count]
    private let sum = GaugeCell()

    private final class Count: Sendable {
        let value = Atomic<Int64>(0)
    }

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = (0...bounds.count).map { _ in Count() }
    }

    func record(_ value: Int64) { record(Double(value)) }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func record(_ value: Double) {
        let place = bounds.firstIndex { value <= $0 } ?? bounds.count
        counts[place].value.add(1, ordering: .relaxed)
        sum.increment(by: value)
    }

    /// How many events were at most so large, by bound and last for any size; and the sum of all sizes.
    var current: (cumulative: [Int64], sum: Double) {
        var total: Int64 = 0
        let cumulative = counts.map { count in
            total += count.value.load(ordering: .relaxed)
            return total
        }
        return (cumulative, sum.current)
    }
}

/// swift-metrics' counter of fractions.
final class FractionCell: FloatingPointCounterHandler, Sendable {
    private let gauge = GaugeCell()

    func increment(by amount: Double) { gauge.increment(by: amount) }
    func reset() { gauge.set(0.0) }

    /// For a number that somebody else counts.
    func set(_ total: Double) { gauge.set(total) }

    var current: Double { gauge.current }
}
