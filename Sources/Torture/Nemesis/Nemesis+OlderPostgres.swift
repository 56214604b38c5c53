internal import Domain
internal import Foundation
internal import LocalStack
internal import Persistence
internal import PostgresClient

extension Nemesis {
    /// How long the load goes on between the dump and the moment when it is put back.
    private static let dumpAge: Duration = .milliseconds(1_500)
    /// How often the dump is put back if transactions under way are in its way.
    private static let restorations = 5
    private static let operations = 3
    private static let actor = "nemesis"

    /// An operator who was told that an act is done relies on it. So the run's operators rest, and the acts that the older dump
    /// undoes are the nemesis's own.
    func beginOlderPostgres(_ record: FaultRecord) async throws -> Standing {
        let dump = "torture-\(UUID().uuidString).dump"
        await world.letOperatorsRest()
        let landed = monitor.landed
        try await stack.postgres.dump(PostgresServer.name, as: dump)
        try await Task.sleep(for: Nemesis.dumpAge)
        let user = world.userID(TortureWorld.admin)
        try await stack.direct.patiently { stores in
            try await stores.postgres.withConnection { connection in
                for _ in 0..<Nemesis.operations {
                    _ = try connection.grantCredit(to: user, amount: 1, reason: "undone with the dump", actor: Nemesis.actor)
                }
            }
        }
        let before = try await counts()
        for attempt in 1...Nemesis.restorations {
            do {
                try await stack.postgres.restore(dump, into: PostgresServer.name)
                break
            } catch  where attempt < Nemesis.restorations {
                try await Task.sleep(for: Nemesis.resetInterval)
            }
        }
        let after = try await counts()
        let epoch = try await self.epoch()
        world.letOperatorsAct()
        return Standing(record: record) { [mode] record in
            // Servers go on with a Redis that nobody has compared yet. What they decide until then may be lost like all since the
            // dump.
            let limit = ContinuousClock.now + Nemesis.takeoverLimit
            while try await self.epoch() == epoch, ContinuousClock.now < limit { try await Task.sleep(for: .milliseconds(20)) }
            record.loss = record.fault.loss(mode, landed: landed, until: .now())
            // The acts prove the fault, since nobody repeats them. Redemptions would not: they land in the older Postgres at
            // once, and a sale may rest meanwhile.
            if after.operations < before.operations {
                record.proof =
                    "\(before.operations - after.operations) acts undone; \(after.redemptions) redemptions, \(before.redemptions) before"
            }
        }
    }

    /// Redemptions in Postgres, and acts of this fault.
    private func counts() async throws -> (redemptions: Int, operations: Int) {
        try await stack.direct.patiently { stores in
            try await stores.postgres.withConnection { connection in
                let acts = try connection.controlActors().count { $0 == Nemesis.actor }
                return (redemptions: try connection.redemptionCount(), operations: acts)
            }
        }
    }

    private func epoch() async throws -> Epoch? {
        try await stack.direct.patiently { stores in
            try await stores.postgres.withConnection { try $0.cursor(of: Shard(index: 0)) }
        }?.epoch
    }
}
