extension PostgresConnection {
    /// Returns if Postgres answers.
    public func ping() throws(PostgresError) { try query("select 1") }

    /// The server's version without its minor part: 15.
    public func serverVersion() throws(PostgresError) -> Int {
        try query("select current_setting('server_version_num')::bigint / 10000")[0].decode(0)
    }

    /// What the connection has for each of these settings, in the words of `SHOW`.
    public func settings(_ names: [String]) throws(PostgresError) -> [String: String] {
        var values: [String: String] = [:]
        for name in names { values[name] = try query("select current_setting($1)", name)[0].decode(0, as: String.self) }
        return values
    }
}
