import Domain
import HotPath
import Logging
import Persistence
import PostgresClient
import RedisClient
import TestSupport
import Testing

@testable import Sync

/// Redis has what Postgres has not: an older dump was put back, or rows were deleted. All of it is in quarantine before anything is
/// given to others.
@Suite(.serialized) struct OlderPostgresTests {
    /// A sale (price 10, of 100) in which jo's redemption is in the dump and al's is not; both are settled.
    struct Sale: Sendable {
        let env: SyncEnvironment
        let coupon: CouponID
        let al: UserID
        let lost: Redemption

        func redis(_ arguments: String...) async throws { _ = try await env.client.send(arguments) }

        func operate(_ act: @escaping @Sendable (PostgresConnection) throws -> Void) async throws {
            try await env.postgres.withConnection { try act($0) }
        }

        func grant() async throws {
            try await operate { _ = try $0.grantCredit(to: al, amount: 5, reason: "test", actor: "test") }
        }

        /// Postgres forgets it, and nothing else tells.
        func deleteTheRow() async throws {
            try await operate {
                try $0.script(
                    "delete from redemptions where id = '\(lost.id)'; update coupons set redeemed = 1 where id = 'sale'"
                )
            }
        }

        func quarantined() async throws -> [QuarantinedEntry] {
            try await env.postgres.withConnection { try $0.quarantined(QuarantineFilter(), after: 0, limit: 100) }
        }
    }

    /// What happens before the shard is rebuilt for a reason.
    private struct Story {
        /// Before the shard was ever open.
        var dumpsEmpty = false
        /// After the dump and before it is put back, with a worker.
        var after: (Sale) async throws -> Void = { _ in }
        /// No dump is put back.
        var keeps = false
        /// Once it is back, without a worker.
        var then: (Sale) async throws -> Void = { _ in }
        /// With a worker.
        var meanwhile: (Sale) async throws -> Void = { _ in }
    }

    private static let reasons = RebuildReason.allCases.filter { $0 != .moved }

    private func story(_ reason: RebuildReason) -> Story {
        switch reason {
        case .firstStart: Story(dumpsEmpty: true)
        case .shardMissing: Story(then: { try await $0.redis("DEL", "{s0}:record") })
        case .layoutChanged: Story(then: { try await $0.env.makeEarlierLayout() })
        case .moved: preconditionFailure("a Redis alone has no slots: see ClusterTests")
        case .otherEpoch:
            Story(after: { sale in
                _ = try await sale.env.postgres.withConnection { try $0.askForRebuild(of: Shard(index: 0), actor: "test") }
                try await sale.env.untilOpen(2)
                try await sale.env.load(sale.al)
            })
        case .behindCursor: Story(then: { try await $0.redis("DEL", "{s0}:outbox") })
        case .aheadOfControl: Story(after: { try await $0.grant() })
        case .controlDiffers: Story(after: { try await $0.grant() }, then: { try await $0.grant() })
        case .controlRefused:
            Story(
                keeps: true,
                meanwhile: { sale in
                    try await sale.deleteTheRow()
                    try await sale.redis("DEL", "{s0}:coupon:sale")
                    try await sale.operate { _ = try $0.restockCoupon(sale.coupon, by: 1, actor: "test") }
                }
            )
        case .controlUnreadable:
            Story(
                keeps: true,
                meanwhile: { sale in
                    try await sale.deleteTheRow()
                    try await sale.operate {
                        try $0.script(
                            "insert into control_log (seq, kind, payload, actor) values (2, 'credit_granted', '{}', '')"
                        )
                    }
                }
            )
        case .couponMissing:
            Story(
                keeps: true,
                meanwhile: { sale in
                    try await sale.deleteTheRow()
                    try await sale.redis("DEL", "{s0}:coupon:sale")
                }
            )
        case .tornFile:
            Story(then: { sale in
                try await sale.env.startOnATornFile()
                try await sale.env.writeATransaction()
                try await sale.env.restartRedis()
            })
        case .operatorAsked:
            Story(
                keeps: true,
                meanwhile: { sale in
                    try await sale.deleteTheRow()
                    _ = try await sale.env.postgres.withConnection { try $0.askForRebuild(of: Shard(index: 0), actor: "test") }
                }
            )
        }
    }

    @Test(arguments: OlderPostgresTests.reasons)
    func whatOnlyRedisHasIsInQuarantineBeforeItIsRebuilt(_ reason: RebuildReason) async throws {
        let story = story(reason)
        let log = KeptLog()
        try await DumpedDatabase.with { env, database in
            let coupon = try await env.coupon("sale")
            let (jo, al) = (try await env.user("jo"), try await env.user("al"))
            if story.dumpsEmpty { try await database.dump() }
            let sale = try await env.withWorker {
                try await env.untilOpen(1)
                _ = try await env.redeem(jo, try await env.login(jo), coupon)
                try await env.untilDrained()
                if !story.dumpsEmpty { try await database.dump() }
                guard case .accepted(let lost) = try await env.redeem(al, try await env.login(al), coupon) else {
                    throw TestFailure("not accepted")
                }
                try await env.untilDrained()
                let sale = Sale(env: env, coupon: coupon, al: al, lost: lost)
                try await story.after(sale)
                try await sale.untilControlIsApplied()
                return sale
            }
            let epoch = try #require(try await env.store.status().epoch)
            if !story.keeps { try await database.restore() }
            try await story.then(sale)
            try await env.withWorker(logger: log.logger) {
                if story.keeps { try await env.untilOpen(1) }
                try await story.meanwhile(sale)
                try await env.untilOpen(epoch.number + 1)
            }
            let rebuilding = { (line: String) in
                line.contains("rebuilding the shard") && line.contains("reason=\(reason.rawValue)")
            }
            #expect(log.all.contains(where: rebuilding))
            // But where an operator asked for it, or came from an earlier version.
            #expect(log.errors.contains(where: rebuilding) == ![.operatorAsked, .layoutChanged].contains(reason))
            #expect(log.errors.contains { $0.contains("had redemptions that Postgres lacks") })
            // A record that is gone tells of no time.
            #expect(
                log.errors.contains { $0.contains("older than this Redis") }
                    == (!story.keeps && ![.shardMissing, .layoutChanged].contains(reason))
            )
            // Of all that Redis had, only this is nowhere else; where the dump is from before everything, jo's is too.
            let quarantined = try await sale.quarantined()
            #expect(quarantined.contains { $0.content == .redemption(sale.lost) && $0.epoch == epoch })
            #expect(quarantined.count == (story.dumpsEmpty ? 2 : 1))
            #expect(try await env.rows() == (story.dumpsEmpty ? 0 : 1))
            // Again: what is there is not put there once more.
            _ = try await env.postgres.withConnection { try $0.askForRebuild(of: Shard(index: 0), actor: "test") }
            try await env.withWorker { try await env.untilOpen(epoch.number + 2) }
            #expect(try await sale.quarantined() == quarantined)
        }
    }

    /// Operators did nothing since the dump: Redis is not rebuilt, so what it has can still land.
    @Test func whereOnlyRedemptionsAreMissingTheyCanLand() async throws {
        let log = KeptLog()
        try await DumpedDatabase.with { env, database in
            let coupon = try await env.coupon("sale")
            var users: [UserID] = []
            for number in 0..<4 { users.append(try await env.user("user-\(number)")) }
            try await env.withWorker(logger: log.logger) {
                try await env.untilOpen(1)
                try await database.dump()
                for user in users { _ = try await env.redeem(user, try await env.login(user), coupon) }
                try await env.untilDrained()
                // The worker is there, and has nothing to do.
                try await database.restore()
                try await until("in quarantine") { try await env.postgres.withConnection { try $0.quarantineCount() } == 4 }
                try await env.untilOpen(1)
                #expect(log.errors.contains { $0.contains("older than this Redis") })
                let late = try await env.user("late")
                guard case .accepted = try await env.redeem(late, try await env.login(late), coupon) else {
                    Issue.record("the sale does not go on")
                    return
                }
                try await env.untilDrained()
                let entries = try await env.postgres.withConnection { try $0.quarantined(QuarantineFilter(), after: 0, limit: 9) }
                for entry in entries {
                    guard case .landed = try await env.postgres.withConnection({ try $0.retryQuarantined(entry.id) }) else {
                        Issue.record("\(entry) did not land")
                        return
                    }
                }
                try await env.holds()
                #expect(try await env.rows() == 5)
                #expect(try await env.store.status().epoch == Epoch(1))
            }
        }
    }

    /// An open shard goes on accepting while its users are looked through: what waits in the outbox is not taken for something that
    /// Postgres lacks.
    @Test func whatWaitsInTheOutboxIsNotTakenForLost() async throws {
        try await DumpedDatabase.with { env, database in
            let coupon = try await env.coupon("sale")
            let (jo, al) = (try await env.user("jo"), try await env.user("al"))
            try await env.withWorker {
                try await env.untilOpen(1)
                try await database.dump()
                _ = try await env.redeem(jo, try await env.login(jo), coupon)
                try await env.untilDrained()
            }
            _ = try await env.redeem(al, try await env.login(al), coupon)
            try await database.restore()
            try await env.withWorker {
                try await env.untilDrained()
                try await until("in quarantine") { try await env.postgres.withConnection { try $0.quarantineCount() } == 1 }
                #expect(try await env.rows() == 1)
            }
        }
    }

    /// Redis is an older one, or a replica that lagged, as after most failovers: what it has settled had landed, so nobody looks through
    /// a million users.
    @Test func whatIsOnlyBehindIsNotLookedThrough() async throws {
        let log = KeptLog()
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            let jo = try await env.user("jo")
            try await env.withWorker {
                try await env.untilOpen(1)
                _ = try await env.redeem(jo, try await env.login(jo), coupon)
                try await env.untilDrained()
            }
            _ = try await env.client.send(["DEL", "{s0}:outbox"])
            try await env.withWorker(logger: log.logger) { try await env.untilOpen(2) }
            #expect(log.errors.contains { $0.contains("reason=behind_cursor") })
            #expect(log.errors.contains { $0.contains("everybody is logged out") })
            #expect(!log.all.contains { $0.contains("looked for redemptions") })
        }
    }

    /// A primary that never heard of its successor is back, with what it accepted alone: its successor's decisions have landed since.
    @Test func whatWaitsBelowTheCursorIsNotTakenForLanded() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            let (jo, al) = (try await env.user("jo"), try await env.user("al"))
            try await env.withWorker {
                try await env.untilOpen(1)
                _ = try await env.redeem(jo, try await env.login(jo), coupon)
                try await env.untilDrained()
            }
            guard case .accepted(let lost) = try await env.redeem(al, try await env.login(al), coupon) else {
                throw TestFailure("not accepted")
            }
            try await env.postgres.withConnection { try $0.script("update outbox_cursor set last_id = '99999999999999-0'") }
            try await env.withWorker { try await env.untilOpen(2) }
            let quarantined = try await env.postgres.withConnection { try $0.quarantined(QuarantineFilter(), after: 0, limit: 9) }
            #expect(quarantined.map(\.content) == [.redemption(lost)])
            #expect(try await env.rows() == 1)
        }
    }

    /// A user whom the dump has with an older password: sessions that began with the newer one are over, whatever their version.
    @Test func sessionsOfForgottenCredentialsEnd() async throws {
        try await DumpedDatabase.with { env, database in
            let jo = try await env.user("jo")
            try await env.withWorker {
                try await env.untilOpen(1)
                try await database.dump()
                _ = try await env.postgres.withConnection { try $0.setPasswordHash(of: jo, to: "!!", actor: "test") }
                try await until("applied") { try await env.store.status().control == 1 }
            }
            let session = try await env.login(jo)
            #expect(try await env.hotPath.sessions.exists(user: jo, session: session))
            try await database.restore()
            try await env.withWorker { try await env.untilOpen(2) }
            #expect(try await !env.hotPath.sessions.exists(user: jo, session: session))
        }
    }
}

extension OlderPostgresTests.Sale {
    fileprivate func untilControlIsApplied() async throws {
        let last = try await env.postgres.withConnection { try $0.lastControlSequence() }
        try await until("applied") { try await env.store.status().control == last }
    }
}
