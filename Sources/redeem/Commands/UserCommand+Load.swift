internal import ArgumentParser
internal import Domain
internal import HotPath
internal import Persistence
internal import PostgresClient
internal import Terminal

extension UserCommand {
    struct Load: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Load all users into Redis, so that a sale goes on for all of them while Postgres is away.",
            discussion: """
                A server loads a user when they log in or redeem for the first time, which takes Postgres. Run this before a \
                sale, after users were created or imported, and after Redis was rebuilt. It may run beside a sale: users who \
                are in Redis stay as they are. It stops when Redis uses more of its memory than \
                REDEEM_REDIS_MEMORY_PERCENT, beyond which nothing is redeemed.

                Exit code 0 if all users are in Redis; 1 if some are not; 69 if a store is out of reach, or the shard is closed.
                Example: redeem user load --rate 2000
                """
        )

        @Option(help: "Users a second at most.")
        var rate = 5_000

        @Flag(help: "Print the counts as JSON.")
        var json = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                let rate = try Input.amount(rate, "--rate", least: 1)
                let limits = try HotPathLimits(stores.settings.reader)
                let counts = try await stores.withHotPath { hotPath in
                    try await UserLoading(hotPath: hotPath, stores: stores, memoryShare: limits.memoryShare, rate: rate).run()
                }
                guard !json else { return try Output.json(counts) }
                print("loaded \(counts.loaded) users into Redis; \(counts.present) were there")
            }
        }
    }
}

/// Brings all users from Postgres to Redis, a part at a time.
private struct UserLoading {
    struct Counts: Encodable {
        var loaded = 0
        /// Users that Redis had already.
        var present = 0
    }

    let hotPath: HotPath
    let stores: Stores
    let memoryShare: Double
    /// Users a second.
    let rate: Int

    /// How many users one statement and one pipeline have.
    private static let usersPerPart = 500
    /// How often a part is read again because a change reached Redis after it was read.
    private static let tries = 5

    func run() async throws -> Counts {
        var counts = Counts()
        var progress = ProgressBar("loading users", total: try await stores.postgres.withConnection { try $0.userCount() })
        defer { progress.finish() }
        let started = ContinuousClock.now
        var last: UserID?
        while true {
            let after = last
            let users = try await stores.postgres.withConnection { connection in
                try connection.userIDs(after: after, limit: min(UserLoading.usersPerPart, rate))
            }
            guard let end = users.last else { return counts }
            if let memory = try await hotPath.client.memory(), memory.isAbove(share: memoryShare) {
                throw Refusal(
                    """
                    Redis uses \(memory.used) bytes, more than REDEEM_REDIS_MEMORY_PERCENT of its maxmemory; \
                    \(counts.loaded + counts.present) users are in it
                      give it more memory, and run this again
                    """
                )
            }
            for (shard, users) in Dictionary(grouping: users, by: hotPath.shards.shard) {
                try await load(users, shard, &counts)
            }
            last = end
            let done = counts.loaded + counts.present
            progress.update(done)
            try await Task.sleep(until: started + .seconds(1) * (Double(done) / Double(rate)), clock: .continuous)
        }
    }

    private func load(_ users: [UserID], _ shard: Shard, _ counts: inout Counts) async throws {
        var remaining = users
        for _ in 0..<UserLoading.tries {
            let wanted = remaining
            let snapshots = try await stores.postgres.withConnection { try $0.snapshot(of: wanted, shard: shard) }
            guard !snapshots.isEmpty else { throw UserLoading.closed(shard) }
            remaining = []
            for (snapshot, reply) in zip(snapshots, try await hotPath.store(shard).loadUsers(snapshots)) {
                switch reply {
                case .loaded: counts.loaded += 1
                case .alreadyLoaded: counts.present += 1
                case .wrongEpoch: throw UserLoading.closed(shard)
                case .staleSnapshot: remaining.append(snapshot.user)
                }
            }
            if remaining.isEmpty { return }
        }
        throw Refusal("operators' changes came faster than users could be read; run this again in a moment")
    }

    private static func closed(_ shard: Shard) -> Unreachable {
        Unreachable(
            "shard \(shard) is closed, or is being rebuilt",
            remedy: "start `redeem sync`, and run this again when it is open"
        )
    }
}
