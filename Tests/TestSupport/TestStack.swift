public import LocalStack
import Persistence
import PostgresClient

/// What all tests of a process share: one Postgres, started when the first test asks for it. It and its folder go when the
/// process does.
public actor TestStack {
    public static let shared = TestStack()

    private static let template = "migrated"

    private var starting: Task<PostgresServer, any Error>?
    private var opening: Task<DedicatedPostgresConnection, any Error>?
    private var migrating: Task<Void, any Error>?
    private var names = 0
    private var turn: Task<Void, any Error>?

    public func postgres() async throws -> PostgresServer {
        if starting == nil {
            starting = Task {
                let folder = try await TemporaryFolder.make()
                return try await PostgresServer.start(in: "\(folder)/postgres", options: .forTests, logger: testLogger())
            }
        }
        return try await starting!.value
    }

    /// Makes a database, empty or with all migrations applied, and returns its name.
    func makeDatabase(migrated: Bool) async throws -> String {
        names += 1
        let name = "test_\(names)"
        if migrated { try await migrateTemplate() }
        try await run("create database \(name)" + (migrated ? " template \(TestStack.template)" : ""))
        return name
    }

    func dropDatabase(_ name: String) async throws { try await run("drop database if exists \(name) with (force)") }

    /// On a connection that stays open: a psql for each of hundreds of databases takes longer than the statement.
    private func run(_ statement: String) async throws {
        if opening == nil {
            opening = Task {
                let configuration = PostgresConfiguration(url: try await postgres().url(database: "postgres"))
                return try await DedicatedPostgresConnection.open(configuration, logger: testLogger())
            }
        }
        try await opening!.value.withConnection { try $0.script(statement) }
    }

    /// Runs what changes the server as a whole (its roles) in one test after the other.
    func inTurn(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let task = Task { [turn] in
            _ = await turn?.result
            try await body()
        }
        turn = task
        try await task.value
    }

    /// The migrations run once; the tests get copies of the outcome.
    private func migrateTemplate() async throws {
        if migrating == nil {
            migrating = Task {
                try await run("create database \(TestStack.template)")
                let configuration = PostgresConfiguration(url: try await postgres().url(database: TestStack.template))
                let dedicated = try await DedicatedPostgresConnection.open(configuration, logger: testLogger())
                try await stopping({ await dedicated.close() }) {
                    _ = try await dedicated.withConnection { try Migrator().run(on: $0) }
                }
            }
        }
        try await migrating!.value
    }
}

/// Runs the body with the URL of an empty database of its own.
public func withDatabase<T: Sendable>(_ body: (String) async throws -> T) async throws -> T {
    try await withDatabase(migrated: false, body)
}

/// Runs the body with the URL of a database that has all migrations, of a server of its own that keeps what it commits.
public func withDurableDatabase<T: Sendable>(_ body: (String) async throws -> T) async throws -> T {
    var options = PostgresOptions.forTests
    options.fsync = true
    return try await withPostgres(options) { postgres in
        let url = postgres.url(database: "postgres")
        let dedicated = try await DedicatedPostgresConnection.open(PostgresConfiguration(url: url), logger: testLogger())
        try await stopping({ await dedicated.close() }) {
            _ = try await dedicated.withConnection { try Migrator().run(on: $0) }
        }
        return try await body(url)
    }
}

/// Runs the body with the URL of a database of its own that has all migrations.
public func withMigratedDatabase<T: Sendable>(_ body: (String) async throws -> T) async throws -> T {
    try await withDatabase(migrated: true, body)
}

private func withDatabase<T: Sendable>(migrated: Bool, _ body: (String) async throws -> T) async throws -> T {
    let postgres = try await TestStack.shared.postgres()
    let name = try await TestStack.shared.makeDatabase(migrated: migrated)
    return try await stopping({ try? await TestStack.shared.dropDatabase(name) }) { try await body(postgres.url(database: name)) }
}
