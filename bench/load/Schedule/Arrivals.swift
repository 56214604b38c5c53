internal import Foundation

/// The intended starts of one thread's requests, one after the other. No I/O and no clock: it computes the times, and the caller
/// waits.
public struct Arrivals: Sendable {
    public enum Spacing: Hashable, Sendable {
        /// All times between two starts are equal.
        case constant
        /// Starts are independent of each other (a Poisson process). Those of many users are so, and they are burstier than a
        /// constant rate.
        case poisson(seed: UInt64)
    }

    private enum Steps {
        /// The first arrival's number among those of all threads, and the step to this thread's next one.
        case constant(number: Double, step: Double)
        case poisson(SplitMix64, offset: Double)
    }

    private let start: UInt64
    private let end: UInt64
    /// Nanoseconds from one arrival to the next, over all threads.
    private let period: Double
    private let threads: Double
    private var steps: Steps

    /// - Parameters:
    ///   - rate: requests a second, over all threads.
    ///   - start: in nanoseconds of the monotonic clock.
    ///   - end: the first moment at which nothing starts any more.
    ///   - thread: one of `threads`, which share the rate. At a constant rate they take turns.
    init(rate: Double, spacing: Spacing, start: UInt64, end: UInt64, thread: Int = 0, of threads: Int = 1) {
        precondition(rate > 0 && thread < threads)
        self.start = start
        self.end = end
        period = 1e9 / rate
        self.threads = Double(threads)
        switch spacing {
        case .constant: steps = .constant(number: Double(thread), step: Double(threads))
        case .poisson(let seed): steps = .poisson(SplitMix64(seed: seed, sequence: thread), offset: 0)
        }
    }

    /// `nil` if there are no more.
    mutating func next() -> UInt64? {
        let offset: Double
        switch steps {
        case .constant(let number, let step):
            // This multiplies, because the rounding errors of many sums would change the rate.
            offset = number * period
            steps = .constant(number: number + step, step: step)
        case .poisson(var random, let last):
            offset = last - log(random.fraction()) * period * threads
            steps = .poisson(random, offset: offset)
        }
        let moment = start + UInt64(offset)
        return moment < end ? moment : nil
    }
}
