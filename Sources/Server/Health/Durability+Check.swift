public import Domain
import Persistence
public import PostgresClient
public import RedisClient

extension Durability {
    /// Looks whether Redis is configured for what this mode promises.
    ///
    /// Throws `DurabilityError`, which says what to change, where it is not, or where it does not tell.
    /// - Parameter replicas: that have to acknowledge, for `replicated`.
    public func check(_ client: RedisClient, replicas: Int) async throws {
        let settings: RedisSettings
        do {
            settings = try await RedisSettings(client: client)
        } catch {
            throw DurabilityError(error)
        }
        if let error = DurabilityError(self, settings.faults(of: self, replicas: replicas)) { throw error }
    }

    /// Looks whether Postgres is configured for `ledger`; other modes ask nothing of it. Throws as above.
    public func check(_ postgres: PostgresClient) async throws {
        guard self == .ledger else { return }
        if let error = DurabilityError(try await PostgresSettings(postgres)) { throw error }
    }
}
