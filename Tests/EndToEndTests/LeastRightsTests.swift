import Foundation
import HotPath
import LocalStack
import NIOHTTP1
import NIOPosix
import Persistence
import PostgresClient
import RedisClient
import Testing
import TestSupport

/// The rights that `redeem doctor --print-acl` prints: enough for all that the processes do, and for nothing else. All
/// other tests of this target run servers and workers with them too.
@Suite(.serialized) struct LeastRightsTests {
    private static let password = "correct horse"

    /// Rights for what the story below has no occasion to do: another database than 0, what a failover takes, a cluster,
    /// and to read the users that an earlier version left.
    private static let unused = ["cluster|nodes", "cluster|slots", "hgetall", "role", "select", "wait"]

    @Test func theyAreEnoughAndNoneIsTooMany() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            // Their hashes cost less than the server's, so that logins replace them.
            let cheap = product.environment.merging(["REDEEM_SCRYPT_LOG_N": "4"]) { $1 }
            for (user, role) in [("ann", "user"), ("bob", "user"), ("root", "admin")] {
                let create = ["user", "create", user, "--password-stdin", "--credit", "100", "--role", role]
                let made = await redeem(create, environment: cheap, input: "\(Self.password)\n")
                try #require(made.status == 0, "\(made.output)")
            }
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            // Through the control log, as the other changes are.
            try await product.run("coupon", "create", "sale", "--code", Product.code, "--price", "10", "--total", "1")
            try await product.run("coupon", "pause", "sale")
            try await product.run("coupon", "resume", "sale")
            try await product.run("coupon", "restock", "sale", "--by", "5")
            try await API.with(server.api) { api in
                let (ann, refresh) = try await buy(api)
                try await product.run("user", "credit", "ann", "--add", "5")
                try await product.settled()
                try await endSessions(api, product, ann: ann, refresh: refresh)
            }
            #expect(await redeem("doctor", environment: product.environment(.server, .server)).output.contains("good   Redis"))

            // What operators did is not to be on its way to a Redis that is emptied.
            try await product.applied()
            try await product.emptyRedis()
            _ = try await sync.line(where: { $0.contains("the shard is open") && $0.contains("epoch=2") })
            try await API.with(server.api) { api in
                let ann = try await api.login("ann", Self.password)
                #expect(try await api.redeem(token: ann).code == "already_redeemed")
                let bob = try await api.login("bob", Self.password)
                #expect(try await api.redeem(token: bob).status == 201)
            }
            try await product.settled()
            try await nothingWasRefusedAndNothingIsIdle(product)
            #expect(await server.process.stop() == 0)
            #expect(await sync.stop() == 0)
        }
    }

    /// Log in, buy, look, refresh.
    private func buy(_ api: API) async throws -> (access: String, refresh: String) {
        let body = #"{"username":"ann","password":"\#(Self.password)"}"#
        let login = try await api.send(.POST, "/v1/auth/login", body: body)
        let access = try #require(login["access_token"] as? String, "\(login.body)")
        let first = try #require(login["refresh_token"] as? String)
        #expect(try await api.send(.POST, "/v1/auth/login", body: body.replacing("horse", with: "cow")).status == 401)
        #expect(try await api.redeem(token: access, code: "WRONG").code == "wrong_code")
        let bought = try await api.send(.POST, "/v1/redemptions", token: access, body: #"{"code":"\#(Product.code)"}"#)
        let id = try #require(bought["id"] as? String, "\(bought.body)")
        for path in [
            "/v1/me", "/v1/me/redemptions", "/v1/coupons", "/v1/coupons/sale", "/v1/redemptions/\(id)", "/v1/auth/sessions",
        ] {
            let answer = try await api.send(.GET, path, token: access)
            #expect(answer.status == 200, "\(path): \(answer.body)")
        }
        let refreshed = try await api.send(.POST, "/v1/auth/refresh", body: #"{"refresh_token":"\#(first)"}"#)
        return (
            try #require(refreshed["access_token"] as? String, "\(refreshed.body)"),
            try #require(refreshed["refresh_token"] as? String)
        )
    }

    /// Each way that a session ends in.
    private func endSessions(_ api: API, _ product: Product, ann: String, refresh: String) async throws {
        let root = try await api.login("root", Self.password)
        #expect(try await api.send(.GET, "/v1/admin/users/ann/sessions", token: root).status == 200)
        #expect(try await api.send(.POST, "/v1/auth/logout", token: ann).status == 204)
        #expect(try await api.send(.POST, "/v1/auth/refresh", body: #"{"refresh_token":"\#(refresh)"}"#).status == 401)
        for _ in 0..<2 { _ = try await api.login("ann", Self.password) }
        #expect(try await api.send(.DELETE, "/v1/auth/sessions", token: try await api.login("ann", Self.password)).status == 204)
        _ = try await api.login("ann", Self.password)
        #expect(try await api.send(.DELETE, "/v1/admin/users/ann/sessions", token: root).status == 204)
        // By the worker alone: the control log tells it.
        try await product.run("user", "role", "bob", "admin")
        try await product.run("user", "role", "bob", "user")
        let end = "/v1/admin/sessions?issued_before=2020-01-01T00:00:00Z"
        #expect(try await api.send(.DELETE, end, token: root).status == 204)
    }

    /// What Redis refused to the two users, and rights that nobody had a use for.
    private func nothingWasRefusedAndNothingIsIdle(_ product: Product) async throws {
        try await product.inRedis { client in
            let refused = try await client.send(["ACL", "LOG"])
            #expect(refused == .array([]), "\(refused)")
            let statistics = try #require(try await client.send(["INFO", "commandstats"]).string)
            let called = Set(statistics.matches(of: /cmdstat_([a-z|_]+):/).map { String($0.output.1) })
            let allowed = RedisUser.allCases.flatMap { $0.command() }.joined(separator: " ")
                .matches(of: /\+([a-z|_]+)/).map { String($0.output.1) }
            #expect(Set(allowed).subtracting(called).sorted() == Self.unused)
        }
    }

    @Test func redisAllowsNothingElse() async throws {
        try await Product.with { product in
            let both = [
                ["FLUSHALL"], ["CONFIG", "SET", "appendfsync", "no"], ["CONFIG", "REWRITE"], ["KEYS", "*"], ["SHUTDOWN"],
                ["ACL", "LIST"], ["GET", "other"], ["SET", "{s0}:record", "x"], ["DEL", "{s0}:users:coupon:y:", "other"],
                ["XADD", "{s0}:outbox", "MAXLEN", "0", "*", "a", "b"], ["EXPIRE", "{s0}:record", "1"],
                ["RENAME", "{s0}:record", "x"],
                ["XTRIM", "{s1}:outbox", "MAXLEN", "0"], ["HGETALL", "{s0}:session:x"], ["SUBSCRIBE", "x"], ["MONITOR"],
                ["CLIENT", "KILL", "ID", "1"],
            ]
            let refused: [RedisUser: [[String]]] = [
                .server: [
                    ["DEL", "{s0}:coupon:x"], ["DEL", "{s0}:record"], ["DEL", "{s0}:users"], ["HDEL", "{s0}:users", "x"],
                    ["DEL", "{s0}:outbox"], ["UNLINK", "{s0}:coupon:x"],
                    ["SET", "{s0}:fence", "9"], ["XTRIM", "{s0}:outbox", "MAXLEN", "0"], ["SCRIPT", "LOAD", "return 1"],
                    ["SCRIPT", "FLUSH"], ["EVAL", "return 1", "0"], ["HSET", "{s0}:record", "epoch", "9"],
                    ["SET", "{s0}:shard", "x"], ["HGETALL", "{s0}:users"],
                ],
                .sync: [
                    ["SET", "{s0}:logins:username:x", "1"], ["HSET", "{s0}:session:x", "user", "y"], ["DEL", "{s0}:users"],
                    ["HSET", "{s0}:user:x", "epoch", "1"],
                    ["ZADD", "{s0}:sessions:x", "1", "y"],
                ],
            ]
            for user in RedisUser.allCases {
                try await product.inRedis(as: user) { client in
                    for command in both + (refused[user] ?? []) where command[0] != "XADD" || user == .sync {
                        do {
                            Issue.record("\(user.rawValue): \(command) gave \(try await client.send(command))")
                        } catch let error as RedisError {
                            #expect(error.serverPrefix == "NOPERM", "\(user.rawValue): \(command): \(error)")
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: [
        (
            PostgresRole.server,
            [
                "delete from redemptions", "truncate redemptions", "update users set role = 'admin'",
                "insert into redemptions select * from redemptions", "update coupons set redeemed = 0", "delete from control_log",
                "update control_log set actor = 'x'",
                "insert into control_log (seq, kind, payload, actor) values (9, 'credit_granted', '{}', '')",
                "insert into credit_grants (user_id, amount, reason, actor) values (null, 1, '', '')",
                "update outbox_cursor set epoch = 9", "delete from users", "select * from quarantine", "drop table redemptions",
                "create table more ()", "update schema_migrations set name = ''", "update service_keys set id = 'x'",
                "alter role redeem_server superuser",
            ]
        ),
        (
            .sync,
            [
                "delete from redemptions", "update redemptions set price = 0", "select password_hash from users",
                "update users set version = 2", "insert into coupons select * from coupons", "update coupons set total = 1",
                "delete from quarantine", "insert into control_log select * from control_log", "delete from outbox_cursor",
                "select balance from balances", "create table more ()",
            ]
        ),
    ])
    func postgresAllowsNothingElse(role: PostgresRole, statements: [String]) async throws {
        try await Product.with { product in
            let url = product.environment(.server, role)["REDEEM_POSTGRES_URL"] ?? ""
            let dedicated = try await DedicatedPostgresConnection.open(PostgresConfiguration(url: url), logger: testLogger())
            for statement in statements {
                let error = await #expect(throws: PostgresError.self, "\(statement)") {
                    try await dedicated.withConnection { try $0.script(statement) }
                }
                #expect(error?.sqlState == "42501", "\(statement): \(error.map(String.init(describing:)) ?? "")")
            }
            await dedicated.close()
        }
    }

    @Test func theyArePrinted() async throws {
        let redis = await redeem("doctor", "--print-redis-acl").output
        let commands = RedisUser.allCases.map { $0.command() } + [ReplayRights.command]
        #expect(redis.split(separator: "\n").map(String.init) == commands.map { $0.joined(separator: " ") })
        let postgres = await redeem("doctor", "--print-postgres-roles").output
        #expect(postgres == "\\set ON_ERROR_STOP on\n" + PostgresRole.script)
        let both = await redeem("doctor", "--print-acl")
        #expect(both.status == 0)
        #expect(both.output.contains(redis) && both.output.contains(postgres))
        // As redis-cli reads it, and as psql does.
        try await Product.with { product in
            let (file, url) = ("\(product.folder)/rights", product.environment["REDEEM_POSTGRES_URL"] ?? "")
            try redis.write(toFile: "\(file).redis", atomically: true, encoding: .utf8)
            try postgres.write(toFile: "\(file).sql", atomically: true, encoding: .utf8)
            let answers = await shell("redis-cli -u \(product.redis.url) <\(file).redis 2>&1 | sort | uniq -c")
            #expect(
                answers.split(separator: "\n").filter { !$0.contains("Warning") }.map { $0.trimmingCharacters(in: .whitespaces) }
                    == ["3 OK"]
            )
            // Twice: it may be run again.
            let said = await shell("psql -q -d '\(url)' -f \(file).sql -f \(file).sql 2>&1 && echo done")
            #expect(said == "done\n")
            // As the owner on a managed Postgres, who is no superuser and may create roles.
            let owner = """
                create role managed login createrole password 'm';
                do $$ declare found record; begin
                    execute format('alter database %I owner to managed', current_database());
                    for found in select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v') loop
                        execute format('alter table public.%I owner to managed', found.relname);
                    end loop;
                end $$;
                alter function end_sessions(uuid, bigint, bigint, text) owner to managed;
                """
            try await run(owner, at: url)
            let managed = url.replacing(#/:\/\/[^@]*@/#, with: "://managed:m@")
            let again = await shell("psql -q -d '\(managed)' <\(file).sql 2>&1 && echo done")
            #expect(again == "done\n")
            // What fails ends with an exit code, also through a pipe.
            let failed = await shell(
                "psql -q -d '\(url.replacing(#/[^\/]+$/#, with: "postgres"))' <\(file).sql >/dev/null 2>&1; echo $?"
            )
            #expect(failed == "3\n")
            try await run("reassign owned by managed to current_user; drop owned by managed; drop role managed", at: url)
        }
    }
}
