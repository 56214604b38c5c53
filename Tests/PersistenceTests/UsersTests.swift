import Domain
import Persistence
import PostgresClient
import TestSupport
import Testing

@Suite struct UsersTests {
    @Test func aUserIsCreatedAndFound() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let alice = newUser("alice", credit: 70)
                let created = try connection.createUser(alice, actor: "admin")
                #expect(created.id == alice.id)
                #expect(created.username == "alice")
                #expect(created.name == "N. alice")
                #expect(created.role == .user)
                #expect(abs(created.createdAt.milliseconds - Timestamp.now().milliseconds) < 60_000)
                #expect(try connection.user(id: alice.id) == created)
                let found = try #require(try connection.credentials(of: "alice"))
                #expect(found.user == created)
                #expect(found.passwordHash == "scrypt$x")
                #expect(found.version == 1)
                #expect(try connection.user(username: "alice") == created)
                #expect(try connection.balance(of: alice.id) == 70)
                #expect(try connection.count("control_log") == 0)

            }
        }
    }

    @Test func aPasswordHashIsReplacedOnlyWhereItIsTheOneThatWasRead() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let (alice, bob) = (newUser("alice"), newUser("bob"))
                try connection.createUsers([alice, bob], actor: "admin")
                #expect(try connection.replacePasswordHash(of: alice.id, from: "scrypt$x", to: "scrypt$y"))
                #expect(try connection.credentials(of: "alice")?.passwordHash == "scrypt$y")
                // The same once more, as by a second login at the same time; and after a change of the password.
                #expect(try !connection.replacePasswordHash(of: alice.id, from: "scrypt$x", to: "scrypt$z"))
                #expect(try connection.credentials(of: "alice")?.passwordHash == "scrypt$y")
                #expect(try connection.credentials(of: "bob")?.passwordHash == "scrypt$x")
                #expect(try !connection.replacePasswordHash(of: newUser("nobody").id, from: "scrypt$x", to: "scrypt$y"))
            }
        }
    }

    @Test func whoDoesNotExistIsNotFound() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let nobody = newUser("nobody")
                #expect(try connection.user(id: nobody.id) == nil)
                #expect(try connection.user(username: "nobody") == nil)
                #expect(try connection.user(username: "no\0body") == nil)
                #expect(try connection.balance(of: nobody.id) == nil)
                #expect(try connection.users(after: nil, limit: 10) == [])
            }
        }
    }

    @Test func aTakenUsernameIsNamed() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                _ = try connection.createUser(newUser("bob"), actor: "admin")
                let error = #expect(throws: PostgresError.self) {
                    try connection.createUser(newUser("bob", credit: 5), actor: "x")
                }
                #expect(error?.isUniqueViolation == true)
                #expect(error?.constraint == PostgresConstraint.username)
                #expect(error?.message == "the username 'bob' is taken")
                #expect(try connection.count("users") == 1)
                #expect(try connection.count("credit_grants") == 0)
            }
        }
    }

    @Test func manyUsersAreCreatedTogetherOrNotAtAll() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let many = (0..<12_000).map { newUser("user\($0)", credit: $0) }
                try connection.createUsers(many, actor: "admin")
                #expect(try connection.count("users") == 12_000)
                #expect(try connection.count("credit_grants") == 11_999)
                #expect(try connection.balance(of: many[11_999].id) == 11_999)

                let taken = (0..<2_000).map { newUser("later\($0)") } + [newUser("user77")]
                let error = #expect(throws: PostgresError.self) { try connection.createUsers(taken, actor: "admin") }
                #expect(error?.message == "the username 'user77' is taken")
                let twice = [newUser("x"), newUser("y"), newUser("x")]
                let second = #expect(throws: PostgresError.self) { try connection.createUsers(twice, actor: "admin") }
                #expect(second?.message == "the username 'x' is taken")
                let negative = #expect(throws: PostgresError.self) {
                    try connection.createUsers([newUser("fine"), newUser("poor", credit: -1)], actor: "admin")
                }
                #expect(negative?.isCheckViolation == true)
                #expect(negative?.constraint == PostgresConstraint.grantAmount)
                #expect(try connection.count("users") == 12_000)
                try connection.createUsers([], actor: "admin")
            }
        }
    }

    @Test func pagesAreInTheOrderOfBytes() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let names = ["B", "a", "b", "a-b", "ab", "a.b", "Z", "0"]
                try connection.createUsers(names.map { newUser($0) }, actor: "admin")
                var listed: [String] = []
                while true {
                    let page = try connection.users(after: listed.last, limit: 3).map(\.username)
                    if page.isEmpty { break }
                    listed += page
                }
                #expect(listed == names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
            }
        }
    }
}
