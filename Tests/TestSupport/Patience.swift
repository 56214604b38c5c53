public import HotPath

extension RedisConfiguration {
    /// A machine that stands still for a moment is no Redis that does not answer.
    public static func forTests(_ url: String) throws -> RedisConfiguration {
        var configuration = RedisConfiguration(endpoint: try RedisEndpoint(url: url))
        configuration.commandDeadline = .seconds(5)
        configuration.connectTimeout = .seconds(20)
        return configuration
    }
}

extension HotPathLimits {
    /// The same, and where a test has chosen nothing, requests wait for as long as a machine may stand still.
    public var forTests: HotPathLimits {
        var limits = self
        if waitLimit == HotPathLimits().waitLimit { limits.waitLimit = .seconds(5) }
        return limits
    }
}
