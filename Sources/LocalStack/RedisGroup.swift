public import Logging

/// A primary, its replica, and Sentinels that let the replica take the primary's place.
public struct RedisGroup: Sendable {
    /// The first primary comes first.
    public let nodes: [RedisServer]
    public let sentinels: [SentinelServer]

    /// The URL for `RedisEndpoint`.
    public var url: String { url(throughPorts: sentinels.map(\.port)) }

    /// The same URL with other ports for the Sentinels.
    /// - Parameter login: name and password with a colon between them; `nil`: the administrator's.
    public func url(throughPorts ports: [Int], as login: String? = nil) -> String {
        let password = nodes[0].password
        let login = login ?? "\(nodes[0].administrator):\(password)"
        let places = ports.map { "127.0.0.1:\($0)" }.joined(separator: ",")
        return "sentinel://\(login)@\(places)/\(SentinelServer.primaryName)?sentinel_password=\(password)"
    }

    /// Adds a replica and Sentinels to a running Redis, and returns when all are ready for a failover.
    public static func start(
        with primary: RedisServer,
        in directory: String,
        options: RedisOptions = RedisOptions(),
        sentinels count: Int,
        sentinel: SentinelOptions = SentinelOptions(),
        limits: StackLimits = StackLimits(),
        logger: Logger
    ) async throws -> RedisGroup {
        var replicaOptions = options
        replicaOptions.replicaOf = primary.port
        let replica = try await RedisServer.start(
            in: "\(directory)/replica",
            options: replicaOptions,
            password: primary.password,
            limits: limits,
            logger: logger
        )
        var sentinels: [SentinelServer] = []
        do {
            for number in 0..<count {
                sentinels.append(
                    try await SentinelServer.start(
                        in: "\(directory)/sentinel-\(number)",
                        watching: primary,
                        options: sentinel,
                        limits: limits,
                        logger: logger
                    )
                )
            }
        } catch {
            for sentinel in sentinels { await sentinel.stop() }
            await replica.stop()
            throw error
        }
        return RedisGroup(nodes: [primary, replica], sentinels: sentinels)
    }

    /// Stops all that `start` has started. The Sentinels go first, so that no failover happens meanwhile.
    public func stop() async {
        for sentinel in sentinels { await sentinel.stop() }
        for node in nodes.dropFirst() { await node.stop() }
    }
}
