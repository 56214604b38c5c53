import Domain
import Persistence
import TestSupport
import Testing

@Suite struct CredentialsTests {
    /// Each change grows the version and is in the control log, for the sessions of older versions to be ended.
    @Test func aChangeOfPasswordOrRoleRevokesSessions() async throws {
        try await withClient { client throws in
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
                let changes = try connection.controlEntries(after: 0, limit: 10).map(\.change)
                let expected: [ControlChange] = [
                    .userSessionsRevoked(alice.id, below: 2), .userSessionsRevoked(alice.id, below: 3),
                    .userSessionsRevoked(alice.id, below: 4), .sessionsRevoked(before: Timestamp(milliseconds: 5)),
                ]
                #expect(changes == expected)
            }
        }
    }

    @Test func revocationsAreFoundAmongOtherEntries() async throws {
        try await withClient { client throws in
            try await client.withConnection { connection throws in
                let alice = newUser("alice")
                _ = try connection.createUser(alice, actor: "admin")
                _ = try connection.createCoupon(newCoupon("c", total: 1), actor: "t")
                _ = try connection.revokeSessions(of: alice.id, actor: "t")
                _ = try connection.grantCredit(to: alice.id, amount: 1, reason: "", actor: "t")
                try connection.revokeSessions(before: Timestamp(milliseconds: 5), actor: "t")
                #expect(try connection.sessionRevocations(after: 0, limit: 10).map(\.sequence) == [2, 4])
                #expect(try connection.sessionRevocations(after: 0, limit: 1).map(\.sequence) == [2])
                #expect(try connection.sessionRevocations(after: 2, limit: 10).map(\.sequence) == [4])
            }
        }
    }

    @Test func nobodyIsChanged() async throws {
        try await withClient { client throws in
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
        try await withClient { client throws in
            let before = try await client.withConnection { connection throws in
                _ = try connection.createUser(newUser("alice"), actor: "admin")
                return try #require(try connection.credentials(of: "alice"))
            }
            let checking = try await client.withConnection { changing throws in
                try changing.transaction {
                    try changing.execute("update users set version = version + 1 where id = $1", before.user.id)
                    let checking = Task { try await client.withConnection { try $0.isCurrent(before) } }
                    // Until the check is seen to wait for this transaction.
                    let waiting = "select count(*) from pg_locks where not granted and pid <> pg_backend_pid()"
                    let limit = ContinuousClock.now + .seconds(10)
                    while try changing.query(waiting)[0].decode(0, as: Int.self) == 0 {
                        guard ContinuousClock.now < limit else { throw TestFailure("the check did not wait") }
                    }
                    return checking
                }
            }
            #expect(try await checking.value == false)
        }
    }
}
