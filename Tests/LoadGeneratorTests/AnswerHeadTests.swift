import Testing

@testable import LoadGenerator

@Suite struct AnswerHeadTests {
    private func parse(_ text: some StringProtocol) -> AnswerHead.Parsed {
        Array(text.utf8).withUnsafeBytes { AnswerHead.parse($0) }
    }

    private func body(_ text: String) throws -> String {
        try Array(text.utf8).withUnsafeBytes { bytes in
            guard case .complete(let head) = AnswerHead.parse(bytes) else { throw Incomplete() }
            #expect(head.end == bytes.count)
            return head.withBody(in: bytes) { String(decoding: $0, as: UTF8.self) }
        }
    }

    private struct Incomplete: Error {}

    private static let answers = [
        "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}": "{}",
        "HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n": "",
        "HTTP/1.1 200 \r\nCONTENT-LENGTH: \t 3 \t \r\nConnection: keep-alive\r\n\r\nabc": "abc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n": "abc0123456789",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n": "a",
        "HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n": "",
        "HTTP/1.1 409 Conflict\r\nCache-Control: no-store\r\nTE: x\r\nC: d\r\nContent-Length: 19\r\n\r\n{\"code\":\"sold_out\"}":
            "{\"code\":\"sold_out\"}",
    ]

    @Test(arguments: answers.keys.sorted()) func anAnswerIsReadWhereverItIsCut(_ answer: String) throws {
        #expect(try body(answer) == AnswerHeadTests.answers[answer])
        for count in 0..<answer.utf8.count {
            #expect(parse(Substring(answer.utf8.prefix(count))) == .incomplete, "after \(count) bytes")
        }
    }

    @Test func whatFollowsIsNotPartOfIt() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
        guard case .complete(let head) = parse(answer + "HTTP/1.1 200 OK\r\n") else {
            Issue.record("not complete")
            return
        }
        #expect(head.end == answer.utf8.count)
    }

    @Test func itSaysWhetherTheConnectionGoesOn() {
        func keeps(_ version: String, _ field: String) -> Bool? {
            guard case .complete(let head) = parse("HTTP/\(version) 200 OK\r\n\(field)Content-Length: 0\r\n\r\n") else {
                return nil
            }
            return head.keepsConnection
        }
        #expect(keeps("1.1", "") == true)
        #expect(keeps("1.1", "Connection: close\r\n") == false)
        #expect(keeps("1.1", "connection: Close\r\n") == false)
        #expect(keeps("1.0", "") == false)
        #expect(keeps("1.0", "Connection: keep-alive\r\n") == true)
    }

    @Test(arguments: [
        "HTTP/2.0 200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1-200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n111111111\r\n",
    ]) func whatIsNoAnswerIsRefused(_ text: String) {
        #expect(parse(text) == .invalid)
    }

    @Test(arguments: [
        (#"{"type":"/problems/sold_out","code":"sold_out","x":1}"#, "sold_out"), (#"{"code": "a"}"#, "a"), (#"{"code":""}"#, ""),
        (#"{"code":1}"#, nil), (#"{"code":"a"#, nil), (#"{"code":"#, nil), (#"{"codes":"a"}"#, nil), (#"{"code":"a\"b"}"#, nil),
        ("", nil),
    ]) func aMemberIsFoundWithoutReadingTheRest(_ text: String, _ value: String?) {
        let found = Array(text.utf8).withUnsafeBytes { bytes in
            JSONMember("code").string(in: bytes).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(found == value)
    }
}
