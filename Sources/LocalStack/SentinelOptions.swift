internal import Domain

/// The configuration of a private Sentinel.
public struct SentinelOptions: Sendable, Hashable {
    /// How many Sentinels must agree that the primary is down before one of them is elected to replace it.
    public var quorum = 1
    /// A Redis without a sign of life for so long is taken to be down. It must be at least a second, because a Sentinel asks once
    /// a second. With less it would take a Redis that it has just promoted to be down, and go back and forth between the two.
    public var downAfter: Duration = .milliseconds(1500)
    /// If a failover does not end, the next one begins twice this time after it.
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
                // Sentinels of one group know each other by a common password.
                "requirepass \(password)",
                "dir \"\(folder)\"",
                "daemonize no",
                // The log goes to standard output, where the parent process waits for the line that says it is ready.
                "logfile \"\"",
                "always-show-logo no",
                "sentinel monitor \(name) 127.0.0.1 \(primaryPort) \(quorum)",
                "sentinel auth-pass \(name) \(password)",
            ] + (user.map { ["sentinel auth-user \(name) \($0)"] } ?? []) + [
                "sentinel down-after-milliseconds \(name) \(downAfter.milliseconds)",
                "sentinel failover-timeout \(name) \(failoverTimeout.milliseconds)",
            ]
        return (lines + extra).joined(separator: "\n") + "\n"
    }
}
