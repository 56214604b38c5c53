import Foundation
import HotPath
import LocalStack
import Persistence
import TestSupport
import Testing

/// The scripts that docker-compose.yml runs, on servers of the test's own.
@Suite(.serialized) struct ComposeScriptsTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "deploy/compose").path
    private static let passwords = ["server": "0a0b", "sync": "0c0d"]

    /// A Redis from the first start on: its users are there again after another one, with another password of the administrator.
    @Test func redisHasItsUsers() async throws {
        try await withTemporaryFolder { folder in
            let rights = await redeem("doctor", "--print-redis-acl").output
            try rights.write(toFile: "\(folder)/redis", atomically: true, encoding: .utf8)
            let said = await shell(
                """
                export RIGHTS=\(folder) REDIS_DATA=\(folder)/data REDIS_HOST=127.0.0.1 REDIS_SERVER_PASSWORD=0a0b REDIS_SYNC_PASSWORD=0c0d
                mkdir $REDIS_DATA
                export REDIS_PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
                start() {
                    export REDIS_PASSWORD=$1
                    sh \(Self.folder)/redis.sh --bind 127.0.0.1 --port $REDIS_PORT >/dev/null 2>&1 & server=$!
                    until REDISCLI_AUTH=$1 redis-cli -p $REDIS_PORT --user admin ping 2>/dev/null | grep -q PONG; do sleep 0.05; done
                }
                as() { REDISCLI_AUTH=$2 redis-cli -p $REDIS_PORT --user $1 "${@:3}" 2>&1; }
                start first
                sh \(Self.folder)/redis-users.sh && sh \(Self.folder)/redis-users.sh && echo made
                as redeem-server 0a0b PING
                as redeem-server 0a0b FLUSHALL
                kill $server; wait $server
                start second
                as redeem-sync 0c0d PING
                as admin first PING
                as admin second CONFIG GET requirepass | tail -1
                redis-cli -p $REDIS_PORT PING
                echo 'ACL SETUSER redeem-sync +nonsense' >>$RIGHTS/redis
                sh \(Self.folder)/redis-users.sh 2>&1 || echo refused
                kill $server; wait $server
                """
            )
            let lines = said.split(separator: "\n").map(String.init)
            #expect(lines.count == 9, "\(said)")
            #expect(lines.prefix(2) == ["made", "PONG"] && lines[2].hasPrefix("NOPERM"), "\(said)")
            #expect(lines[3] == "PONG" && lines[4].contains("WRONGPASS"), "\(said)")
            #expect(said.contains("NOAUTH") && said.contains("nonsense") && said.hasSuffix("refused\n"), "\(said)")
        }
    }

    @Test func postgresHasItsRoles() async throws {
        try await withPostgres { postgres in
            try await withTemporaryFolder { folder in
                let url = postgres.url(database: "postgres")
                let rights = await redeem("doctor", "--print-postgres-roles").output
                try rights.write(toFile: "\(folder)/postgres.sql", atomically: true, encoding: .utf8)
                let migrated = await redeem("migrate", environment: ["REDEEM_POSTGRES_URL": url])
                try #require(migrated.status == 0, "\(migrated.output)")
                let said = await shell(
                    """
                    export RIGHTS=\(folder) POSTGRES_HOST=127.0.0.1 POSTGRES_PORT=\(postgres.port) POSTGRES_DB=postgres
                    export POSTGRES_PASSWORD=\(postgres.password) POSTGRES_SERVER_PASSWORD=0a0b POSTGRES_SYNC_PASSWORD=0c0d
                    sh \(Self.folder)/postgres-roles.sh 2>&1 && sh \(Self.folder)/postgres-roles.sh 2>&1 && echo made
                    """
                )
                #expect(said.hasSuffix("made\n"), "\(said)")
                for (name, password) in Self.passwords {
                    let own = url.replacing(#/:\/\/[^@]*@/#, with: "://redeem_\(name):\(password)@")
                    #expect(try await texts("select current_user::text", at: own) == ["redeem_\(name)"])
                }
            }
        }
    }
}
