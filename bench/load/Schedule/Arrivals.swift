internal import Foundation

/// The intended starts of one thread's requests, one after the other. No I/O, and no clock: it says when, and somebody else
/// waits.
public struct Arrivals: Sendable {
    public enum Spacing: Hashable, Sendable {
        /// The same time between any two.
        case constant
        /// Independent of each other (a Poisson process): as many users are, and burstier than a constant rate.
        case poisson(seed: UInt64)
    }

    private enum Steps {
        /// The first arrival's number among those of all threads, and the step to this thread's next one.
        case constant(number: Double, step: Double)
        case poisson(SplitMix64, offset: Double)
    }

    private let start: UInt64
    private let end: UInt64
    /// Nanoseconds from one arrival to the next, of all threads together.
    private let period: Double
    private let threads: Double
    private var steps: Steps

    /// - Parameters:
    ///   - rate: requests a second of all threads together.
    ///   - start: nanoseconds of the monotonic clock.
    ///   - end: the first moment at which nothing starts any more.
    ///   - thread: of `threads`, which share the rate; at a constant rate they take turns.
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

    /// `nil`: there are no more.
    mutating func next() -> UInt64? {
        let offset: Double
        switch steps {
        case .constant(let number, let step):
            // A product and not a sum: an error of each step would make another rate of many.
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
