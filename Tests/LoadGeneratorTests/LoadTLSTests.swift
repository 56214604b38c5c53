import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import TestSupport
import Testing

@testable import LoadGenerator

/// The generator against a server that speaks TLS. Its certificate is for localhost.
@Suite(.serialized) struct LoadTLSTests {
    private final class Gets: Workload {
        private let head = RequestHead("GET", "/", host: "localhost")

        var supply: WorkloadSupply { .ready }

        func next(into buffer: inout ByteBuffer) -> WorkloadRequest {
            head.write(into: &buffer)
            buffer.writeStaticString("\r\n")
            return WorkloadRequest(kind: 0, tag: 0)
        }

        func ended(_ request: WorkloadRequest, _ end: WorkloadEnd) {}
    }

    private func withServer(
        _ behaviour: @escaping @Sendable (Int) -> TargetServer.Behaviour,
        _ body: (TargetServer, _ folder: String) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            try TestCertificates.make(in: folder)
            let configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile("\(folder)/server.crt").map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: "\(folder)/server.key", format: .pem))
            )
            try await TargetServer.with(tls: try NIOSSLContext(configuration: configuration), behaviour) { server in
                try await body(server, folder)
            }
        }
    }

    private func plan(
        _ server: TargetServer,
        host: String = "localhost",
        trusting authority: String? = nil,
        verifies: Bool = true
    )
        throws -> LoadPlan
    {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let authority { configuration.trustRoots = .file(authority) }
        if !verifies { configuration.certificateVerification = .none }
        var plan = LoadPlan(
            address: server.address,
            pace: .open(rate: 300, spacing: .constant),
            kinds: [RequestKind("get", expected: ["200"])],
            duration: .seconds(1)
        )
        plan.tls = try LoadTLS(configuration, host: host)
        plan.connections = 8
        plan.limits.reconnectDelay = .milliseconds(5)
        return plan
    }

    /// An answer longer than what is read at once comes in several records.
    @Test func requestsAndAnswersAreEncrypted() async throws {
        let long = String(repeating: "x", count: 100_000)
        try await withServer({ $0 % 10 == 5 ? .answerAndClose : .answer(.ok, body: $0 % 10 == 3 ? long : "") }) {
            server,
            folder in
            let result = try await LoadRun.open(plan(server, trusting: "\(folder)/ca.crt")) { _ in Gets() }.perform()
            #expect(result.requests == 300)
            #expect(result.errors == 0, "\(result.outcomes)")
        }
    }

    /// As without TLS: 400 ms at 300 requests a second keep 120 of them waiting.
    @Test func latencyCountsFromTheIntendedStart() async throws {
        try await withServer({ $0 == 50 ? .stall(.milliseconds(400)) : .answer(.ok, body: "") }) { server, folder in
            var plan = try plan(server, trusting: "\(folder)/ca.crt")
            plan.connections = 4
            let latency = try #require(try await LoadRun.open(plan) { _ in Gets() }.perform().latency)
            #expect(latency.count == 300)
            #expect(latency.p90 > 100, "\(latency)")
            #expect(latency.max > 390)
        }
    }

    @Test func onlyTheRightCertificateIsTrustedOrAny() async throws {
        try await withServer({ _ in .answer(.ok, body: "") }) { server, folder in
            try await LoadRun.open(plan(server, verifies: false)) { _ in Gets() }.close()
            try await LoadRun.open(plan(server, host: "127.0.0.1", verifies: false)) { _ in Gets() }.close()
            for refused in [
                try plan(server), try plan(server, host: "example.org", trusting: "\(folder)/ca.crt"),
                try plan(server, host: "127.0.0.1", trusting: "\(folder)/ca.crt"),
            ] {
                await #expect(throws: LoadError.self) { _ = try await LoadRun.open(refused) { _ in Gets() } }
            }
        }
    }

    @Test func aServerWithoutTLSIsAnError() async throws {
        try await TargetServer.with({ _ in .answer(.ok, body: "") }) { server in
            let plan = try plan(server)
            await #expect(throws: LoadError.self) { _ = try await LoadRun.open(plan) { _ in Gets() } }
        }
    }

    /// It takes the connection and says nothing.
    @Test func aHandshakeHasALimit() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let silent = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        var plan = LoadPlan(
            address: try #require(silent.localAddress),
            pace: .closed,
            kinds: [RequestKind("get", expected: [])],
            duration: .seconds(1)
        )
        plan.tls = try LoadTLS(.makeClientConfiguration(), host: "localhost")
        plan.limits.connectTimeout = .milliseconds(200)
        plan.limits.connectAttempts = 2
        await #expect(throws: LoadError.self) { _ = try await LoadRun.open(plan) { _ in Gets() } }
        try await group.shutdownGracefully()
    }
}
