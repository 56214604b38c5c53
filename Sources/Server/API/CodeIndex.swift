import Domain
import Persistence
import PostgresClient
import Synchronization

/// Which coupon has a code: all of them, in memory, at most `couponAge` old. A code that exists is found by the same steps as one
/// that does not, so neither the answer nor its time tells which codes there are, and made-up codes do not reach Postgres.
final class CodeIndex: Sendable {
    struct Match: Sendable {
        /// The coupon that has the code.
        let coupon: CouponID?
        /// A coupon to try a code on that no coupon has. `nil`: there is none at all.
        let decoy: CouponID?
    }

    private struct Index: Sendable {
        /// `nil`: there are more coupons than `indexedCodes`, and Postgres is asked each time.
        let coupons: [CodeDigest: CouponID]?
        let decoy: CouponID?
        /// The last entry of the control log that created a coupon of it: none is created without one, and each keeps its code.
        let control: Int
    }

    private struct State {
        var latest: (index: Index, readAt: ContinuousClock.Instant)?
        /// One for all who wait.
        var reading: Task<Index, any Error>?
    }

    private let postgres: PostgresClient
    private let limits: ServerLimits
    private let state = Mutex(State())

    init(postgres: PostgresClient, limits: ServerLimits) {
        self.postgres = postgres
        self.limits = limits
    }

    func match(_ digest: CodeDigest) async throws -> Match {
        let index = try await current()
        if let coupons = index.coupons { return Match(coupon: coupons[digest], decoy: index.decoy) }
        let coupon = try await postgres.withConnection { try $0.coupon(codeDigest: digest) }
        return Match(coupon: coupon?.id, decoy: index.decoy)
    }

    private func current() async throws -> Index {
        let oldest = ContinuousClock.now - limits.couponAge
        let (fresh, reading) = state.withLock { state -> (Index?, Task<Index, any Error>?) in
            if let latest = state.latest, latest.readAt > oldest { return (latest.index, nil) }
            if state.reading == nil {
                let known = state.latest?.index
                state.reading = Task { try await self.read(known) }
            }
            return (nil, state.reading)
        }
        if let fresh { return fresh }
        guard let reading else { preconditionFailure("neither an index nor one that is being read") }
        return try await reading.value
    }

    private func read(_ known: Index?) async throws -> Index {
        // What is committed after this moment may be missing.
        let readAt = ContinuousClock.now
        let limit = limits.indexedCodes
        let result: Result<Index, any Error>
        do {
            result = .success(
                try await postgres.withConnection { connection in
                    let control = try connection.lastCouponSequence()
                    if let known, known.control == control { return known }
                    // Read after the number, so it may contain more than that says, which only means to read it again.
                    let codes = try connection.couponCodes(limit: limit + 1)
                    return Index(coupons: codes.count > limit ? nil : codes, decoy: codes.values.min(), control: control)
                }
            )
        } catch {
            result = .failure(error)
        }
        state.withLock { state in
            state.reading = nil
            if case .success(let index) = result { state.latest = (index, readAt) }
        }
        return try result.get()
    }
}
