import Dispatch
import Domain
import Persistence
import PostgresClient
import TestSupport
import Testing

/// What operators do about things in quarantine.
@Suite struct QuarantineDecisionTests {
    /// A coupon with so many uses, and users who all redeemed it: those beyond the total are in quarantine.
    private struct Oversold {
        let users: [NewUser]
        let coupon: Coupon
        let quarantined: [QuarantinedEntry]
    }

    private func oversell(_ connection: PostgresConnection, total: Int, users count: Int) throws -> Oversold {
        let users = (0..<count).map { newUser("u\($0)", credit: 100) }
        try connection.createUsers(users, actor: "admin")
        let coupon = try connection.createCoupon(newCoupon("c", total: total), codeKey: nil, actor: "admin")
        _ = try connection.beginEpoch(shard, after: nil)
        _ = try connection.land(batch([entry(stream(1), coupon, users)]))
        let quarantined = try connection.quarantined(QuarantineFilter(), after: 0, limit: 100)
        #expect(quarantined.count == count - total)
        return Oversold(users: users, coupon: coupon, quarantined: quarantined)
    }

    private func redemption(_ entry: QuarantinedEntry) throws -> Redemption {
        let found: Redemption? = if case .redemption(let redemption) = entry.content { redemption } else { nil }
        return try #require(found)
    }

    @Test func listsPagesAndFilters() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let sale = try oversell(connection, total: 1, users: 4)
                let fields = ["epoch", "one"]
                let bad = LandingBatch.Malformed(id: stream(2), fields: fields, reason: "Not 100% an Epoch")
                let cursor = try #require(try connection.cursor(of: shard))
                _ = try connection.land(batch([], malformed: [bad], cursor: cursor))
                let all = try connection.quarantined(QuarantineFilter(), after: 0, limit: 100)
                #expect(all.count == 4)
                #expect(all.map(\.id) == all.map(\.id).sorted())
                #expect(all.map(\.username) == ["u1", "u2", "u3", nil])
                #expect(all.allSatisfy { $0.shard == shard && $0.epoch == Epoch(1) })
                #expect(all.map(\.streamID) == [stream(1), stream(1), stream(1), stream(2)])
                #expect(try all.prefix(3).map { try redemption($0).user } == sale.users.dropFirst().map(\.id))
                #expect(all[3].content == .unreadable(#"{"fields": ["epoch", "one"]}"#))
                let first = try connection.quarantined(QuarantineFilter(), after: 0, limit: 2)
                let second = try connection.quarantined(QuarantineFilter(), after: first[1].id, limit: 2)
                #expect(first + second == all)
                func count(_ filter: QuarantineFilter) throws -> Int {
                    try connection.quarantined(filter, after: 0, limit: 100).count
                }
                #expect(try count(QuarantineFilter(shard: Shard(index: 1))) == 0)
                #expect(try count(QuarantineFilter(shard: shard)) == 4)
                #expect(try count(QuarantineFilter(reason: "100% AN epoch")) == 1)
                // A per cent sign is no wildcard.
                #expect(try count(QuarantineFilter(reason: "not%epoch")) == 0)
                #expect(try count(QuarantineFilter(reason: "coupons_redeemed_range")) == 3)
            }
        }
    }

    @Test func lateLandingTakesAllOrNothing() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let sale = try oversell(connection, total: 1, users: 3)
                let (first, second) = (sale.quarantined[0], sale.quarantined[1])
                guard case .refused(let reason) = try connection.retryQuarantined(first.id) else {
                    Issue.record("landed beyond the total")
                    return
                }
                #expect(reason.contains("coupons_redeemed_range"))
                #expect(try connection.count("redemptions") == 1)
                #expect(try connection.quarantineCount() == 2)

                _ = try connection.restockCoupon(sale.coupon.id, by: 1, actor: "admin")
                let expected = try redemption(first)
                #expect(try connection.retryQuarantined(first.id) == .landed(expected.id))
                #expect(try connection.redemption(id: expected.id) == expected)
                let row = try connection.query("select shard, epoch, stream_id from redemptions where id = $1", expected.id)[0]
                #expect(try row.decode(0) == shard)
                #expect(try row.decode(1) == Epoch(1))
                #expect(try row.decode(2) == stream(1))
                #expect(try connection.coupon(sale.coupon.id)?.redeemed == 2)
                #expect(try connection.quarantined(QuarantineFilter(), after: 0, limit: 10) == [second])
                #expect(try connection.retryQuarantined(first.id) == .notFound)
                guard case .refused = try connection.retryQuarantined(second.id) else {
                    Issue.record("landed beyond the total")
                    return
                }
                // The cursor has nothing to do with it.
                #expect(try connection.cursor(of: shard)?.lastID == stream(1))
            }
        }
    }

    @Test func whatCannotLandSaysWhy() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let sale = try oversell(connection, total: 1, users: 1)
                let cursor = try #require(try connection.cursor(of: shard))
                let stranger = newUser("stranger", credit: 10)
                let entries = [
                    entry(stream(2), sale.coupon, [stranger, sale.users[0]]), entry(stream(3), newCoupon("no"), sale.users),
                ]
                let bad = LandingBatch.Malformed(id: stream(4), fields: ["x"], reason: "no entry")
                _ = try connection.land(batch(entries, malformed: [bad], cursor: cursor))
                _ = try connection.restockCoupon(sale.coupon.id, by: 10, actor: "admin")
                let words = try connection.quarantined(QuarantineFilter(), after: 0, limit: 10).map { entry in
                    guard case .refused(let reason) = try connection.retryQuarantined(entry.id) else { return "landed" }
                    return reason
                }
                #expect(words.count == 4)
                #expect(words.contains { $0.contains("unknown user") })
                #expect(words.contains { $0.contains("redemptions_once") })
                #expect(words.contains { $0.contains("unknown coupon") })
                #expect(words.contains { $0.contains("cannot be read as a redemption") })
                // Mended, it lands.
                try connection.createUsers([stranger], actor: "admin")
                let id = try connection.quarantined(QuarantineFilter(reason: "unknown user"), after: 0, limit: 1)[0].id
                guard case .landed = try connection.retryQuarantined(id) else {
                    Issue.record("not landed")
                    return
                }
            }
        }
    }

    /// A rebuild gave the credit and the stock to others.
    @Test func nothingOfAnEarlierEpochLands() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let sale = try oversell(connection, total: 1, users: 2)
                _ = try connection.restockCoupon(sale.coupon.id, by: 1, actor: "admin")
                _ = try connection.beginEpoch(shard, after: connection.cursor(of: shard))
                guard case .refused(let reason) = try connection.retryQuarantined(sale.quarantined[0].id) else {
                    Issue.record("landed")
                    return
                }
                #expect(reason.contains("of epoch 1 and the shard is of epoch 2 now"))
                #expect(try connection.count("redemptions") == 1)
                let drops = try connection.dropQuarantined([sale.quarantined[0].id], reason: "r", actor: "a")
                #expect(drops == [sale.quarantined[0].id: .nothingHeld])
                #expect(try connection.controlEntries(after: 2, limit: 10).compactMap(\.entry).isEmpty)
            }
        }
    }

    /// An older dump was put back, or somebody wrote it by hand: nobody has got its credit and stock.
    @Test(arguments: [true, false]) func whatIsOfALaterEpochSaysSo(isOpened: Bool) async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let (user, coupon) = (newUser("u", credit: 100), newCoupon("c"))
                try connection.createUsers([user], actor: "admin")
                _ = try connection.createCoupon(coupon, codeKey: nil, actor: "admin")
                if isOpened { _ = try connection.beginEpoch(shard, after: nil) }
                #expect(try connection.quarantineUnlanded(unlanded([entry(stream(1), coupon, [user], epoch: 2)])) == 1)
                let id = try connection.quarantined(QuarantineFilter(), after: 0, limit: 1)[0].id
                guard case .refused(let reason) = try connection.retryQuarantined(id) else {
                    Issue.record("landed")
                    return
                }
                #expect(reason.hasPrefix("it is of epoch 2 and the shard is \(isOpened ? "of epoch 1 now" : "never opened")"))
                #expect(reason.contains("Nobody else has got its credit and stock"))
                #expect(!reason.contains("were given out again"))
                // The shard is rebuilt, under a later one.
                _ = try connection.beginEpoch(shard, after: connection.cursor(of: shard), above: Epoch(2))
                guard case .refused(let later) = try connection.retryQuarantined(id) else {
                    Issue.record("landed")
                    return
                }
                #expect(later.contains("were given out again"))
            }
        }
    }

    /// The dump that was put back knows of no epoch, nor does a Redis that is new. What is in quarantine was held in one.
    @Test func noEpochOfWhatIsInQuarantineBeginsAgain() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let (user, coupon) = (newUser("u", credit: 100), newCoupon("c"))
                let found = [1, 4, 1 << 40, .max].map { entry(stream(UInt64($0 & 7)), coupon, [user], epoch: $0) }
                #expect(try connection.quarantineUnlanded(unlanded(found)) == 4)
                #expect(try connection.beginEpoch(shard, after: nil).epoch == Epoch(5))
                #expect(try connection.beginEpoch(Shard(index: 1), after: nil).epoch == Epoch(1))
                let cursor = try connection.cursor(of: shard)
                #expect(try connection.beginEpoch(shard, after: cursor, above: Epoch(9)).epoch == Epoch(10))
            }
        }
    }

    private func unlanded(_ entries: [OutboxEntry], malformed: [LandingBatch.Malformed] = [], epoch: Int = 1) -> UnlandedEntries {
        UnlandedEntries(shard: shard, epoch: Epoch(epoch), entries: entries, malformed: malformed, reason: "test")
    }

    /// A repair beside a rebuild, and whatever else finds the same: each looks before the other has committed.
    @Test func nothingIsThereTwice() async throws {
        try await withPostgresClient { client throws in
            let (user, coupon) = (newUser("u", credit: 100), newCoupon("c"))
            let found = entry(stream(1), coupon, [user])
            let bad = LandingBatch.Malformed(id: stream(2), fields: ["what", String(repeating: "e", count: 9_000)], reason: "no")
            let item = try #require(found.redemptions.first)
            let alone = UnaccountedRedemption(
                shard: shard,
                epoch: Epoch(1),
                id: item.id,
                user: item.user,
                coupon: item.coupon,
                price: nil
            )
            let others: [@Sendable (PostgresConnection) throws -> Int] = [
                { try $0.quarantine([alone], reason: "r") },
                { try $0.quarantineUnlanded(UnlandedEntries(shard: shard, epoch: Epoch(1), entries: [found], reason: "r")) },
                {
                    let bad = UnlandedEntries(shard: shard, epoch: Epoch(2), entries: [], malformed: [bad], reason: "r")
                    return try $0.quarantineUnlanded(bad)
                },
            ]
            let counts = try await client.withConnection { connection throws in
                // What the drain does, which looks for nothing.
                try connection.script("begin")
                _ = try connection.query(
                    """
                    insert into quarantine (shard, epoch, stream_id, entry, reason)
                    select 0, 1, $1, jsonb_build_object('redemption', $2, 'user', $3, 'coupon', $4, 'price', 10), '' union all
                    select 0, 1, $5, jsonb_build_object('fields', to_jsonb($6)), ''
                    """,
                    found.id,
                    item.id,
                    item.user,
                    item.coupon,
                    bad.id,
                    bad.fields
                )
                let counts = others.map { other in Task { try await client.withConnection { try other($0) } } }
                // All three, or one of them and those that wait for it in turn.
                let sql = "select count(*) from pg_locks where not granted"
                let limit = ContinuousClock.now + .seconds(20)
                while try connection.query(sql)[0].decode(0, as: Int.self) < others.count {
                    try #require(ContinuousClock.now < limit, "they do not wait")
                    try connection.script("select pg_sleep(0.01)")
                }
                try connection.script("commit")
                return counts
            }
            for count in counts { #expect(try await count.value == 0) }
            #expect(try await client.withConnection { try $0.quarantineCount() } == 2)
            // One that was dropped does not come back.
            try await client.withConnection { connection throws in
                let ids = try connection.quarantined(QuarantineFilter(), after: 0, limit: 9).map(\.id)
                _ = try connection.dropQuarantined(ids, reason: "r", actor: "a")
                for other in others { #expect(try other(connection) == 0) }
                #expect(try connection.quarantineCount() == 0)
            }
        }
    }

    /// Anyone who writes into Redis by hand may give two users one id; none of it is thrown away.
    @Test func oneIdOfSeveralUsersIsSeveralThings() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let users = (0..<3).map { newUser("u\($0)", credit: 100) }
                try connection.createUsers(users, actor: "admin")
                let coupon = try connection.createCoupon(newCoupon("c"), codeKey: nil, actor: "admin")
                _ = try connection.beginEpoch(shard, after: nil)
                let id = RedemptionID(outbox: stream(1), tail: .random())
                let same = users.map { Redemption(id: id, user: $0.id, coupon: coupon.id, price: coupon.price) }
                let result = try connection.land(
                    batch([OutboxEntry(id: stream(1), epoch: Epoch(1), redemptions: same + [same[1]])])
                )
                #expect(result.landed == 1)
                #expect(try connection.count("redemptions") == 1)
                #expect(try connection.quarantineCount() == 2)
            }
        }
    }

    /// A retry that has looked at the epoch keeps the next one from beginning until it has committed.
    @Test func noEpochBeginsWhileOneLands() async throws {
        try await withPostgresClient { client throws in
            let entered = DispatchSemaphore(value: 0)
            let id = try await client.withConnection { connection throws in
                let sale = try oversell(connection, total: 1, users: 2)
                _ = try connection.restockCoupon(sale.coupon.id, by: 1, actor: "admin")
                // The landing waits in its last step until somebody has begun to wait for it.
                try connection.script(
                    """
                    create function wait() returns trigger language plpgsql as $$
                    declare i int; begin
                        for i in 1..2000 loop
                            perform pg_stat_clear_snapshot();
                            exit when exists (select from pg_stat_activity where datname = current_database()
                                and wait_event_type = 'Lock');
                            perform pg_sleep(0.005);
                        end loop;
                        return old;
                    end $$;
                    create trigger wait before delete on quarantine for each row execute function wait()
                    """
                )
                return sale.quarantined[0].id
            }
            async let retried = client.withConnection { connection throws in
                entered.signal()
                return try connection.retryQuarantined(id)
            }
            async let begun = client.withConnection { connection throws in
                entered.wait()
                // Until the retry is at its last step.
                let sql = "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"
                let limit = ContinuousClock.now + .seconds(10)
                while try connection.query(sql)[0].decode(0, as: Int.self) == 0 {
                    try #require(ContinuousClock.now < limit, "the retry does not come to its last step")
                }
                let cursor = try connection.beginEpoch(shard, after: connection.cursor(of: shard))
                return (cursor, try connection.count("redemptions"))
            }
            guard case .landed = try await retried else {
                Issue.record("not landed")
                return
            }
            let (cursor, rows) = try await begun
            #expect(cursor.epoch == Epoch(2))
            #expect(rows == 2)
        }
    }

    @Test func aDropIsKeptWithItsReasonAndGivenBack() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let sale = try oversell(connection, total: 1, users: 4)
                let ids = sale.quarantined.map(\.id)
                let unknown = #expect(throws: QuarantineError.self) {
                    try connection.dropQuarantined([ids[0], 4711], reason: "r", actor: "a")
                }
                #expect(unknown == .notFound([4711]))
                #expect(try connection.quarantineCount() == 3)
                #expect(try connection.count("quarantine_drops") == 0)

                let before = try connection.lastControlSequence()
                let drops = try connection.dropQuarantined([ids[0], ids[1]], reason: "sold twice", actor: "jo")
                #expect(drops == [ids[0]: .givenBack(control: before + 1), ids[1]: .givenBack(control: before + 2)])
                let entries = try connection.controlEntries(after: before, limit: 10).compactMap(\.entry)
                #expect(try entries.map(\.change) == sale.quarantined.prefix(2).map { .redemptionDropped(try redemption($0)) })
                let row = try connection.query(
                    """
                    select id, (entry->>'redemption')::uuid, reason, dropped_by, drop_reason, control_seq, dropped_at >= created_at
                    from quarantine_drops order by id
                    """
                )[0]
                #expect(try row.decode(0) == ids[0])
                #expect(try row.decode(1) == redemption(sale.quarantined[0]).id)
                #expect(try row.decode(2, as: String.self).contains("coupons_redeemed_range"))
                #expect(try row.decode(3) == "jo")
                #expect(try row.decode(4) == "sold twice")
                #expect(try row.decode(5) == before + 1)
                #expect(try row.decode(6, as: Bool.self))
                #expect(try connection.quarantined(QuarantineFilter(), after: 0, limit: 10).map(\.id) == [ids[2]])
                #expect(try connection.couponChanges(after: before).dropped == [sale.coupon.id: 2])
                #expect(try connection.couponChanges(after: before + 1).dropped == [sale.coupon.id: 1])

                let all = try sale.quarantined.map { try redemption($0).id }
                #expect(
                    try connection.fates(of: all) == [
                        all[0]: .dropped(price: 10, control: before + 1), all[1]: .dropped(price: 10, control: before + 2),
                        all[2]: .quarantined(price: 10),
                    ]
                )
                // Nobody puts it back.
                let again = OutboxEntry(id: stream(1), epoch: Epoch(1), redemptions: try sale.quarantined.map(redemption))
                #expect(try connection.quarantineUnlanded(unlanded([again])) == 0)
            }
        }
    }

    /// What Redis would give back is not what it took where Postgres has a row of the same user and coupon.
    @Test func aDropBesideARowGivesNothingBackByTheLog() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let user = newUser("u", credit: 100)
                try connection.createUsers([user], actor: "admin")
                let coupon = try connection.createCoupon(newCoupon("c"), codeKey: nil, actor: "admin")
                _ = try connection.beginEpoch(shard, after: nil)
                _ = try connection.land(batch([entry(stream(1), coupon, [user]), entry(stream(2), coupon, [user])]))
                let id = try connection.quarantined(QuarantineFilter(), after: 0, limit: 1)[0].id
                let before = try connection.lastControlSequence()
                #expect(try connection.dropQuarantined([id], reason: "r", actor: "a") == [id: .rebuildNeeded])
                #expect(try connection.lastControlSequence() == before)
            }
        }
    }

    /// Beside landings that add to the count, a recount loses none of them.
    @Test func recountingBesideLandings() async throws {
        try await withPostgresClient { client throws in
            let users = (0..<300).map { newUser("u\($0)", credit: 1_000) }
            let coupon = newCoupon("c", total: 1_000)
            try await client.withConnection { connection throws in
                try connection.createUsers(users, actor: "admin")
                _ = try connection.createCoupon(coupon, codeKey: nil, actor: "admin")
                _ = try connection.beginEpoch(shard, after: nil)
                try connection.execute("update coupons set redeemed = 7")
                #expect(try connection.recountRedeemed(coupon.id).map { [$0.counted, $0.rows] } == [7, 0])
                #expect(try connection.recountRedeemed(CouponID("nowhere")!) == nil)
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await client.withConnection { connection throws in
                        var cursor = start
                        for (index, user) in users.enumerated() {
                            cursor = try connection.land(batch([entry(stream(UInt64(index)), coupon, [user])], cursor: cursor))
                                .cursor
                        }
                    }
                }
                group.addTask {
                    for _ in 0..<300 {
                        let counts = try await client.withConnection { try $0.recountRedeemed(coupon.id) }
                        #expect(counts?.counted == counts?.rows)
                    }
                }
                try await group.waitForAll()
            }
            try await client.withConnection { connection throws in
                #expect(try connection.coupon(coupon.id)?.redeemed == 300)
                try connection.execute("update coupons set redeemed = 0, total = 5")
                let error = #expect(throws: PostgresError.self) { try connection.recountRedeemed(coupon.id) }
                #expect(error?.constraint == PostgresConstraint.couponRedeemed)
                #expect(try connection.strangers(among: [users[0].id, users[1].id]).isEmpty)
                let stranger = newUser("s").id
                #expect(try connection.strangers(among: [users[0].id, stranger]) == [stranger])
            }
        }
    }
}
