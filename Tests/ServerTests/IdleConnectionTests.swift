import TestSupport
import Testing

@testable import Server

/// What a connection keeps when all that it asked for is answered: not its request, not the answer, no task.
@Suite(.serialized) struct IdleConnectionTests {
    private static let connections = 300
    /// For each, beside what it had after a redemption, which needs no task. A task alone would keep more, and so would the request.
    private static let bytes = 8 << 10

    enum Past: String, CaseIterable {
        case longHead
        case longBody
        case longAnswer
        case manyAtOnce
    }

    @Test(arguments: Past.allCases) func nothingIsKeptOfWhatWasAsked(past: Past) async throws {
        try await withServer { server in
            for place in 0..<200 { try await server.addCoupon("a-coupon-with-a-long-name-\(place)", code: "CODE\(place)") }
            let request =
                switch past {
                case .longHead: TestClient.text("GET", "/livez", headers: ["X: " + String(repeating: "y", count: 15_000)])
                case .longBody: TestClient.text("POST", "/v1/auth/login", json: String(repeating: "x", count: 4_000))
                case .longAnswer: TestClient.text("GET", "/v1/coupons?limit=200")
                case .manyAtOnce: String(repeating: TestClient.text("GET", "/livez"), count: 30)
                }
            // What the process needs once, and what the tests need for each.
            for client in try await connect(20, server) { try await ask(request, client) }
            let clients = try await connect(Self.connections, server)
            let before = try residentBytes()
            for client in clients { try await ask(request, client) }
            let each = (try residentBytes() - before) / Self.connections
            #expect(each < Self.bytes, "\(each) bytes a connection")
            withExtendedLifetime(clients) {}
        }
    }

    /// Connections that are open on both sides.
    private func connect(_ count: Int, _ server: RunningServer) async throws -> [RawClient] {
        let clients = try (0..<count).map { _ in try RawClient(port: server.ports.api) }
        for client in clients { try await ask("", client) }
        return clients
    }

    /// Sends, and reads all that comes of it. Its end is the answer to a redemption without a token, whose id is known.
    private func ask(_ request: String, _ client: RawClient) async throws {
        let last = TestClient.text("POST", "/v1/coupons/tea/redemptions", headers: ["X-Request-Id: the-last"], json: "{}")
        try await client.sendAll(request + last)
        var tail = ""
        try await until("the last answer is here") {
            tail = String((tail + client.text(1 << 16)).suffix(1024))
            return tail.contains("the-last") && tail.hasSuffix("}")
        }
    }
}
