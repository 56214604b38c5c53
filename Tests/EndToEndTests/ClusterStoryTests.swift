import Foundation
import TestSupport
import Testing

/// What a new user sees who has a Redis Cluster.
@Suite(.serialized) struct ClusterStoryTests {
    @Test func devRunsOnAClusterAndComesBack() async throws {
        try await withTemporaryFolder { folder in
            let command = ["dev", "--cluster", "3", "--dir", "\(folder)/state", "--port", "0"]
            let dev = RedeemProcess(command, environment: ["REDEEM_SCRYPT_LOG_N": "12"])
            let url = String(try await dev.line(startingWith: "ready http://").dropFirst("ready ".count))
            try await API.with(url) { api in
                let token = try await api.login("ada", "redeem-demo")
                #expect(try await api.redeem("welcome", token: token, code: "WELCOME-10").status == 201)
            }
            let settings = try String(contentsOfFile: "\(folder)/state/env", encoding: .utf8)
            #expect(settings.contains("REDEEM_REDIS_URL=cluster://") || settings.contains("REDEEM_REDIS_URL='cluster://"))
            for process in ["serve", "sync"] {
                let doctor = await redeem("doctor", "--for", process, "--config", "\(folder)/state/env")
                #expect(doctor.status == 0, "\(doctor.output)")
                #expect(doctor.output.contains("3 primaries, 3 replicas, 16384 of 16384 slots"), "\(doctor.output)")
                #expect(doctor.output.split(separator: "\n").count { $0.contains("node 127.0.0.1:") } >= 6, "\(doctor.output)")
            }
            // As one Redis, whether it has the slot or not.
            for node in try nodes(in: settings) {
                let doctor = await redeem("doctor", "--for", "serve", "--config", "\(folder)/state/env", "--redis-url", node)
                #expect(doctor.status == 1 && doctor.output.contains("give some nodes of the cluster"), "\(doctor.output)")
            }
            #expect(await dev.stop(SIGINT) == 0)

            let again = RedeemProcess(command, environment: ["REDEEM_SCRYPT_LOG_N": "12"])
            let next = String(try await again.line(startingWith: "ready http://").dropFirst("ready ".count))
            try await API.with(next) { api in
                let token = try await api.login("ada", "redeem-demo")
                #expect(try await api.redeem("welcome", token: token, code: "WELCOME-10").code == "already_redeemed")
            }
            #expect(await again.stop() == 0)
            let refused = await redeem("dev", "--cluster", "2", "--dir", "\(folder)/state")
            #expect(refused.status == 64 && refused.output.contains("--cluster 2 is out of range"))
        }
    }

    /// The three that were primaries at first, each as a URL of its own.
    private func nodes(in settings: String) throws -> [String] {
        let line = try #require(settings.split(separator: "\n").first { $0.hasPrefix("REDEEM_REDIS_URL=") })
        let url = line.dropFirst("REDEEM_REDIS_URL=".count).filter { $0 != "'" }.replacing("cluster://", with: "redis://")
        let at = try #require(url.lastIndex(of: "@"))
        return url[url.index(after: at)...].split(separator: ",").prefix(3).map { String(url[...at] + $0) }
    }
}
