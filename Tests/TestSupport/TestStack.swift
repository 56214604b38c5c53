public import LocalStack
import Synchronization

/// What all tests of a process share: one Postgres, started when the first test asks for it. It and its folder go when the
/// process does.
public actor TestStack {
    public static let shared = TestStack()

    private var starting: Task<PostgresServer, any Error>?
    private var names = 0

    public func postgres() async throws -> PostgresServer {
        if let starting { return try await starting.value }
        let task = Task {
            let folder = try await TemporaryFolder.make()
            return try await PostgresServer.start(in: "\(folder)/postgres", options: .forTests, logger: testLogger())
        }
        starting = task
        return try await task.value
    }

    func newName() -> String {
        names += 1
        return "test_\(names)"
    }
}

/// Runs the body with the URL of an empty database of its own.
public func withDatabase<T: Sendable>(_ body: (String) async throws -> T) async throws -> T {
    let postgres = try await TestStack.shared.postgres()
    let name = await TestStack.shared.newName()
    try await postgres.createDatabase(name)
    return try await stopping({ try? await postgres.dropDatabase(name) }) { try await body(postgres.url(database: name)) }
}
