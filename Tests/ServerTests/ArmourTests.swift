import Foundation
import TestSupport
import Testing

@testable import Server

/// Clients that take more than their share: each is refused or closed, memory stays bounded, and others notice nothing.
@Suite(.serialized) struct ArmourTests {
    private static let paths = ["/v1/coupons/tea/redemptions", "/v1/redemptions", "/v1/auth/login"]

    /// How long another client waits for its answer, at most, while a flood is under way.
    private static let patience: Duration = .seconds(1)

    /// Asks now and then for as long as the body runs, and says how long the slowest answer took.
    private func othersAreServed(_ server: RunningServer, during body: @Sendable () async throws -> Void) async throws {
        let slowest = try await withThrowingTaskGroup(of: Duration.self) { group in
            group.addTask {
                var slowest: Duration = .zero
                while !Task.isCancelled {
                    let began = ContinuousClock.now
                    let response = try await server.request("GET", "/v1/coupons")
                    #expect(response.status == 200)
                    slowest = max(slowest, ContinuousClock.now - began)
                    try? await Task.sleep(for: .milliseconds(20))
                }
                return slowest
            }
            do { try await body() } catch {
                group.cancelAll()
                throw error
            }
            group.cancelAll()
            return try await group.next() ?? .zero
        }
        #expect(slowest < Self.patience, "another client waited for \(slowest)")
    }

    /// Bytes of this process that are in memory: the server's and the tests'.
    private func residentBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(separator: " ").dropLast().last.flatMap { Int($0) } ?? 0) << 10
    }

    // MARK: Slowness

    @Test func headsThatComeSlowlyAreCutOff() async throws {
        try await withServer { configuration in
            configuration.limits.headerTimeout = .milliseconds(400)
        } _: { server in
            try await othersAreServed(server) {
                let clients = try (0..<200).map { _ in try RawClient(port: server.ports.api) }
                for (place, client) in clients.enumerated() {
                    try await client.sendAll("POST \(Self.paths[place % 3]) HTTP/1.1\r\nHost: x\r\n")
                }
                // One more field each 50 ms never ends; 3 s are enough for all of them to be found.
                var line = 0
                var open = clients
                let deadline = ContinuousClock.now + .seconds(3)
                while !open.isEmpty, ContinuousClock.now < deadline {
                    line += 1
                    for client in open { _ = client.send("X-\(line): y\r\n".utf8) }
                    try await Task.sleep(for: .milliseconds(50))
                    var still: [RawClient] = []
                    for client in open where try await !client.isEnded(within: .milliseconds(1)) { still.append(client) }
                    open = still
                }
                #expect(open.isEmpty, "\(open.count) connections are open after 3 s")
                let texts = try await [clients[0].rest(), clients[1].rest(), clients[2].rest()]
                #expect(texts.map { TestResponse.parse($0 ?? "").map(\.code) } == Array(repeating: ["request_timeout"], count: 3))
            }
        }
    }

    @Test func bodiesThatComeSlowlyAreCutOff() async throws {
        try await withServer { configuration in
            configuration.limits.requestTimeout = .milliseconds(300)
        } _: { server in
            for path in Self.paths {
                let client = try RawClient(port: server.ports.api)
                try await client.sendAll("POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n")
                let began = ContinuousClock.now
                while try await !client.isEnded(within: .milliseconds(1)), ContinuousClock.now - began < .seconds(3) {
                    _ = client.send("x".utf8)
                    try await Task.sleep(for: .milliseconds(20))
                }
                #expect(TestResponse.parse(try await client.rest() ?? "").map(\.code) == ["request_timeout"], "\(path)")
            }
        }
    }

    /// Nothing is sent, or a request is answered and nothing follows.
    @Test func idleConnectionsAreClosed() async throws {
        try await withServer { configuration in
            configuration.limits.idleTimeout = .milliseconds(400)
            configuration.limits.headerTimeout = .milliseconds(200)
            configuration.limits.requestTimeout = .milliseconds(200)
        } _: { server in
            for text in ["", "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"] {
                for port in [server.ports.api, server.ports.ops] {
                    let client = try RawClient(port: port)
                    try await client.sendAll(text)
                    let rest = try await client.rest(within: .seconds(3))
                    #expect(TestResponse.parse(rest ?? "still open").map(\.status) == (text.isEmpty ? [] : [200]))
                }
            }
        }
    }

    /// A flood of requests whose answers nobody reads.
    @Test func whoReadsNoAnswersIsCutOff() async throws {
        try await withServer { configuration in
            configuration.limits.writeTimeout = .seconds(1)
            configuration.limits.headerTimeout = .seconds(1)
            configuration.limits.requestTimeout = .seconds(1)
        } _: { server in
            try await server.addCoupon("tea")
            try await server.environment.openShard()
            let token = try await server.token(of: try await server.addUser("ada"))
            let redemption = TestClient.text("POST", Self.paths[0], token: token, json: #"{"code":"WRONG"}"#)
            for request in [TestClient.text("GET", "/nope"), redemption, TestClient.text("GET", "/v1/coupons")] {
                let flood = Array(String(repeating: request, count: 2000).utf8)
                let before = try residentBytes()
                try await othersAreServed(server) {
                    let clients = try (0..<20).map { _ in try RawClient(port: server.ports.api, receiveBytes: 4096) }
                    var ended = 0
                    let deadline = ContinuousClock.now + .seconds(20)
                    var left = clients
                    while !left.isEmpty, ContinuousClock.now < deadline {
                        for client in left { _ = client.send(flood) }
                        try await Task.sleep(for: .milliseconds(20))
                        var still: [RawClient] = []
                        for client in left where try await !client.isEnded(within: .milliseconds(1)) { still.append(client) }
                        ended += left.count - still.count
                        left = still
                    }
                    #expect(
                        ended == clients.count,
                        "\(clients.count - ended) connections are open after 20 s: \(request.prefix(20))"
                    )
                }
                let growth = (try residentBytes() - before) >> 20
                #expect(growth < 64, "memory grew by \(growth) MB: \(request.prefix(20))")
            }
        }
    }

    // MARK: Size

    @Test func aHundredThousandFieldsAreRefused() async throws {
        try await withServer { server in
            let before = try residentBytes()
            try await othersAreServed(server) {
                for path in Self.paths {
                    let client = try RawClient(port: server.ports.api)
                    let fields = (0..<100_000).map { "X-Field-\($0): y\r\n" }.joined()
                    try await client.sendAll("POST \(path) HTTP/1.1\r\nHost: x\r\n\(fields)\r\n")
                    #expect(TestResponse.parse(try await client.rest() ?? "").map(\.code) == ["headers_too_large"], "\(path)")
                    // One field, and one first line, of a megabyte each.
                    for text in [
                        "POST \(path) HTTP/1.1\r\nX: \(String(repeating: "y", count: 1 << 20))\r\n\r\n",
                        "POST /\(String(repeating: "y", count: 1 << 20)) HTTP/1.1\r\n\r\n",
                    ] {
                        let client = try RawClient(port: server.ports.api)
                        try await client.sendAll(text)
                        let answers = TestResponse.parse(try await client.rest() ?? "")
                        #expect(answers.map(\.code) == ["headers_too_large"], "\(text.prefix(20)): \(answers.map(\.status))")
                    }
                }
                // The operations port refuses them too.
                let client = try RawClient(port: server.ports.ops)
                try await client.sendAll("GET /livez HTTP/1.1\r\n" + (0..<10_000).map { "X-\($0): y\r\n" }.joined() + "\r\n")
                let text = try await client.rest()
                #expect(text?.contains("HTTP/1.1 200") == false)
            }
            let growth = (try residentBytes() - before) >> 20
            #expect(growth < 64, "memory grew by \(growth) MB")
        }
    }

    @Test func aBodyOfTenMegabytesIsRefused() async throws {
        try await withServer { server in
            let body = [UInt8](repeating: UInt8(ascii: "x"), count: 10 << 20)
            let before = try residentBytes()
            try await othersAreServed(server) {
                for path in Self.paths {
                    for (length, bytes) in [
                        ("Content-Length: \(body.count)", body), ("Transfer-Encoding: chunked", Array("A00000\r\n".utf8) + body),
                        ("Transfer-Encoding: chunked", Array(String(repeating: "1\r\nx\r\n", count: 1_000_000).utf8)),
                    ] {
                        let client = try RawClient(port: server.ports.api)
                        try await client.sendAll("POST \(path) HTTP/1.1\r\nHost: x\r\n\(length)\r\n\r\n")
                        try await client.sendAll(bytes, within: .seconds(3))
                        let answers = TestResponse.parse(try await client.rest() ?? "")
                        #expect(answers.map(\.code) == ["body_too_large"], "\(path), \(length): \(answers.map(\.status))")
                    }
                }
            }
            let growth = (try residentBytes() - before) >> 20
            #expect(growth < 64, "memory grew by \(growth) MB")
        }
    }

    // MARK: Number

    @Test func connectionsBeyondTheLimitWait() async throws {
        try await withServer { configuration in
            configuration.limits.connections = 3
        } _: { server in
            let get = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
            var clients: [TestClient] = []
            for _ in 0..<3 {
                let client = try await TestClient.connect(to: server.ports.api)
                #expect(try await client.request("GET", "/livez").status == 200)
                clients.append(client)
            }
            let waiting = try await TestClient.connect(to: server.ports.api)
            try await waiting.send(get)
            let answered = Task { try await waiting.response().status }
            try await Task.sleep(for: .milliseconds(300))
            // Those that are there are served, and the operations port is another.
            #expect(try await clients[0].request("GET", "/livez").status == 200)
            #expect(try await server.request("GET", "/livez", ops: true).status == 200)
            let gone = ContinuousClock.now
            await clients[1].close()
            #expect(try await answered.value == 200)
            #expect(ContinuousClock.now - gone < .seconds(1))
            for client in clients + [waiting] { await client.close() }
        }
    }

    @Test func manyRequestsAtOnceAreAnsweredInOrder() async throws {
        try await withServer { server in
            let client = try RawClient(port: server.ports.api)
            let requests = (0..<5000).map { "GET /livez HTTP/1.1\r\nX-Request-Id: \($0)\r\n\r\n" }.joined()
            async let text = client.rest(within: .seconds(20))
            try await client.sendAll(requests + "GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n")
            let answers = TestResponse.parse(try await text ?? "")
            #expect(answers.count == 5001)
            #expect(answers.prefix(5000).enumerated().allSatisfy { $1.headers["x-request-id"] == "\($0)" })
        }
    }
}
