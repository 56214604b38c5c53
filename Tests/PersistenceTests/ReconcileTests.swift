import Dispatch
import Domain
@testable import Persistence
import PostgresClient
import TestSupport
import Testing

@Suite struct ReconcileTests {
    @Test func theLedgerCountsEachCoupon() async throws {
        try await withPostgresClient { client throws in
            let users = (0..<10).map { newUser("u\($0)", credit: 25) }
            let (a, b) = (newCoupon("a", price: 10, total: 50), newCoupon("b", price: 10))
            try await client.withConnection { connection throws in
                try connection.createUsers(users, actor: "admin")
                _ = try connection.createCoupon(a, codeKey: nil, actor: "admin")
                _ = try connection.createCoupon(b, codeKey: nil, actor: "admin")
                _ = try connection.beginEpoch(shard, after: nil)
                // As text 9-0 is behind 10-0, and 5-10 before 5-9.
                let entries = [
                    entry(StreamID(milliseconds: 9, sequence: 0), a, [users[0]]),
                    entry(StreamID(milliseconds: 10, sequence: 9), a, [users[1], users[2]]),
                    entry(StreamID(milliseconds: 10, sequence: 10), a, [users[3]]),
                    entry(StreamID(milliseconds: 11, sequence: 0), a, [users[4]]),
                ]
                _ = try connection.land(batch(entries))
            }
            try await client.transaction(.snapshotReadOnly) { connection throws in
                #expect(try connection.newer(0, 0) == 5)
                #expect(try connection.newer(9, 0) == 4)
                #expect(try connection.newer(10, 9) == 2)
                #expect(try connection.newer(10, 10) == 1)
                #expect(try connection.newer(11, 0) == 0)
                #expect(try connection.newer(.max, .max) == 0)
                #expect(try connection.newer(0, 0, epoch: 2) == 0)
                let ledger = try connection.ledger(of: shard, newerThan: start, countsRows: true)
                #expect(ledger.cursor == Cursor(epoch: Epoch(1), lastID: StreamID(milliseconds: 11, sequence: 0)))
                #expect(ledger.control == 2)
                #expect(ledger.coupons.map(\.coupon) == [a.id, b.id])
                #expect(ledger.coupons.map(\.total) == [50, 100])
                #expect(ledger.coupons.map(\.redeemed) == [5, 0])
                #expect(ledger.coupons.map(\.redemptions) == [5, 0])
                let uncounted = try connection.ledger(of: shard, newerThan: start, countsRows: false)
                #expect(uncounted.coupons.map(\.redemptions) == [nil, nil])
                let page = try connection.userIDs(after: nil, limit: 6)
                let rest = try connection.userIDs(after: page.last, limit: 6)
                #expect(page.count == 6)
                #expect(rest.count == 4)
                #expect(try connection.userCount() == 10)
                let audit = try connection.audit(page + rest, of: shard, newerThan: start)
                #expect(audit.cursor == ledger.cursor)
                #expect(audit.users.map(\.user) == page + rest)
                #expect(audit.users.map { 25 - $0.balance }.reduce(0, +) == 50)
                #expect(audit.users.flatMap(\.rows).allSatisfy { $0.isNewer && $0.redemption.price == 10 })
                let seen = Cursor(epoch: Epoch(1), lastID: StreamID(milliseconds: 10, sequence: 10))
                let later = try connection.audit(page + rest, of: shard, newerThan: seen)
                #expect(later.users.flatMap(\.rows).count(where: \.isNewer) == 1)
            }
        }
    }

    @Test func driftIsSeen() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let (a, b) = (newUser("a", credit: 10), newUser("b", credit: 5))
                try connection.createUsers([a, b], actor: "admin")
                let coupon = try connection.createCoupon(newCoupon("c", price: 10), codeKey: nil, actor: "admin")
                _ = try connection.beginEpoch(shard, after: nil)
                _ = try connection.land(batch([entry(stream(1), coupon, [a, b])]))
                let audit = try connection.audit([a.id, b.id], of: shard, newerThan: start)
                #expect(audit.users.map(\.balance) == [0, -5])
                // By hand, as somebody with psql might.
                try connection.execute("delete from redemptions where user_id = $1", a.id)
                let ledger = try connection.ledger(of: shard, newerThan: start, countsRows: true)
                #expect(ledger.coupons[0].redeemed == 2)
                #expect(ledger.coupons[0].redemptions == 1)
                try connection.script("delete from credit_grants; delete from users")
                #expect(try connection.redemptionPage(after: nil, limit: nil, examples: 10).dangling == 1)
                try connection.script("alter table redemptions drop constraint redemptions_once")
                let again =
                    "insert into redemptions select gen_random_uuid(), user_id, coupon_id, 1, now(), 0, 1, '1-1' from redemptions"
                try connection.script(again)
                let repeated = try connection.redemptionPage(after: nil, limit: nil, examples: 10).repeated
                #expect(repeated.map(\.count) == [2])
                #expect(repeated.first?.user == b.id.description)
            }
        }
    }

    /// Users with one to four redemptions, counted in pages of each size: every row is in one page, and no user in two.
    @Test func redemptionsAreCountedInPages() async throws {
        try await withPostgresClient { client throws in
            let users = (0..<12).map { newUser("u\($0)", credit: 100) }
            let coupons = (0..<4).map { newCoupon("c\($0)", price: 1) }
            try await client.withConnection { connection throws in
                try connection.createUsers(users, actor: "admin")
                for coupon in coupons { _ = try connection.createCoupon(coupon, codeKey: nil, actor: "admin") }
                _ = try connection.beginEpoch(shard, after: nil)
                let entries = coupons.enumerated().map { number, coupon in
                    let redeeming = users.indices.filter { $0 % 4 >= number }.map { users[$0] }
                    return entry(stream(UInt64(number) + 1), coupon, redeeming)
                }
                _ = try connection.land(batch(entries))
                // Neither has a user or a coupon, and no page may leave it out.
                try connection.execute(
                    "insert into redemptions select gen_random_uuid(), id, 'no coupon!', 1, now(), 0, 1, '1-1' from users where id = $1",
                    users[5].id
                )
                let stranger = "insert into redemptions select gen_random_uuid(), gen_random_uuid(), 'c0', 1, now(), 0, 1, '1-1'"
                try connection.script(stranger)
            }
            for limit in [1, 2, 3, 5, 31, 32, 33, nil] {
                let pages = try await client.transaction(.snapshotReadOnly) { connection throws in
                    var pages: [RedemptionPage] = []
                    repeat {
                        pages.append(try connection.redemptionPage(after: pages.last?.last, limit: limit, examples: 1))
                    } while pages.last?.last != nil
                    return pages
                }
                let rows = pages.reduce(into: [CouponID: Int]()) { $0.merge($1.rows, uniquingKeysWith: +) }
                let expected = [coupons[0].id: 13, coupons[1].id: 9, coupons[2].id: 6, coupons[3].id: 3]
                #expect(rows == expected, "limit \(limit ?? 0)")
                #expect(pages.map(\.dangling).reduce(0, +) == 2)
                #expect(pages.compactMap(\.coupons).allSatisfy { $0.map(\.redeemed) == [12, 9, 6, 3] })
                #expect(pages.first?.coupons != nil && pages.last?.coupons != nil)
                #expect(pages.dropFirst().dropLast().allSatisfy { $0.coupons == nil })
                #expect(pages.dropLast().allSatisfy { $0.rows.values.reduce(0, +) + $0.dangling >= limit ?? .max })
                let ends = pages.compactMap(\.last)
                #expect(ends == ends.sorted() && Set(ends).count == ends.count)
            }
        }
    }

    /// Once Postgres uses one plan for any values, a condition that it cannot look up makes each page read the whole table.
    @Test func aPageIsReadByTheIndex() async throws {
        let user = "\(UserID.new())"
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                try connection.script(
                    "set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set enable_bitmapscan = off"
                )
                for users in [UserRange(after: user), UserRange(through: user), UserRange(after: user, through: user)] {
                    let ends = [users.after, users.through].compactMap { $0 }.map { "'\($0)'" }.joined(separator: ", ")
                    try connection.script("prepare page as select user_id from redemptions where \(users.holds("user_id"))")
                    let plan = try connection.query("explain execute page (\(ends))").map { try $0.decode(0, as: String.self) }
                    try connection.script("deallocate page")
                    #expect(plan.contains { $0.contains("Index Cond") } && !plan.contains { $0.contains("Filter") }, "\(plan)")
                }
            }
        }
    }

    /// The count of newer rows is asked for only where there can be some: what has landed is behind the cursor.
    @Test func behindTheCursorNothingIsNewer() async throws {
        try await withPostgresClient { client throws in
            let (user, coupon) = (newUser("u", credit: 25), newCoupon("c"))
            try await client.withConnection { connection throws in
                try connection.createUsers([user], actor: "admin")
                _ = try connection.createCoupon(coupon, codeKey: nil, actor: "admin")
                _ = try connection.beginEpoch(shard, after: nil)
                #expect(try connection.newer(0, 0) == 0)
                _ = try connection.land(batch([entry(stream(7), coupon, [user])]))
                #expect(try connection.newer(1_700_000_000_006, 9) == 1)
                #expect(try connection.newer(1_700_000_000_007, 0) == 0)
                // Of another epoch than Redis's: its rows are not newer.
                #expect(try connection.newer(0, 0, epoch: 2) == 0)
            }
        }
    }

    @Test func aSnapshotDoesNotSeeWhatComesLater() async throws {
        try await withPostgresClient { client throws in
            let coupon = newCoupon("c", total: 1)
            try await client.withConnection { _ = try $0.createCoupon(coupon, codeKey: nil, actor: "admin") }
            let (read, restocked) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            async let snapshots = client.transaction(.snapshotReadOnly) { connection throws in
                let before = try connection.couponsSnapshot()
                read.signal()
                restocked.wait()
                let after = try connection.couponsSnapshot()
                return [before.control, after.control, before.coupons[0].total, after.coupons[0].total]
            }
            let total = try await client.withConnection { connection throws in
                read.wait()
                defer { restocked.signal() }
                return try connection.restockCoupon(coupon.id, by: 1, actor: "admin")?.total
            }
            #expect(total == 2)
            #expect(try await snapshots == [1, 1, 1, 1])
        }
    }
}

extension PostgresConnection {
    /// Rows of the first coupon that are newer than the position.
    fileprivate func newer(_ milliseconds: UInt64, _ sequence: UInt64, epoch: Int = 1) throws -> Int? {
        let id = StreamID(milliseconds: milliseconds, sequence: sequence)
        return try ledger(of: shard, newerThan: Cursor(epoch: Epoch(epoch), lastID: id), countsRows: false).coupons.first?.newer
    }
}
