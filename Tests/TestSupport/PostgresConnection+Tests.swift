import Dispatch
public import PostgresClient

/// Runs the body with a client of a migrated database of its own.
public func withPostgresClient<T: Sendable>(
    _ change: (inout PostgresConfiguration) -> Void = { _ in },
    _ body: (PostgresClient) async throws -> T
) async throws -> T {
    try await withMigratedDatabase { url in
        var configuration = PostgresConfiguration(url: url)
        change(&configuration)
        return try await withPostgresClient(configuration, body)
    }
}

public func withPostgresClient<T: Sendable>(
    _ configuration: PostgresConfiguration,
    _ body: (PostgresClient) async throws -> T
) async throws -> T {
    let client = PostgresClient(configuration: configuration, logger: testLogger())
    return try await stopping(client.close) { try await body(client) }
}

/// Runs the body with the configuration of an empty database of its own.
public func withConfiguration<T: Sendable>(_ body: (PostgresConfiguration) async throws -> T) async throws -> T {
    try await withDatabase { url in try await body(PostgresConfiguration(url: url)) }
}

public func withDedicatedConnection<T: Sendable>(
    _ configuration: PostgresConfiguration,
    _ body: (DedicatedPostgresConnection) async throws -> T
) async throws -> T {
    let dedicated = try await DedicatedPostgresConnection.open(configuration, logger: testLogger())
    return try await stopping(dedicated.close) { try await body(dedicated) }
}

extension PostgresConnection {
    public func count(_ from: String) throws -> Int {
        try query("select count(*) from \(from)")[0].decode(0)
    }

    public func serverProcess() throws -> Int {
        try query("select pg_backend_pid()")[0].decode(0)
    }

    /// Ends another connection and waits until it is gone.
    public func terminate(_ process: Int) throws {
        try query("select pg_terminate_backend($1::int, 5000)", process)
    }
}

/// The error that the body throws.
public func postgresError<T>(_ body: () async throws -> T) async throws -> PostgresError {
    do {
        _ = try await body()
    } catch let error as PostgresError {
        return error
    }
    throw NothingThrown()
}

private struct NothingThrown: Error {}

/// Ends a server process of the shared server, from outside of the database under test.
public func terminate(_ process: Int) async throws {
    try await withConfiguration { configuration in
        try await withDedicatedConnection(configuration) { dedicated in
            try await dedicated.withConnection { try $0.terminate(process) }
        }
    }
}

/// Blocks a thread that may be blocked.
public func offThread(_ body: @escaping @Sendable () -> Void) async {
    await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
            body()
            continuation.resume()
        }
    }
}
