import Domain
import Persistence
import PostgresClient
import TestSupport
import Testing

@Suite struct CreditTests {
    @Test func aGrantIsLoggedAndAdded() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let user = newUser("u", credit: 10)
                _ = try connection.createUser(user, actor: "admin")
                let entry = try connection.grantCredit(to: user.id, amount: 5, reason: "goodwill", actor: "admin")
                #expect(entry == ControlEntry(sequence: 1, change: .creditGranted(user.id, amount: 5)))
                #expect(try connection.controlEntries(after: 0, limit: 10).compactMap(\.entry) == [entry])
                #expect(try connection.balance(of: user.id) == 15)
                #expect(try connection.query("select actor from control_log")[0].decode(0) == "admin")
                #expect(try connection.grantCredit(to: newUser("x").id, amount: 5, reason: "", actor: "admin") == nil)
                #expect(try connection.lastControlSequence() == 1)
            }
        }
    }

    @Test func creditStaysWithinItsLimit() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let user = newUser("u", credit: Limits.amount - 1)
                _ = try connection.createUser(user, actor: "admin")
                for amount in [0, -1, Limits.amount + 1, Int.max, Int.min] {
                    let error = #expect(throws: PostgresError.self) {
                        try connection.grantCredit(to: user.id, amount: amount, reason: "", actor: "admin")
                    }
                    #expect(error?.constraint == PostgresConstraint.grantAmount)
                }
                let error = #expect(throws: PostgresError.self) {
                    try connection.grantCredit(to: user.id, amount: 2, reason: "", actor: "admin")
                }
                #expect(error?.isCheckViolation == true)
                #expect(error?.constraint == PostgresConstraint.balance)
                #expect(try connection.grantCredit(to: user.id, amount: 1, reason: "", actor: "admin")?.sequence == 1)
                #expect(try connection.balance(of: user.id) == Limits.amount)
            }
        }
    }

    @Test func aSnapshotHoldsAllThatRedisNeeds() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let (rich, new, poor) = (newUser("rich", credit: 100), newUser("new"), newUser("poor", credit: 30))
                try connection.createUsers([rich, new, poor], actor: "admin")
                let a = try connection.createCoupon(newCoupon("a", price: 10), codeKey: nil, actor: "admin")
                let b = try connection.createCoupon(newCoupon("b", price: 20), codeKey: nil, actor: "admin")
                _ = try connection.grantCredit(to: rich.id, amount: 7, reason: "", actor: "admin")
                // Without a cursor there is no epoch that the snapshot could be of.
                #expect(try connection.snapshot(of: [rich.id], shard: shard) == [])
                let cursor = try connection.beginEpoch(shard, after: nil)
                let entries = [entry(stream(1), a, [rich, poor]), entry(stream(2), b, [rich, poor])]
                _ = try connection.land(batch(entries, cursor: cursor))

                let snapshots = try connection.snapshot(of: [rich.id, newUser("x").id, new.id, poor.id, rich.id], shard: shard)
                let of = Dictionary(uniqueKeysWithValues: snapshots.map { ($0.user, $0) })
                #expect(of.count == 3)
                #expect(
                    of[rich.id]
                        == UserSnapshot(
                            user: rich.id,
                            balance: 77,
                            redemptions: [a.id: entries[0].redemptions[0].id, b.id: entries[1].redemptions[0].id],
                            control: 3,
                            epoch: Epoch(1)
                        )
                )
                #expect(of[new.id] == UserSnapshot(user: new.id, balance: 0, redemptions: [:], control: 3, epoch: Epoch(1)))
                #expect(of[poor.id]?.balance == 0)
                #expect(of[poor.id]?.redemptions.count == 2)
                #expect(try connection.snapshot(of: [], shard: shard) == [])
            }
        }
    }
}
