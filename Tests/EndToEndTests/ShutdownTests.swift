import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import LocalStack
import Synchronization
import Testing
import TestSupport

/// SIGTERM under load: what was acknowledged stays, what was begun is finished, the exit code is 0, and it does not take for ever.
@Suite(.serialized) struct ShutdownTests {
    private final class Counter: Sendable {
        private let count = Atomic<Int>(0)

        var value: Int { count.load(ordering: .relaxed) }

        @discardableResult
        func increment() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }
    }

    /// Sends redemptions one after the other on each of some connections until one is refused a connection, and counts those
    /// acknowledged.
    private func load(
        _ url: String,
        _ tokens: [String],
        acknowledged: @escaping @Sendable (Int) -> Void
    ) async throws -> (created: Int, cut: Int) {
        try await API.with(url, connections: 16) { api in
            let created = Counter()
            let cut = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<16 {
                    group.addTask {
                        for place in stride(from: lane, to: tokens.count, by: 16) {
                            do {
                                let status = try await api.redeem(token: tokens[place]).status
                                guard status == 201 else { throw TestFailure("status \(status)") }
                                acknowledged(created.increment())
                            } catch is TestFailure {
                                throw TestFailure("not 201")
                            } catch {
                                // Refused, or cut: nobody was told that it was accepted.
                                cut.increment()
                                return
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            return (created.value, cut.value)
        }
    }

    private func landed(_ product: Product) async throws -> Int {
        let text = try await product.run("coupon", "show", "sale", "--json")
        return try #require(text.firstMatch(of: /"redeemed" : ([0-9]+)/).flatMap { Int($0.output.1) })
    }

    @Test func aServerFinishesWhatWasBegun() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            let tokens = try await product.seed(users: 4000, stock: 10_000)
            let result = try await load(server.api, tokens) { count in
                if count == 500 { server.process.signal(SIGTERM) }
            }
            #expect(await server.process.exitStatus() == 0)
            #expect(result.created >= 500 && result.created < tokens.count, "\(result)")
            try await product.settled()
            // Anyone who was cut off may have been accepted; anyone who was told so, was.
            let landed = try await landed(product)
            #expect((result.created...result.created + result.cut).contains(landed), "\(landed) landed, \(result)")
            #expect(await sync.stop() == 0)
        }
    }

    @Test func aWorkerFinishesItsBatchAndTheNextGoesOn() async throws {
        try await Product.with { product in
            var sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            let tokens = try await product.seed(users: 2000, stock: 10_000)
            let first = sync
            let result = try await load(server.api, tokens) { count in
                if count == 700 { first.signal(SIGTERM) }
            }
            #expect(await first.exitStatus() == 0)
            #expect(result.created == tokens.count)
            sync = product.start("sync")
            _ = try await sync.logged("the shard is open")
            try await product.settled()
            #expect(try await landed(product) == tokens.count)
            #expect(await sync.stop() == 0)
            #expect(await server.process.stop() == 0)
        }
    }

    /// Until then anyone who asks is served, and told to go elsewhere.
    @Test func aServerSaysNoToProbesBeforeItStopsListening() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            _ = try await sync.logged("the shard is open")
            let server = try await product.serve(with: ["REDEEM_SHUTDOWN_DELAY_S": "4"])
            try await API.with(server.operations) { operations in
                #expect(try await operations.send(.GET, "/readyz").status == 200)
                server.process.signal(SIGTERM)
                _ = try await server.process.logged("draining")
                let probe = try await operations.send(.GET, "/readyz")
                #expect(probe.status == 503)
                #expect(probe.body.contains("shutting down"))
                let served = try await API.with(server.api) { try await $0.send(.GET, "/v1/coupons").status }
                #expect(served == 200)
            }
            #expect(await server.process.exitStatus() == 0)
            await #expect(throws: (any Error).self) {
                try await API.with(server.api) { _ = try await $0.send(.GET, "/livez") }
            }
        }
    }

    /// A client that does not finish its request holds a server up, until a second signal or the end of its time.
    @Test(arguments: [true, false])
    func whatDoesNotEndIsCutOff(bySignal: Bool) async throws {
        try await Product.with { product in
            let server = try await product.serve(with: bySignal ? [:] : ["REDEEM_SHUTDOWN_LIMIT_S": "2"])
            let port = try #require(server.api.split(separator: ":").last.flatMap { Int($0) })
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(
                host: "127.0.0.1",
                port: port
            )
            .get()
            try await channel.writeAndFlush(
                ByteBuffer(string: "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            )
            // So that the server has read it.
            let served = try await API.with(server.api) { try await $0.send(.GET, "/livez").status }
            #expect(served == 200)
            server.process.signal(SIGTERM)
            _ = try await server.process.logged("draining")
            let began = ContinuousClock.now
            if bySignal { server.process.signal(SIGTERM) }
            #expect(await server.process.exitStatus() == 0)
            let took = ContinuousClock.now - began
            // Otherwise what does not end would end by itself only later: a request after 10 s.
            #expect(took < .seconds(7), "\(took)")
            #expect(server.process.output.contains(bySignal ? "another signal" : "takes more than 2 s"))
            try? await channel.close()
        }
    }

    /// Connections that come while a server stops are served or refused; nobody is told to work on what is no more, which NIO in
    /// its strict mode ends the process for.
    @Test func nothingIsLeftBehindAtAStop() async throws {
        try await Product.with { product in
            for _ in 0..<16 {
                let server = try await product.serve(with: ["SWIFTNIO_STRICT": "1", "SWIFT_BACKTRACE": "enable=no"])
                let storms = try [server.api, server.operations].map { try ConnectionStorm(url: $0, connections: 100) }
                defer { for storm in storms { storm.end() } }
                #expect(await server.process.stop() == 0, "\(server.process.output)")
                #expect(!server.process.output.contains("EventLoop"), "\(server.process.output)")
            }
        }
    }

    /// Whether a connection to the port has brought what its server has not read (proc(5), /proc/net/tcp).
    private func hasUnread(_ port: Int) async -> Bool {
        let established = "01"
        // Not by Foundation: it takes a file that tells no size to end with the first part that it reads.
        return await shell("cat /proc/net/tcp").split(separator: "\n").dropFirst().contains { line in
            let fields = line.split(separator: " ")
            return fields[1].hasSuffix(":" + String(port, radix: 16, uppercase: true)) && fields[3] == established
                && !fields[4].hasSuffix(":00000000")
        }
    }

    /// A worker whose Postgres does not answer cannot finish its batch, and says so.
    @Test func aSecondSignalEndsAWorkerThatWaits() async throws {
        try await withRedis { redis in
            try await withPostgres { postgres in
                let environment = ["REDEEM_REDIS_URL": redis.url, "REDEEM_POSTGRES_URL": postgres.url]
                #expect(await redeem("migrate", environment: environment).status == 0)
                let sync = RedeemProcess(["sync"], environment: environment)
                _ = try await sync.logged("the shard is open")
                postgres.suspend()
                sync.signal(SIGTERM)
                _ = try await sync.logged("stopping")
                // It asks Postgres about its lock four times a second.
                try await until("it waits for an answer") { await hasUnread(postgres.port) }
                let began = ContinuousClock.now
                sync.signal(SIGTERM)
                let status = await sync.exitStatus()
                postgres.resume()
                #expect(status == 1, "\(sync.output)")
                #expect(ContinuousClock.now - began < .seconds(15))
                #expect(sync.output.contains("services do not end; the process does"))
            }
        }
    }
}
