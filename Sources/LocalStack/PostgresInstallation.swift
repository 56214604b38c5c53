import FoundationEssentials

/// The folder with the programs of one PostgreSQL version.
struct PostgresInstallation: Sendable {
    let binaries: String

    var initdb: String { "\(binaries)/initdb" }
    var postgres: String { "\(binaries)/postgres" }
    var psql: String { "\(binaries)/psql" }
    var dump: String { "\(binaries)/pg_dump" }
    var restore: String { "\(binaries)/pg_restore" }

    /// Finds the version that has made the data, or the newest one.
    /// - Parameter version: the text of the data's `PG_VERSION`; `nil` if there is no data yet.
    static func find(version: String?) throws(LocalStackError) -> PostgresInstallation {
        // Debian keeps each version in a folder of its own, and has none of their servers in PATH.
        let root = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? [])
            .filter { FileManager.default.isExecutableFile(atPath: "\(root)/\($0)/bin/postgres") }
            .sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }
        if let version {
            if versions.contains(version) { return PostgresInstallation(binaries: "\(root)/\(version)/bin") }
            if let newest = versions.first {
                throw LocalStackError(
                    .folderUnusable,
                    "the data is PostgreSQL \(version)'s, and only \(newest) is installed: "
                        + "install the Debian package postgresql-\(version), or start with a new folder"
                )
            }
        } else if let newest = versions.first {
            return PostgresInstallation(binaries: "\(root)/\(newest)/bin")
        }
        guard let postgres = ServerPrograms.find("postgres") else {
            throw ServerPrograms.missing("postgres", package: "postgresql")
        }
        return PostgresInstallation(binaries: String(postgres.dropLast("/postgres".count)))
    }
}
