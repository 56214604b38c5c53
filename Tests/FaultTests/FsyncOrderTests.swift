import Domain
import Foundation
import HotPath
import LocalStack
import NIOPosix
import RedisClient
import Subprocess
import SystemPackage
import TestSupport
import Testing

/// `kill -9` leaves the page cache to the kernel, so no killed process shows what a lost machine would take. The order of Redis's
/// system calls does: what is acknowledged is on the disk before, or not.
@Suite struct FsyncOrderTests {
    private static let alone = 20
    private static let together = 300

    /// Runs real redemptions on a redis-server under strace, and reads what it did.
    private func order(_ policy: RedisOptions.FsyncPolicy) async throws -> (order: FsyncOrder, accepted: [RedemptionID]) {
        var options = RedisOptions()
        options.appendFsync = policy
        options.launcher = FsyncOrder.launcher(file: "trace")
        return try await withShard(options) { shard in
            let coupons = try (0..<4).map { try #require(CouponID("coupon-\($0)")) }
            try await shard.open(coupons.map { .test($0.description, total: 1000) })
            var users: [TestUser] = []
            for _ in 0..<FsyncOrderTests.together { users.append(try await shard.addUser()) }
            // One connection: replies and append-only file are then in the same order.
            let client = RedisClient(
                configuration: try .forTests(shard.redis.url),
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
                logger: testLogger()
            )
            try await client.connect()
            let hotPath = HotPath(client: client)
            var accepted: [RedemptionID] = []
            for user in users.prefix(FsyncOrderTests.alone) {
                accepted.append(try await hotPath.redeem(user.request(coupons[0])).accepted)
            }
            // So many at once that calls of several redemptions for several coupons are under way.
            try await withThrowingTaskGroup(of: RedemptionID.self) { group in
                for (place, user) in users.enumerated() {
                    group.addTask { try await hotPath.redeem(user.request(coupons[1 + place % 3])).accepted }
                }
                for try await id in group { accepted.append(id) }
            }
            await client.close()
            // strace is gone when the server is, and has written all by then.
            await shard.redis.stop()
            let trace = try String(contentsOfFile: "\(shard.redis.directory)/trace", encoding: .utf8)
            return (FsyncOrder(trace: trace), accepted)
        }
    }

    @Test(.enabled("ptrace is not permitted here, so the order of fdatasync and reply was NOT proven", tracingIsPermitted))
    func inModeLocalNothingIsAcknowledgedBeforeItsFdatasyncReturned() async throws {
        let (order, accepted) = try await order(.always)
        #expect(order.violations == [])
        #expect(order.acknowledged == FsyncOrderTests.alone + FsyncOrderTests.together)
        #expect(order.written.sorted() == accepted.map(\.uuid.base64URL).sorted())
    }

    @Test(.enabled("ptrace is not permitted here, so the check was NOT seen to bite", tracingIsPermitted))
    func withoutAppendfsyncAlwaysTheCheckFindsWhatCouldBeLost() async throws {
        let (order, accepted) = try await order(.everysec)
        #expect(order.acknowledged == accepted.count)
        #expect(order.violations.count > accepted.count / 2)
        #expect(order.violations.first?.contains("acknowledged before") == true)
    }

    // MARK: The check itself

    private static let id = "AZq83vAScACAAAAAAAAAAA"
    private static let file = "7</r/appendonlydir/appendonly.aof.1.incr.aof>"
    private static let append = #"1 00:00:00.1 write(\#(file), "$41\r\n@Y\0\0\0\0\0\0\0;x=\#(id)\r\n", 51) = 51"#
    private static let reply =
        #"1 00:00:00.3 write(8<socket:[6]>, "*3\r\n$2\r\n10\r\n$8\r\nAZq83vAS\r\n$1\r\na\r\n", 50) = 50"#
    private static let sync = "1 00:00:00.2 fdatasync(\(file)) = 0"

    @Test(arguments: [
        ([append, sync, reply], nil),
        ([append, reply, sync], "before its fdatasync"),
        ([reply, append, sync], "before it was written"),
        ([sync, append, reply], "before its fdatasync"),
        ([append, sync.replacing("= 0", with: "= -1 EIO (Input/output error)"), reply], "not synced"),
        ([append, sync.replacing("appendonly.aof.1.incr.aof", with: "appendonly.aof.manifest"), reply], "before its fdatasync"),
        ([append.replacing("= 51", with: "= 50"), sync, reply], "not wholly written"),
        ([append, sync, reply.replacing("AZq83vAS", with: "AZq83vAT")], "is not the redemption acknowledged"),
        // Another thread syncs: what counts is when its call returned, and when it began.
        (
            [
                append, "2 00:00:00.2 fdatasync(\(file) <unfinished ...>", reply, "2 00:00:00.4 <... fdatasync resumed>) = 0",
            ], "before its fdatasync"
        ),
        (
            [
                "2 00:00:00.0 fdatasync(\(file) <unfinished ...>", append, "2 00:00:00.2 <... fdatasync resumed>) = 0", reply,
            ], "before its fdatasync"
        ),
        (
            [
                append, "2 00:00:00.2 fdatasync(\(file) <unfinished ...>", "2 00:00:00.3 <... fdatasync resumed>) = 0", reply,
            ], nil
        ),
        (
            [
                append, sync,
                #"1 00:00:00.3 writev(8<socket:[6]>, [{iov_base="$8\r\nAZq83vAS\r\n$1", iov_len=16}, "#
                    + #"{iov_base="\r\na\r\n", iov_len=5}], 2) = 21"#,
            ], nil
        ),
    ])
    func verdict(lines: [String], violation: String?) {
        let order = FsyncOrder(trace: lines.joined(separator: "\n") + "\n")
        #expect(order.acknowledged == 1)
        if let violation {
            #expect(order.violations.first?.contains(violation) == true, "\(order.violations)")
        } else {
            #expect(order.violations == [])
        }
    }
}

/// False only where the system forbids it, as containers may. A strace that is missing is no excuse.
@Sendable private func tracingIsPermitted() async throws -> Bool {
    let result = try await Subprocess.run(
        .name("strace"),
        arguments: ["-D", "-qq", "-o", "/dev/null", "true"],
        output: .discarded,
        error: .string(limit: 4096)
    )
    let message = result.standardError
    let isForbidden = ["PTRACE", "ptrace"].contains { message.contains($0) } && message.contains("not permitted")
    if isForbidden {
        FileHandle.standardError.write(
            Data("\nWARNING: strace may not trace here (\(message)). Mode local is NOT proven by this run.\n\n".utf8)
        )
    } else if !result.terminationStatus.isSuccess {
        throw TestFailure("strace does not run: \(message)")
    }
    return !isForbidden
}

extension RedeemReply {
    fileprivate var accepted: RedemptionID {
        get throws {
            guard case .accepted(let redemption) = self else { throw TestFailure("not accepted: \(self)") }
            return redemption.id
        }
    }
}
