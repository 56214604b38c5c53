import Domain
import HotPath
import RedisClient
import TestSupport
import Testing

@testable import Server

/// One API has several readers: of plain bytes, of NIO's heads, and Hummingbird's routes. What one of them makes of a request is what
/// the others make of it.
@Suite struct ReadersTests {
    /// Requests that redeem the same coupon, by who reads them.
    private static let lines = [
        ("plain", "POST /v1/coupons/tea/redemptions HTTP/1.1"),
        ("decoded", "POST /v1/coupons/tea/redemptions? HTTP/1.1"),
        ("routed", "POST http://x/v1/coupons/tea/redemptions HTTP/1.1"),
        ("by code", "POST /v1/redemptions HTTP/1.1"),
    ]
    private static let body = "{\"code\":\"\(RunningServer.code)\"}"
    private static let length = "Content-Length: \(body.utf8.count)"

    /// The fields of a request beside `Host: x`, and its code; `nil`: it is accepted. `TOKEN` stands for one.
    private static let corpus: [(fields: [String], code: String?)] = [
        ([authorization, length], nil),
        // Blanks and tabs around a value (RFC 9112, section 5.1).
        (["Authorization: Bearer TOKEN ", length], nil), (["Authorization:\tBearer TOKEN\t \t", length], nil),
        (["Authorization:Bearer TOKEN", length], nil),
        ([authorization, length, "Idempotency-Key: abc "], nil), ([authorization, length, "Idempotency-Key: \t abc\t"], nil),
        ([authorization, length, "Content-Type: application/json "], nil),
        ([authorization, length, "Content-Type:\tapplication/json ; charset=utf-8\t"], nil),
        ([authorization, length, "Durability: relaxed\t"], nil), ([authorization, length, "X-Request-Id: r-1 \t"], nil),
        ([authorization, "\(length) "], nil), ([authorization, length, "Connection: keep-alive\t"], nil),
        ([authorization, length, "Connection: close \t"], nil),
        // The decoder takes no tab behind what says where a request ends.
        ([authorization, "\(length)\t"], "malformed_request"),
        ([authorization, length, "Accept: */* ", "User-Agent: a  "], nil),
        // Blanks within one.
        (["Authorization: Bearer  TOKEN", length], "token_invalid"), (["Authorization: Bearer TO KEN", length], "token_invalid"),
        ([authorization, length, "Idempotency-Key: a b"], "idempotency_key_invalid"),
        ([authorization, length, "Durability: re laxed"], "durability_invalid"),
        ([authorization, length, "X-Request-Id: r 1"], nil),
        // Nothing but blanks.
        (["Authorization: ", length], "token_invalid"), (["Authorization: Bearer ", length], "token_invalid"),
        ([authorization, length, "Idempotency-Key: \t"], "idempotency_key_invalid"),
        ([authorization, length, "Durability: "], "durability_invalid"),
        ([authorization, length, "Content-Type: "], "unsupported_media_type"), ([authorization, length, "X-Request-Id: "], nil),
        // Twice.
        ([authorization, authorization, length], "token_invalid"),
        ([authorization, length, "Idempotency-Key: a", "Idempotency-Key: a"], "idempotency_key_invalid"),
        ([authorization, length, "Durability: local", "Durability: local"], "durability_invalid"),
        ([authorization, length, "Content-Type: text/plain", "Content-Type: application/json"], "unsupported_media_type"),
        ([authorization, length, "Content-Type: application/json; a=b", "Content-Type: text/plain"], "unsupported_media_type"),
        ([authorization, length, "X-Request-Id: a", "X-Request-Id: b"], nil),
        // Other bytes.
        ([authorization, length, "Idempotency-Key: é"], "idempotency_key_invalid"),
        ([authorization, length, "Idempotency-Key: a\u{A0}"], "idempotency_key_invalid"),
        (["Authorization: Bearer é", length], "token_invalid"),
        ([authorization, length, "Durability: local\u{A0}"], "durability_invalid"),
        ([authorization, length, "Content-Type: application/json\u{A0}"], "unsupported_media_type"),
        // Cases.
        (["AUTHORIZATION: BEARER TOKEN", "CONTENT-LENGTH: \(body.utf8.count)"], nil),
        ([authorization, length, "Content-Type: APPLICATION/JSON"], nil),
        ([authorization, length, "Durability: LOCAL"], "durability_invalid"),
        ([length], "token_invalid"), ([authorization, "Transfer-Encoding: chunked "], nil),
    ]
    private static let authorization = "Authorization: Bearer TOKEN"

    @Test func theyReadTheSame() async throws {
        try await withServer { server in
            try await server.addCoupon("tea")
            try await server.environment.openShard()
            for (index, entry) in Self.corpus.enumerated() {
                let token = try await server.token(of: try await server.addUser("user-\(index)"))
                var answers: [(reader: String, answer: TestResponse)] = []
                for (reader, line) in Self.lines {
                    let text = Sale(fields: entry.fields).text(line, token)
                    answers.append(
                        (
                            reader,
                            try await server.withClient { client in
                                try await client.send(text)
                                return try await client.response()
                            }
                        )
                    )
                }
                let expected = entry.code ?? "accepted"
                for (reader, answer) in answers {
                    // The first is accepted; another one is the same request again, where there is a key, or one too many.
                    let isKeyed = entry.fields.contains { $0.hasPrefix("Idempotency-Key") }
                    let code = answer.status == 201 || (answer.code == "already_redeemed" && !isKeyed) ? "accepted" : answer.code
                    #expect(code == expected, "\(entry.fields), \(reader)")
                    let sent = entry.fields.filter { $0.hasPrefix("X-Request-Id") }
                    if sent == ["X-Request-Id: r-1 \t"] { #expect(answer.headers["x-request-id"] == "r-1", "\(reader)") }
                    if sent.count > 1 { #expect(answer.headers["x-request-id"]?.count == 16, "\(reader)") }
                    let closes =
                        answer.status == 400 && code == "malformed_request" || entry.fields.contains("Connection: close \t")
                    #expect(answer.headers["connection"] == (closes ? "close" : nil), "\(entry.fields), \(reader)")
                    #expect(answer.headers["x-content-type-options"] == "nosniff", "\(reader)")
                }
            }
        }
    }

    /// All readers have the same answer to a request, to the byte, but for ids and times. Each reader has a user of its own.
    @Test func theyAnswerTheSameToTheByte() async throws {
        try await withServer { server in
            let later = Timestamp(milliseconds: Timestamp.now().milliseconds + 86_400_000)
            try await server.addCoupon("tea")
            try await server.addCoupon("other", code: "OTHER")
            try await server.addCoupon("none", code: "NONE", total: 0)
            try await server.addCoupon("soon", code: "SOON", startsAt: later)
            try await server.addCoupon("dear", code: "DEAR", price: 1_000)
            try await server.environment.openShard()
            let fields = [Self.authorization, Self.length]
            let keyed = fields + ["Idempotency-Key: k", "Durability: local"]
            func body(_ text: String, of coupon: String = "tea") -> Sale {
                Sale(fields: [Self.authorization, "Content-Length: \(text.utf8.count)"], coupon: coupon, body: text)
            }
            let sales =
                Self.corpus.map { Sale(fields: $0.fields) } + [
                    Sale(fields: fields, times: 2), Sale(fields: keyed, times: 2), Sale(fields: fields, ends: true),
                    Sale(fields: fields, coupon: "nope"), Sale(fields: fields, coupon: "NOPE"),
                    Sale(fields: fields, coupon: "a|b"),
                    Sale(fields: fields, coupon: String(repeating: "a", count: 65)), Sale(fields: fields, coupon: "other"),
                    body("{\"code\":\"NONE\"}", of: "none"), body("{\"code\":\"SOON\"}", of: "soon"),
                    body("{\"code\":\"DEAR\"}", of: "dear"),
                    body("{"), body("{}"), body("[]"), body("{\"code\":1}"), body("{\"code\":\"\"}"),
                    body("{\"code\":\"A\",\"code\":\"A\"}"),
                    body("{\"code\":\"\\u0041\"}"), body("{\"code\":\"\(String(repeating: "a", count: 200))\"}"), body(""),
                    // Several faults: the first one is told.
                    Sale(
                        fields: ["Content-Type: text/plain", "Idempotency-Key: \t", "Durability: x", "Content-Length: 1"],
                        body: "{"
                    ),
                    Sale(fields: [Self.authorization, "Content-Type: a", "Idempotency-Key: \t", "Content-Length: 1"], body: "{"),
                    Sale(fields: [Self.authorization, "Idempotency-Key: \t", "Durability: x", "Content-Length: 1"], body: "{"),
                    Sale(fields: [Self.authorization, "Durability: x", "Content-Length: 1"], body: "{"),
                    Sale(fields: [Self.authorization, "Content-Length: 1"], coupon: "NOPE", body: "{"),
                ]
            for (index, sale) in sales.enumerated() {
                var answers: [(reader: String, bytes: String)] = []
                for (reader, line) in Self.lines where reader != "by code" || sale.isOfItsCode {
                    let user = try await server.addUser("\(reader.prefix(2))-\(index)")
                    let session = SessionID.new()
                    let token = try await server.token(of: user, session: session)
                    if sale.ends { _ = try await server.environment.hotPath.sessions.revoke(user: user, session: session) }
                    for time in 1...sale.times {
                        let client = try RawClient(port: server.ports.api)
                        try await client.sendAll(sale.text(line, token))
                        client.finish()
                        let bytes = try #require(try await client.rest(), "\(sale), \(reader)")
                        if time == sale.times { answers.append((reader, Self.withoutIDsAndTimes(bytes))) }
                    }
                }
                #expect(answers[0].bytes.hasPrefix("HTTP/1.1 "), "\(sale)")
                for answer in answers { #expect(answer.bytes == answers[0].bytes, "\(sale), \(answer.reader)") }
            }
        }
    }

    /// What is asked for. `TOKEN` in the fields stands for one.
    private struct Sale {
        let fields: [String]
        var coupon = "tea"
        var body = ReadersTests.body
        /// How often it is sent; the last answer counts.
        var times = 1
        /// The login has ended.
        var ends = false

        /// Its coupon is the one that its code is of.
        var isOfItsCode: Bool { coupon == "tea" && body == ReadersTests.body }

        func text(_ line: String, _ token: String) -> String {
            let isChunked = fields.contains { $0.hasPrefix("Transfer-Encoding") }
            let body = isChunked ? "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n" : body
            let fields = fields.map { $0.replacing("TOKEN", with: token) }
            let line = line.replacing("/tea/", with: "/\(coupon)/")
            return ([line, "Host: x"] + fields).joined(separator: "\r\n") + "\r\n\r\n" + body
        }
    }

    private static func withoutIDsAndTimes(_ text: String) -> String {
        text.replacing(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/, with: "ID")
            .replacing(/X-Request-Id: [0-9a-f]{16}/, with: "X-Request-Id: ID")
            .replacing(/"request_id":"[0-9a-f]{16}"/, with: "\"request_id\":\"ID\"")
            .replacing(/Date: [^\r]+/, with: "Date: TIME")
            .replacing(/\d{4}-\d\d-\d\dT[0-9:.]+Z/, with: "TIME")
    }

    /// RFC 9112, section 3.2; each on a connection of its own, which ends with the refusal.
    @Test func eachNeedsOneHost() async throws {
        try await withServer { server in
            try await server.addCoupon("tea")
            try await server.environment.openShard()
            let token = try await server.token(of: try await server.addUser("ada"))
            let fields = ["Authorization: Bearer \(token)", Self.length]
            let requests =
                Self.lines.map { ($1, fields, Self.body, false) } + [
                    ("GET /v1/coupons HTTP/1.1", [], "", false), ("GET /livez HTTP/1.1", [], "", false),
                    ("GET /livez HTTP/1.1", [], "", true), ("GET /metrics HTTP/1.1", [], "", true),
                    ("GET http://x/livez HTTP/1.1", [], "", true),
                ]
            for (line, fields, body, ops) in requests {
                // A refusal ends the connection by itself, and with this field no request is read as plain bytes.
                func answers(_ hosts: [String], version: String = "1.1", closes: Bool = false) async throws -> [TestResponse] {
                    let close = closes ? [] : ["Connection: close"]
                    let lines = [line.replacing("HTTP/1.1", with: "HTTP/\(version)")] + hosts + fields + close
                    let client = try RawClient(port: ops ? server.ports.ops : server.ports.api)
                    try await client.sendAll(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
                    return TestResponse.parse(try await client.rest() ?? "")
                }
                for hosts in [
                    [], ["Host: x", "Host: x"], ["Host: x", "host: y"], ["Host: a b"], ["Host: a/b"], ["Host: a, b"],
                    ["Host: u@a"],
                    ["Host: a:b"], ["Host: a:1:2"], ["Host: [::1"], ["Host: []"], ["Host: %4"], ["Host: é"], ["Hosts: x"],
                ] {
                    let answers = try await answers(hosts, closes: true)
                    #expect(answers.map(\.status) == [400], "\(line), \(hosts)")
                    #expect(answers.first?.headers["x-content-type-options"] == "nosniff", "\(line), \(hosts)")
                    if !ops { #expect(answers.first?.code == "malformed_request") }
                }
                for hosts in [["Host: x"], ["HOST:x:80 \t"], ["Host: "], ["Host: [::1]:8080"], ["Host: a%20b.example:"]] {
                    let status = try await answers(hosts).map(\.status)
                    #expect([[200], [201], [409]].contains(status), "\(line), \(hosts): \(status)")
                }
                // HTTP/1.0 does not know it.
                let old = try await answers([], version: "1.0").map(\.status)
                #expect([[200], [201], [409]].contains(old), "\(line) in HTTP/1.0: \(old)")
                #expect(try await answers(["Host: x", "Host: x"], version: "1.0").map(\.status) == [400], "\(line) in HTTP/1.0")
            }
        }
    }

    /// What is in front of a request without a host is answered, what is behind it is not read.
    @Test func aRefusalIsInItsTurn() async throws {
        try await withServer { server in
            let get = "GET /livez HTTP/1.1\r\n"
            for ops in [false, true] {
                let client = try RawClient(port: ops ? server.ports.ops : server.ports.api)
                try await client.sendAll("\(get)Host: x\r\n\r\n\(get)Host: x\r\n\r\n\(get)\r\n\(get)Host: x\r\n\r\n")
                let statuses = TestResponse.parse(try await client.rest() ?? "").map(\.status)
                #expect(statuses == [200, 200, 400])
            }
        }
    }
}
