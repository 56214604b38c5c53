import Domain
import HotPath
import LuaScripts
import RedisClient
import TestSupport
import Testing

@Suite struct SessionScriptTests {
    private func login(_ user: TestUser, digest: String = "d1") -> NewSession {
        NewSession(
            id: user.session,
            user: user.id,
            role: .admin,
            version: 7,
            refreshDigest: digest,
            device: "curl",
            address: "127.0.0.1"
        )
    }

    private func limits(idle: Int = 60, absolute: Int = 3600, grace: Int = 10, perUser: Int = 100) -> SessionLimits {
        var limits = SessionLimits()
        (limits.idle, limits.absolute) = (.seconds(idle), .seconds(absolute))
        (limits.grace, limits.perUser) = (.seconds(grace), perUser)
        return limits
    }

    private func refresh(
        _ shard: TestShard,
        _ user: TestUser,
        _ presented: String,
        _ next: String,
        _ limits: SessionLimits? = nil
    ) async throws -> RefreshReply {
        try await shard.hotPath.sessions.refresh(
            user: user.id,
            session: user.session,
            presented: presented,
            next: NextRefreshToken(digest: next, sealed: "sealed \(next)"),
            limits ?? self.limits()
        )
    }

    private let rotated = RefreshReply.rotated(.admin)

    @Test func createsOnce() async throws {
        try await withShard { shard in
            try await shard.open()
            let sessions = shard.hotPath.sessions
            let user = TestUser()
            #expect(try await sessions.exists(user: user.id, session: user.session) == false)
            #expect(try await sessions.create(login(user), limits()) == .created)
            #expect(try await sessions.exists(user: user.id, session: user.session))
            var hash = try await shard.hash(shard.keys.session(user.session))
            let created = try #require(Int(hash.removeValue(forKey: "created") ?? ""))
            #expect(now() - created < 5000)
            #expect(hash.removeValue(forKey: "used") == "\(created)")
            #expect(hash.removeValue(forKey: "ends") == "\(created + 3_600_000)")
            let expected = [
                "user": "\(user.id)", "role": "admin", "version": "7", "refresh": "d1", "device": "curl",
                "address": "127.0.0.1",
            ]
            #expect(hash == expected)
            let lifetime = try await shard("PTTL", shard.keys.session(user.session)).integer ?? 0
            #expect((50_000...60_000).contains(lifetime))
            #expect(try await sessions.create(login(user, digest: "other"), limits()) == .sessionExists)
            #expect(try await shard.hash(shard.keys.session(user.session))["refresh"] == "d1")
        }
    }

    @Test func theListIsByExpiryAndLivesAsLongAsItsLast() async throws {
        try await withShard { shard in
            try await shard.open()
            let first = TestUser()
            let sessions = shard.hotPath.sessions
            #expect(try await sessions.create(login(first), limits(idle: 900)) == .created)
            let list = shard.keys.sessions(first.id)
            let second = NewSession(
                id: TestUser().session,
                user: first.id,
                role: .user,
                version: 1,
                refreshDigest: "d2"
            )
            try await shard("ZADD", list, "1", "expired")
            #expect(try await sessions.create(second, limits()) == .created)
            let listed = try await shard("ZRANGE", list, "0", "-1").array?.compactMap(\.string)
            #expect(listed == [second.id.description, first.session.description])
            let lifetime = try await shard("PTTL", list).integer ?? 0
            #expect((890_000...900_000).contains(lifetime))
        }
    }

    @Test func aFurtherLoginEndsTheSessionThatWouldExpireFirst() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser().id
            let ids = (0..<5).map { _ in TestUser().session }
            let sessions = shard.hotPath.sessions
            // The second one is the first to expire.
            for (id, idle) in zip(ids, [50, 40, 60, 70, 80]) {
                let new = NewSession(id: id, user: user, role: .user, version: 1, refreshDigest: "d")
                #expect(try await sessions.create(new, limits(idle: idle, perUser: 3)) == .created)
            }
            #expect(Set(try await sessions.list(of: user).map(\.id)) == Set(ids[2...]))
            for (id, lives) in zip(ids, [false, false, true, true, true]) {
                #expect(try await sessions.exists(user: user, session: id) == lives)
            }
        }
    }

    @Test func rotates() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            #expect(try await refresh(shard, user, "d1", "d2") == .sessionNotFound)
            #expect(try await shard.hotPath.sessions.create(login(user), limits()) == .created)
            #expect(try await refresh(shard, user, "d1", "d2") == rotated)
            #expect(try await refresh(shard, user, "d2", "d3", limits(idle: 100)) == rotated)
            let lifetime = try await shard("PTTL", shard.keys.session(user.session)).integer ?? 0
            #expect((90_000...100_000).contains(lifetime))
            #expect(try await shard("PTTL", shard.keys.sessions(user.id)).integer.map { (90_000...100_000).contains($0) } == true)
        }
    }

    /// Who lost the answer gets it again, and as often as he likes: one successor, not a fork.
    @Test func theTokenBeforeMayBeRepeatedWithinTheGrace() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            let key = shard.keys.session(user.session)
            #expect(try await shard.hotPath.sessions.create(login(user), limits()) == .created)
            #expect(try await refresh(shard, user, "d1", "d2") == rotated)
            let before = try await shard.hash(key)
            let repeated = RefreshReply.repeated(.admin, sealed: "sealed d2")
            #expect(try await refresh(shard, user, "d1", "d3") == repeated)
            #expect(try await refresh(shard, user, "d1", "d4") == repeated)
            #expect(try await shard.hash(key) == before)
            // The successor is what counts, and once it was used its predecessor's predecessor is an old token.
            #expect(try await refresh(shard, user, "d2", "d5") == rotated)
            #expect(try await refresh(shard, user, "d2", "d6") == .repeated(.admin, sealed: "sealed d5"))
            #expect(try await refresh(shard, user, "d1", "d7") == .reused)
            #expect(try await refresh(shard, user, "d5", "d8") == .sessionNotFound)
        }
    }

    /// A token that comes again after its time was stolen from one of those who sent it: neither keeps the session.
    @Test func reuseEndsTheSession() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            let key = shard.keys.session(user.session)
            #expect(try await shard.hotPath.sessions.create(login(user), limits()) == .created)
            #expect(try await refresh(shard, user, "d1", "d2") == rotated)
            try await shard("HSET", key, "rotated", "\(now() - 10_000)")
            #expect(try await refresh(shard, user, "d1", "d3") == .reused)
            #expect(try await refresh(shard, user, "d2", "d3") == .sessionNotFound)
            #expect(try await shard("EXISTS", key, shard.keys.sessions(user.id)) == .integer(0))

            let strict = limits(grace: 0)
            #expect(try await shard.hotPath.sessions.create(login(user), strict) == .created)
            #expect(try await refresh(shard, user, "d1", "d2", strict) == rotated)
            #expect(try await refresh(shard, user, "d1", "d2", strict) == .reused)
        }
    }

    @Test func nothingProlongsTheAbsoluteLifetime() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            let key = shard.keys.session(user.session)
            #expect(try await shard.hotPath.sessions.create(login(user), limits(idle: 500, absolute: 100)) == .created)
            #expect((try await shard("PTTL", key).integer ?? 0) <= 100_000)
            #expect(try await refresh(shard, user, "d1", "d2", limits(idle: 500, absolute: 1000)) == rotated)
            #expect((try await shard("PTTL", key).integer ?? 0) <= 100_000)
        }
    }

    @Test func listsWhatLives() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            let sessions = shard.hotPath.sessions
            #expect(try await sessions.list(of: user.id) == [])
            #expect(try await sessions.create(login(user), limits()) == .created)
            let other = TestUser().session
            let new = NewSession(
                id: other,
                user: user.id,
                role: .user,
                version: 1,
                refreshDigest: "x",
                device: "d2"
            )
            #expect(try await sessions.create(new, limits()) == .created)
            try await shard("HSET", shard.keys.session(user.session), "created", "1000", "used", "2000")
            // One that ended without leaving the list.
            try await shard("ZADD", shard.keys.sessions(user.id), "\(now() + 60_000)", TestUser().session.description)
            let list = try await sessions.list(of: user.id)
            #expect(list.map(\.id) == [other, user.session])
            #expect(list.map(\.device) == ["d2", "curl"])
            #expect(list[1].address == "127.0.0.1")
            #expect(list[1].created == Timestamp(milliseconds: 1000))
            #expect(list[1].used == Timestamp(milliseconds: 2000))
            #expect(abs(Int(list[1].expires.milliseconds) - now() - 60_000) < 5_000)
        }
    }

    @Test func revokes() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            let sessions = shard.hotPath.sessions
            #expect(try await sessions.revoke(user: user.id, session: user.session) == false)
            #expect(try await sessions.create(login(user), limits()) == .created)
            // Not the session's user.
            #expect(try await sessions.revoke(user: TestUser().id, session: user.session) == false)
            #expect(try await sessions.exists(user: user.id, session: user.session))
            #expect(try await sessions.revoke(user: user.id, session: user.session))
            #expect(try await sessions.revoke(user: user.id, session: user.session) == false)
            #expect(try await shard("EXISTS", shard.keys.session(user.session), shard.keys.sessions(user.id)) == .integer(0))
        }
    }

    /// A session can be ended while the shard is closed, and in a Redis that is full.
    @Test func revokesWhateverTheStateOfRedis() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            let sessions = shard.hotPath.sessions
            #expect(try await sessions.create(login(user), limits()) == .created)
            try await shard("SCRIPT", "FLUSH")
            try await shard("CONFIG", "SET", "maxmemory", "1")
            #expect(try await sessions.revoke(user: user.id, session: user.session))
            #expect(try await sessions.exists(user: user.id, session: user.session) == false)
        }
    }

    @Test func revokesManyByVersionAndByTime() async throws {
        try await withShard { shard in
            try await shard.open()
            let sessions = shard.hotPath.sessions
            let users = [TestUser(), TestUser()]
            func add(_ user: TestUser, version: Int, created: Int) async throws -> SessionID {
                let id = TestUser().session
                let new = NewSession(id: id, user: user.id, role: .user, version: version, refreshDigest: "d")
                #expect(try await sessions.create(new, limits()) == .created)
                try await shard("HSET", shard.keys.session(id), "created", "\(created)")
                return id
            }
            let old = try await add(users[0], version: 1, created: 1000)
            let new = try await add(users[0], version: 2, created: 2000)
            let early = try await add(users[1], version: 1, created: 1000)
            let late = try await add(users[1], version: 1, created: 2000)
            func end(_ changes: ControlChange...) async throws -> Int { try await sessions.end(SessionRevocations(changes)) }
            #expect(try await end(.userSessionsRevoked(users[0].id, below: 1)) == 0)
            #expect(try await end(.userSessionsRevoked(users[0].id, below: 2), .creditGranted(users[1].id, amount: 1)) == 1)
            #expect(try await sessions.list(of: users[0].id).map(\.id) == [new])
            #expect(try await end(.sessionsRevoked(before: Timestamp(milliseconds: 1000))) == 0)
            // The later moment and the higher version count, in whatever order.
            let moments = [2000, 500].map { ControlChange.sessionsRevoked(before: Timestamp(milliseconds: $0)) }
            #expect(try await sessions.end(SessionRevocations(moments)) == 1)
            #expect(try await sessions.list(of: users[1].id).map(\.id) == [late])
            #expect(try await sessions.exists(user: users[0].id, session: old) == false)
            #expect(try await sessions.exists(user: users[1].id, session: early) == false)
            #expect(try await sessions.revokeAll(of: users[1].id, except: late) == 0)
            #expect(try await sessions.revokeAll(of: users[1].id) == 1)
            #expect(try await shard("EXISTS", shard.keys.sessions(users[1].id)) == .integer(0))
        }
    }

    @Test func revokesThousands() async throws {
        try await withShard { shard in
            try await shard.open()
            let logins = (0..<5_000).map { _ in
                NewSession(
                    id: TestUser().session,
                    user: TestUser().id,
                    role: .user,
                    version: 1,
                    refreshDigest: "d"
                )
            }
            let sessions = shard.hotPath.sessions
            _ = try await sessions.createMany(logins, limits())
            let moment = Timestamp(milliseconds: Int64(now() + 1000))
            var revocations = SessionRevocations()
            for login in logins[..<2_500] { revocations.add(login.user, below: 2) }
            #expect(try await sessions.end(revocations) == 2_500)
            #expect(try await sessions.end(SessionRevocations([.sessionsRevoked(before: moment)])) == 2_500)
            #expect(try await shard("KEYS", "{s0}:session*") == .array([]))
        }
    }

    /// A limit that was lowered: one login ends all that are too many.
    @Test func aLoweredLimitHoldsAtTheNextLogin() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser().id
            let sessions = shard.hotPath.sessions
            for _ in 0..<20 {
                let new = NewSession(
                    id: TestUser().session,
                    user: user,
                    role: .user,
                    version: 1,
                    refreshDigest: "d"
                )
                #expect(try await sessions.create(new, limits()) == .created)
            }
            let new = NewSession(id: TestUser().session, user: user, role: .user, version: 1, refreshDigest: "d")
            #expect(try await sessions.create(new, limits(perUser: 3)) == .created)
            #expect(try await sessions.list(of: user).count == 3)
        }
    }

    /// Of another version of the program: nothing is written before all is known to be there.
    @Test func aSessionThatLacksAFieldIsNotRefreshed() async throws {
        for field in ["ends", "role"] {
            try await withShard { shard in
                try await shard.open()
                let user = TestUser()
                #expect(try await shard.hotPath.sessions.create(login(user), limits()) == .created)
                try await shard("HDEL", shard.keys.session(user.session), field)
                let before = try await shard.everything()
                #expect(try await refresh(shard, user, "d1", "d2") == .sessionNotFound)
                #expect(try await shard.everything() == before)
            }
        }
    }

    @Test func malformedCallsAreRefused() async throws {
        try await withShard { shard in
            try await shard.open()
            let user = TestUser()
            let keys = [shard.keys.session(user.session), shard.keys.sessions(user.id)]
            for (script, keys, arguments) in [
                (Script.createSession, keys, ["0", "1", "1", "user", "u"]),
                (.createSession, keys, ["1", "soon", "1", "user", "u"]),
                (.createSession, keys, ["1", "1", "0", "user", "u"]), (.createSession, keys, ["1", "1", "1", "user"]),
                (.createSession, keys, ["1", "1", "1"]), (.createSession, [keys[0]], ["1", "1", "1", "user", "u"]),
                (.refreshSession, keys, ["a", "b", "c", "0", "1"]), (.refreshSession, keys, ["a", "b", "c", "1", "-1"]),
                (.refreshSession, keys, ["a", "b", "c", "1"]), (.refreshSession, [keys[0]], ["a", "b", "c", "1", "1"]),
                (.throttle, keys, ["charge", "1", "1"]), (.throttle, keys, ["charge", "1", "1", "0", "1"]),
                (.throttle, keys, ["charge", "1", "0", "1", "1"]), (.throttle, keys, ["spend", "1", "1", "1", "1"]),
                (.throttle, [], ["charge"]),
            ] {
                let error = await #expect(throws: RedisError.self) { try await shard.call(script, keys: keys, arguments) }
                #expect(error?.serverPrefix == "ERR", "\(script) \(arguments)")
            }
            #expect(try await shard.everything().keys.filter { $0.contains("session") } == [])
        }
    }
}
