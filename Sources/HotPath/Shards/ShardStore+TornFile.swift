public import RedisClient

extension ShardStore {
    /// The number of transactions of which the append-only file had only the beginning, and Redis carried that out when it started.
    ///
    /// A script's writes stand in the file as one transaction. A crash can leave only the beginning of the last one. The next start of
    /// Redis leaves that beginning out, but cuts the file behind the last whole command, not before the transaction (seen with 7.0.15).
    /// Later writes stand behind that beginning. So the start after that one takes the beginning and the next transaction for one. It
    /// carries out a part of a transaction that had not taken place, and refuses the second MULTI. Redis counts such refusals, and nothing
    /// else tells of them. No client of Redeem sends a MULTI within another.
    public func tornTransactions() async throws(RedisError) -> Int {
        let reply = try await pipeline([["INFO", "commandstats"]])[0]
        let name = "failed_calls="
        let field = reply.info["cmdstat_multi"]?.split(separator: ",").first { $0.hasPrefix(name) }
        return field.flatMap { Int($0.dropFirst(name.count)) } ?? 0
    }
}
