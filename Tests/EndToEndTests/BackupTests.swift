import Domain
import Foundation
import LocalStack
import NIOHTTP1
import Persistence
import PostgresClient
import TestSupport
import Testing

/// "Backup and restore" of docs/OPERATIONS.md, step by step: an older dump is put back after operators' acts.
@Suite(.serialized) struct BackupTests {
    @Test func whatWasRedeemedSinceADumpLandsAgain() async throws {
        try await Product.with { product in
            let worker = product.start("sync")
            _ = try await worker.logged("the shard is open")
            let tokens = try await product.seed(users: 8, stock: 100)
            try await product.run("user", "create", "ann", "--password-stdin", input: "correct horse\n")
            let server = try await product.serve()
            var ids: [String] = []
            try await API.with(server.api) { api in
                for token in tokens.prefix(4) { ids.append(try await id(api, token)) }
                try await product.settled()
                try await dump(product)
                // What the dump does not have: redemptions, a coupon and one of it, credit, a user, a pause.
                for token in tokens[4..<8] { ids.append(try await id(api, token)) }
                try await product.run("coupon", "create", "late", "--code", "LATE-2030", "--price", "1", "--total", "9")
                try await product.run("user", "credit", "ann", "--add", "7")
                try await product.run("user", "create", "newcomer", "--password-stdin", input: "correct horse\n")
                try await product.run("coupon", "pause", "late")
                try await product.run("coupon", "resume", "late")
                try await product.applied()
                let late = try await api.send(
                    .POST,
                    "/v1/coupons/late/redemptions",
                    token: tokens[0],
                    body: #"{"code":"LATE-2030"}"#
                )
                #expect(late.status == 201, "\(late.body)")
                try await product.settled()
            }
            // 1: servers and workers stop.
            #expect(await server.process.stop() == 0)
            #expect(await worker.stop() == 0)
            // 2: the dump is put back.
            try await restore(product)
            #expect(try await rows(product) == 4)
            // 3: what only Redis has goes to quarantine.
            let repaired = await redeem("reconcile", "--repair", "--yes", environment: product.environment)
            #expect(repaired.status == 1, "\(repaired.output)")
            #expect(repaired.output.contains("5 redemptions that only Redis has are in quarantine now"), "\(repaired.output)")
            // 4: what fits lands; the coupon that the dump does not have does not.
            let retried = await redeem("quarantine", "retry", "--all", environment: product.environment)
            #expect(retried.status == 1, "\(retried.output)")
            #expect(try await rows(product) == 8)
            #expect(try await stored(product) == Set(ids))
            let left = try await inQuarantine(product)
            try #require(left.count == 1)
            try await product.run("quarantine", "drop", "\(left[0])", "--yes", "--reason", "of a coupon that is gone")
            // 5 and 6: operators do it again, and all goes on.
            try await product.run("user", "credit", "ann", "--add", "7")
            let (again, operations) = try await product.sync()
            let rebuilding = try await again.line(where: {
                $0.contains("rebuilding the shard") && $0.contains("ahead_of_control")
            })
            #expect(rebuilding.contains(" error redeem"))
            #expect(try await again.logged("everybody is logged out").contains(" error redeem"))
            _ = try await again.logged("the shard is open")
            try await API.with(operations) { worker in
                for series in [
                    #"redeem_shard_rebuilds_total{shard="s0",reason="ahead_of_control"}"#,
                    #"redeem_sync_postgres_went_back_total{shard="s0"}"#,
                    #"redeem_sync_everybody_logged_out_total{shard="s0"}"#,
                ] {
                    let count = try await worker.metric(series)
                    #expect(count == 1, "\(series)")
                }
            }
            try await product.run("reconcile")
            let reopened = try await product.serve()
            try await API.with(reopened.api) { api in
                let answer = try await api.redeem(token: tokens[5])
                #expect(answer.status == 401, "\(answer.body)")
            }
            #expect(await reopened.process.stop() == 0)
            #expect(await again.stop() == 0)
        }
    }

    /// The program was upgraded since the dump, and the schema with it.
    @Test func aDumpOfAnEarlierVersionIsPutBack() async throws {
        try await Product.with { product in
            let old = Migrator(migrations: Array(Migration.all.prefix { $0.number <= 3 }))
            try await ask(product) { connection in
                try connection.script("drop schema public cascade; create schema public")
                try old.run(on: connection)
                try connection.script(
                    """
                    insert into users (id, username, name, password_hash, role)
                    values ('00000000-0000-7000-8000-000000000001', 'ann', 'Ann', '!', 'user')
                    """
                )
            }
            try await dump(product)
            // The upgrade, and what is done with it: a table of it refers to one of the dump's.
            try await product.run("migrate")
            try await LeastRights.grant(database: url(product))
            let worker = product.start("sync")
            _ = try await worker.logged("the shard is open")
            let tokens = try await product.seed(users: 1, stock: 100)
            let server = try await product.serve()
            try await API.with(server.api) { api in _ = try await id(api, tokens[0]) }
            try await product.settled()
            #expect(await server.process.stop() == 0)
            #expect(await worker.stop() == 0)
            try await ask(product) {
                try $0.script("insert into imported_users (id, source, name, credit) select id, '1', name, 0 from users")
            }
            let options = "--clean --if-exists --single-transaction --exit-on-error"
            let said = await shell(
                "pg_restore \(options) --dbname '\(url(product))' '\(product.folder)/redeem.dump' 2>&1 && echo done"
            )
            #expect(said.contains("cannot drop constraint users_pkey on table public.users"), "\(said)")

            try await restore(product)
            #expect(try await product.run("user", "show", "ann").contains("Ann"))
            // With the rights that the procedure has given. The coupon and the user of what only Redis has are not in the dump.
            let again = product.start("sync")
            _ = try await again.line(where: { $0.contains("rebuilding the shard") && $0.contains("first_start") })
            _ = try await again.logged("the shard is open")
            #expect(try await inQuarantine(product).count == 1)
            #expect(await again.stop() == 0)
        }
    }

    private func id(_ api: API, _ token: String) async throws -> String {
        let answer = try await api.redeem(token: token)
        return try #require(answer["id"] as? String, "\(answer.body)")
    }

    private func url(_ product: Product) -> String { product.environment["REDEEM_POSTGRES_URL"] ?? "" }

    /// The command of the document.
    private func dump(_ product: Product) async throws {
        let said = await shell(
            "pg_dump --format custom --file '\(product.folder)/redeem.dump' '\(url(product))' 2>&1 && echo done"
        )
        #expect(said == "done\n")
    }

    /// The block of the document, with the names of this test's database and owner.
    private func restore(_ product: Product) async throws {
        let block = try #require(try DocumentBlock.all().first { $0.first.contains("rename to redeem_before") }).text
        let postgres = try await TestStack.shared.postgres()
        let name = try #require(url(product).split(separator: "/").last.map(String.init))
        try await stopping({ try? await postgres.dropDatabase("\(name)_before") }) {
            let process = RedeemProcess(
                [
                    "-c",
                    """
                    set -e -o pipefail; cd \(product.folder); ln -s \(RedeemProcess.program) redeem; PATH=$PWD:$PATH
                    \(block.replacing("database redeem", with: "database \(name)")
                        .replacing("to redeem_before", with: "to \(name)_before")
                        .replacing("owner redeem_owner", with: "owner \(PostgresServer.name)"))
                    rm redeem; echo done
                    """,
                ],
                environment: product.environment.merging(["SUPERUSER": postgres.url(database: "postgres")]) { $1 },
                program: "/bin/bash"
            )
            #expect(await process.exitStatus() == 0, "\(process.output)")
            #expect(process.output.hasSuffix("done\n"), "\(process.output)")
        }
    }

    private func rows(_ product: Product) async throws -> Int { try await stored(product).count }

    private func stored(_ product: Product) async throws -> Set<String> {
        Set(try await ask(product) { try $0.query("select id::text from redemptions").map { try $0.decode(0, as: String.self) } })
    }

    private func inQuarantine(_ product: Product) async throws -> [Int] {
        try await ask(product) { try $0.quarantined(QuarantineFilter(), after: 0, limit: 9).map(\.id) }
    }

    private func ask<T: Sendable>(
        _ product: Product,
        _ question: @escaping @Sendable (PostgresConnection) throws -> T
    ) async throws -> T {
        let dedicated = try await DedicatedPostgresConnection.open(PostgresConfiguration(url: url(product)), logger: testLogger())
        return try await stopping({ await dedicated.close() }) { try await dedicated.withConnection(question) }
    }
}
