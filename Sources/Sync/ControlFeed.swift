internal import Domain
internal import HotPath
internal import Logging
internal import Persistence
internal import PostgresClient
internal import ServiceLifecycle

/// Applies operators' changes to Redis in the order of the control log, each exactly once: the script that applies one also checks and
/// advances the shard's sequence number. So the feed needs no lock, and keeps no state of its own.
struct ControlFeed: Sendable {
    let shard: OwnedShard
    /// Opens a connection to Postgres for this feed alone.
    let connect: @Sendable () async throws -> any ShardLedger

    /// Runs until the shard must be verified again (returns the reason), a graceful shutdown (returns `nil`), or a failure (throws).
    func run(epoch: Epoch) async throws -> ReverifyReason? {
        let ledger = try await connect()
        do {
            let reason = try await follow(ledger, epoch)
            await ledger.close()
            return reason
        } catch {
            await ledger.close()
            throw error
        }
    }

    private func follow(_ ledger: any ShardLedger, _ epoch: Epoch) async throws -> ReverifyReason? {
        try await ledger.listen(to: .control)
        guard var applied = try await shard.store.status().control else { return .drift(.shardMissing) }
        while !Task.isStopping {
            let entries = try await ledger.controlEntries(after: applied, limit: shard.configuration.controlEntriesPerRead)
            // Sessions end before their entries are applied: if this owner dies in between, the next one ends them again, which changes
            // nothing. All of them end at once, so that later entries need not wait for each.
            try await shard.sessions.end(SessionRevocations(entries.compactMap(\.entry?.change)))
            for entry in entries {
                if let reason = try await apply(entry, epoch) { return reason }
                applied = entry.sequence
            }
            if entries.isEmpty {
                _ = try await ledger.waitForNotification(timeout: shard.configuration.controlPoll)
            }
        }
        return nil
    }

    private func apply(_ logged: LoggedControl, _ epoch: Epoch) async throws -> ReverifyReason? {
        let entry: ControlEntry
        switch logged.content {
        case .change(let change): entry = ControlEntry(sequence: logged.sequence, change: change)
        case .unreadable(let flaw): return setAside(logged.sequence, flaw)
        }
        // This entry is not applied here: the rebuild counts all entries that exist when it reads the coupons, this one among them.
        if entry.change == .shardRebuild(shard.shard) { return .drift(.operatorAsked) }
        switch try await shard.store.applyControl(entry, mark: logged.mark, epoch: epoch) {
        case .applied:
            shard.logger.debug(
                "applied a change",
                metadata: ["kind": "\(entry.change.kind.rawValue)", "sequence": "\(entry.sequence)"]
            )
            return nil
        case .alreadyApplied: return nil
        // Writers take turns, so a missing entry never comes.
        case .gap: return setAside(entry.sequence, "an entry before it is missing")
        case .wrongEpoch: return .drift(.otherEpoch)
        case .couponNotLoaded, .couponAlreadyLoaded, .amountOutOfRange: return .drift(.controlRefused)
        }
    }

    /// Gets over an entry that cannot be read, by a rebuild. The transaction that wrote the entry also wrote the change into the tables. A
    /// rebuild reads the tables, and counts all entries. So no change is lost, and no later entry waits.
    private func setAside(_ sequence: Int, _ flaw: String) -> ReverifyReason {
        shard.metrics.controlUnreadable()
        shard.logger.error(
            """
            an entry of the control log is not one of this program's, so the shard is rebuilt from the tables; if it was to end \
            sessions, end them by `redeem session revoke`
            """,
            metadata: ["sequence": "\(sequence)", "reason": "\(flaw)"]
        )
        return .drift(.controlUnreadable)
    }
}
