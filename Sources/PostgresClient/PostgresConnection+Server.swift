extension PostgresConnection {
    /// Returns if Postgres answers.
    public func ping() throws(PostgresError) { try query("select 1") }

    /// The server's version without its minor part: 15.
    public func serverVersion() throws(PostgresError) -> Int {
        try query("select current_setting('server_version_num')::bigint / 10000")[0].decode(0)
    }

    /// What the connection has for each of these settings, in the words of `SHOW`.
    public func settings(_ names: [String]) throws(PostgresError) -> [String: String] {
        let rows = try query("select name, current_setting(name) from unnest($1::text[]) as names (name)", names)
        var values: [String: String] = [:]
        for row in rows { values[try row.decode(0, as: String.self)] = try row.decode(1, as: String.self) }
        return values
    }
}
