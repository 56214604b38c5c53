import Domain
import Persistence
import PostgresClient
import TestSupport
import Testing

@Suite struct QuarantineTests {
    private func reasons(_ connection: PostgresConnection) throws -> [String] {
        try connection.query("select reason from quarantine order by id").map { try $0.decode(0) }
    }

    @Test func badRowsGoToQuarantineAndTheRestLands() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let users = (0..<100).map { newUser("u\($0)", credit: 1_000) }
                try connection.createUsers(users, actor: "admin")
                let coupon = try connection.createCoupon(newCoupon("c", total: 1_000), codeKey: nil, actor: "admin")
                _ = try connection.beginEpoch(shard, after: nil)
                var rows = entry(stream(1), coupon, users).redemptions
                let (stranger, unknown) = (newUser("stranger"), newCoupon("unknown"))
                rows.insert(entry(stream(1), coupon, [stranger]).redemptions[0], at: 3)
                rows.insert(entry(stream(1), unknown, [users[0]]).redemptions[0], at: 40)
                rows.insert(entry(stream(1), coupon, [users[0]]).redemptions[0], at: 70)
                rows.append(Redemption(id: rows[5].id, user: users[1].id, coupon: coupon.id, price: 1))
                let free = Redemption(
                    id: RedemptionID(outbox: stream(1), tail: .random()),
                    user: users[99].id,
                    coupon: coupon.id,
                    price: -1
                )
                rows[rows.firstIndex { $0.user == users[99].id }!] = free
                let result = try connection.land(batch([OutboxEntry(id: stream(1), epoch: Epoch(1), redemptions: rows)]))
                #expect(result.landed == 99)
                #expect(result.quarantined == 5)
                #expect(try connection.quarantineCount() == 5)
                #expect(try connection.count("redemptions") == 99)
                #expect(try connection.coupon(coupon.id)?.redeemed == 99)
                #expect(try connection.cursor(of: shard)?.lastID == stream(1))
                let reasons = try reasons(connection)
                #expect(reasons[0].contains("23503: a redemption of an unknown user"))
                #expect(reasons[1].contains("23503: a redemption of an unknown coupon"))
                #expect(reasons[2].contains("redemptions_once"))
                #expect(reasons[3].contains("redemptions_price_range"))
                #expect(reasons[4].contains("redemptions_pkey"))
                let row = try connection.query(
                    "select shard, epoch, stream_id, entry->>'user', entry->>'coupon', (entry->>'price')::bigint from quarantine order by id"
                )[0]
                #expect(try row.decode(0) == shard)
                #expect(try row.decode(1) == Epoch(1))
                #expect(try row.decode(2) == stream(1))
                #expect(try row.decode(3) == stranger.id.description)
                #expect(try row.decode(4) == coupon.id)
                #expect(try row.decode(5) == coupon.price)
            }
        }
    }

    @Test func whatIsBeyondTheTotalGoesToQuarantine() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let users = (0..<50).map { newUser("u\($0)", credit: 1_000) }
                try connection.createUsers(users, actor: "admin")
                let few = try connection.createCoupon(newCoupon("few", total: 33), codeKey: nil, actor: "admin")
                let many = try connection.createCoupon(newCoupon("many", total: 50), codeKey: nil, actor: "admin")
                _ = try connection.beginEpoch(shard, after: nil)
                let result = try connection.land(batch([entry(stream(1), few, users), entry(stream(2), many, users)]))
                #expect(result.landed == 83)
                #expect(result.quarantined == 17)
                #expect(try connection.coupon(few.id)?.redeemed == 33)
                #expect(try connection.coupon(many.id)?.redeemed == 50)
                // The first ones won.
                let sql = "select count(*) from redemptions where coupon_id = 'few' and user_id = any($1)"
                #expect(try connection.query(sql, users[..<33].map(\.id))[0].decode(0) == 33)
                #expect(try reasons(connection).allSatisfy { $0.contains("coupons_redeemed_range") })
            }
        }
    }

    @Test func aBatchOfNothingButBadRowsDoesNotBlockTheDrain() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let coupon = try connection.createCoupon(newCoupon("c", total: 1_000), codeKey: nil, actor: "admin")
                _ = try connection.beginEpoch(shard, after: nil)
                let strangers = (0..<200).map { newUser("s\($0)") }
                let result = try connection.land(batch([entry(stream(1), coupon, strangers)]))
                #expect(result.landed == 0)
                #expect(result.quarantined == 200)
                #expect(try connection.coupon(coupon.id)?.redeemed == 0)
                #expect(result.cursor.lastID == stream(1))
            }
        }
    }

    @Test func entriesThatDoNotParseOrAreOfAnotherEpochAreKept() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let user = newUser("u", credit: 1_000)
                _ = try connection.createUser(user, actor: "admin")
                let coupon = try connection.createCoupon(newCoupon("c"), codeKey: nil, actor: "admin")
                _ = try connection.beginEpoch(shard, after: nil)
                let fields = ["epoch", "one", "na\0me", #"qu"o\te"#, "", "🎟"]
                let malformed = LandingBatch.Malformed(id: stream(3), fields: fields, reason: "epoch 'o\0ne' is no number")
                let entries = [entry(stream(1), coupon, [user], epoch: 7), entry(stream(2), coupon, [user])]
                let result = try connection.land(batch(entries, malformed: [malformed]))
                #expect(result.landed == 1)
                #expect(result.quarantined == 2)
                #expect(try connection.cursor(of: shard)?.lastID == stream(3))
                #expect(
                    try reasons(connection) == [
                        "an entry of epoch 7 in the outbox of epoch 1", #"epoch 'o\0ne' is no number"#,
                    ]
                )
                let kept = try connection.query(
                    "select jsonb_array_elements_text(entry->'fields') from quarantine where stream_id = $1",
                    stream(3)
                )
                #expect(try kept.map { try $0.decode(0) } == ["epoch", "one", #"na\0me"#, #"qu"o\te"#, "", "🎟"])
            }
        }
    }
}
