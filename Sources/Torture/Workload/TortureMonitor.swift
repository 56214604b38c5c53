internal import Domain
internal import Persistence
internal import PostgresClient
internal import Synchronization

/// Looks at Postgres again and again, past every proxy. It records the cursor, and the worker that owns the shard.
final class TortureMonitor: Sendable {
    private static let interval: Duration = .milliseconds(50)

    private let world: TortureWorld
    private let postgres: PostgresClient
    private let state = Mutex<(landed: Moment, owner: String?)>((Moment(microseconds: 0), nil))

    init(_ world: TortureWorld, postgres: PostgresClient) {
        self.world = world
        self.postgres = postgres
    }

    /// The name of the worker that owned the shard when it was last seen.
    var owner: String? { state.withLock { $0.owner } }

    /// How far Postgres was when it was last seen: it has all decisions of Redis before this moment. A new epoch begins with a
    /// cursor at zero, when all of the epoch before has landed. So this is the latest place that was seen.
    var landed: Moment { state.withLock { $0.landed } }

    /// Runs until it is cancelled. While Postgres is away it sees nothing, and goes on.
    func run() async {
        while !Task.isCancelled {
            try? await look()
            try? await Task.sleep(for: TortureMonitor.interval)
        }
    }

    func look() async throws {
        let (cursor, owner) = try await postgres.withConnection { connection in
            (try connection.cursor(of: Shard(index: 0)), try connection.ownerName(of: Shard(index: 0)))
        }
        state.withLock { state in
            if let cursor { state.landed = max(state.landed, Moment(cursor.lastID.timestamp)) }
            if let owner { state.owner = owner }
        }
        if let cursor { world.add(CursorSighting(seen: .now(), cursor: cursor)) }
    }
}
