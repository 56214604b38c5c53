internal import Domain
public import HotPath
public import Logging
internal import Persistence
public import PostgresClient
public import ServiceLifecycle

/// Tries to own every shard, and does an owner's work for those it owns. Any number of workers may run; one owns a shard.
public struct SyncWorker: Service {
    private let owners: [ShardOwner]

    /// - Parameters:
    ///   - outboxReader: has a Redis client of its own for reads that block, since no other command may wait behind those.
    ///   - reconciling: has a Redis client of its own for comparisons, which may read for long; `nil`: the client of `hotPath`.
    ///   - postgres: each owner opens connections of its own with it.
    public init(
        hotPath: HotPath,
        outboxReader: HotPath,
        reconciling: HotPath? = nil,
        postgres: PostgresConfiguration,
        configuration: SyncConfiguration = SyncConfiguration(),
        logger: Logger
    ) {
        let ownersPostgres = postgres.asOwner(endedAfter: configuration.ownerSilence)
        owners = zip(hotPath.stores, outboxReader.stores).map { store, reader in
            ShardOwner(
                store: store,
                reader: reader,
                sessions: hotPath.sessions,
                reconcile: configuration.reconcileInterval.map { interval in
                    ContinuousReconcile(
                        shard: store.shard,
                        hotPath: reconciling ?? hotPath,
                        postgres: postgres,
                        interval: interval,
                        statementTimeout: configuration.reconcileStatementTimeout,
                        logger: logger
                    )
                },
                connect: { asOwner in
                    try await DedicatedPostgresConnection.open(asOwner ? ownersPostgres : postgres, logger: logger)
                },
                configuration: configuration,
                logger: logger
            )
        }
    }

    /// Returns after a graceful shutdown, each owner having finished the batch at hand.
    public func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            for owner in owners {
                group.addTask { await owner.run() }
            }
        }
    }
}

extension PostgresConfiguration {
    /// Postgres closes the connection of an owner that is stopped, which frees its lock.
    fileprivate func asOwner(endedAfter silence: Duration) -> PostgresConfiguration {
        var configured = self
        configured.idleSessionTimeout = silence
        configured.idleInTransactionTimeout = silence
        return configured
    }
}
