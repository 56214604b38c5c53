public import Domain
public import PostgresClient

/// The advisory locks, each of which Postgres knows by two integers. All are listed here, so that no two have the same integers.
///
/// A transaction that takes several takes them in this order, so that no two wait for each other for ever: `imports`, `control`, the row of
/// a key (`claimKey`), rows of coupons in the order of their ids.
enum AdvisoryLock {
    case migrations
    /// A transaction holds it from taking a control sequence number until its commit.
    case control
    /// The transaction that imports holds it.
    case imports
    /// A transaction that puts redemptions into quarantine holds it from its look at what is known until its commit.
    case quarantine
    /// The shard's owner holds it as long as its connection lives.
    case shard(Shard)

    /// The first integer of all our locks, "Redm" in ASCII: other programs on the same database have others.
    static let space = 0x5265_646D

    var number: Int {
        switch self {
        case .migrations: -1
        case .control: -2
        case .imports: -3
        case .quarantine: -4
        case .shard(let shard): shard.index
        }
    }
}

extension PostgresConnection {
    /// Waits for the lock and holds it until the transaction ends.
    func takeLock(_ lock: AdvisoryLock) throws(PostgresError) {
        try query("select pg_advisory_xact_lock($1::bigint::int, $2::bigint::int)", AdvisoryLock.space, lock.number)
    }

    /// Holds the lock until the transaction ends, if nobody else has it.
    func tryTransactionLock(_ lock: AdvisoryLock) throws(PostgresError) -> Bool {
        let sql = "select pg_try_advisory_xact_lock($1::bigint::int, $2::bigint::int)"
        return try query(sql, AdvisoryLock.space, lock.number)[0].decode(0)
    }

    /// Makes each later commit of this connection wait until it is on disk, whatever the database's default is. Answers of durability
    /// `ledger` rest on it. A stricter default stays.
    public func commitDurably() throws(PostgresError) {
        try query("select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'")
    }

    /// Takes the lock of a shard's owner, if nobody has it. The lock ends with the connection, or by `unlock`.
    public func tryLock(_ shard: Shard) throws(PostgresError) -> Bool {
        // A connection that takes a lock twice must give it back twice, so a second lock would survive `unlock`.
        if try holdsLock(shard) { return true }
        let sql = "select pg_try_advisory_lock($1::bigint::int, $2::bigint::int)"
        return try query(sql, AdvisoryLock.space, AdvisoryLock.shard(shard).number)[0].decode(0)
    }

    /// The SQL that picks the row of `pg_locks` of a lock that is held: $1 is the space, $2 the number.
    private static let lockIsHeld = """
        locktype = 'advisory' and granted
        and database = (select oid from pg_database where datname = current_database())
        and classid::bigint = $1 and objid::bigint = $2 and objsubid = 2
        """

    public func holdsLock(_ shard: Shard) throws(PostgresError) -> Bool {
        let sql = """
            select exists (
                select from pg_locks
                where pid = pg_backend_pid() and \(PostgresConnection.lockIsHeld)
            )
            """
        return try query(sql, AdvisoryLock.space, AdvisoryLock.shard(shard).number)[0].decode(0)
    }

    /// The name by which the shard's owner is connected; `nil`: the shard has no owner.
    public func ownerName(of shard: Shard) throws(PostgresError) -> String? {
        let sql = """
            select application_name
            from pg_locks join pg_stat_activity using (pid)
            where \(PostgresConnection.lockIsHeld)
            """
        return try query(sql, AdvisoryLock.space, AdvisoryLock.shard(shard).number).first?.decode(0)
    }

    /// Closes the connection of the shard's owner if it is within a statement whose data has not come for `silence`.
    ///
    /// Outside of COPY `idle_session_timeout` closes the connection of a silent owner. Within COPY neither it nor `statement_timeout` does
    /// (PostgreSQL 15: a backend that reads COPY data heeds nothing but an order to end). Without this, a process that was stopped within
    /// COPY would keep the shard as long as it is stopped.
    /// - Returns: true if there was such an owner.
    public func endSilentOwner(of shard: Shard, after silence: Duration) throws(PostgresError) -> Bool {
        let sql = """
            select pg_terminate_backend(pid)
            from pg_locks join pg_stat_activity using (pid)
            where \(PostgresConnection.lockIsHeld)
              and state = 'active' and wait_event = 'ClientRead'
              and query_start < clock_timestamp() - $3 * interval '1 millisecond'
            """
        let shard = AdvisoryLock.shard(shard).number
        return try !query(sql, AdvisoryLock.space, shard, Int(silence.milliseconds)).isEmpty
    }

    public func unlock(_ shard: Shard) throws(PostgresError) {
        let sql = "select pg_advisory_unlock($1::bigint::int, $2::bigint::int)"
        try query(sql, AdvisoryLock.space, AdvisoryLock.shard(shard).number)
    }
}
