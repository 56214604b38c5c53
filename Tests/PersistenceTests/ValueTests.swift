import Domain
import Persistence
import PostgresClient
import TestSupport
import Testing

@Suite struct ValueTests {
    @Test func valuesComeBackAsTheyWent() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                func echo<Value: PostgresValue & Equatable>(_ value: Value) throws {
                    #expect(try connection.query("select $1", value)[0].decode(0, as: Value.self) == value)
                    #expect(try connection.query("select $1", Value?.none)[0].decode(0, as: Value?.self) == nil)
                }
                for number in [0, 1, -1, Limits.amount, Int.max, Int.min] { try echo(number) }
                for text in ["", "a", "naïve 🎟", "'; drop table users; --", String(repeating: "x", count: 100_000)] {
                    try echo(text)
                }
                for milliseconds: Int64 in [0, 1, -1, 1_700_000_000_123, 946_684_800_000, 946_684_799_999, -62_135_596_800_000] {
                    try echo(Timestamp(milliseconds: milliseconds))
                }
                try echo(true)
                try echo(false)
                try echo(UserID(uuid: UUIDv7(milliseconds: 1_700_000_000_000)))
                try echo(newCoupon("a").codeDigest)
                try echo(CouponID("summer-sale_2")!)
                try echo(StreamID(milliseconds: .max, sequence: .max))
                try echo(Epoch(3))
                try echo(Shard(index: 7))
                try echo(Role.admin)
                try echo(Coupon.State.paused)
            }
        }
    }

    @Test func aTextIsTheSameAsItsBinaryForm() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let id = UserID(uuid: UUIDv7(milliseconds: 1_700_000_000_000))
                #expect(try connection.query("select $1::text", id)[0].decode(0) == id.description)
                let moment = Timestamp(milliseconds: 1_700_000_000_123)
                let sql = "select to_char($1 at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')"
                #expect(try connection.query(sql, moment)[0].decode(0) == "2023-11-14 22:13:20.123")
                #expect(try connection.query("select array_to_string($1, '|')", ["a", "", "b"])[0].decode(0) == "a||b")
                #expect(try connection.query("select cardinality($1)", [Int]())[0].decode(0) == 0)
                #expect(try connection.query("select 7::smallint, 8::int")[0].decode(0) == 7)
            }
        }
    }

    @Test func whatDoesNotFitIsAnErrorThatNamesTheColumn() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                func message<Value: PostgresValue>(_ sql: String, _ type: Value.Type) throws -> String {
                    let row = try connection.query(sql)[0]
                    let error = #expect(throws: PostgresError.self) { try row.decode(0, as: Value.self) }
                    #expect(error?.code == .protocolViolation)
                    return error?.message ?? ""
                }
                #expect(try message("select null::bigint as total", Int.self).contains("'total'"))
                #expect(try message("select 'x'::text as total", Int.self).contains("'total'"))
                #expect(try message("select 1.5::numeric as total", Int.self).contains("'total'"))
                #expect(try message("select 'nobody'::text as role", Role.self).contains("'role'"))
                // Version 4: to read it as version 7 would make another id of it.
                #expect(try message("select gen_random_uuid() as id", UserID.self).contains("'id'"))
            }
        }
    }

    @Test func nullsOfOneStatementMayTakeTurnsWithValues() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let sql = "select coalesce($1, 5), coalesce($2, 'none')"
                for _ in 0..<3 {
                    #expect(try connection.query(sql, Int?.none, "a")[0].decode(0) == 5)
                    #expect(try connection.query(sql, Int?.some(6), String?.none)[0].decode(1) == "none")
                }
            }
        }
    }

    @Test func preparedStatementsAreBounded() async throws {
        try await withPostgresClient {
            $0.preparedStatements = 4
        } _: { client throws in
            try await client.withConnection { connection throws in
                for round in 0..<20 {
                    #expect(try connection.query("select \(round) + $1", 1)[0].decode(0) == round + 1)
                    #expect(try connection.query("select $1", 7)[0].decode(0) == 7)
                }
                #expect(try connection.count("pg_prepared_statements") == 4)
                #expect(
                    try connection.query("select count(*) from pg_prepared_statements where statement = 'select $1'")[0].decode(0)
                        == 1
                )
            }
        }
    }

    @Test func aStatementIsPreparedAgainAfterItsTableChanged() async throws {
        try await withPostgresClient { client in
            try await client.withConnection { connection throws in
                try connection.script("create table t (a int); insert into t values (1)")
                #expect(try connection.query("select a from t")[0].decode(0) == 1)
                try connection.script("alter table t alter column a type bigint")
                #expect(throws: PostgresError.self) { try connection.query("select a from t") }
                #expect(try connection.query("select a from t")[0].decode(0) == 1)
                try connection.script("deallocate all")
                #expect(throws: PostgresError.self) { try connection.query("select a from t") }
                #expect(try connection.query("select a from t")[0].decode(0) == 1)
            }
        }
    }
}
