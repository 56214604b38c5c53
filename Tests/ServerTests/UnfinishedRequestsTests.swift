import RedisClient
import Testing
import TestSupport

@testable import Server

/// Requests of which a part comes and the rest does not.
@Suite struct UnfinishedRequestsTests {
    private static let parts = [
        "GET /v1/coupons HTTP/1.1\r\nHost: x\r\nX-Long: ",
        "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{",
        "POST /v1/coupons/sale/redemptions HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{",
    ]

    @Test(arguments: parts) func theOldestEndWhereThereAreTooMany(part: String) async throws {
        try await withServer { configuration in
            configuration.limits.unfinishedBytes = 1 << 20
        } _: { server in
            let most = (1 << 20) / UnfinishedRequests.cost
            var clients: [RawClient] = []
            for _ in 0..<2 * most + 8 {
                let client = try RawClient(port: server.ports.api)
                try await client.sendAll(part)
                clients.append(client)
            }
            // Well before their time is over, and in order on each event loop.
            let oldest = clients[..<8]
            for client in oldest {
                let answer = try #require(TestResponse.parse(try await client.rest(within: .seconds(8)) ?? "").first)
                #expect(answer.status == 408)
            }
            try await until("enough have ended", within: .seconds(8)) { clients.count(where: { !$0.isEnded }) <= most }
            // Those that came last are still there, and others are served.
            let last = try #require(clients.last)
            #expect(!last.isEnded)
            #expect(try await server.request("GET", "/livez").status == 200)
            // As long as it is here it may be finished.
            try await last.sendAll(part.hasSuffix("{") ? String(repeating: " ", count: 19) : "x\r\nConnection: close\r\n\r\n")
            last.finish()
            let answer = try #require(TestResponse.parse(try await last.rest() ?? "").first)
            #expect(answer.status != 408)
        }
    }

    @Test func whatIsWholeCountsNoMore() async throws {
        try await withServer { configuration in
            configuration.limits.unfinishedBytes = 1 << 20
        } _: { server in
            // More of them than there is room for, one after the other.
            let client = try await TestClient.connect(to: server.ports.api)
            for _ in 0..<100 {
                try await client.send("GET /livez HTTP/1.1\r\nHost: x\r\n")
                try await Task.sleep(for: .milliseconds(1))
                try await client.send("\r\n")
                #expect(try await client.response().status == 200)
            }
            await client.close()
        }
    }
}
