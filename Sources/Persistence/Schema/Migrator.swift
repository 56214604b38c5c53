public import PostgresClient

/// Brings the schema up to date: each migration in a transaction of its own, together with its record in
/// `schema_migrations`, under an advisory lock that makes several migrators take turns.
public struct Migrator: Sendable {
    private let migrations: [Migration]

    public init(migrations: [Migration] = Migration.all) {
        precondition(
            migrations.map(\.number) == Array(1..<(migrations.count + 1)),
            "migrations are numbered from 1, without a gap"
        )
        self.migrations = migrations
    }

    /// Applies the missing migrations and returns them. Throws `MigrationError`, or `PostgresError` for a connection that fails.
    @discardableResult
    public func run(on connection: PostgresConnection) throws -> [Migration] {
        try connection.withoutStatementTimeout {
            var applied: [Migration] = []
            while let migration = try applyNext(on: connection) { applied.append(migration) }
            return applied
        }
    }

    /// The migrations that `run` would apply. Changes nothing.
    public func pending(on connection: PostgresConnection) throws -> [Migration] {
        try connection.snapshot {
            let exists = try connection.query("select to_regclass('schema_migrations') is not null")[0].decode(0, as: Bool.self)
            return exists ? try pendingAfterCheck(on: connection) : migrations
        }
    }

    /// Whether the connection's role may read which migrations the database has; true where it has none.
    public func mayLook(on connection: PostgresConnection) throws -> Bool {
        let sql = "select coalesce(has_table_privilege(to_regclass('schema_migrations'), 'select'), true)"
        return try connection.query(sql)[0].decode(0)
    }

    /// Throws `MigrationError` unless the database is exactly what this program was made for.
    public func requireCurrent(on connection: PostgresConnection) throws {
        let pending = try pending(on: connection)
        guard pending.isEmpty else { throw MigrationError.pending(pending) }
    }

    private func applyNext(on connection: PostgresConnection) throws -> Migration? {
        try connection.transaction { () throws -> Migration? in
            try connection.takeLock(.migrations)
            try connection.script(
                """
                create table if not exists schema_migrations (
                    number     integer     primary key,
                    name       text        not null,
                    checksum   bytea       not null,
                    applied_at timestamptz not null default now()
                )
                """
            )
            guard let next = try pendingAfterCheck(on: connection).first else { return nil }
            do throws(PostgresError) {
                try connection.script(next.sql)
                guard connection.isInTransaction else {
                    preconditionFailure("migration \(next) ends the transaction it runs in")
                }
            } catch {
                guard error.code == .serverError else { throw error }
                throw MigrationError.failed(next, reason: error.description)
            }
            try connection.execute(
                "insert into schema_migrations (number, name, checksum) values ($1, $2, sha256(convert_to($3, 'UTF8')))",
                next.number,
                next.name,
                next.sql
            )
            return next
        }
    }

    /// The migrations that are missing. Throws unless those of the database are the first ones of this program, unchanged.
    private func pendingAfterCheck(on connection: PostgresConnection) throws -> [Migration] {
        let rows = try connection.query("select number, name, encode(checksum, 'hex') from schema_migrations order by number")
        for (index, row) in rows.enumerated() {
            let number = try row.decode(0, as: Int.self)
            guard number <= migrations.count else {
                let newest = try rows[rows.count - 1].decode(0, as: Int.self)
                throw MigrationError.databaseIsNewer(database: newest, program: migrations.count)
            }
            let migration = migrations[index]
            guard number == migration.number else { throw MigrationError.missing(migration) }
            let checksum = try connection.query("select encode(sha256(convert_to($1, 'UTF8')), 'hex')", migration.sql)[0]
            guard try checksum.decode(0, as: String.self) == row.decode(2, as: String.self) else {
                throw MigrationError.changed(migration, applied: try row.decode(1))
            }
        }
        return Array(migrations.dropFirst(rows.count))
    }
}
