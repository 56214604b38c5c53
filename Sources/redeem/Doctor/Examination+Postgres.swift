internal import Configuration
internal import Domain
internal import Persistence
internal import PostgresClient
internal import Server

extension Examination {
    private struct Seen: Sendable {
        let version: Int
        let clock: Timestamp
        let lacking: [String]
        /// Rights that the process needs and its role does not have.
        let missingRights: [String]
        let wrongKeys: [WrongServiceKey]
        let unrecordedKeys: [String]
        /// Redemptions in quarantine; `nil` for a server, which does not read it.
        let quarantined: Int?
    }

    func postgres(_ findings: inout Findings) async {
        guard
            let configuration = findings.check("Postgres settings", try PostgresConfiguration(settings.reader), \.description),
            let logger = try? settings.logger("doctor")
        else { return }
        let pool = PostgresClient(configuration: configuration, logger: logger)
        do {
            add(try await pool.withConnection(look), to: &findings)
            if process == .serve { await durability(pool, &findings) }
        } catch let error as PostgresError {
            findings.add("Postgres", false, "\(error)", error.remedy)
        } catch {
            findings.add("Postgres", false, "\(error)", "")
        }
        await pool.close()
    }

    @Sendable private func look(_ connection: PostgresConnection) throws -> Seen {
        let version = try connection.serverVersion()
        let clock = try connection.serverTime()
        func seen(
            lacking: [String] = [],
            missing: [String] = [],
            wrong: [WrongServiceKey] = [],
            unrecorded: [String] = [],
            quarantined: Int? = nil
        ) -> Seen {
            Seen(
                version: version,
                clock: clock,
                lacking: lacking,
                missingRights: missing,
                wrongKeys: wrong,
                unrecordedKeys: unrecorded,
                quarantined: quarantined
            )
        }
        // Without it neither the schema's version nor anything else can be told.
        guard try Migrator().mayLook(on: connection) else { return seen(missing: ["select on schema_migrations"]) }
        let pending = try Migrator().pending(on: connection).map(\.description)
        guard pending.isEmpty else { return seen(lacking: pending) }
        let missing = try missingRights(connection)
        guard missing.isEmpty else { return seen(missing: missing) }
        let keys = process == .sync ? [] : try keys(connection)
        return seen(
            wrong: keys.compactMap { if case .wrong(let error) = $0 { error } else { nil } },
            unrecorded: keys.compactMap { if case .unrecorded(let name) = $0 { name.rawValue } else { nil } },
            quarantined: process == .serve ? nil : try connection.quarantineCount()
        )
    }

    private func missingRights(_ connection: PostgresConnection) throws -> [String] {
        switch process {
        case .serve: try PostgresRole.server.missingRights(on: connection)
        case .sync: try PostgresRole.sync.missingRights(on: connection)
        case .admin: try connection.ownsTheTables() ? [] : ["to own the tables"]
        }
    }

    private enum KeyState {
        case same, wrong(WrongServiceKey), unrecorded(ServiceKeyName)
    }

    private func keys(_ connection: PostgresConnection) throws -> [KeyState] {
        // Keys that cannot be read are among the findings about settings.
        guard let given = try? GivenKeys(settings) else { return [] }
        return try ServiceKeyName.allCases.filter { !given.ids(of: $0).isEmpty }.map { name in
            guard try connection.recordedKey(name) != nil else { return .unrecorded(name) }
            do {
                try connection.checkKey(name, ids: given.ids(of: name))
                return .same
            } catch let error as WrongServiceKey {
                return .wrong(error)
            }
        }
    }

    private func add(_ seen: Seen, to findings: inout Findings) {
        findings.add("Postgres", seen.version >= 15, "version \(seen.version)", "Redeem needs Postgres 15 or newer")
        findings.clock("Postgres", seen.clock)
        findings.add(
            "rights in Postgres",
            seen.missingRights.isEmpty,
            seen.missingRights.isEmpty ? "all that it needs" : "lacks \(seen.missingRights.joined(separator: ", "))",
            process == .admin
                ? "connect as the role that ran `redeem migrate`"
                : "as the owner of the tables: redeem doctor --print-postgres-roles | psql …"
        )
        guard seen.missingRights.isEmpty else { return }
        findings.add(
            "schema",
            seen.lacking.isEmpty,
            seen.lacking.isEmpty ? "up to date" : "lacks \(seen.lacking.joined(separator: ", "))",
            "run: redeem migrate"
        )
        for error in seen.wrongKeys { findings.add("\(error.name.rawValue) key in Postgres", false, error.problem, error.remedy) }
        for name in seen.unrecordedKeys {
            findings.add(
                "\(name) key in Postgres",
                true,
                "not recorded, so nobody compares it; `redeem migrate` with the key records it",
                ""
            )
        }
        if let count = seen.quarantined {
            findings.add("quarantine", count == 0, "\(count) entries", "see: redeem quarantine list")
        }
    }

    private func durability(_ pool: PostgresClient, _ findings: inout Findings) async {
        guard let durability = try? settings.reader.durability() else { return }
        do {
            try await durability.check(pool)
        } catch {
            findings.add("durability of Postgres", false, "not kept", "\(error)")
        }
    }
}
