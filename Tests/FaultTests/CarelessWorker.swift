import Domain
import HotPath
import Persistence
import PostgresClient
import ServiceLifecycle
import TestSupport

/// A sync worker that does one thing wrong. It opens the shard and carries decisions to Postgres; it stands in for a build of
/// the real one with a bug, which the real one's order of steps makes impossible to plant from outside.
struct CarelessWorker: Service {
    enum Bug: String, Sendable, CaseIterable {
        /// Settles a batch before its transaction is committed. A crash in between loses it.
        case settlesBeforeCommit = "settle before commit"
        /// Lands a batch whatever the cursor is, as an owner does who was stopped and does not know that he lost the shard.
        case ignoresTheCursor = "no cursor check at landing"
        /// Commits, and forgets to settle.
        case forgetsToSettle = "commit and no settle"
    }

    let bug: Bug
    let environment: TestEnvironment

    private static let entriesPerBatch = 20
    private static let pause: Duration = .milliseconds(20)
    /// Of so many batches one meets a crash.
    private static let crashEvery = 4

    func run() async throws {
        let epoch = try await environment.openShard()
        let store = environment.store
        var cursor = Cursor(epoch: epoch, lastID: .zero)
        var turn = 0
        var earlier: [OutboxRead] = []
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            try? await Task.sleep(for: CarelessWorker.pause)
            let read = try await store.readOutbox(after: cursor.lastID, count: CarelessWorker.entriesPerBatch)
            guard let last = read.last else { continue }
            turn += 1
            let crashes = turn.isMultiple(of: CarelessWorker.crashEvery)
            switch bug {
            case .settlesBeforeCommit:
                _ = try await store.settle(epoch, read)
                if crashes {
                    cursor = Cursor(epoch: epoch, lastID: last.id)
                    try await skip(to: cursor)
                } else {
                    cursor = try await land(read, cursor)
                }
            case .ignoresTheCursor:
                cursor = try await land(read, cursor)
                _ = try await store.settle(epoch, read)
                if crashes { try await landAgain(earlier) }
                earlier = read
            case .forgetsToSettle:
                cursor = try await land(read, cursor)
                if !crashes { _ = try await store.settle(epoch, read) }
            }
        }
    }

    private func land(_ read: [OutboxRead], _ cursor: Cursor) async throws -> Cursor {
        let entries = read.compactMap { read -> OutboxEntry? in if case .entry(let entry) = read { entry } else { nil } }
        let batch = LandingBatch(shard: environment.store.shard, cursor: cursor, entries: entries, last: read[read.count - 1].id)
        return try await environment.postgres.withConnection { try $0.land(batch) }.cursor
    }

    /// What was in memory is gone, and the stream does not have it any more.
    private func skip(to cursor: Cursor) async throws {
        let shard = environment.store.shard
        try await environment.postgres.withConnection { connection in
            let sql = "update outbox_cursor set last_id = $2 where shard = $1"
            _ = try connection.execute(sql, shard, cursor.lastID)
        }
    }

    /// Goes past the check by putting the cursor where the batch needs it, and back.
    private func landAgain(_ read: [OutboxRead]) async throws {
        guard !read.isEmpty else { return }
        let shard = environment.store.shard
        let sql = "update outbox_cursor set last_id = $2 where shard = $1"
        let actual = try await environment.postgres.withConnection { connection in
            let actual = try connection.cursor(of: shard)
            _ = try connection.execute(sql, shard, StreamID.zero)
            return actual
        }
        guard let actual else { return }
        _ = try await land(read, Cursor(epoch: actual.epoch, lastID: .zero))
        try await environment.postgres.withConnection { _ = try $0.execute(sql, shard, actual.lastID) }
    }
}
