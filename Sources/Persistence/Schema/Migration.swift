/// One numbered step of the schema.
public struct Migration: Hashable, Sendable, CustomStringConvertible {
    /// From 1, without a gap.
    public let number: Int
    public let name: String
    public let sql: String

    public init(number: Int, name: String, sql: String) {
        self.number = number
        self.name = name
        self.sql = sql
    }

    /// The name of its file, without the suffix.
    public var description: String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "_" + name
    }
}

extension Migration {
    /// All migrations of this program, compiled into it from `Migrations/*.sql`. In the name of an embedded file an underscore stands for
    /// the first digit.
    public static let all = [
        Migration(number: 1, name: "initial", bytes: PackageResources._001_initial_sql),
        Migration(number: 2, name: "credentials", bytes: PackageResources._002_credentials_sql),
        Migration(number: 3, name: "quarantine", bytes: PackageResources._003_quarantine_sql),
        Migration(number: 4, name: "imports", bytes: PackageResources._004_imports_sql),
        Migration(number: 5, name: "service_keys", bytes: PackageResources._005_service_keys_sql),
        Migration(number: 6, name: "session_ends", bytes: PackageResources._006_session_ends_sql),
        Migration(number: 7, name: "end_sessions_path", bytes: PackageResources._007_end_sessions_path_sql),
        Migration(number: 8, name: "quarantine_once", bytes: PackageResources._008_quarantine_once_sql),
    ]

    private init(number: Int, name: String, bytes: [UInt8]) {
        self.init(number: number, name: name, sql: String(decoding: bytes, as: UTF8.self))
    }
}

/// The reason why the database does not have the schema that this program needs.
public enum MigrationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text of the migration is not the one that was applied.
    case changed(Migration, applied: String)
    /// The database has migrations that this program does not know.
    case databaseIsNewer(database: Int, program: Int)
    case missing(Migration)
    case failed(Migration, reason: String)
    case pending([Migration])

    public var description: String {
        switch self {
        case .changed(let migration, let applied):
            """
            migration \(migration) was applied to this database with another text than this program has (it was \(applied) \
            then). An applied migration must not change: put its file back as it was, and write what is to be different \
            into a new migration with the next number.
            """
        case .databaseIsNewer(let database, let program):
            """
            the database is at migration \(database), this program knows migrations up to \(program) only. Run a program at \
            least as new as the one that migrated the database, or restore a backup from before that.
            """
        case .missing(let migration):
            """
            migration \(migration) has not been applied, but a later one has. Somebody edited the table schema_migrations, or \
            two branches used the same number: give the new migration the next free number.
            """
        case .failed(let migration, let reason):
            "migration \(migration) failed, and nothing of it was kept: \(reason)"
        case .pending(let migrations):
            """
            the database lacks \(migrations.map(\.description).joined(separator: ", ")). Run `redeem migrate` before this \
            program.
            """
        }
    }
}
