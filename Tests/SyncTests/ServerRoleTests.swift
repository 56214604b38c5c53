import Domain
import Persistence
import PostgresClient
import TestSupport
import Testing

/// What the role of servers may do to the control log.
@Suite(.serialized) struct ServerRoleTests {
    /// Where a server was taken over: it may end sessions, and add nothing else.
    @Test func aServersRoleEndsSessionsAndAddsNothingElse() async throws {
        try await SyncEnvironment.with { env in
            let user = try await env.user("jo")
            try await LeastRights.grant(database: env.postgresConfiguration.url)
            let url = LeastRights.url(of: env.postgresConfiguration.url, as: .server)
            let dedicated = try await DedicatedPostgresConnection.open(PostgresConfiguration(url: url), logger: testLogger())
            try await stopping({ await dedicated.close() }) {
                for (statement, state) in [
                    ("insert into control_log (seq, kind, payload, actor) values (1, 'credit_granted', '{}', 'x')", "42501"),
                    (
                        "insert into control_log (seq, kind, payload, actor) values (1, 'user_sessions_revoked', '{}', 'x')",
                        "42501"
                    ),
                    ("select end_sessions(null, null, null, 'x')", "22023"), ("select end_sessions(null, 5, null, 'x')", "22023"),
                    ("select end_sessions('\(user)', null, null, 'x')", "22023"),
                    ("select end_sessions('\(user)', 0, null, 'x')", "22023"),
                    ("select end_sessions('\(user)', 5, 5, 'x')", "22023"), ("select end_sessions(null, null, -1, 'x')", "22023"),
                    ("select end_sessions(null, null, 5, null)", "22023"),
                    ("select end_sessions('00000000-0000-7000-8000-000000000000', 5, null, 'x')", "23503"),
                    // Nothing that it puts before the tables is taken for them.
                    (
                        """
                        create temporary table users (id uuid); create temporary table control_log (seq bigint);
                        insert into users values ('00000000-0000-7000-8000-000000000000');
                        select end_sessions('00000000-0000-7000-8000-000000000000', 5, null, 'x')
                        """, "23503"
                    ),
                ] {
                    let error = await #expect(throws: PostgresError.self, "\(statement)") {
                        try await dedicated.withConnection { try $0.script(statement) }
                    }
                    #expect(error?.sqlState == state, "\(statement): \(error.map(String.init(describing:)) ?? "")")
                }
                _ = try await dedicated.withConnection { connection in
                    #expect(try connection.revokeSessions(of: user, actor: "server") == 2)
                    try connection.revokeSessions(before: Timestamp(milliseconds: 7), actor: "server")
                }
            }
            let entries = try await env.postgres.withConnection { try $0.controlEntries(after: 0, limit: 9) }
            #expect(
                entries.map(\.entry) == [
                    ControlEntry(sequence: 1, change: .userSessionsRevoked(user, below: 2)),
                    ControlEntry(sequence: 2, change: .sessionsRevoked(before: Timestamp(milliseconds: 7))),
                ]
            )
        }
    }

    /// A database that comes from Postgres 14 lets everybody create in the schema of the tables. Anyone who calls the function
    /// must not choose what it calls, since it runs as the tables' owner.
    @Test func whatAServerPutsBesideTheTablesIsNotCalled() async throws {
        try await SyncEnvironment.with { env in
            let user = try await env.user("jo")
            try await LeastRights.grant(database: env.postgresConfiguration.url)
            try await env.postgres.withConnection { try $0.script("grant create on schema public to public") }
            let url = LeastRights.url(of: env.postgresConfiguration.url, as: .server)
            let dedicated = try await DedicatedPostgresConnection.open(PostgresConfiguration(url: url), logger: testLogger())
            try await stopping({ await dedicated.close() }) {
                _ = try await dedicated.withConnection { connection in
                    // Nearer to what is called than the one that is meant, which takes anything.
                    for arguments in ["text, uuid, text, bigint", "text, bigint"] {
                        try connection.script(
                            """
                            create function public.jsonb_build_object(\(arguments)) returns jsonb language plpgsql as
                            $$ begin raise exception 'called as %', current_user; end $$
                            """
                        )
                    }
                    // Nearer than bigint + bigint of numbers that are none.
                    try connection.script(
                        """
                        create function public.planted(bigint, bigint) returns bigint language plpgsql as
                        $$ begin raise exception 'called as %', current_user; end $$;
                        create operator public.+ (leftarg = bigint, rightarg = bigint, function = public.planted);
                        create operator public.<> (leftarg = boolean, rightarg = boolean, function = pg_catalog.booleq);
                        """
                    )
                    #expect(try connection.revokeSessions(of: user, actor: "server") == 2)
                    try connection.revokeSessions(before: Timestamp(milliseconds: 7), actor: "server")
                }
            }
            #expect(try await env.postgres.withConnection { try $0.lastControlSequence() } == 2)
            // Where the rights are given again nobody but the owner may put anything there.
            try await LeastRights.grant(database: env.postgresConfiguration.url)
            let sql = "select has_schema_privilege('redeem_server', 'public', 'create')"
            #expect(try await env.postgres.withConnection { try !$0.query(sql)[0].decode(0, as: Bool.self) })
        }
    }
}
