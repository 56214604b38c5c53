/// How a private Sentinel is configured.
public struct SentinelOptions: Sendable, Hashable {
    /// Sentinels that must agree that the primary is down before one of them is elected to replace it.
    public var quorum = 1
    /// Without a sign of life for so long, a Redis is taken to be down. Not below a second, in which Sentinel asks once: then it
    /// takes a Redis that it has just made the primary to be down, and goes from one to the other and back.
    public var downAfter: Duration = .milliseconds(1500)
    /// After a failover that did not end, the next one begins twice as long after it.
    public var failoverTimeout: Duration = .seconds(3)
    /// Further lines of sentinel.conf.
    public var extra: [String] = []

    public init() {}

    /// The text of sentinel.conf.
    func file(folder: String, port: Int, primaryPort: Int, user: String?, password: String) -> String {
        let name = SentinelServer.primaryName
        let lines =
            [
                "bind 127.0.0.1",
                "port \(port)",
                // Sentinels of one group know each other by the same password.
                "requirepass \(password)",
                "dir \"\(folder)\"",
                "daemonize no",
                // To standard output, where its parent waits for the line that says it is ready.
                "logfile \"\"",
                "always-show-logo no",
                "sentinel monitor \(name) 127.0.0.1 \(primaryPort) \(quorum)",
                "sentinel auth-pass \(name) \(password)",
            ] + (user.map { ["sentinel auth-user \(name) \($0)"] } ?? []) + [
                "sentinel down-after-milliseconds \(name) \(SentinelOptions.milliseconds(downAfter))",
                "sentinel failover-timeout \(name) \(SentinelOptions.milliseconds(failoverTimeout))",
            ]
        return (lines + extra).joined(separator: "\n") + "\n"
    }

    private static func milliseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
    }
}
