public import PostgresClient

/// A role of Postgres for a part of Redeem, which may do what that part does and nothing else. The tables belong to the role that ran
/// `redeem migrate`.
///
/// The rights of each statement are listed here: the tests run the product as these roles.
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
        /// Empty: all columns.
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
                // Servers replace hashes of an older cost. A new version ends all sessions of a user.
                Right(.update, "users", "password_hash", "version"),
                Right(.select, "coupons"),
                Right(.select, "redemptions"),
                Right(.select, "credit_grants", "user_id", "amount"),
                Right(.select, "schema_migrations"),
                Right(.select, "outbox_cursor"),
                Right(.select, "service_keys"),
                Right(.select, "control_log"),
            ]
        case .sync:
            [
                Right(.select, "users", "id"),
                Right(.select, "coupons"),
                Right(.update, "coupons", "redeemed"),
                Right(.select, "redemptions"),
                Right(.insert, "redemptions"),
                Right(.select, "schema_migrations"),
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

    /// Functions of the schema that the role may call. They run with the rights of the tables' owner.
    var functions: [String] {
        switch self {
        case .server: ["end_sessions(uuid, bigint, bigint, text)"]
        case .sync: []
        }
    }

    /// The SQL that makes the roles. The owner of the tables runs it in Redeem's database; CREATEROLE is enough, as on a managed Postgres.
    /// It may be run again, as after each `redeem migrate`: a role keeps its password, and has these rights and no others. As long as a
    /// role has no password, nobody can log in as it by one.
    ///
    /// A new role has no attribute but LOGIN. Only a superuser could state the others (NOSUPERUSER), so the script checks them instead. A
    /// right that the role has through PUBLIC is not granted again, since only the owner of the database could.
    public static var script: String {
        let roles = PostgresRole.allCases.map { role in
            let grants = role.rights.map { right in
                let columns = right.columns.isEmpty ? "" : " (\(right.columns.joined(separator: ", ")))"
                return "grant \(right.privilege.rawValue)\(columns) on \(right.table) to \(role.rawValue);\n"
            }
            let calls = role.functions.map { "grant execute on function \($0) to \(role.rawValue);\n" }
            return """
                do $$ declare found record; begin
                    if not exists (select from pg_roles where rolname = '\(role.rawValue)') then create role \(role.rawValue) login; end if;
                    if exists (select from pg_roles where rolname = '\(role.rawValue)' and
                               (not rolcanlogin or rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls)) then
                        raise '\(role.rawValue) has other attributes than LOGIN'
                            using hint = 'alter role \(role.rawValue) login nosuperuser nocreatedb nocreaterole noreplication nobypassrls';
                    end if;
                    if not has_database_privilege('\(role.rawValue)', current_database(), 'connect') then
                        execute format('grant connect on database %I to \(role.rawValue)', current_database());
                    end if;
                    if not has_schema_privilege('\(role.rawValue)', 'public', 'usage') then
                        grant usage on schema public to \(role.rawValue);
                    end if;
                    for found in select relname from pg_class where relnamespace = 'public'::regnamespace
                                 and relkind in ('r', 'v', 'S') and pg_has_role(relowner, 'usage') loop
                        execute format('revoke all on public.%I from \(role.rawValue)', found.relname);
                    end loop;
                end $$;
                \(grants.joined())\(calls.joined())
                """
        }
        return "begin;\n\(schemaIsClosed)\(roles.joined(separator: "\n"))commit;\n"
    }

    /// SQL that takes from everybody the right to create in the schema of the tables, which a database from Postgres 14 gives. Otherwise
    /// the owner's statements could call somebody's functions or operators in place of those that are meant. REVOKE only warns those who
    /// do not own the schema, so the result is checked.
    private static let schemaIsClosed = """
        do $$ begin
            for attempt in 1..2 loop
                exit when not exists (select from pg_namespace, aclexplode(nspacl) as item where nspname = 'public'
                                      and item.grantee = 0 and item.privilege_type = 'CREATE');
                if attempt = 2 then
                    raise 'everybody may create in the schema public'
                        using hint = 'as its owner: revoke create on schema public from public';
                end if;
                revoke create on schema public from public;
            end loop;
        end $$;

        """
}

extension PostgresRole {
    /// The rights of this role that the connected one lacks, in words.
    public func missingRights(on connection: PostgresConnection) throws -> [String] {
        let tables = try rights.filter { right in
            let privilege = right.privilege.rawValue
            let sql =
                right.columns.isEmpty
                ? "select coalesce(has_table_privilege(to_regclass($1), '\(privilege)'), false)"
                : """
                select coalesce(bool_and(has_column_privilege(to_regclass($1), name, '\(privilege)')), false)
                from unnest(array[\(right.columns.map { "'\($0)'" }.joined(separator: ", "))]) as columns (name)
                """
            return try !connection.query(sql, right.table)[0].decode(0, as: Bool.self)
        }
        .map { right in
            let columns = right.columns.isEmpty ? "" : " (\(right.columns.joined(separator: ", ")))"
            return "\(right.privilege.rawValue)\(columns) on \(right.table)"
        }
        let calls = try functions.filter { function in
            let sql = "select coalesce(has_function_privilege(to_regprocedure($1), 'execute'), false)"
            return try !connection.query(sql, function)[0].decode(0, as: Bool.self)
        }
        return tables + calls.map { "execute on function \($0)" }
    }
}

extension PostgresConnection {
    /// True if the connected role owns all tables, or may act as their owner.
    public func ownsTheTables() throws -> Bool {
        let sql = """
            select coalesce(bool_and(pg_has_role(tableowner, 'usage')), false) from pg_tables where schemaname = current_schema()
            """
        return try query(sql)[0].decode(0)
    }
}
