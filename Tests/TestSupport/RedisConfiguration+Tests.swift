public import RedisClient

extension RedisConfiguration {
    /// A machine that stands still for a moment is no Redis that does not answer.
    public static func forTests(_ url: String) throws -> RedisConfiguration {
        var configuration = RedisConfiguration(endpoint: try RedisEndpoint(url: url))
        configuration.commandDeadline = .seconds(5)
        configuration.connectTimeout = .seconds(20)
        configuration.slot = HashSlot(of: "{s0}")
        return configuration
    }
}
