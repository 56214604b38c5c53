import Domain
import Foundation
import HotPath
import LocalStack
import Persistence
import PostgresClient
import RedisClient
import Synchronization
import TestSupport
import Testing

@testable import Server

/// What a request may ask of its answer beyond the server's own mode.
@Suite struct DurabilityModeTests {
    /// Carries the outbox to Postgres, as an owner does.
    private func land(_ server: RunningServer) async throws -> LandingResult {
        let store = server.environment.store
        let read = try await store.readOutbox(after: .zero, count: 100)
        let entries = read.compactMap { if case .entry(let entry) = $0 { entry } else { nil } }
        let last = try #require(read.last).id
        return try await server.environment.postgres.withConnection { connection in
            let cursor = try #require(try connection.cursor(of: store.shard))
            return try connection.land(
                LandingBatch(shard: store.shard, cursor: cursor, entries: entries, malformed: [], last: last)
            )
        }
    }

    private func untilInOutbox(_ server: RunningServer) async throws {
        try await until("it is decided") { try await server.environment.store.status().outboxLength > 0 }
    }

    /// Waits until the server has looked for a redemption's row, seen that there is none, and looked again.
    private func untilLookedForInVain(_ server: RunningServer) async throws {
        let looks = """
            select distinct query_start::text from pg_stat_activity
            where datname = current_database() and query like 'select id from redemptions%'
            """
        var seen: Set<String> = []
        try await until("the server has looked twice") {
            let moments = try await server.environment.postgres.withConnection { connection in
                try connection.query(looks).map { try $0.decode(0, as: String.self) }
            }
            seen.formUnion(moments)
            return seen.count > 1
        }
    }

    @Test func aRequestMayAskForMoreAndNeverForLess() async throws {
        try await withServer { server in
            try await server.addCoupon("tea")
            try await server.environment.openShard()
            let token = try await server.token(of: try await server.addUser("ada"))
            for text in ["", "Ledger", "best", "ledger,local"] {
                let answer = try await server.redeem("tea", token: token, durability: text)
                #expect(answer.status == 400 && answer.code == "durability_invalid", "\(text)")
            }
            let twice = try await server.request(
                "POST",
                "/v1/coupons/tea/redemptions",
                token: token,
                headers: ["Durability: local", "Durability: local"],
                json: "{\"code\":\"\(RunningServer.code)\"}"
            )
            #expect(twice.code == "durability_invalid")
            // Neither Redis nor Postgres is configured for these here.
            for text in ["replicated", "ledger"] {
                let answer = try await server.redeem("tea", token: token, durability: text)
                #expect(answer.status == 503 && answer.code == "durability_unavailable", "\(text)")
                #expect(try answer.object["detail"] as? String ?? "" != "" && answer.body.contains(text))
            }
            #expect(try await server.environment.store.status().outboxLength == 0)
            let weaker = try await server.redeem("tea", token: token, key: "k", durability: "relaxed")
            #expect(weaker.status == 201)
            #expect(try weaker.object["durability"] as? String == "local")
        }
    }

    @Test func aLedgerAnswerComesWhenPostgresHasCommitted() async throws {
        try await withServer(isDurable: true) { server in
            try await server.addCoupon("tea")
            try await server.environment.openShard()
            let token = try await server.token(of: try await server.addUser("ada"))
            let answered = Signal()
            async let answer: TestResponse = {
                let answer = try await server.redeem("tea", token: token, key: "k", durability: "ledger")
                answered.set()
                return answer
            }()
            try await untilInOutbox(server)
            try await untilLookedForInVain(server)
            #expect(!answered.isSet, "answered before the redemption was stored")
            #expect(try await land(server).landed == 1)
            let object = try await answer.object
            #expect(object["durability"] as? String == "ledger")
            #expect(object["status"] as? String == "confirmed")
            // By its code, and as a replay of what is stored already.
            let json = "{\"code\":\"\(RunningServer.code)\"}"
            let headers = ["Idempotency-Key: k", "Durability: ledger"]
            let replay = try await server.request("POST", "/v1/redemptions", token: token, headers: headers, json: json)
            #expect(replay.status == 201 && replay.headers["idempotent-replayed"] == "true")
            #expect(try replay.object["id"] as? String == object["id"] as? String)
            #expect(try replay.object["durability"] as? String == "ledger")
            #expect(try replay.object["status"] as? String == "confirmed")
        }
    }

    @Test func whatIsNotStoredInTimeIsUnknown() async throws {
        try await withServer(isDurable: true) { configuration in
            configuration.durability = .ledger
            configuration.limits.ledgerTimeout = .seconds(3)
            configuration.limits.ledgerWaiters = 1
        } _: { server in
            try await server.addCoupon("tea")
            try await server.environment.openShard()
            let token = try await server.token(of: try await server.addUser("ada"))
            let other = try await server.token(of: try await server.addUser("ben"))
            async let first = server.redeem("tea", token: token, key: "k")
            try await untilInOutbox(server)
            // There is no room for a second one, so it is not even decided.
            let second = try await server.redeem("tea", token: other, key: "k")
            #expect(second.status == 503 && second.code == "overloaded")
            #expect(try await server.environment.store.status().outboxLength == 1)
            let unknown = try await first
            #expect(unknown.status == 503 && unknown.code == "outcome_unknown")
            #expect(try await land(server).landed == 1)
            let retry = try await server.redeem("tea", token: token, key: "k")
            #expect(retry.status == 201 && retry.headers["idempotent-replayed"] == "true")
        }
    }

    /// While Postgres hangs, nobody can look for it.
    @Test func theTimeoutIsKeptWhilePostgresHangs() async throws {
        try await withServer(isDurable: true) { configuration in
            configuration.limits.ledgerTimeout = .milliseconds(300)
        } _: { server in
            try await server.addCoupon("tea")
            try await server.environment.openShard()
            let token = try await server.token(of: try await server.addUser("ada"))
            // A first one brings the user to Redis.
            #expect(try await server.redeem("tea", token: token, code: "WRONG", key: "k").code == "wrong_code")
            let isHeld = try await server.environment.postgres.whileLocked("redemptions", "access exclusive") {
                let answer = try await server.redeem("tea", token: token, key: "k", durability: "ledger")
                #expect(answer.code == "outcome_unknown")
            }
            #expect(isHeld, "answered when Postgres answered again, and not in time")
        }
    }

    /// The cursor has passed it, and it is not stored.
    @Test func whatIsInQuarantineIsNotAcknowledged() async throws {
        try await withServer(isDurable: true) { configuration in
            configuration.limits.ledgerTimeout = .milliseconds(500)
        } _: { server in
            try await server.addCoupon("tea")
            try await server.environment.openShard()
            let token = try await server.token(of: try await server.addUser("ada"))
            async let answer = server.redeem("tea", token: token, key: "k", durability: "ledger")
            try await untilInOutbox(server)
            _ = try await server.environment.postgres.withConnection { try $0.script("update coupons set total = 0") }
            #expect(try await land(server).quarantined == 1)
            #expect(try await answer.code == "outcome_unknown")
        }
    }

    @Test func aPostgresThatDoesNotKeepItsCommitsIsRefused() async throws {
        let error = await #expect(throws: DurabilityError.self) {
            try await withServer({ $0.durability = .ledger }, { _ in })
        }
        #expect(error?.description.contains("ALTER SYSTEM SET fsync = on") == true)
        #expect(PostgresSettings(values: ["fsync": "on", "synchronous_commit": "off"]).faults == ["synchronous_commit = off"])
        #expect(PostgresSettings(values: ["fsync": "on", "synchronous_commit": "remote_apply"]).faults.isEmpty)
    }

    @Test func replicatedNeedsARedisThatRefusesToWriteAlone() async throws {
        let error = await #expect(throws: DurabilityError.self) {
            try await withServer({ $0.durability = .replicated }, { _ in })
        }
        #expect(error?.description.contains("CONFIG SET min-replicas-to-write 1") == true)
    }

    @Test func aFullOutboxIsToldAndEndsByItself() async throws {
        var limits = HotPathLimits()
        limits.outboxEntries = 1
        try await withServer(limits: limits) { server in
            try await server.addCoupon("tea")
            let epoch = try await server.environment.openShard()
            let token = try await server.token(of: try await server.addUser("ada"))
            let other = try await server.token(of: try await server.addUser("ben"))
            #expect(try await server.redeem("tea", token: token, key: "k").status == 201)
            let full = try await server.redeem("tea", token: other, key: "k")
            #expect(full.status == 503 && full.code == "backlog_full" && full.headers["retry-after"] == "10")
            #expect(try await server.redeem("tea", token: token, key: "k").status == 201)
            let store = server.environment.store
            let read = try await store.readOutbox(after: .zero, count: 10)
            _ = try await land(server)
            _ = try await store.settle(epoch, read)
            #expect(try await server.redeem("tea", token: other, key: "k").status == 201)
        }
    }

    @Test func aRedisThatIsNearlyFullAcceptsNothing() async throws {
        var limits = HotPathLimits()
        limits.memoryShare = 0.3
        try await withServer(limits: limits) { server in
            try await server.addCoupon("tea")
            try await server.environment.openShard()
            let client = server.environment.redisClient
            let token = try await server.token(of: try await server.addUser("ada"))
            #expect(try await server.redeem("tea", token: token, key: "k").status == 201)
            let used = try #require(try await client.memory()?.used)
            // Far enough above what is used for Redis itself to refuse nothing.
            _ = try await client.send(["CONFIG", "SET", "maxmemory", String(used * 2)])
            // Each try by a user of its own, since one that comes before the server has looked is accepted.
            var number = 0
            var last = token
            try await until("nothing more is accepted") {
                number += 1
                last = try await server.token(of: try await server.addUser("late\(number)"))
                return try await server.redeem("tea", token: last, key: "k").code == "backlog_full"
            }
            #expect(try await server.redeem("tea", token: token, key: "k").status == 201)
            _ = try await client.send(["CONFIG", "SET", "maxmemory", "0"])
            try await until("there is room again") { try await server.redeem("tea", token: last, key: "k").status == 201 }
        }
    }

    /// It was never sent, so it is not unknown.
    @Test func whatWaitedTooLongToBeSentIsOverload() {
        #expect(Problem(write: RedisError(.deadlineExceeded, "waited too long to be sent")).code == .overloaded)
        #expect(Problem(write: RedisError(.deadlineExceeded, "no reply", outcomeIsUnknown: true)).code == .outcomeUnknown)
    }

    /// So is what waited for a call whose connection was lost.
    @Test func whatWasNotSentWhenTheConnectionWasLostIsNotUnknown() {
        for code in [RedisError.Code.connectionLost, .protocolViolation, .notConnected, .closed] {
            #expect(Problem(write: RedisError(code, "")).code == .redisUnavailable)
        }
        #expect(Problem(write: RedisError(.connectionLost, "", outcomeIsUnknown: true)).code == .outcomeUnknown)
    }
}

private final class Signal: Sendable {
    private let flag = Atomic<Bool>(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }
    func set() { flag.store(true, ordering: .releasing) }
}
