import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import LoadGenerator

/// The generator against a real server on loopback. Times are generous: the machine may have other things to do.
@Suite(.serialized) struct LoadRunTests {
    /// The same request again and again, or so many times.
    private final class Repeated: Workload {
        private var left: Int
        private let head = RequestHead("GET", "/", host: "localhost")

        init(_ count: Int = .max) {
            left = count
        }

        var supply: WorkloadSupply { left > 0 ? .ready : .exhausted }

        func next(into buffer: inout ByteBuffer) -> WorkloadRequest {
            left -= 1
            head.write(into: &buffer)
            buffer.writeStaticString("\r\n")
            return WorkloadRequest(kind: 0, tag: left)
        }

        func ended(_ request: WorkloadRequest, _ end: WorkloadEnd) {}
    }

    private func plan(_ server: TargetServer, _ pace: Pace, seconds: Double, connections: Int = 8) -> LoadPlan {
        var plan = LoadPlan(
            address: server.address,
            pace: pace,
            kinds: [RequestKind("get", expected: ["200"])],
            duration: .milliseconds(Int(seconds * 1000))
        )
        plan.connections = connections
        return plan
    }

    private func run(_ plan: LoadPlan, requests: Int = .max) async throws -> LoadResult {
        try await LoadRun.open(plan) { _ in Repeated(requests) }.perform()
    }

    private func count(_ name: String, _ result: LoadResult) -> Int {
        result.outcomes.first { $0.outcome.name == name }?.count ?? 0
    }

    @Test func anOpenPaceSendsAsManyAsItShould() async throws {
        try await TargetServer.with({ _ in .answer(.ok, body: "hello") }) { server in
            var plan = plan(server, .open(rate: 500, spacing: .constant), seconds: 1)
            plan.warmup = .milliseconds(500)
            plan.interval = .milliseconds(250)
            plan.threads = 2
            let result = try await run(plan)
            #expect(result.requests == 500)
            #expect(count("200", result) == 500)
            #expect(result.kinds[0].wholeRun.reduce(0) { $0 + $1.count } == 750)
            // A machine that stands still makes it slower, and nothing makes it faster.
            #expect((250...550).contains(result.rate), "\(result.rate)")
            #expect(result.errors == 0)
            #expect(result.series.count >= 5)
            #expect(result.series.reduce(0) { $0 + $1.answered } == 750)
            #expect(result.series.filter(\.isWarmup).reduce(0) { $0 + $1.answered } > 50)
            #expect(result.generator.lateness != nil)
        }
    }

    /// One stall of 400 ms at 500 requests a second keeps 200 requests waiting, for 200 ms on average. With an open pace they
    /// are in the figures; with a closed one only one a connection is.
    @Test func anOpenPaceSeesAStallThatAClosedOneHides() async throws {
        let stalling: @Sendable (Int) -> TargetServer.Behaviour = {
            $0 == 100 ? .stall(.milliseconds(400)) : .answer(.ok, body: "")
        }
        try await TargetServer.with(stalling) { server in
            let result = try await run(plan(server, .open(rate: 500, spacing: .constant), seconds: 1, connections: 4))
            let latency = try #require(result.latency)
            #expect(result.requests == 500)
            #expect(latency.p90 > 200, "\(latency)")
            #expect(latency.max > 390)
        }
        try await TargetServer.with(stalling) { server in
            let result = try await run(plan(server, .closed, seconds: 1, connections: 4))
            let latency = try #require(result.latency)
            #expect(latency.p90 < 200, "\(latency)")
            #expect(latency.max > 390)
        }
    }

    @Test func requestsWithoutAnAnswerAreTimedOutAndTheConnectionOpenedAgain() async throws {
        try await TargetServer.with({ $0 % 10 == 5 ? .silence : .answer(.ok, body: "") }) { server in
            // More connections than requests without an answer, so that the others need not wait for those.
            var plan = plan(server, .open(rate: 100, spacing: .constant), seconds: 1, connections: 20)
            plan.limits.requestTimeout = .seconds(2)
            let result = try await run(plan)
            #expect(count("timeout", result) == 10)
            #expect(count("200", result) == 90)
            #expect(result.errors == 10)
            #expect(result.connectionsLost == 10)
            #expect(try #require(result.latency).max >= 2000)
        }
    }

    @Test func lostConnectionsAndNonsenseAreOutcomesByName() async throws {
        let behaviour: @Sendable (Int) -> TargetServer.Behaviour = { number in
            switch number % 20 {
            case 3: .close
            case 7: .nonsense
            case 11: .answerAndClose
            case 13: .answer(.conflict, body: #"{"type":"/problems/sold_out","status":409,"code":"sold_out"}"#)
            case 15: .answer(.internalServerError, body: "oops")
            case 17: .chunked(["he", "l", "lo"])
            default: .answer(.ok, body: "")
            }
        }
        try await TargetServer.with(behaviour) { server in
            let result = try await run(plan(server, .open(rate: 200, spacing: .constant), seconds: 1))
            #expect(count("connection_lost", result) == 10)
            #expect(count("invalid_answer", result) == 10)
            #expect(count("sold_out", result) == 10)
            #expect(count("500", result) == 10)
            #expect(count("200", result) == 160)
            #expect(result.errors == 40)
        }
    }

    @Test func aTargetThatIsTooSlowLeavesRequestsUnsent() async throws {
        try await TargetServer.with({ _ in .stall(.milliseconds(20)) }) { server in
            var plan = plan(server, .open(rate: 1000, spacing: .constant), seconds: 1, connections: 2)
            plan.limits.waitingStarts = 50
            let result = try await run(plan)
            #expect(result.notSent > 800)
            #expect(result.requests + result.notSent == 1000)
            // The queue of 50 takes a second.
            #expect(try #require(result.latency).p99 > 500)
            #expect(result.rate < 60)
        }
    }

    @Test func aRunEndsWithItsRequests() async throws {
        try await TargetServer.with({ _ in .answer(.ok, body: "") }) { server in
            let closed = try await run(plan(server, .closed, seconds: 60, connections: 16), requests: 1000)
            #expect(closed.requests == 1000)
            #expect(closed.seconds < 30)
            #expect(abs(closed.rate * closed.seconds - 1000) < 2)
            let open = try await run(plan(server, .open(rate: 1000, spacing: .constant), seconds: 60), requests: 300)
            #expect(open.requests == 300)
            #expect((0.25..<30).contains(open.seconds))
        }
    }

    @Test func aStoppedRunSaysWhatItHas() async throws {
        try await TargetServer.with({ _ in .answer(.ok, body: "") }) { server in
            let run = try await LoadRun.open(plan(server, .open(rate: 200, spacing: .constant), seconds: 600)) { _ in Repeated() }
            let result = try await run.perform(onInterval: { interval in if interval.end > 1 { run.stop() } })
            #expect(result.requests > 50)
            #expect(result.notSent == 0)
        }
    }

    @Test func aThousandConnectionsTakeTurns() async throws {
        try await TargetServer.with({ _ in .answer(.ok, body: "") }) { server in
            let result = try await run(plan(server, .open(rate: 2000, spacing: .poisson(seed: 1)), seconds: 1, connections: 1000))
            #expect(result.errors == 0)
            #expect(abs(result.requests - 2000) < 250)
            #expect(result.connectionsLost == 0)
        }
    }

    @Test func aTargetThatIsNotThereIsAnError() async throws {
        try await TargetServer.with({ _ in .silence }) { server in
            try await server.close()
            var plan = plan(server, .closed, seconds: 1)
            plan.limits.reconnectDelay = .milliseconds(5)
            await #expect(throws: LoadError.self) { _ = try await LoadRun.open(plan) { _ in Repeated() } }
        }
    }

    /// The answers of one thread are read by the workload of that thread.
    @Test func requestsThatNeedAnAnswerWaitForIt() async throws {
        final class Chain: Workload {
            private var previous: Int? = 0
            private let broken: @Sendable () -> Void

            init(broken: @escaping @Sendable () -> Void) { self.broken = broken }

            var supply: WorkloadSupply { previous == nil ? .waiting : .ready }

            func next(into buffer: inout ByteBuffer) -> WorkloadRequest {
                buffer.writeString("GET /\(previous ?? -1) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                defer { previous = nil }
                return WorkloadRequest(kind: 0, tag: (previous ?? -1) + 1)
            }

            func ended(_ request: WorkloadRequest, _ end: WorkloadEnd) {
                guard case .answer(200, nil, let body) = end, String(decoding: body, as: UTF8.self) == "\(request.tag)" else {
                    return broken()
                }
                previous = request.tag
            }
        }
        let breaks = Atomic<Int>(0)
        try await TargetServer.with({ .answer(.ok, body: "\($0 + 1)") }) { server in
            let plan = plan(server, .open(rate: 300, spacing: .constant), seconds: 1, connections: 10)
            let result = try await LoadRun.open(plan) { _ in Chain { breaks.add(1, ordering: .relaxed) } }.perform()
            #expect(result.requests == 300)
        }
        #expect(breaks.load(ordering: .relaxed) == 0)
    }
}
