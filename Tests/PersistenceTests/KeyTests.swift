import Domain
import Persistence
import PostgresClient
import TestSupport
import Testing

/// Another code key, beside what else goes on.
@Suite struct KeyTests {
    /// Landing locks the coupons of a batch in the order of their ids. Anyone who holds the first keeps the replacement from all others,
    /// so neither waits for the other for ever.
    @Test func codesAreReplacedInTheOrderInWhichLandingLocks() async throws {
        try await withPostgresClient { client throws in
            let coupons = (0..<30).map { newCoupon("c\(10 + $0)") }
            try await client.withConnection { connection throws in
                for coupon in coupons { _ = try connection.createCoupon(coupon, codeKey: nil, actor: "test") }
            }
            let digests = try Dictionary(
                uniqueKeysWithValues: coupons.enumerated().map { index, coupon in
                    (coupon.id, try #require(CodeDigest(hex: String(repeating: "0", count: 62) + String(10 + index))))
                }
            )
            let replacing = try await client.withConnection { connection throws in
                try connection.script("begin; select 1 from coupons where id = 'c10' for no key update")
                let replacing = Task {
                    try await client.withConnection {
                        try $0.replaceCodeKey(id: "other", digests: digests, shards: [], actor: "test").replaced
                    }
                }
                var waiters = 0
                for _ in 0..<3_000 where waiters == 0 {
                    try connection.script("select pg_sleep(0.01)")
                    let sql = "select count(*) from pg_locks where not granted and transactionid = pg_current_xact_id()::xid"
                    waiters = try connection.query(sql)[0].decode(0)
                }
                #expect(waiters == 1)
                try connection.script("select 1 from coupons for no key update nowait; commit")
                return replacing
            }
            #expect(try await replacing.value == 30)
            #expect(try await client.withConnection { try $0.allCoupons().map(\.codeDigest) } == coupons.map { digests[$0.id] })
        }
    }

    /// A row of the control log that says more than this program ever writes keeps no shard from being opened.
    @Test func whatIsOfAnotherKindIsNotRead() async throws {
        try await withPostgresClient { client throws in
            let revocations = try await client.withConnection { connection throws in
                try connection.script(
                    """
                    insert into control_log (seq, kind, payload, actor) values
                    (1, 'sessions_revoked', '{"before": 5, "below": "x"}', 'somebody'),
                    (2, 'user_sessions_revoked', '{"user": "x", "below": 5, "before": "x"}', 'somebody')
                    """
                )
                return try connection.sessionRevocations(after: 0)
            }
            var expected = SessionRevocations()
            expected.add(before: Timestamp(milliseconds: 5))
            #expect(revocations == expected)
        }
    }
}
