import Domain
import HotPath
import TestSupport
import Testing

@Suite struct SessionScriptTests {
    private func login(_ user: TestUser, digest: String = "d1") -> NewSession {
        NewSession(
            id: user.session,
            user: user.id,
            role: .admin,
            username: "ann",
            refreshDigest: digest,
            device: "curl",
            address: "127.0.0.1"
        )
    }

    private func refresh(_ shard: TestShard, _ user: TestUser, _ presented: String, _ next: String) async throws -> RefreshReply {
        try await shard.hotPath.sessions.refresh(
            user: user.id,
            session: user.session,
            presented: presented,
            next: next,
            idleLifetime: .seconds(100)
        )
    }

    @Test func createsOnce() async throws {
        try await withShard { shard in
            try await shard.open()
            let sessions = shard.hotPath.sessions
            let user = TestUser()
            #expect(try await sessions.exists(user: user.id, session: user.session) == false)
            #expect(try await sessions.create(login(user), idleLifetime: .seconds(60)) == .created)
            #expect(try await sessions.exists(user: user.id, session: user.session))
            var hash = try await shard.hash(shard.keys.session(user.session))
            #expect(Int(hash.removeValue(forKey: "created") ?? "").map { now() - $0 < 5000 } == true)
            #expect(hash.removeValue(forKey: "used") != nil)
            let expected = [
                "user": "\(user.id)", "role": "admin", "username": "ann", "refresh": "d1", "device": "curl",
                "address": "127.0.0.1",
            ]
            #expect(hash == expected)
            let lifetime = try await shard("PTTL", shard.keys.session(user.session)).integer ?? 0
            #expect((50_000...60_000).contains(lifetime))
            #expect(try await sessions.create(login(user, digest: "other"), idleLifetime: .seconds(1)) == .sessionExists)
            #expect(try await shard.hash(shard.keys.session(user.session))["refresh"] == "d1")
        }
    }

    @Test func theListIsByExpiryAndLivesAsLongAsItsLast() async throws {
        try await withShard { shard in
            try await shard.open()
            let first = TestUser()
            let sessions = shard.hotPath.sessions
            #expect(try await sessions.create(login(first), idleLifetime: .seconds(900)) == .created)
            let list = shard.keys.sessions(first.id)
            let second = NewSession(
                id: TestUser().session,
                user: first.id,
                role: .user,
                username: "ann",
                refreshDigest: "d2"
            )
            try await shard("ZADD", list, "1", "expired")
            #expect(try await sessions.create(second, idleLifetime: .seconds(60)) == .created)
            let listed = try await shard("ZRANGE", list, "0", "-1").array?.compactMap(\.string)
            #expect(listed == [second.id.description, first.session.description])
            let lifetime = try await shard("PTTL", list).integer ?? 0
            #expect((890_000...900_000).contains(lifetime))
        }
    }

    @Test func rotates() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            #expect(try await refresh(shard, user, "d1", "d2") == .sessionNotFound)
            #expect(try await shard.hotPath.sessions.create(login(user), idleLifetime: .seconds(60)) == .created)
            #expect(try await refresh(shard, user, "d1", "d2") == .rotated(role: .admin, username: "ann"))
            #expect(try await refresh(shard, user, "d2", "d3") == .rotated(role: .admin, username: "ann"))
            let lifetime = try await shard("PTTL", shard.keys.session(user.session)).integer ?? 0
            #expect((90_000...100_000).contains(lifetime))
        }
    }

    /// A token that comes twice was stolen from one of those who sent it: neither keeps the session.
    @Test func reuseEndsTheSession() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            #expect(try await shard.hotPath.sessions.create(login(user), idleLifetime: .seconds(60)) == .created)
            #expect(try await refresh(shard, user, "d1", "d2") == .rotated(role: .admin, username: "ann"))
            #expect(try await refresh(shard, user, "d1", "d3") == .reused)
            #expect(try await refresh(shard, user, "d2", "d3") == .sessionNotFound)
            #expect(try await shard("EXISTS", shard.keys.session(user.session), shard.keys.sessions(user.id)) == .integer(0))
        }
    }

    @Test func revokes() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            let sessions = shard.hotPath.sessions
            #expect(try await sessions.revoke(user: user.id, session: user.session) == false)
            #expect(try await sessions.create(login(user), idleLifetime: .seconds(60)) == .created)
            #expect(try await sessions.revoke(user: user.id, session: user.session))
            #expect(try await sessions.revoke(user: user.id, session: user.session) == false)
            #expect(try await shard("EXISTS", shard.keys.session(user.session), shard.keys.sessions(user.id)) == .integer(0))
        }
    }

    @Test func malformedCallsAreRefused() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            let keys = [shard.keys.session(user.session), shard.keys.sessions(user.id)]
            for (script, keys, arguments) in [
                (Script.createSession, keys, ["0", "user", "u"]), (.createSession, keys, ["soon", "user", "u"]),
                (.createSession, keys, ["1", "user"]), (.createSession, keys, ["1"]),
                (.createSession, [keys[0]], ["1", "user", "u"]),
                (.refreshSession, keys, ["a", "b", "0"]), (.refreshSession, keys, ["a", "b"]), (.revokeSession, [keys[0]], []),
            ] {
                let error = await #expect(throws: RedisError.self) { try await shard.call(script, keys: keys, arguments) }
                #expect(error?.serverPrefix == "ERR", "\(script) \(arguments)")
            }
        }
    }
}
