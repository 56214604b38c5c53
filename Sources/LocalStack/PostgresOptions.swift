/// The configuration of a private Postgres.
public struct PostgresOptions: Sendable, Hashable {
    /// `false`: nothing is forced to the disk, which makes tests faster. All that is committed still survives the death of the
    /// processes, but not that of the machine.
    public var fsync = true
    public var maxConnections = 100
    /// Further settings of postgresql.conf. They come last, so they override the others.
    public var extra: [String: String] = [:]

    public init() {}

    /// The text of postgresql.conf.
    func file(port: Int, socketFolder: String) -> String {
        let durability = fsync ? "on" : "off"
        let lines = [
            "# Written at each start.",
            "listen_addresses = '127.0.0.1'",
            "port = \(port)",
            "unix_socket_directories = '\(PostgresOptions.quoted(socketFolder))'",
            "unix_socket_permissions = 0700",
            "max_connections = \(maxConnections)",
            "password_encryption = 'scram-sha-256'",
            "fsync = \(durability)",
            "full_page_writes = \(durability)",
            // The log goes to standard error, where the parent process waits for the line that says it is ready. So it is in
            // English.
            "log_destination = 'stderr'",
            "logging_collector = off",
            "lc_messages = 'C'",
            "log_line_prefix = '%m [%p] '",
            "log_timezone = 'UTC'",
            "timezone = 'UTC'",
        ]
        let extra = extra.sorted { $0.key < $1.key }.map { "\($0.key) = '\(PostgresOptions.quoted($0.value))'" }
        return (lines + extra).joined(separator: "\n") + "\n"
    }

    private static func quoted(_ text: String) -> String {
        text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
    }
}
