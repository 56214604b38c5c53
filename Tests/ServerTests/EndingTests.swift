import TestSupport
import Testing

@testable import Server

/// How connections to a real server end.
@Suite struct EndingTests {
    /// A request whose body never comes to its end is refused, and so must not be carried out, though the part that came looks
    /// like all of it.
    @Test(arguments: ["the client closes", "the client is silent", "a chunk is too large", "a chunk is none"])
    func whatIsRefusedIsNotCarriedOut(how: String) async throws {
        try await withServer {
            $0.limits.requestTimeout = .seconds(1)
        } _: { server in
            try await server.addCoupon("tea", price: 30)
            let user = try await server.addUser("ada")
            try await server.environment.openShard()
            let token = try await server.token(of: user)
            let json = #"{"code":"\#(RunningServer.code)"}"#
            let chunk = "\(String(json.utf8.count, radix: 16))\r\n\(json)\r\n"
            let (framing, rest, status) =
                switch how {
                case "a chunk is too large":
                    ("Transfer-Encoding: chunked", chunk + "1388\r\n" + String(repeating: " ", count: 5000), 413)
                case "a chunk is none": ("Transfer-Encoding: chunked", chunk + "none\r\n", 400)
                case "the client closes": ("Content-Length: 60", json, 400)
                default: ("Content-Length: 60", json, 408)
                }
            let head =
                "POST /v1/redemptions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(token)\r\nContent-Type: application/json\r\n\(framing)\r\n\r\n"
            // By itself, and behind another one.
            for before in ["", TestClient.text("POST", "/v1/coupons/tea/redemptions", token: token, json: #"{"code":"WRONG"}"#)] {
                let client = try RawClient(port: server.ports.api)
                try await client.sendAll(before + head + rest)
                if how == "the client closes" { client.finish() }
                let answers = TestResponse.parse(try await client.rest() ?? "")
                #expect(answers.map(\.status) == (before.isEmpty ? [] : [422]) + [status])
            }
            // A user who has it already would be told so.
            #expect(try await server.redeem("tea", token: token).status == 201)
        }
    }

    /// Bytes that nobody asked for do not take from a client what it has not read yet.
    @Test func theLastAnswersReachAClientThatStillSends() async throws {
        try await withServer { server in
            let client = try RawClient(port: server.ports.api, receiveBytes: 2048)
            let request = TestClient.text("GET", "/nope")
            let last = request.replacing("\r\n\r\n", with: "\r\nConnection: close\r\n\r\n")
            try await client.sendAll(String(repeating: request, count: 20) + last)
            try await until("answers have come") { client.waitingBytes > 0 }
            try await server.takeTurns()
            try await client.sendAll("\r\n")
            let answers = TestResponse.parse(try await client.rest() ?? "")
            #expect(answers.map(\.status) == Array(repeating: 404, count: 21))
        }
    }
}
