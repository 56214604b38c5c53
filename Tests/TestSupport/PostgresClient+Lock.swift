public import PostgresClient

extension PostgresClient {
    /// Runs the body while another transaction has a lock on the table, for 25 s at most.
    /// - Parameter mode: as in `LOCK TABLE`.
    /// - Returns: whether it had the lock until the body ended.
    @discardableResult
    public func whileLocked(_ table: String, _ mode: String, _ body: () async throws -> Void) async throws -> Bool {
        let script = "begin; lock table \(table) in \(mode) mode; select pg_sleep(25); rollback"
        let holding = Task { try await self.withConnection { connection in _ = try connection.script(script) } }
        let holders = """
            from pg_locks where relation = '\(table)'::regclass and granted
            and lower(mode) = replace('\(mode)', ' ', '') || 'lock'
            """
        func isHeld() async throws -> Bool { try await withConnection { try !$0.query("select pid \(holders)").isEmpty } }
        let release = {
            let end = "select pg_terminate_backend(pid) \(holders)"
            _ = try? await self.withConnection { connection in _ = try connection.query(end) }
            _ = await holding.result
        }
        return try await stopping(release) {
            try await until("\(table) is locked", within: .seconds(20), isHeld)
            try await body()
            return try await isHeld()
        }
    }
}

extension PostgresConnection {
    /// Locks of which the condition is true, of clients of this database alone: the server's own processes take some too.
    public func countLocks(_ condition: String) throws -> Int {
        let locks = "pg_locks join pg_stat_activity using (pid)"
        let ours = "datname = current_database() and backend_type = 'client backend'"
        return try query("select count(*) from \(locks) where \(ours) and \(condition)")[0].decode(0, as: Int.self)
    }
}
