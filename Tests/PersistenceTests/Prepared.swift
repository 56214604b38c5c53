import Domain
import Persistence
import PostgresClient
import TestSupport
import Testing

extension PostgresConnection {
    /// Ends the one other connection to this database that waits for a lock, or sleeps, as soon as there is one.
    func terminateTheOneThatWaits() throws {
        let deadline = ContinuousClock.now + .seconds(20)
        let sql = """
            select pid from pg_stat_activity
            where datname = current_database() and state = 'active' and pid <> pg_backend_pid()
              and (wait_event_type in ('Lock', 'IPC') or wait_event = 'PgSleep')
            """
        while true {
            if let process = try query(sql).first { return try terminate(process.decode(0)) }
            try #require(ContinuousClock.now < deadline, "no other connection waits")
            try query("select pg_sleep(0.005)")
        }
    }

    /// The hundredth row sleeps.
    func sleepDuringInsert(into table: String) throws {
        try script(
            """
            create sequence rows;
            create function sleep() returns trigger language plpgsql as
            $$ begin if nextval('rows') = 100 then perform pg_sleep(60); end if; return new; end $$;
            create trigger sleep before insert on \(table) for each row execute function sleep()
            """
        )
    }

    func sleepDuringCommit(of table: String) throws {
        try script(
            """
            create function sleep() returns trigger language plpgsql as $$ begin perform pg_sleep(60); return new; end $$;
            create constraint trigger sleep after insert on \(table) deferrable initially deferred
            for each row execute function sleep()
            """
        )
    }
}

/// Users, a coupon, an epoch, and a batch that lands all of it.
struct Prepared {
    let users: [NewUser]
    let coupon: Coupon
    let batch: LandingBatch
}

func prepare(_ client: PostgresClient, users count: Int = 200) async throws -> Prepared {
    let users = (0..<count).map { newUser("u\($0)", credit: 1_000) }
    let coupon = newCoupon("c", total: count)
    try await client.withConnection { connection throws in
        try connection.createUsers(users, actor: "admin")
        _ = try connection.createCoupon(coupon, codeKey: nil, actor: "admin")
        _ = try connection.beginEpoch(shard, after: nil)
    }
    return Prepared(users: users, coupon: coupon, batch: batch([entry(stream(1), coupon, users)]))
}

/// Nothing of the batch is there, and it can land.
func expectLandsNow(_ client: PostgresClient, _ prepared: Prepared) async throws {
    try await client.withConnection { connection throws in
        #expect(try connection.cursor(of: shard) == start)
        #expect(try connection.count("redemptions") == 0)
        #expect(try connection.coupon(prepared.coupon.id)?.redeemed == 0)
        #expect(try connection.land(prepared.batch).landed == prepared.users.count)
        #expect(try connection.quarantineCount() == 0)
    }
}

// MARK: Values

func newUser(_ username: String, credit: Int = 0) -> NewUser {
    let id = UserID.new()
    return NewUser(id: id, username: username, name: "N. \(username)", role: .user, passwordHash: "scrypt$x", credit: credit)
}

func newCoupon(_ id: String, price: Int = 10, total: Int = 100) -> Coupon {
    let bytes = (0..<32).map { _ in UInt8.random(in: 0...255) }
    return Coupon(id: CouponID(id)!, name: "Coupon \(id)", codeDigest: CodeDigest(bytes: bytes)!, price: price, total: total)
}

func stream(_ milliseconds: UInt64, _ sequence: UInt64 = 0) -> StreamID {
    StreamID(milliseconds: 1_700_000_000_000 + milliseconds, sequence: sequence)
}

/// An entry in which each of the users redeems the coupon.
func entry(_ id: StreamID, _ coupon: Coupon, _ users: [NewUser], epoch: Int = 1) -> OutboxEntry {
    let redemptions = users.map {
        Redemption(id: RedemptionID(outbox: id, tail: .random()), user: $0.id, coupon: coupon.id, price: coupon.price)
    }
    return OutboxEntry(id: id, epoch: Epoch(epoch), redemptions: redemptions)
}

let shard = Shard(index: 0)
let start = Cursor(epoch: Epoch(1), lastID: .zero)

/// A batch behind the cursor, up to its last entry.
func batch(_ entries: [OutboxEntry], malformed: [LandingBatch.Malformed] = [], cursor: Cursor = start) -> LandingBatch {
    let last = (entries.map(\.id) + malformed.map(\.id) + [cursor.lastID]).max()!
    return LandingBatch(shard: shard, cursor: cursor, entries: entries, malformed: malformed, last: last)
}
