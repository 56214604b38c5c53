public import Domain
public import PostgresClient

extension PostgresConnection {
    /// The key that is recorded; `nil`: none yet.
    public func recordedKey(_ name: ServiceKeyName) throws -> RecordedKey? {
        try query("select id, set_at, actor from service_keys where name = $1", name.rawValue).first.map { row in
            RecordedKey(id: try row.decode(0), setAt: try row.decode(1), actor: try row.decode(2))
        }
    }

    /// Records the first of the keys if none is recorded yet. Throws `WrongServiceKey` if the recorded one is not among them. The record is
    /// locked until the transaction ends. So a transaction that also needs the lock of the control log takes that first, as
    /// `replaceCodeKey` does.
    public func claimKey(_ name: ServiceKeyName, ids: [String], actor: String) throws {
        let insert = "insert into service_keys (name, id, actor) values ($1, $2, $3) on conflict do nothing"
        try execute(insert, name.rawValue, ids[0], actor)
        let recorded = try query("select id from service_keys where name = $1 for share", name.rawValue)[0].decode(
            0,
            as: String.self
        )
        guard ids.contains(recorded) else { throw WrongServiceKey(name, given: ids, recorded: recorded) }
    }

    /// Records the key that is used from now on.
    /// - Parameter known: the keys that it may replace, or else `WrongServiceKey` is thrown; `nil`: it may replace any.
    public func recordKey(_ name: ServiceKeyName, id: String, replacing known: [String]?, actor: String) throws {
        try transaction {
            if let known { try claimKey(name, ids: [id] + known, actor: actor) }
            try setKey(name, id: id, actor: actor)
        }
    }

    private func setKey(_ name: ServiceKeyName, id: String, actor: String) throws {
        let sql = """
            insert into service_keys as known (name, id, actor) values ($1, $2, $3)
            on conflict (name) do update set id = $2, set_at = now(), actor = $3 where known.id <> $2
            """
        try execute(sql, name.rawValue, id, actor)
    }

    // MARK: Another code key

    /// Coupons that have not ended: a new code key needs codes for them.
    public func couponsThatNeedACode() throws -> [CouponID] {
        let sql = "select id from coupons where ends_at is null or ends_at > now() order by id"
        return try query(sql).map { row throws(PostgresError) in try row.decode(0) }
    }

    /// Replaces the code key: gives coupons digests of new codes under another key. Ended coupons that `digests` lacks get a random digest,
    /// which is of no code, so nothing is left that the old key digested. All shards are rebuilt, so that Redis has the digests too.
    ///
    /// Throws `CodeKeyReplacementError`, and a unique violation for two equal digests. All of it is one transaction.
    /// - Returns: how many coupons got a new code, how many got none, and the last entry of the control log: a shard that has it
    ///   has the new digests.
    public func replaceCodeKey(
        id: String,
        digests: [CouponID: CodeDigest],
        shards: [Shard],
        actor: String
    ) throws -> (replaced: Int, ended: Int, entry: Int) {
        try controlTransaction {
            guard try recordedKey(.code)?.id != id else { throw CodeKeyReplacementError.sameKey }
            let coupons = try allCoupons()
            let unknown = Set(digests.keys).subtracting(coupons.map(\.id)).sorted()
            guard unknown.isEmpty else { throw CodeKeyReplacementError.unknown(unknown) }
            let needed = try couponsThatNeedACode().filter { digests[$0] == nil }
            guard needed.isEmpty else { throw CodeKeyReplacementError.missing(needed) }
            let nothing = "sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))"
            // In the order of the ids, as landing locks them, so that neither waits for the other for ever.
            for coupon in coupons {
                if let digest = digests[coupon.id] {
                    try execute("update coupons set code_digest = $2, version = version + 1 where id = $1", coupon.id, digest)
                } else {
                    try execute("update coupons set code_digest = \(nothing), version = version + 1 where id = $1", coupon.id)
                }
            }
            try setKey(.code, id: id, actor: actor)
            var entry = 0
            for shard in shards { entry = try appendControl(.shardRebuild(shard), actor: actor).sequence }
            return (digests.count, coupons.count - digests.count, entry)
        }
    }
}

/// The reason why the code key was not replaced.
public enum CodeKeyReplacementError: Error, Hashable, Sendable {
    /// It is the key that the coupons have already.
    case sameKey
    case unknown([CouponID])
    /// Coupons that have not ended need a code.
    case missing([CouponID])
}
