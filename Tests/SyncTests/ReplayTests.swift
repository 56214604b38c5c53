import Domain
import HotPath
import RedisClient
import TestSupport
import Testing

@testable import Sync

/// A Redis whose next start would leave a part of its append-only file out.
@Suite(.serialized) struct ReplayTests {
    /// The worker itself has all the rights that it needs: what is missing is for `default` to replay what servers write.
    private func setRight(_ rule: String, _ env: SyncEnvironment) async throws {
        _ = try await env.client.send(["ACL", "SETUSER", "default", rule])
    }

    @Test func itIsLeftAsItIs() async throws {
        try await SyncEnvironment.with { env in
            try await setRight("-pexpireat", env)
            let log = KeptLog()
            try await env.withWorker(logger: log.logger) {
                try await until("the worker says why") {
                    log.errors.contains {
                        $0.contains("pexpireat {s0}:session:0") && $0.contains("ACL SETUSER default off resetpass ~* &* +@all")
                    }
                }
                let status = try await env.store.status()
                #expect(status.epoch == nil && status.begunEpoch == nil && !status.scriptsLoaded)
                try await setRight("+@all", env)
                try await env.untilOpen(1)
            }
        }
    }

    @Test func oneThatIsOpenIsDrained() async throws {
        try await SyncEnvironment.with { env in
            let coupon = try await env.coupon("sale")
            let user = try await env.user("jo")
            let log = KeptLog()
            var configuration = SyncConfiguration()
            configuration.couponCheckInterval = .milliseconds(20)
            try await env.withWorker(configuration, logger: log.logger) {
                try await env.untilOpen(1)
                let session = try await env.login(user)
                try await setRight("-pexpireat", env)
                try await until("an alarm") {
                    log.errors.contains { $0.hasPrefix("a restart of Redis would drop redemptions") }
                }
                guard case .accepted = try await env.redeem(user, session, coupon) else { throw TestFailure("not accepted") }
                try await env.untilDrained()
                try await until("landed") { try await env.rows() == 1 }
                #expect(log.errors.count == 1, "\(log.errors)")
            }
        }
    }
}
