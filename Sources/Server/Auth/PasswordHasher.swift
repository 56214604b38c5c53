import NIOCore
import NIOPosix
import Synchronization

/// Hashes and checks passwords on threads of its own: one hash takes a third of a second and 128 MiB, so it may stall
/// neither an event loop nor the cooperative pool, and no more of them may run at once than there is memory for.
public final class PasswordHasher: Sendable {
    public enum Failure: Error, Hashable, Sendable {
        /// More are waiting than `Configuration.waiting` allows.
        case overloaded
        /// scrypt found no memory.
        case outOfMemory
        case closed
    }

    public struct Configuration: Sendable {
        public var cost = ScryptCost.standard
        /// Hashes that run at once; each takes `cost`'s memory.
        public var threads = 2
        /// Hashes that may wait for a thread; the wait is about 0.3 s for every `threads` of them.
        public var waiting = 16

        public init() {}
    }

    private let configuration: Configuration
    private let pool: NIOThreadPool
    private let admitted = Atomic<Int>(0)
    /// What an unknown user's password is checked against, so that the answer takes as long as for a known one.
    private let decoy: PasswordHash

    public init(configuration: Configuration = Configuration()) {
        precondition(configuration.cost.isAcceptable && configuration.threads > 0 && configuration.waiting >= 0)
        self.configuration = configuration
        decoy = PasswordHash(cost: configuration.cost)
        pool = NIOThreadPool(numberOfThreads: configuration.threads)
        pool.start()
    }

    /// - Returns: the PHC string to store.
    public func hash(_ password: String) async throws(Failure) -> String {
        let cost = configuration.cost
        guard let hash = try await run({ PasswordHash(password: password, cost: cost)?.description }) else {
            throw .outOfMemory
        }
        return hash
    }

    /// - Parameter stored: the user's PHC string, `nil` where there is no such user: the same work is done, in vain.
    public func verify(_ password: String, against stored: String?) async throws(Failure) -> Bool {
        let hash = stored.flatMap { PasswordHash($0) }
        let decoy = decoy
        guard let matches = try await run({ (hash ?? decoy).matches(password) }) else { throw .outOfMemory }
        return matches && hash != nil
    }

    public func check(_ password: String, against stored: String?) async throws(Failure) -> PasswordCheck {
        let hash = stored.flatMap { PasswordHash($0) }
        let decoy = decoy
        let cost = configuration.cost
        let result = try await run { () -> PasswordCheck? in
            guard let matches = (hash ?? decoy).matches(password) else { return nil }
            guard matches, let hash else { return .wrong }
            if hash.cost == cost { return .right }
            return PasswordHash(password: password, cost: cost).map { .outdated(replacement: $0.description) }
        }
        guard let result else { throw .outOfMemory }
        return result
    }

    /// Seconds that a refused caller had better wait.
    var retryAfterSeconds: Int { 1 + configuration.waiting / (3 * configuration.threads) }

    public func close() async {
        try? await pool.shutdownGracefully()
    }

    private func run<Output: Sendable>(_ work: @escaping @Sendable () -> Output?) async throws(Failure) -> Output? {
        guard admitted.add(1, ordering: .relaxed).newValue <= configuration.threads + configuration.waiting else {
            admitted.subtract(1, ordering: .relaxed)
            throw .overloaded
        }
        defer { admitted.subtract(1, ordering: .relaxed) }
        do {
            return try await pool.runIfActive(work)
        } catch {
            throw .closed
        }
    }
}

public enum PasswordCheck: Sendable, Hashable { case wrong; case right; case outdated(replacement: String) }

extension PasswordHash {
    /// A hash that no password has.
    fileprivate init(cost: ScryptCost) {
        self.init(cost: cost, salt: SecureRandom.bytes(PasswordHash.saltBytes), key: SecureRandom.bytes(PasswordHash.keyBytes))
    }

    private init(cost: ScryptCost, salt: [UInt8], key: [UInt8]) {
        self.cost = cost
        self.salt = salt
        self.key = key
    }
}
