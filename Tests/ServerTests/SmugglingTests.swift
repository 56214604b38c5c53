import TestSupport
import Testing

@testable import Server

/// Requests that two readers could see two ends of. Anyone who stands in front of the service may have seen the other one, so what is
/// behind must not be taken for a request: there is one answer, a refusal, and then the connection ends.
@Suite struct SmugglingTests {
    private static let paths = ["/v1/coupons/tea/redemptions", "/v1/redemptions", "/v1/auth/login"]
    private static let hidden = "GET /livez HTTP/1.1\r\nHost: hidden\r\n\r\n"

    /// What stands behind `POST path HTTP/1.1` and `Host`, by what is wrong with it.
    private static let heads: [(String, String)] = [
        ("both lengths", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("both lengths, the other way round", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"),
        ("both lengths, an encoding that is none", "Content-Length: 4\r\nTransfer-Encoding: identity\r\n\r\nabcd"),
        ("two lengths", "Content-Length: 2\r\nContent-Length: 4\r\n\r\n{}{}"),
        ("one length twice", "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
        ("a list of lengths", "Content-Length: 2, 2\r\n\r\n{}"),
        ("a length with a sign", "Content-Length: +2\r\n\r\n{}"),
        ("a negative length", "Content-Length: -2\r\n\r\n"),
        ("a length in hexadecimal", "Content-Length: 0x2\r\n\r\n{}"),
        ("two words for a length", "Content-Length: 2 2\r\n\r\n{}"),
        ("no length for a length", "Content-Length: \r\n\r\n"),
        ("a length beyond 64 bits", "Content-Length: 18446744073709551618\r\n\r\n{}"),
        ("a space before the colon of a length", "Content-Length : 2\r\n\r\n{}"),
        ("a tab before the colon of a length", "Content-Length\t: 2\r\n\r\n{}"),
        ("a space before the colon of an encoding", "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        ("a space before a field", " Content-Length: 2\r\n\r\n{}"),
        ("a folded field", "X: a\r\n Content-Length: 2\r\n\r\n"),
        ("a field folded by a tab", "X: a\r\n\tTransfer-Encoding: chunked\r\n\r\n"),
        ("a folded encoding", "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
        ("a folded length", "Content-Length: 2\r\n 0\r\n\r\n{}"),
        ("chunked, and then another encoding", "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        ("two encodings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
        ("chunked twice", "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
        ("an encoding that looks like chunked", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ("a vertical tab before chunked", "Transfer-Encoding: \u{0B}chunked\r\n\r\n0\r\n\r\n"),
        ("chunked in quotes", "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
        ("no encoding for an encoding", "Transfer-Encoding: \r\n\r\n0\r\n\r\n"),
        ("no encoding beside a length", "Content-Length: 2\r\nTransfer-Encoding:\r\n\r\n{}"),
        ("no encoding, and then one", "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("an encoding that is not understood", "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        ("an encoding without chunks", "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n"),
        ("lines that end with LF", "Content-Length: 2\n\n{}"),
        ("one line that ends with LF", "X: a\nContent-Length: 2\r\n\r\n{}"),
        ("an empty line that ends with LF", "Content-Length: 2\r\n\n{}"),
        ("a CR in a value", "X: a\rContent-Length: 2\r\n\r\n{}"),
        ("a NUL in a value", "X: a\u{0}b\r\nContent-Length: 2\r\n\r\n{}"),
        ("a NUL in a name", "Content\u{0}-Length: 2\r\n\r\n{}"),
        ("no name", ": a\r\nContent-Length: 2\r\n\r\n{}"),
        ("no colon", "Content-Length 2\r\n\r\n{}"),
        ("a size with a sign", "Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n"),
        ("a size in the form of C", "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n"),
        ("a size beyond 64 bits", "Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n"),
        ("no size", "Transfer-Encoding: chunked\r\n\r\n\r\n{}\r\n0\r\n\r\n"),
        ("a space before a size", "Transfer-Encoding: chunked\r\n\r\n 2\r\n{}\r\n0\r\n\r\n"),
        ("a size line that ends with LF", "Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n"),
        ("a size line that ends with CR", "Transfer-Encoding: chunked\r\n\r\n2\r{}\r\n0\r\n\r\n"),
        ("an extension with LF", "Transfer-Encoding: chunked\r\n\r\n2;a\n{}\r\n0\r\n\r\n"),
        ("a chunk that ends with LF", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\n0\r\n\r\n"),
        ("a chunk longer than its size", "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n"),
        ("a last chunk that ends with LF", "Transfer-Encoding: chunked\r\n\r\n0\n\n"),
    ]

    /// Whole heads whose first line is wrong.
    private static let lines: [(String, @Sendable (String) -> String)] = [
        ("LF after the first line", { "POST \($0) HTTP/1.1\nHost: x\r\nContent-Length: 2\r\n\r\n{}" }),
        ("a tab", { "POST\t\($0)\tHTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" }),
        ("a space at the end", { "POST \($0) HTTP/1.1 \r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" }),
        ("a version of three digits", { "POST \($0) HTTP/1.11\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" }),
        ("another protocol", { "POST \($0) HTTPS/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" }),
        ("a version that is none", { "POST \($0) HTTP/9.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" }),
        ("no version", { "POST \($0)\r\n\r\n" }),
        ("HTTP/2", { _ in "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" }),
        (
            "chunked in HTTP/1.0",
            { "POST \($0) HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" }
        ),
        // Its end is no matter of doubt, but nothing behind it is read as HTTP.
        (
            "HTTP/2 wanted",
            { "POST \($0) HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}" }
        ),
        ("CONNECT", { _ in "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n" }),
    ]

    /// `Host` as the last field, so that it is not its lack that is refused.
    private func hostBehind(_ text: String) -> String {
        text.replacing("\r\n\r\n", with: "\r\nHost: x\r\n\r\n", maxReplacements: 1)
    }

    @Test func whatIsBehindIsNotARequest() async throws {
        try await withServer { server in
            try await server.addCoupon("tea")
            try await server.environment.openShard()
            let token = try await server.token(of: try await server.addUser("ada"))
            let authorization = "Authorization: Bearer \(token)\r\n"
            for path in Self.paths {
                let requests =
                    Self.heads.map { ($0, "POST \(path) HTTP/1.1\r\nHost: x\r\n\(authorization)\($1)") }
                    + Self.heads.map { ("first field: \($0)", "POST \(path) HTTP/1.1\r\n\(hostBehind($1))") }
                    + Self.lines.map { ($0, $1(path)) }
                for (what, request) in requests {
                    // In one piece, and with a cut before what is hidden.
                    for pieces in [[request + Self.hidden], [request, Self.hidden]] {
                        let client = try RawClient(port: server.ports.api)
                        for piece in pieces {
                            try await client.sendAll(piece)
                            if pieces.count > 1 { try await Task.sleep(for: .milliseconds(2)) }
                        }
                        let text = try await client.rest()
                        let answers = TestResponse.parse(text ?? "")
                        #expect(text != nil, "\(path), \(what): the connection stays open after \(answers.map(\.status))")
                        #expect(answers.count == 1, "\(path), \(what): \(answers.map(\.status))")
                        #expect(
                            answers.allSatisfy { (400..<500).contains($0.status) },
                            "\(path), \(what): \(answers.map(\.status))"
                        )
                    }
                }
            }
            #expect(try await server.request("GET", "/livez").status == 200)
        }
    }

    /// The same with nothing wrong: the requests behind are requests, so the test above can fail.
    @Test func whatIsBehindACleanRequestIsARequest() async throws {
        try await withServer { server in
            for path in Self.paths {
                for (space, body) in [
                    (" ", "Content-Length: 2\r\n\r\n{}"),
                    (" ", "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n"),
                    // Not as it should be, but all agree on where it ends.
                    ("  ", "Content-Length: 2\r\n\r\n{}"),
                ] {
                    let client = try RawClient(port: server.ports.api)
                    let last = Self.hidden.replacing("Host: hidden", with: "Host: hidden\r\nConnection: close")
                    try await client.sendAll("POST\(space)\(path) HTTP/1.1\r\nHost: x\r\n\(body)\(last)")
                    let answers = TestResponse.parse(try await client.rest() ?? "")
                    #expect(answers.map(\.status).last == 200 && answers.count == 2, "\(path), \(body): \(answers.map(\.status))")
                }
            }
        }
    }
}
