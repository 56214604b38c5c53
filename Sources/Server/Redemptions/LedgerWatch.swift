import Domain
import Logging
import NIOCore
import Persistence
import PostgresClient
import RedisClient
import Synchronization

/// Tells when redemptions are in Postgres, for durability `ledger`.
///
/// It looks for the rows themselves. To look at the cursor would not do: the cursor also passes entries that could not land and
/// are in quarantine. A replay is found by the row, and the row survives if Redis is lost meanwhile.
final class LedgerWatch: Sendable {
    private struct Waiter: Sendable {
        let id: RedemptionID
        let deadline: ContinuousClock.Instant
        let promise: EventLoopPromise<Bool>
    }

    private struct State {
        /// The waiters in the order of arrival, which is about that of landing. Those that were looked for in vain go to the end.
        var waiting = CircularBuffer<Waiter>()
        /// The number of redemptions without an answer.
        var count = 0
        var isLooking = false

        /// Drops waiters whose time is over, since their event loops have answered them. So about as many wait here as have no
        /// answer, also while a look hangs.
        mutating func dropExpired() {
            let now = ContinuousClock.now
            while let first = waiting.first, first.deadline <= now { waiting.removeFirst() }
        }
    }

    private let postgres: PostgresClient
    private let limits: ServerLimits
    private let logger: Logger
    private let state = Mutex(State())

    /// Rows looked for by one statement.
    private static let lookLimit = 1000
    /// The time from one look to the next, which doubles while nothing is found.
    private static let pauses = Backoff(first: .milliseconds(2), limit: .milliseconds(50))

    init(postgres: PostgresClient, limits: ServerLimits, logger: Logger) {
        self.postgres = postgres
        self.limits = limits
        self.logger = logger
    }

    /// True if one more redemption may wait. This is asked before the redemption is decided, since afterwards it is too late to
    /// refuse it. So redemptions that are being decided may come on top of the limit.
    var hasRoom: Bool { state.withLock { $0.count < limits.ledgerWaiters } }

    /// True as soon as the redemption is committed. False after `ServerLimits.ledgerTimeout`: it may still be committed later.
    func isStored(_ id: RedemptionID, on eventLoop: any EventLoop) -> EventLoopFuture<Bool> {
        let promise = eventLoop.makePromise(of: Bool.self)
        // The event loop keeps the time, since a look takes long if Postgres hangs.
        let timeout = eventLoop.scheduleTask(in: TimeAmount(limits.ledgerTimeout)) { promise.succeed(false) }
        promise.futureResult.whenComplete { [self] _ in
            timeout.cancel()
            state.withLock { $0.count -= 1 }
        }
        let waiter = Waiter(id: id, deadline: .now + limits.ledgerTimeout, promise: promise)
        let mustStart = state.withLock { state in
            state.dropExpired()
            state.waiting.append(waiter)
            state.count += 1
            defer { state.isLooking = true }
            return !state.isLooking
        }
        if mustStart { Task { await look() } }
        return promise.futureResult
    }

    private func look() async {
        var pauses = LedgerWatch.pauses
        while let waiters = next() {
            let stored = await stored(waiters.map(\.id))
            let now = ContinuousClock.now
            var rest: [Waiter] = []
            for waiter in waiters {
                if stored.contains(waiter.id) {
                    waiter.promise.succeed(true)
                } else if now < waiter.deadline {
                    rest.append(waiter)
                }
            }
            guard !rest.isEmpty else { continue }
            state.withLock { $0.waiting.append(contentsOf: rest) }
            if !stored.isEmpty { pauses.reset() }
            try? await Task.sleep(for: pauses.next())
        }
    }

    private func next() -> [Waiter]? {
        state.withLock { state in
            state.dropExpired()
            guard !state.waiting.isEmpty else {
                state.isLooking = false
                return nil
            }
            let waiters = Array(state.waiting.prefix(LedgerWatch.lookLimit))
            state.waiting.removeFirst(waiters.count)
            return waiters
        }
    }

    private func stored(_ ids: [RedemptionID]) async -> Set<RedemptionID> {
        do {
            return try await postgres.withConnection { try $0.stored(ids) }
        } catch {
            logger.debug("redemptions cannot be looked for", metadata: ["error": "\(error)", "redemptions": "\(ids.count)"])
            return []
        }
    }
}
