import Dispatch
import Domain
import Persistence
import PostgresClient
import TestSupport
import Testing

/// How staged rows are judged and written. What a Flask service's rows become is tested through the command.
@Suite struct ImportTests {
    private let ada = newUser("ada")

    private func stage(_ user: NewUser, credit: Int = 5, hash: String = "scrypt$x") -> StagedUser {
        let account = StagedUser.Account(username: user.username, name: user.name, passwordHash: hash, credit: credit)
        return StagedUser(source: "s-\(user.username)", id: user.id, account: account)
    }

    private func stage(_ coupon: Coupon, left: Int = 4, isHere: Bool = false) -> StagedCoupon {
        StagedCoupon(
            id: coupon.id,
            name: coupon.name,
            codeDigest: coupon.codeDigest,
            price: coupon.price,
            left: left,
            endsAt: nil,
            state: .active,
            label: "the coupon",
            isHere: isHere
        )
    }

    private func use(_ user: NewUser, _ coupon: Coupon) -> StagedUse {
        StagedUse(
            id: RedemptionID(uuid: UUIDv7(milliseconds: UUIDv7.importedMilliseconds)),
            user: user.id,
            userSource: "s-\(user.username)",
            coupon: coupon.id,
            price: coupon.price
        )
    }

    /// Redis gets what is left, and not the total.
    @Test func theControlLogSaysHowOftenACouponWasRedeemed() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let coupon = newCoupon("c", price: 10)
                let report = try connection.importing(keep: true, actor: "importer") { stage in
                    try stage.stage([self.stage(ada)])
                    try stage.stage([use(ada, coupon)])
                    var report = ImportReport()
                    try stage.write([self.stage(coupon)], into: &report)
                    return report
                }
                #expect(report.isClean)
                let imported = try #require(try connection.coupon(coupon.id))
                #expect(imported.redeemed == 1)
                #expect(imported.total == 5)
                #expect(
                    try connection.controlEntries(after: 0, limit: 9).compactMap(\.entry) == [
                        ControlEntry(sequence: 1, change: .couponCreated(imported))
                    ]
                )
                #expect(try connection.couponsCreated(by: "importer") == [coupon.id])
                #expect(try connection.couponsCreated(by: "somebody") == [])
                #expect(try connection.balance(of: ada.id) == 5)
            }
        }
    }

    @Test func aRehearsalLeavesNothingBehind() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let coupon = newCoupon("c")
                // The second time on the same connection: the staging tables are others then.
                for keep in [false, true] {
                    let report = try connection.importing(keep: keep, actor: "importer") { stage in
                        try stage.stage([self.stage(ada)])
                        try stage.stage([use(ada, coupon)])
                        var report = ImportReport()
                        try stage.write([self.stage(coupon)], into: &report)
                        return report
                    }
                    #expect(report.users.imported == 1 && report.coupons.imported == 1 && report.uses.imported == 1)
                    for table in ["users", "coupons", "redemptions", "credit_grants", "control_log"] {
                        #expect(try connection.count(table) == (keep ? 1 : 0), "\(table)")
                    }
                }
                try connection.importing(keep: true, actor: "importer") { stage in
                    var report = ImportReport()
                    try stage.write([], into: &report)
                    #expect(report.findings.map(\.kind) == [.userGone])
                }
            }
        }
    }

    @Test func whoCannotLogInIsToldUntilThereIsAPassword() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                for isTold in [true, true, false] {
                    let report = try connection.importing(keep: true, actor: "importer") { stage in
                        try stage.stage([self.stage(ada, hash: StagedUser.Account.noPassword)])
                        var report = ImportReport()
                        try stage.write([], into: &report)
                        return report
                    }
                    #expect(report.findings.map(\.kind) == (isTold ? [.passwordUnknown] : []))
                    #expect(report.findings.map(\.examples) == (isTold ? [["user s-ada 'ada'"]] : []))
                    if report.users.alreadyHere == 1 {
                        #expect(try connection.setPasswordHash(of: ada.id, to: "scrypt$y", actor: "test") != nil)
                    }
                }
            }
        }
    }

    @Test func amountsStayWithinTheirLimits() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let (coupon, bob) = (newCoupon("c", price: Limits.amount), newUser("bob"))
                let report = try connection.importing(keep: true, actor: "importer") { stage in
                    // What ada has and has spent is more than anybody can have.
                    try stage.stage([self.stage(ada, credit: 1), self.stage(bob, credit: 0)])
                    try stage.stage([use(ada, coupon), use(bob, coupon)])
                    var report = ImportReport()
                    try stage.write([self.stage(coupon, left: Limits.amount)], into: &report)
                    return report
                }
                #expect(report.users.imported == 1)
                #expect(report.findings.map(\.kind) == [.userInvalid, .useOfSkipped])
                #expect(try connection.coupon(coupon.id)?.total == Limits.amount)
                #expect(try connection.balance(of: bob.id) == 0)
            }
        }
    }

    /// One whom Redis may have loaded must not get a use; until a shard was opened, there is no such user.
    @Test func usesOfUsersWhoAreHereWaitForNoShard() async throws {
        for isOpened in [false, true] {
            try await withPostgresClient { client throws in
                try await client.withConnection { connection throws in
                    let coupon = newCoupon("c", price: 1)
                    func run(_ uses: [StagedUse], isHere: Bool) throws -> ImportReport {
                        try connection.importing(keep: true, actor: "importer") { stage in
                            try stage.stage([self.stage(ada)])
                            try stage.stage(uses)
                            var report = ImportReport()
                            try stage.write([self.stage(coupon, isHere: isHere)], into: &report)
                            return report
                        }
                    }
                    _ = try run([], isHere: false)
                    if isOpened { _ = try connection.beginEpoch(shard, after: nil) }
                    let report = try run([use(ada, coupon)], isHere: true)
                    #expect(report.uses.imported == (isOpened ? 0 : 1))
                    #expect(report.findings.map(\.kind) == (isOpened ? [.useTooLate] : []))
                    #expect(try connection.count("redemptions") == (isOpened ? 0 : 1))
                    #expect(try connection.coupon(coupon.id)?.redeemed == (isOpened ? 0 : 1))
                    #expect(try connection.balance(of: ada.id) == 5)
                }
            }
        }
    }

    @Test func anOpeningWaitsForTheImport() async throws {
        try await withPostgresClient { client throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let began = AsyncStream<Void>.makeStream()
                group.addTask {
                    try await client.withConnection { connection throws in
                        try connection.importing(keep: true, actor: "importer") { stage in
                            var report = ImportReport()
                            try stage.write([], into: &report)
                            began.continuation.yield()
                            try connection.waitForAnother()
                            #expect(try connection.count("outbox_cursor") == 0)
                        }
                    }
                }
                for await _ in began.stream { break }
                _ = try await client.withConnection { try $0.beginEpoch(shard, after: nil) }
                try await group.waitForAll()
            }
        }
    }

    /// Both need the control log and the row of the key. In the one order no two wait for each other, and an import that comes second
    /// finds that its digests are of a key that is gone.
    @Test func aKeyThatIsReplacedMeanwhileEndsTheImport() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { try $0.recordKey(.code, id: "old", replacing: nil, actor: "test") }
            let (entered, replaced) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            let replacing = Task {
                try await client.withConnection { connection throws in
                    entered.wait()
                    defer { replaced.signal() }
                    return try connection.replaceCodeKey(id: "new", digests: [:], shards: [], actor: "test").entry
                }
            }
            let coupon = newCoupon("c")
            await #expect(throws: WrongServiceKey.self) {
                try await client.withConnection { connection throws in
                    try connection.importing(keep: true, actor: "importer") { stage in
                        entered.signal()
                        replaced.wait()
                        var report = ImportReport()
                        try stage.write([self.stage(coupon)], codeKey: "old", into: &report)
                    }
                }
            }
            _ = try await replacing.value
            try await client.withConnection { connection throws in
                #expect(try connection.coupon(coupon.id) == nil)
                try connection.importing(keep: true, actor: "importer") { stage in
                    var report = ImportReport()
                    try stage.write([self.stage(coupon)], codeKey: "new", into: &report)
                    #expect(report.coupons.imported == 1)
                }
            }
        }
    }
}

extension PostgresConnection {
    /// Waits until another connection to this database waits for a lock.
    fileprivate func waitForAnother() throws {
        let deadline = ContinuousClock.now + .seconds(20)
        let sql = "pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        // The view is one snapshot for the whole transaction.
        while try count(sql) == 0 {
            try #require(ContinuousClock.now < deadline, "no other connection waits")
            try query("select pg_sleep(0.005), pg_stat_clear_snapshot()")
        }
    }
}
