import Domain
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
    /// The hash that an unknown user's password is checked against, so that the answer takes as long as for a known user.
    private let decoy: PasswordHash

    public init(configuration: Configuration = Configuration()) {
        precondition(configuration.cost.isAcceptable && configuration.threads > 0 && configuration.waiting >= 0)
        self.configuration = configuration
        decoy = PasswordHash(cost: configuration.cost)
        pool = NIOThreadPool(numberOfThreads: configuration.threads)
        pool.start()
    }

    /// Hashes the password's normal form.
    /// - Returns: the PHC string to store.
    public func hash(_ password: String) async throws(Failure) -> String {
        let cost = configuration.cost
        let password = NormalForm.of(password)
        guard let hash = try await run({ PasswordHash(password: password, cost: cost)?.description }) else {
            throw .outOfMemory
        }
        return hash
    }

    /// Checks a password against a stored hash.
    ///
    /// A right password whose hash is outdated costs two hashes, in one turn on one thread. A wrong password costs one. So the time of an
    /// answer tells only those who know the password that its hash is outdated. It does tell everybody what the stored hash costs.
    ///
    /// A hash from before passwords were normalised is of the bytes that were typed then. So a password that is not typed in its normal
    /// form is tried in both forms. This costs two hashes, also for a wrong password and for an unknown user.
    ///
    /// - Parameter stored: the user's PHC string, or one of Werkzeug's; `nil`: there is no such user. Then the same work is done in vain.
    ///   So it is for a text of another kind, which no password matches.
    public func check(_ password: String, against stored: String?) async throws(Failure) -> PasswordCheck {
        let hash = stored.flatMap { StoredPassword($0) }
        let (decoy, cost) = (decoy, configuration.cost)
        let normal = NormalForm.of(password)
        let isNormal = normal.utf8.elementsEqual(password.utf8)
        let check = try await run { () -> PasswordCheck? in
            guard let hash else {
                // The result does not matter, since no password has this hash.
                for form in isNormal ? [normal] : [normal, password] where decoy.matches(form) == nil { return nil }
                return .wrong
            }
            guard var matches = hash.matches(normal) else { return nil }
            var isOutdated = hash.isOutdated(by: cost)
            if !matches, !isNormal {
                guard let matchesAsTyped = hash.matches(password) else { return nil }
                (matches, isOutdated) = (matchesAsTyped, true)
            }
            guard matches else { return .wrong }
            guard isOutdated else { return .right }
            // If memory is short, the old hash stays until the next login.
            return PasswordHash(password: normal, cost: cost).map { .outdated(replacement: $0.description) } ?? .right
        }
        guard let check else { throw .outOfMemory }
        return check
    }

    /// True if `check` can answer anything but `wrong` for a stored text.
    public static func canCheck(_ stored: String) -> Bool { StoredPassword(stored) != nil }

    /// Seconds that a refused caller should wait.
    package var retryAfterSeconds: Int { 1 + configuration.waiting / (3 * configuration.threads) }

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
