import Foundation
import NIOHTTP1
import Testing
import TestSupport

/// What a new user sees: `redeem dev`, its banner, and every refusal of the demo data.
@Suite(.serialized) struct DemoStoryTests {
    @Test func thePastedCurlLinesWork() async throws {
        try await withTemporaryFolder { folder in
            let dev = RedeemProcess(
                ["dev", "--dir", "\(folder)/state", "--port", "0"],
                environment: ["REDEEM_SCRYPT_LOG_N": "12"]
            )
            let ready = try await dev.line(startingWith: "ready http://")
            #expect(dev.output.split(separator: "\n").last.map(String.init) == ready)
            let curls = dev.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
                .filter { $0.hasPrefix("TOKEN=") || $0.hasPrefix("curl ") }
            #expect(curls.count == 4)
            let pasted = await shell(curls.joined(separator: "\n"))
            #expect(pasted.contains("HTTP/1.1 201 Created"))
            #expect(pasted.contains("HTTP/1.1 409 Conflict"))
            #expect(pasted.contains("already_redeemed"))
            #expect(pasted.contains(#""available":90"#))

            let mode = try FileManager.default.attributesOfItem(atPath: "\(folder)/state/env")[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let sourced = await shell(
                "set -a; . \(folder)/state/env; redis-cli -u $REDEEM_REDIS_URL ping; psql $REDEEM_POSTGRES_URL -Atc 'select 40 + 2'; echo $REDEEM_HTTP_URL"
            )
            #expect(sourced.contains("PONG"))
            #expect(sourced.contains("42"))
            #expect(sourced.contains(ready.dropFirst("ready ".count)))

            let servers = await shell("ps -e -o pid=,args= | grep -F '\(folder)' | grep -v grep || true")
            #expect(servers.contains("postgres"))
            let pids = try await serverPIDs(folder)
            #expect(pids.count == 2)
            #expect(await dev.stop(SIGINT) == 0)
            for pid in pids { #expect(kill(pid, 0) == -1 && errno == ESRCH, "server \(pid) is still there") }

            // State survives a restart; --reset forgets it.
            let again = RedeemProcess(
                ["dev", "--dir", "\(folder)/state", "--port", "0"],
                environment: ["REDEEM_SCRYPT_LOG_N": "12"]
            )
            let url = String(try await again.line(startingWith: "ready http://").dropFirst("ready ".count))
            try await API.with(url) { api in
                let token = try await api.login("ada", "redeem-demo")
                #expect(try await api.redeem("welcome", token: token, code: "WELCOME-10").code == "already_redeemed")
            }
            #expect(await again.stop() == 0)
            let fresh = RedeemProcess(
                ["dev", "--dir", "\(folder)/state", "--port", "0", "--reset"],
                environment: ["REDEEM_SCRYPT_LOG_N": "12"]
            )
            let freshURL = String(try await fresh.line(startingWith: "ready http://").dropFirst("ready ".count))
            try await API.with(freshURL) { api in
                try await refusals(api)
            }
            #expect(await fresh.stop() == 0)
        }
    }

    /// Anyone who measures or torments the parts starts each of them alone.
    @Test func storesAloneServeAServerAndAWorkerThatOthersStart() async throws {
        try await withTemporaryFolder { folder in
            let stores = RedeemProcess(["dev", "--stores-only", "--dir", "\(folder)/state"])
            let ready = try await stores.line(startingWith: "ready stores ")
            #expect(ready == "ready stores \(folder)/state/env")
            let config = ["--config", "\(folder)/state/env"]
            let sync = RedeemProcess(["sync"] + config)
            _ = try await sync.logged("the shard is open")
            let server = RedeemProcess(["serve", "--port", "0", "--ops-port", "0"] + config)
            let url = try await server.line(startingWith: "ready http://").split(separator: " ")[1]
            let readiness = try await API.with(String(url)) { try await $0.send(.GET, "/readyz") }
            #expect(readiness.status == 200)
            #expect(await server.stop() == 0)
            #expect(await sync.stop() == 0)
            let pids = try await serverPIDs(folder)
            #expect(await stores.stop(SIGINT) == 0)
            for pid in pids { #expect(kill(pid, 0) == -1 && errno == ESRCH, "server \(pid) is still there") }
            let refused = await redeem("dev", "--stores-only", "--port", "9000", "--dir", "\(folder)/state")
            #expect(refused.status == 64)
            #expect(refused.output.contains("--stores-only has no server to give a port"))
        }
    }

    private func refusals(_ api: API) async throws {
        let ada = try await api.login("ada", "redeem-demo")
        let cleo = try await api.login("cleo", "redeem-demo")
        let eve = try await api.login("eve", "redeem-demo")

        let accepted = try await api.redeem("welcome", token: ada, code: "WELCOME-10")
        #expect(accepted.status == 201)
        #expect(accepted["price"] as? Int == 10)
        func expect(_ coupon: String, _ token: String, _ code: String, _ status: Int, _ problem: String) async throws {
            let answer = try await api.redeem(coupon, token: token, code: code)
            #expect(answer.status == status, "\(coupon): \(answer.body)")
            #expect(answer.code == problem)
            #expect(answer.headers["Content-Type"].first?.hasPrefix("application/problem+json") == true)
        }
        try await expect("welcome", ada, "WELCOME-10", 409, "already_redeemed")
        try await expect("welcome", eve, "WELCOME-10", 402, "insufficient_credit")
        try await expect("welcome", cleo, "WELCOME-11", 422, "wrong_code")
        #expect(try await api.redeem("last-seat", token: ada, code: "SEAT-50").status == 201)
        try await expect("last-seat", cleo, "SEAT-50", 409, "sold_out")
        try await expect("summer", ada, "SUMMER-5", 410, "coupon_ended")
        try await expect("backstage", ada, "BACKSTAGE-20", 409, "coupon_paused")
        try await expect("jubilee", ada, "JUBILEE-1", 409, "coupon_not_started")
        try await expect("nowhere", ada, "WELCOME-10", 404, "coupon_not_found")
        try await expect("welcome", ada + "x", "WELCOME-10", 401, "token_invalid")

        // By the code alone.
        let byCode = try await api.send(.POST, "/v1/redemptions", token: cleo, body: #"{"code":"WELCOME-10"}"#)
        #expect(byCode.status == 201)
        #expect(byCode["coupon"] as? String == "welcome")

        // Logging out ends the session on the hot path at once.
        #expect(try await api.send(.POST, "/v1/auth/logout", token: cleo).status == 204)
        try await expect("welcome", cleo, "WELCOME-10", 401, "session_revoked")
    }

    /// Redis and Postgres that run with data below the folder.
    private func serverPIDs(_ folder: String) async throws -> [Int32] {
        let lines = await shell("ps -e -o pid=,args=")
        let ports = try String(contentsOfFile: "\(folder)/state/env", encoding: .utf8)
            .split(separator: "\n").compactMap {
                $0.hasPrefix("REDEEM_REDIS_URL") ? $0.split(separator: ":").last.map(String.init) : nil
            }
        return lines.split(separator: "\n").compactMap { line in
            let isRedis = line.contains("redis-server") && ports.contains { line.contains(":\($0)") }
            let isPostgres = line.contains("/postgres -D") && line.contains(folder)
            guard isRedis || isPostgres, !line.contains("sh -c") else { return nil }
            return line.split(separator: " ").first.flatMap { Int32($0) }
        }
    }
}
