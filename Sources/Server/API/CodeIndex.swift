import Domain
import Persistence
import PostgresClient
import Synchronization

/// Finds the coupon that has a code. The index of all codes is kept in memory and is at most `couponAge` old. A code that exists
/// takes the same steps as one that does not. So neither the answer nor its time tells which codes there are, and made-up codes
/// do not reach Postgres.
final class CodeIndex: Sendable {
    struct Match: Sendable {
        /// The coupon that has the code.
        let coupon: CouponID?
        /// A coupon on which a code is tried that no coupon has. `nil`: there are no coupons.
        let decoy: CouponID?
    }

    private struct Index: Sendable {
        /// `nil`: there are more coupons than `indexedCodes`, and Postgres is asked each time.
        let coupons: [CodeDigest: CouponID]?
        let decoy: CouponID?
        /// The number of the last entry of the control log that created a coupon. While there is no later one the index is
        /// complete: no coupon is created without an entry, and each keeps its code.
        let control: Int
    }

    private struct State {
        var latest: (index: Index, readAt: ContinuousClock.Instant)?
        /// The one read that all callers wait for.
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
        // Coupons that are committed after this moment may be missing.
        let readAt = ContinuousClock.now
        let limit = limits.indexedCodes
        let result: Result<Index, any Error>
        do {
            result = .success(
                try await postgres.withConnection { connection in
                    let control = try connection.lastCouponSequence()
                    if let known, known.control == control { return known }
                    // The codes are read after the number, so they may include a coupon of a later entry. Then they are only read
                    // once more.
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
