extension ShardStore {
    /// Transactions of which Redis had only the beginning in its append-only file, and carried that out when it started.
    ///
    /// What a script writes stands in the file as one transaction. Where a crash leaves only the beginning of the last one, the next start
    /// of Redis leaves that out, but cuts the file behind the last whole command rather than before the transaction (seen with 7.0.15).
    /// What is written later stands behind it, so the start after that one takes the beginning and the next transaction for one: it
    /// carries out a part of what had not taken place, and refuses the second MULTI. That refusal is counted, from each start on, and
    /// nothing else says so. No client of Redeem sends a MULTI within another.
    public func tornTransactions() async throws(RedisError) -> Int {
        let reply = try await client.pipeline(to: redis, deadline: nil) { _ in [["INFO", "commandstats"]] }.replies[0]
        if case .error(let message) = reply { throw RedisError(.serverError, message) }
        let name = "failed_calls="
        let field = reply.info["cmdstat_multi"]?.split(separator: ",").first { $0.hasPrefix(name) }
        return field.flatMap { Int($0.dropFirst(name.count)) } ?? 0
    }
}
