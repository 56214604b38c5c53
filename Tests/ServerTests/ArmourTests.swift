import Foundation
import Glibc
import RedisClient
import Synchronization
import TestSupport
import Testing

@testable import Server

/// Clients that take more than their share: each is refused or closed, memory stays bounded, and others notice nothing.
@Suite(.serialized) struct ArmourTests {
    private static let paths = ["/v1/coupons/tea/redemptions", "/v1/redemptions", "/v1/auth/login"]

    /// How long another client waits for its answer, at most, while a flood is under way: far less than a flood lasts, were it not
    /// cut off, and far more than a slow machine needs.
    private static let patience: Duration = .seconds(10)

    /// Asks now and then for as long as the body runs, and looks that every question is answered in time.
    private func othersAreServed(_ server: RunningServer, during body: @Sendable () async throws -> Void) async throws {
        let isOver = Flag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // At least once, and not cancelled while it waits.
                repeat {
                    let began = ContinuousClock.now
                    let response = try await server.request("GET", "/v1/coupons")
                    let took = ContinuousClock.now - began
                    #expect(response.status == 200)
                    #expect(took < Self.patience, "another client waited for \(took)")
                    try await Task.sleep(for: .milliseconds(20))
                } while !isOver.isSet
            }
            defer { isOver.set() }
            try await body()
        }
    }

    /// An answer of some 40 KiB, with `addCoupons`.
    private static let list = "/v1/coupons?limit=200"

    private func addCoupons(_ server: RunningServer) async throws {
        for place in 0..<200 { try await server.addCoupon("a-coupon-with-a-long-name-\(place)", code: "CODE\(place)") }
    }

    /// A request of a user who may redeem, but for its last empty line.
    private func head(_ path: String, token: String, _ fields: String) -> String {
        "POST \(path) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(token)\r\nContent-Type: application/json\r\n\(fields)\r\n"
    }

    private func token(_ server: RunningServer) async throws -> String {
        try await server.addCoupon("tea")
        try await server.environment.openShard()
        return try await server.token(of: try await server.addUser("ada"))
    }

    /// Sends to each client's server now and then until it has ended the connection.
    private func untilEnded(_ clients: [RawClient], _ send: (RawClient) -> Void) async throws {
        let limit: Duration = .seconds(50)
        let deadline = ContinuousClock.now + limit
        var open = clients
        while !open.isEmpty, ContinuousClock.now < deadline {
            for client in open { send(client) }
            try await Task.sleep(for: .milliseconds(20))
            open = open.filter { !$0.isEnded }
        }
        #expect(open.isEmpty, "\(open.count) of \(clients.count) connections are open after \(limit)")
    }

    // MARK: Slowness

    /// A field more each time never ends a head, and is a sign of life to nobody.
    @Test func headsThatComeSlowlyAreCutOff() async throws {
        try await withServer { configuration in
            configuration.limits.headerTimeout = .milliseconds(400)
            // On a slow machine more of them come until then.
            configuration.limits.headerFields = 2_000
            configuration.limits.idleTimeout = .seconds(600)
        } _: { server in
            try await othersAreServed(server) {
                let clients = try (0..<100).map { _ in try RawClient(port: server.ports.api) }
                for (place, client) in clients.enumerated() {
                    try await client.sendAll("POST \(Self.paths[place % 3]) HTTP/1.1\r\nHost: x\r\n")
                }
                try await untilEnded(clients) { client in _ = client.send("X: y\r\n".utf8) }
                for client in clients.prefix(3) {
                    #expect(TestResponse.parse(try await client.rest() ?? "").map(\.code) == ["request_timeout"])
                }
            }
        }
    }

    @Test func bodiesThatComeSlowlyAreCutOff() async throws {
        try await withServer { configuration in
            configuration.limits.requestTimeout = .milliseconds(300)
            configuration.limits.idleTimeout = .seconds(600)
        } _: { server in
            let token = try await token(server)
            for path in Self.paths {
                for (length, more) in [("Content-Length: 4000", "x"), ("Transfer-Encoding: chunked", "1\r\nx\r\n")] {
                    let client = try RawClient(port: server.ports.api)
                    try await client.sendAll(head(path, token: token, "\(length)\r\n"))
                    try await untilEnded([client]) { _ = $0.send(more.utf8) }
                    let answers = TestResponse.parse(try await client.rest() ?? "")
                    #expect(answers.map(\.code) == ["request_timeout"], "\(path), \(length)")
                }
            }
        }
    }

    /// Nothing is sent, or a request is answered and nothing follows.
    @Test func idleConnectionsAreClosed() async throws {
        try await withServer { configuration in
            configuration.limits.idleTimeout = .milliseconds(1500)
            configuration.limits.headerTimeout = .milliseconds(200)
            configuration.limits.requestTimeout = .milliseconds(200)
        } _: { server in
            for text in ["", "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"] {
                for port in [server.ports.api, server.ports.ops] {
                    let client = try RawClient(port: port)
                    try await client.sendAll(text)
                    let rest = try await client.rest()
                    #expect(rest.map { TestResponse.parse($0).map(\.status) } == (text.isEmpty ? [] : [200]))
                }
            }
        }
    }

    /// Floods of requests whose answers nobody reads, or reads byte by byte.
    @Test(arguments: ["hot", "other", "large"]) func whoReadsNoAnswersIsCutOff(kind: String) async throws {
        try await withServer { configuration in
            configuration.limits.writeTimeout = .milliseconds(500)
            configuration.limits.requestTimeout = .seconds(1)
            configuration.limits.idleTimeout = .seconds(600)
            configuration.limits.kernelBytes = 16 << 10
        } _: { server in
            if kind == "large" { try await addCoupons(server) }
            let token = try await token(server)
            let request =
                switch kind {
                case "hot": TestClient.text("POST", Self.paths[0], token: token, json: #"{"code":"WRONG"}"#)
                case "other": TestClient.text("GET", "/nope")
                default: TestClient.text("GET", Self.list)
                }
            let flood = Array(String(repeating: request, count: 500).utf8)
            let before = try residentBytes()
            try await othersAreServed(server) {
                let clients = try (0..<10).map { _ in try RawClient(port: server.ports.api, receiveBytes: 4096) }
                var sent = [ObjectIdentifier: Int]()
                try await untilEnded(clients) { client in
                    // Where it was cut the last time, so that all of it is requests.
                    let place = sent[ObjectIdentifier(client), default: 0] % flood.count
                    if case .bytes(let count) = client.send(flood[place...]) {
                        sent[ObjectIdentifier(client), default: 0] += count
                    }
                    if client === clients[0] { _ = client.receive(1) }
                }
            }
            let growth = (try residentBytes() - before) >> 20
            #expect(growth < 64, "memory grew by \(growth) MB")
        }
    }

    /// Who does read, only later, gets all of it, though the connection ends behind it and most of it is still here.
    @Test func anAnswerIsThereForAClientThatReadsLate() async throws {
        try await withServer {
            $0.limits.kernelBytes = 4096
        } _: { server in
            try await addCoupons(server)
            // The request, or the end of what the client sends, says that the connection ends.
            for (version, connection) in [("1.0", "close"), ("1.1", "close"), ("1.1", "keep-alive")] {
                let client = try RawClient(port: server.ports.api, receiveBytes: 4096)
                try await client.sendAll("GET \(Self.list) HTTP/\(version)\r\nHost: x\r\nConnection: \(connection)\r\n\r\n")
                if connection == "keep-alive" { client.finish() }
                // A server that closed too early has done so by then.
                try await until("the answer has begun") { client.waitingBytes > 0 }
                try await server.takeTurns()
                let answers = TestResponse.parse(try await client.rest() ?? "")
                #expect(answers.map(\.status) == [200])
                #expect(answers.first?.body.utf8.count ?? 0 > 32 << 10 && answers.first?.headers["content-length"] != nil)
            }
        }
    }

    // MARK: Size

    @Test func aHundredThousandFieldsAreRefused() async throws {
        try await withServer { server in
            let fields = (0..<100_000).map { "X-Field-\($0): y\r\n" }.joined()
            let before = try residentBytes()
            try await othersAreServed(server) {
                for path in Self.paths {
                    let client = try RawClient(port: server.ports.api)
                    try await client.sendAll("POST \(path) HTTP/1.1\r\nHost: x\r\n\(fields)\r\n")
                    #expect(TestResponse.parse(try await client.rest() ?? "").map(\.code) == ["headers_too_large"], "\(path)")
                    // One field, and one first line, of a megabyte each.
                    for text in [
                        "POST \(path) HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "y", count: 1 << 20))\r\n\r\n",
                        "POST /\(String(repeating: "y", count: 1 << 20)) HTTP/1.1\r\nHost: x\r\n\r\n",
                    ] {
                        let client = try RawClient(port: server.ports.api)
                        try await client.sendAll(text)
                        let answers = TestResponse.parse(try await client.rest() ?? "")
                        #expect(answers.map(\.code) == ["headers_too_large"], "\(text.prefix(20)): \(answers.map(\.status))")
                    }
                }
                // The operations port refuses them too.
                let client = try RawClient(port: server.ports.ops)
                try await client.sendAll(
                    "GET /livez HTTP/1.1\r\nHost: x\r\n" + (0..<10_000).map { "X-\($0): y\r\n" }.joined() + "\r\n"
                )
                let text = try await client.rest()
                #expect(text?.contains("HTTP/1.1 200") == false)
            }
            let growth = (try residentBytes() - before) >> 20
            #expect(growth < 64, "memory grew by \(growth) MB")
        }
    }

    @Test func aBodyOfTenMegabytesIsRefused() async throws {
        try await withServer { server in
            let token = try await token(server)
            let body = [UInt8](repeating: UInt8(ascii: "x"), count: 10 << 20)
            let bodies = [
                ("Content-Length: \(body.count)", body), ("Transfer-Encoding: chunked", Array("A00000\r\n".utf8) + body),
                ("Transfer-Encoding: chunked", Array(String(repeating: "1\r\nx\r\n", count: 1_000_000).utf8)),
            ]
            let before = try residentBytes()
            try await othersAreServed(server) {
                for path in Self.paths {
                    for (length, bytes) in bodies {
                        let client = try RawClient(port: server.ports.api)
                        try await client.sendAll(head(path, token: token, "\(length)\r\n"))
                        try await client.sendAll(bytes)
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
            let isAnswered = Flag()
            let answered = Task {
                let status = try await waiting.response().status
                isAnswered.set()
                return status
            }
            // Those that are there are served, again and again, and the operations port is another.
            for client in Array(repeating: clients, count: 20).joined() {
                #expect(try await client.request("GET", "/livez").status == 200)
                #expect(try await server.request("GET", "/livez", ops: true).status == 200)
            }
            #expect(!isAnswered.isSet)
            await clients[1].close()
            #expect(try await answered.value == 200)
            for client in clients + [waiting] { await client.close() }
        }
    }

    @Test func manyRequestsAtOnceAreAnsweredInOrder() async throws {
        try await withServer { server in
            let client = try RawClient(port: server.ports.api)
            let requests = (0..<5000).map { "GET /livez HTTP/1.1\r\nHost: x\r\nX-Request-Id: \($0)\r\n\r\n" }.joined()
            async let text = client.rest(within: .seconds(60))
            try await client.sendAll(
                requests + "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                within: .seconds(60)
            )
            let answers = TestResponse.parse(try await text ?? "")
            #expect(answers.count == 5001)
            #expect(answers.prefix(5000).enumerated().allSatisfy { $1.headers["x-request-id"] == "\($0)" })
        }
    }
}

/// Something that happened.
private final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .relaxed) }

    func set() { value.store(true, ordering: .relaxed) }
}
