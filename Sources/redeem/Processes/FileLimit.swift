internal import Foundation
internal import Persistence
internal import PostgresClient
internal import Server
internal import Terminal

/// The limit on open files of this process and of the processes that it starts. Each connection is an open file.
enum FileLimit {
    /// Open files of a load generator beside its connections; for a worker these are all.
    private static let others = 256

    /// Raises the soft limit as far as it is needed and the hard limit allows, and no further: some containers have a limit of a
    /// billion, and programs that go through all descriptors are slow under it.
    /// - Returns: the limit that is in force.
    @discardableResult
    static func raise(to needed: Int = others) -> Int {
        var limit = current()
        guard limit.rlim_cur < rlim_t(needed) else { return Int(clamping: limit.rlim_cur) }
        let before = limit.rlim_cur
        limit.rlim_cur = min(rlim_t(needed), limit.rlim_max)
        // A sandbox may forbid this. The limit that is in force afterwards counts.
        let isRaised = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        return Int(clamping: isRaised ? limit.rlim_cur : before)
    }

    /// Raises the limit for a load generator, which cannot do with less.
    static func raise(forConnections connections: Int) throws {
        let needed = connections + others
        let limit = raise(to: needed)
        guard limit >= needed else {
            throw UsageError(
                "--connections \(connections) needs \(needed) open files, and this user may have \(limit)",
                remedy: "give fewer, or raise the limit: ulimit -Hn \(needed)"
            )
        }
    }

    /// Raises the limit for a server, which takes fewer clients where it stays low.
    static func raise(for configuration: ServerConfiguration, _ postgres: PostgresConfiguration) throws -> FileBudget {
        let budget = FileBudget(configuration, postgres, limit: { raise(to: $0) })
        guard budget.isEnough else { throw UsageError(budget.complaint, remedy: budget.remedy) }
        return budget
    }

    private static func current() -> rlimit {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return limit
    }

    /// The limit that a server would have if this user started it here.
    static func allowed(of needed: Int) -> Int {
        let limit = current()
        return Int(clamping: max(limit.rlim_cur, min(rlim_t(needed), limit.rlim_max)))
    }
}

extension FileBudget {
    init(_ configuration: ServerConfiguration, _ postgres: PostgresConfiguration, limit: (_ needed: Int) -> Int) {
        let needed = FileBudget(limit: .max, configuration: configuration, postgresConnections: postgres.maximumConnections)
            .needed
        self.init(
            limit: limit(needed),
            configuration: configuration,
            postgresConnections: postgres.maximumConnections
        )
    }

    var seen: String { "\(limit), of which \(reserved) are kept from clients: \(connections) client connections" }

    var complaint: String {
        "this process may open \(limit) files, and keeps \(reserved) from clients: too few are left for them"
    }

    var remedy: String {
        "let it open \(needed) (at least \(reserved + leastConnections)): ulimit -Hn, LimitNOFILE= in systemd, ulimits in compose"
    }
}
