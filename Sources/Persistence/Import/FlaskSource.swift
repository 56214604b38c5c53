public import Logging
public import PostgresClient

/// The tables of a Flask service, read in one snapshot, page by page. Use it on the thread that opened it.
public struct FlaskSource {
    /// Rows held in memory at a time.
    static let rowsPerPage = 5_000
    /// How long this connection may be idle within its transaction. Between two pages it waits for Redeem's database, which may wait for a
    /// lock.
    static let idleTimeout: Duration = .seconds(3_600)

    private let connection: PostgresConnection
    /// SQL for the first moment at which a coupon cannot be used, by the type of the column.
    private let ends: String
    /// True if the moments in the table have no time zone. They are read as moments of `timeZone`.
    public let hasNaiveEnds: Bool
    public let timeZone: String
    /// Rows of each table.
    public let users: Int
    public let coupons: Int
    public let uses: Int

    /// Opens a connection for the time of `body`, and reads everything in one read-only transaction. It blocks the thread, so call it
    /// inside of `withConnection` of a client or of a dedicated connection.
    ///
    /// Throws `FlaskSourceError`, and what `body` throws.
    ///
    /// - Parameter timeZone: the time zone of moments that have none; a name that the database knows.
    public static func open<T>(
        _ configuration: PostgresConfiguration,
        logger: Logger,
        timeZone: String = "UTC",
        _ body: (FlaskSource) throws -> T
    ) throws -> T {
        guard configuration.urlFault == nil else { throw FlaskSourceError.invalidURL }
        var patient = configuration
        patient.idleInTransactionTimeout = idleTimeout
        let connection = try own { () throws(PostgresError) in try PostgresConnection.openForeign(patient, logger: logger) }
        // This transaction ends with the connection. It writes nothing, so there is nothing to commit.
        try own { () throws(PostgresError) in try connection.script("begin isolation level repeatable read read only") }
        return try body(FlaskSource(connection, database: configuration.description, timeZone: timeZone))
    }

    private init(_ connection: PostgresConnection, database: String, timeZone: String) throws {
        self.connection = connection
        self.timeZone = timeZone
        func types(of table: String, _ columns: [String]) throws -> [String: String] {
            let sql = """
                select attname::text, format_type(atttypid, null) from pg_attribute
                where attrelid = to_regclass($1) and attnum > 0 and not attisdropped
                """
            let types = try FlaskSource.own { () throws(PostgresError) in
                try connection.query(sql, table).map { row throws(PostgresError) in
                    (try row.decode(0, as: String.self), try row.decode(1, as: String.self))
                }
            }
            guard !types.isEmpty else { throw FlaskSourceError.tableMissing(table, database: database) }
            let known = Dictionary(uniqueKeysWithValues: types)
            for column in columns where known[column] == nil {
                throw FlaskSourceError.columnMissing(column, table: table)
            }
            return known
        }
        _ = try types(of: #""User""#, ["id", "username", "name", "password", "credit"])
        let coupon = try types(
            of: #""Coupon""#,
            ["id", "name", "value", "active", "hidden_code", "number_left", "expiration_date"]
        )
        _ = try types(of: "user_coupon", ["user_id", "coupon_id"])
        let type = coupon["expiration_date"] ?? ""
        let zones = try FlaskSource.own { () throws(PostgresError) in
            try connection.query("select name from pg_timezone_names where name = $1", timeZone)
        }
        guard !zones.isEmpty else { throw FlaskSourceError.timeZoneUnknown(timeZone) }
        ends = try FlaskSource.ends(ofType: type, in: timeZone)
        hasNaiveEnds = type != "timestamp with time zone"
        (users, coupons, uses) = try FlaskSource.own { () throws(PostgresError) in
            let counts = try connection.query(
                #"select (select count(*) from "User"), (select count(*) from "Coupon"), (select count(*) from user_coupon)"#
            )[0]
            return (try counts.decode(0), try counts.decode(1), try counts.decode(2))
        }
    }

    /// The SQL of `ends`. A date is the last day on which a coupon can be used.
    private static func ends(ofType type: String, in timeZone: String) throws(FlaskSourceError) -> String {
        let zone = "'" + timeZone.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
        let moment =
            switch type {
            case "date": "(expiration_date + 1)::timestamp at time zone \(zone)"
            case "timestamp without time zone": "expiration_date at time zone \(zone)"
            case "timestamp with time zone": "expiration_date"
            default:
                throw .columnType(#"expiration_date of "Coupon""#, of: type, expected: "date, timestamp or timestamptz")
            }
        // A moment before 1970 means the past, and one after the year 9999 means no end, infinities included.
        return """
            case when expiration_date < '1970-01-01' then 0
                 when expiration_date < '10000-01-01' then floor(extract(epoch from \(moment)) * 1000)::bigint end
            """
    }

    public func readCoupons(_ body: ([FlaskCoupon]) throws -> Void) throws {
        let sql = """
            select id::text, name::text, value::text, active::text, hidden_code::text, number_left::text, \(ends),
                   expiration_date is null
            from "Coupon" order by "Coupon".id
            """
        try read("source_coupons", sql, body) { row throws(PostgresError) in
            FlaskCoupon(
                id: try row.decode(0),
                name: try row.decode(1),
                value: try row.decode(2),
                active: try row.decode(3),
                hiddenCode: try row.decode(4),
                numberLeft: try row.decode(5),
                ends: try row.decode(6),
                isEndless: try row.decode(7)
            )
        }
    }

    public func readUsers(_ body: ([FlaskUser]) throws -> Void) throws {
        // Not `order by id`, which would be the order of the texts.
        let sql = """
            select id::text, username::text, name::text, password::text, credit::text from "User" order by "User".id
            """
        try read("source_users", sql, body) { row throws(PostgresError) in
            FlaskUser(
                id: try row.decode(0),
                username: try row.decode(1),
                name: try row.decode(2),
                password: try row.decode(3),
                credit: try row.decode(4)
            )
        }
    }

    public func readUses(_ body: ([FlaskUse]) throws -> Void) throws {
        try read("source_uses", "select user_id::text, coupon_id::text from user_coupon", body) { row throws(PostgresError) in
            FlaskUse(user: try row.decode(0), coupon: try row.decode(1))
        }
    }

    private func read<Row>(
        _ cursor: String,
        _ sql: String,
        _ body: ([Row]) throws -> Void,
        _ decode: (PostgresRow) throws(PostgresError) -> Row
    ) throws {
        try FlaskSource.own { () throws(PostgresError) in
            try connection.script("declare \(cursor) no scroll cursor for \(sql)")
        }
        while true {
            let page = try FlaskSource.own { () throws(PostgresError) in
                try connection.query("fetch forward \(FlaskSource.rowsPerPage) from \(cursor)").map(decode)
            }
            guard !page.isEmpty else { return }
            try body(page)
        }
    }

    /// Throws errors of this database as `FlaskSourceError`, so that they differ from those of Redeem's database.
    private static func own<T>(_ body: () throws(PostgresError) -> T) throws(FlaskSourceError) -> T {
        do throws(PostgresError) { return try body() } catch { throw FlaskSourceError(error) }
    }
}
