import Dispatch
import Domain
import Persistence
import PostgresClient
import TestSupport
import Testing

@Suite struct CredentialsTests {
    /// Each change grows the version and is in the control log, for the sessions of older versions to be ended.
    @Test func aChangeOfPasswordOrRoleRevokesSessions() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let alice = newUser("alice")
                _ = try connection.createUser(alice, actor: "admin")
                let before = try #require(try connection.credentials(of: "alice"))
                #expect(try connection.isCurrent(before))

                #expect(try connection.setPasswordHash(of: alice.id, to: "scrypt$y", actor: "t") == 2)
                #expect(try connection.credentials(of: "alice")?.passwordHash == "scrypt$y")
                #expect(try connection.isCurrent(before) == false)
                #expect(try connection.setRole(of: alice.id, to: .admin, actor: "t") == 3)
                #expect(try connection.user(id: alice.id)?.role == .admin)
                #expect(try connection.revokeSessions(of: alice.id, actor: "t") == 4)
                #expect(try connection.credentials(of: "alice")?.version == 4)
                try connection.revokeSessions(before: Timestamp(milliseconds: 5), actor: "t")
                let changes = try connection.controlEntries(after: 0, limit: 10).compactMap(\.entry).map(\.change)
                let expected: [ControlChange] = [
                    .userSessionsRevoked(alice.id, below: 2), .userSessionsRevoked(alice.id, below: 3),
                    .userSessionsRevoked(alice.id, below: 4), .sessionsRevoked(before: Timestamp(milliseconds: 5)),
                ]
                #expect(changes == expected)
            }
        }
    }

    @Test func revocationsAreFoundAmongOtherEntries() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let alice = newUser("alice")
                _ = try connection.createUser(alice, actor: "admin")
                _ = try connection.createCoupon(newCoupon("c", total: 1), codeKey: nil, actor: "t")
                _ = try connection.revokeSessions(of: alice.id, actor: "t")
                _ = try connection.grantCredit(to: alice.id, amount: 1, reason: "", actor: "t")
                try connection.revokeSessions(before: Timestamp(milliseconds: 5), actor: "t")
                _ = try connection.revokeSessions(of: alice.id, actor: "t")
                let all = try connection.sessionRevocations(after: 0)
                #expect(all.below == [alice.id: 3])
                #expect(all.before == Timestamp(milliseconds: 5))
                #expect(
                    try connection.sessionRevocations(after: 4) == SessionRevocations([.userSessionsRevoked(alice.id, below: 3)])
                )
                #expect(try connection.sessionRevocations(after: 5) == SessionRevocations())
                // No session lives so long.
                try connection.execute("update control_log set created_at = now() - interval '400 days'")
                #expect(try connection.sessionRevocations(after: 0) == SessionRevocations())
                #expect(try connection.lastCouponSequence() == 1)
            }
        }
    }

    /// Somebody's open transaction does not hold up logins for ever.
    @Test func theCheckDoesNotWaitForEver() async throws {
        try await withPostgresClient { client throws in
            let before = try await client.withConnection { connection throws in
                _ = try connection.createUser(newUser("alice"), actor: "admin")
                return try #require(try connection.credentials(of: "alice"))
            }
            try await client.withConnection { holding throws in
                try holding.transaction {
                    try holding.execute("update users set name = 'x' where id = $1", before.user.id)
                    let done = DispatchSemaphore(value: 0)
                    Task {
                        let error = await #expect(throws: PostgresError.self) {
                            try await client.withConnection { try $0.isCurrent(before) }
                        }
                        #expect(error?.isLockTimeout == true)
                        done.signal()
                    }
                    #expect(done.wait(timeout: .now() + 20) == .success)
                }
            }
            #expect(try await client.withConnection { try $0.isCurrent(before) })
        }
    }

    @Test func nobodyIsChanged() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let nobody = newUser("nobody")
                #expect(try connection.credentials(of: "nobody") == nil)
                #expect(try connection.setPasswordHash(of: nobody.id, to: "x", actor: "t") == nil)
                #expect(try connection.setRole(of: nobody.id, to: .admin, actor: "t") == nil)
                #expect(try connection.revokeSessions(of: nobody.id, actor: "t") == nil)
                #expect(try connection.count("control_log") == 0)
            }
        }
    }

    /// A login that asks whether its credentials are current while they are being changed waits, and is told of the change.
    @Test func theCheckWaitsForAChangeThatIsUnderWay() async throws {
        try await withPostgresClient { client throws in
            let before = try await client.withConnection { connection throws in
                _ = try connection.createUser(newUser("alice"), actor: "admin")
                return try #require(try connection.credentials(of: "alice"))
            }
            let checking = try await client.withConnection { changing throws in
                try changing.transaction {
                    try changing.execute("update users set version = version + 1 where id = $1", before.user.id)
                    let checking = Task { try await client.withConnection { try $0.isCurrent(before) } }
                    // Until the check is seen to wait for this transaction.
                    let limit = ContinuousClock.now + .seconds(10)
                    while try changing.countLocks("not granted") == 0 {
                        guard ContinuousClock.now < limit else { throw TestFailure("the check did not wait") }
                    }
                    return checking
                }
            }
            #expect(try await checking.value == false)
        }
    }
}
