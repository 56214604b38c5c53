/// A role of Postgres for a part of Redeem, which may do what that part does and nothing else. The tables belong to whoever ran
/// `redeem migrate`.
///
/// Whoever adds a statement adds its right here: the tests run the product as these roles.
public enum PostgresRole: String, CaseIterable, Sendable {
    /// `redeem serve`.
    case server = "redeem_server"
    /// `redeem sync` and `redeem reconcile`.
    case sync = "redeem_sync"

    struct Right: Hashable, Sendable {
        enum Privilege: String {
            case select, insert, update
        }

        let privilege: Privilege
        let table: String
        /// Empty: all.
        let columns: [String]

        init(_ privilege: Privilege, _ table: String, _ columns: String...) {
            self.privilege = privilege
            self.table = table
            self.columns = columns
        }
    }

    var rights: [Right] {
        switch self {
        case .server:
            [
                Right(.select, "users"),
                // Hashes of an older cost are replaced; to end all sessions of a user is a new version.
                Right(.update, "users", "password_hash", "version"),
                Right(.select, "coupons"),
                Right(.select, "redemptions"),
                Right(.select, "credit_grants", "user_id", "amount"),
                Right(.select, "outbox_cursor"),
                Right(.select, "control_log"),
                Right(.insert, "control_log", "seq", "kind", "payload", "actor"),
            ]
        case .sync:
            [
                Right(.select, "users", "id"),
                Right(.select, "coupons"),
                Right(.update, "coupons", "redeemed"),
                Right(.select, "redemptions"),
                Right(.insert, "redemptions"),
                Right(.select, "outbox_cursor"),
                Right(.insert, "outbox_cursor"),
                Right(.update, "outbox_cursor", "epoch", "last_id"),
                Right(.select, "control_log"),
                Right(.select, "credit_grants", "user_id", "amount", "control_seq"),
                Right(.select, "quarantine"),
                Right(.select, "quarantine_drops"),
                Right(.insert, "quarantine", "shard", "epoch", "stream_id", "entry", "reason"),
            ]
        }
    }

    /// Statements for psql, run in Redeem's database by the owner of the tables, who may create roles. They may be run again, as
    /// after each `redeem migrate`: a role keeps its password, and has these rights and no others. Without a password nobody can
    /// log in as a role by one.
    public static var script: String {
        let roles = PostgresRole.allCases.map { role in
            let grants = role.rights.map { right in
                let columns = right.columns.isEmpty ? "" : " (\(right.columns.joined(separator: ", ")))"
                return "grant \(right.privilege.rawValue)\(columns) on \(right.table) to \(role.rawValue);\n"
            }
            return """
                do $$ begin
                    if not exists (select from pg_roles where rolname = '\(role.rawValue)') then create role \(role.rawValue); end if;
                    execute format('grant connect on database %I to \(role.rawValue)', current_database());
                end $$;
                alter role \(role.rawValue) login nosuperuser nocreatedb nocreaterole noreplication nobypassrls;
                revoke all on all tables in schema public from \(role.rawValue);
                grant usage on schema public to \(role.rawValue);
                \(grants.joined())
                """
        }
        return "begin;\n\(roles.joined(separator: "\n"))commit;\n"
    }
}
