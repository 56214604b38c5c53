import Foundation
import NIOHTTP1
import Testing
import TestSupport

/// `redeem bench` as people run it. Rates are low: these tests are about what it finds, not how fast anything is.
@Suite(.serialized) struct BenchCommandTests {
    private struct Report: Decodable {
        struct Check: Decodable {
            let promise: String
            let holds: Bool?
        }

        struct Result: Decodable {
            struct Kind: Decodable {
                struct Count: Decodable {
                    struct Outcome: Decodable {
                        let name: String
                    }

                    let outcome: Outcome
                    let count: Int
                }

                let name: String
                let wholeRun: [Count]
            }

            let kinds: [Kind]
            let notSent: Int
        }

        let checks: [Check]
        let result: Result

        func count(_ outcome: String) -> Int {
            result.kinds.flatMap(\.wholeRun).filter { $0.outcome.name == outcome }.reduce(0) { $0 + $1.count }
        }
    }

    /// What a bench starts itself has it too. A machine that stands still for a moment is no Redis that does not answer.
    private static let patient = ["REDEEM_SCRYPT_LOG_N": "10", "REDEEM_REDIS_DEADLINE_MS": "10000"]

    private func report(_ file: String) throws -> Report {
        try JSONDecoder().decode(Report.self, from: Data(contentsOf: URL(fileURLWithPath: file)))
    }

    @Test func aLocalFlashSaleIsMadeMeasuredAndChecked() async throws {
        try await withTemporaryFolder { folder in
            let (json, html) = ("\(folder)/run.json", "\(folder)/run.html")
            let run = await redeem(
                "bench",
                "--local",
                "--rate",
                "200",
                "--duration",
                "2s",
                "--warmup",
                "500ms",
                "--stock",
                "300",
                "--json",
                json,
                "--html",
                html,
                environment: Self.patient
            )
            #expect(run.status == 0, "\(run.output)")
            let report = try report(json)
            #expect(report.count("201") == 300)
            #expect(report.count("sold_out") == 200)
            #expect(report.checks.count == 13)
            #expect(report.checks.allSatisfy { $0.holds == true }, "\(report.checks)")
            #expect(run.output.contains("holds   successes = min(stock, users)  (300 successes, stock 300, 500 users asked)"))
            #expect(try String(contentsOfFile: html, encoding: .utf8).contains("<h2>Stock</h2>"))
        }
    }

    @Test func everyScenarioRuns() async throws {
        for arguments in [
            ["storm", "--users", "200"], ["repeat", "--users", "50"], ["refresh", "--users", "50"], ["login", "--rate", "20"],
            ["mixed", "--users", "300", "--threads", "2", "--mix", "redeem=4,repeat=2,refresh=2,browse=1,login=1"],
            ["redeem", "--closed", "--users", "500", "--no-idempotency-keys", "--durability", "relaxed"],
        ] {
            let process = RedeemProcess(
                ["bench"] + arguments + ["--local", "--duration", "2s", "--warmup", "0s", "--fail-if", "errors>0"]
                    + (arguments.contains("--closed") || arguments.contains("--rate") ? [] : ["--rate", "200"]),
                environment: Self.patient
            )
            #expect(await process.exitStatus() == 0, "\(arguments): \(process.output)")
        }
    }

    @Test func aServerThatSomebodyElseRunsIsChecked() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve(with: Self.patient)
            _ = try await sync.logged("the shard is open")
            _ = try await product.seed(users: 300, stock: 100)
            let load = [
                "bench", "--url", server.api, "--tokens", "\(product.folder)/tokens", "--coupon", "sale", "--code", Product.code,
                "--rate", "200", "--warmup", "0s", "--duration", "5s",
            ]
            let json = "\(product.folder)/run.json"
            let known = RedeemProcess(load + ["--json", json], environment: product.environment)
            #expect(await known.exitStatus() == 0, "\(known.output)")
            #expect(try report(json).count("201") == 100)
            #expect(try report(json).checks.allSatisfy { $0.holds == true })

            // The same users again, and only what the API and the operations port say.
            let unknown = RedeemProcess(load + ["--json", json, "--ops-url", server.operations])
            #expect(await unknown.exitStatus() == 0, "\(unknown.output)")
            #expect(try report(json).count("already_redeemed") == 100)
            #expect(try report(json).checks.contains { $0.holds == nil && $0.promise == "rows in Postgres = successes" })
            #expect(unknown.output.contains("credit and redemptions of users are as they were answered  (200 users looked up)"))
        }
    }

    /// Somebody who redeems beside the load makes the sums wrong, which is what a sale that sells twice would do.
    @Test func sumsThatDoNotAddUpFailTheRun() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve(with: Self.patient)
            _ = try await sync.logged("the shard is open")
            let tokens = try await product.seed(users: 203, stock: 1_000)
            let file = "\(product.folder)/some"
            try tokens.prefix(200).joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
            let load = product.start(
                "bench",
                "--url",
                server.api,
                "--tokens",
                file,
                "--coupon",
                "sale",
                "--code",
                Product.code,
                // So slowly that it goes on when the others redeem.
                "--rate",
                "20",
                "--warmup",
                "0s",
                "--duration",
                "15s",
                "--json",
                "\(product.folder)/run.json"
            )
            try await API.with(server.api) { api in
                try await until("the load has begun") {
                    try await api.send(.GET, "/v1/coupons/sale", token: tokens[0])["left"] as? Int != 1_000
                }
                for token in tokens.suffix(3) { #expect(try await api.redeem(token: token).status == 201) }
            }
            #expect(await load.exitStatus() == 1)
            let broken = try report("\(product.folder)/run.json").checks.filter { $0.holds == false }.map(\.promise)
            #expect(broken == ["stock taken = successes", "rows in Postgres = successes"])
            #expect(load.output.contains("BROKEN  stock taken = successes  (1000 − 797 = 203, 200 successes)"))
        }
    }

    @Test func aConditionThatHoldsFailsTheRunAndSoDoAnswersThatNobodyWants() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve(with: Self.patient)
            _ = try await sync.logged("the shard is open")
            _ = try await product.seed(users: 100, stock: 1_000)
            func load(_ code: String, _ more: String...) -> RedeemProcess {
                let arguments = [
                    "bench", "--url", server.api, "--tokens", "\(product.folder)/tokens", "--coupon", "sale", "--code", code,
                    "--rate", "100", "--warmup", "0s", "--duration", "500ms",
                ]
                return RedeemProcess(arguments + more, environment: product.environment)
            }
            let json = "\(product.folder)/before.json"
            let slow = load(Product.code, "--fail-if", "p99>1us", "--fail-if", "errors>0", "--json", json)
            #expect(await slow.exitStatus() == 99)
            #expect(slow.output.contains("FAILED  p99>1us: p99 is"))
            #expect(!slow.output.contains("FAILED  errors>0"))

            // Beside that run: no machine is a hundred times as fast or slow as a moment before.
            let same = load(Product.code, "--baseline", json, "--fail-if", "rate<0.01x", "--fail-if", "errors>1x")
            #expect(await same.exitStatus() == 0, "\(same.output)")
            #expect(same.output.contains("baseline     rate "), "\(same.output)")
            let less = load(
                Product.code,
                "--baseline",
                json,
                "--fail-if",
                "rate<99x",
                "--fail-if",
                "rate<1/s",
                "--connections",
                "8"
            )
            #expect(await less.exitStatus() == 99)
            #expect(less.output.contains("FAILED  rate<99x: rate is "), "\(less.output)")
            #expect(less.output.contains("the baseline is another kind of run: connections 64, now 8"), "\(less.output)")
            #expect(!less.output.contains("FAILED  rate<1/s"))

            // A promise that is broken is worse than a condition that holds.
            let wrong = load("WRONG", "--fail-if", "errors>0")
            #expect(await wrong.exitStatus() == 1)
            #expect(wrong.output.contains("BROKEN  requests were answered as the scenario expects  (0 of 50)"), "\(wrong.output)")
            #expect(wrong.output.contains("wrong_code (422) 50, 100.0 %  unexpected"))
        }
    }

    @Test func requestsOfAFileAreReplayedOnceEach() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve(with: Self.patient)
            _ = try await sync.logged("the shard is open")
            let tokens = try await product.seed(users: 50, stock: 40)
            let file = "\(product.folder)/requests"
            let lines = tokens.map { token in
                "POST /v1/coupons/sale/redemptions\t{\"code\":\"\(Product.code)\"}\tContent-Type: application/json"
                    + "\tAuthorization: Bearer \(token)"
            }
            func write(_ lines: [String]) throws {
                try lines.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
            }
            try write(lines)
            func replay(_ more: String...) -> RedeemProcess {
                let arguments = [
                    "bench", "replay", "--url", server.api, "--requests", file, "--warmup", "0s", "--json",
                    "\(product.folder)/run.json",
                ]
                return RedeemProcess(arguments + more)
            }
            let open = replay("--rate", "200", "--duration", "5s", "--expect", "201")
            #expect(await open.exitStatus() == 0, "\(open.output)")
            #expect(try report("\(product.folder)/run.json").count("expected") == 40)
            #expect(try report("\(product.folder)/run.json").count("sold_out") == 10)
            // Without a key, a user who asks within 100 ms after somebody was told sold_out is told the same.
            try write(lines.enumerated().map { "\($1)\tIdempotency-Key: again-\($0)" })
            let closed = replay("--closed", "--threads", "2", "--expect", "already_redeemed", "--fail-if", "errors>10")
            #expect(await closed.exitStatus() == 0, "\(closed.output)")
            #expect(try report("\(product.folder)/run.json").count("expected") == 40)
            let wrong = replay("--closed", "--expect", "accepted")
            #expect(await wrong.exitStatus() == 1)
            #expect(wrong.output.contains("BROKEN  requests were answered as the scenario expects  (0 of 50)"), "\(wrong.output)")
        }
    }

    @Test func controlCEndsTheLoadAndTheFiguresFollow() async throws {
        let process = RedeemProcess(["bench", "storm", "--local", "--rate", "100", "--users", "100", "--duration", "600s"])
        _ = try await process.line(where: { $0.hasPrefix("5 s") })
        #expect(await process.stop(SIGINT) == 0, "\(process.output)")
        #expect(process.output.contains("holds   no user twice"))
    }

    @Test func wrongUseExitsWith64AndAServerThatIsNotThereWith69() async throws {
        try await withTemporaryFolder { folder in
            let (empty, one) = ("\(folder)/empty", "\(folder)/one")
            try "\n".write(toFile: empty, atomically: true, encoding: .utf8)
            try "token\n".write(toFile: one, atomically: true, encoding: .utf8)
            func refused(_ arguments: [String], status: Int32 = 64, _ text: String) async {
                let process = RedeemProcess(["bench"] + arguments)
                #expect(await process.exitStatus() == status, "\(arguments): \(process.output)")
                #expect(process.output.contains(text), "\(arguments): \(process.output)")
            }
            let url = ["--url", "http://127.0.0.1:9"]
            let sale = url + ["--coupon", "sale", "--code", "C"]
            await refused(["--local", "--rate", "0"], "--rate 0 is out of range")
            await refused(["flood", "--local"], "'flood' is invalid for '<scenario>'")
            await refused(sale + ["--tokens", "\(folder)/nowhere"], "cannot read '\(folder)/nowhere'")
            await refused(sale + ["--tokens", empty], "'\(empty)' has no access tokens")
            await refused(sale + ["--tokens", one], status: 69, "http://127.0.0.1:9 does not answer")
            await refused(url, "--coupon is missing")
            await refused(["refresh"] + url, "--refresh-tokens is missing")
            await refused(["refresh"] + url + ["--refresh-tokens", one], status: 69, "http://127.0.0.1:9 does not answer")
            await refused(["replay"] + url, "--requests is missing")
            await refused(["replay"] + url + ["--requests", one], "'\(one)', line 1 is no request")
            await refused(["login"] + url + ["--logins", one], "line 1 of '\(one)' has no space")
        }
    }
}
