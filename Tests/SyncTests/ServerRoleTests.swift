import Domain
import Persistence
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
            let session = try await PostgresSession.open(PostgresConfiguration(url: url), logger: testLogger())
            try await stopping({ await session.close() }) {
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
                        try await session.withConnection { try $0.script(statement) }
                    }
                    #expect(error?.sqlState == state, "\(statement): \(error.map(String.init(describing:)) ?? "")")
                }
                _ = try await session.withConnection { connection in
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
}
