package import Domain
package import HotPath
package import RedisClient

// Users as Redis has them, past the scripts.
extension RedisClient {
    package func record(of user: UserID, _ keys: Keys) async throws -> UserRecord? {
        let command: [RESPArgument] = [.text("HGET"), .text(keys.users), .bytes(user.uuid.bytes)]
        return try await send(command, to: nil, deadline: nil).bytes.flatMap { UserRecord($0) }
    }

    /// Writes another record over a user's.
    package func edit(_ user: UserID, _ keys: Keys, _ change: (inout UserRecord) -> Void) async throws {
        guard var record = try await record(of: user, keys) else { throw TestFailure("\(user) is not loaded") }
        change(&record)
        try await set(user, keys, record.bytes)
    }

    package func set(_ user: UserID, _ keys: Keys, _ record: [UInt8]) async throws {
        let command: [RESPArgument] = [.text("HSET"), .text(keys.users), .bytes(user.uuid.bytes), .bytes(record)]
        _ = try await send(command, to: nil, deadline: nil)
    }

    package func forget(_ user: UserID, _ keys: Keys) async throws {
        _ = try await send([.text("HDEL"), .text(keys.users), .bytes(user.uuid.bytes)], to: nil, deadline: nil)
    }
}
