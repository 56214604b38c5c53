public import Domain
import Persistence
public import PostgresClient
public import RedisClient

extension Durability {
    /// Checks that Redis is configured for the promise of this mode.
    ///
    /// Throws `DurabilityError`, which says what to change, if it is not, or if Redis does not tell.
    /// - Parameter replicas: the number of replicas that have to acknowledge, for `replicated`.
    public func check(_ client: RedisClient, replicas: Int) async throws {
        let settings: RedisSettings
        do {
            settings = try await RedisSettings(client: client)
        } catch {
            throw DurabilityError(error)
        }
        if let error = DurabilityError(self, settings.faults(of: self, replicas: replicas)) { throw error }
    }

    /// Checks that Postgres is configured for `ledger`; other modes ask nothing of it. Throws `DurabilityError` if it is not.
    public func check(_ postgres: PostgresClient) async throws {
        guard self == .ledger else { return }
        if let error = DurabilityError(try await PostgresSettings(postgres)) { throw error }
    }
}
