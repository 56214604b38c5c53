public import Domain
public import HotPath

extension Durability {
    /// Looks whether Redis is configured for what this mode promises.
    ///
    /// Throws `DurabilityError`, which says what to change, where it is not, or where it does not tell.
    public func check(_ client: RedisClient) async throws {
        let settings: RedisSettings
        do {
            settings = try await RedisSettings(client: client)
        } catch {
            throw DurabilityError(error)
        }
        let faults = settings.faults(of: self)
        guard faults.isEmpty else { throw DurabilityError.notConfigured(self, faults) }
    }
}
